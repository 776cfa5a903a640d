"""An alert is the same row whether memory or the database answers; filters ask memory what they ask the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

from schemas.alert import Severity, Suppression, SuppressionKind
from schemas.alert_action import ActionKind, SilenceScope
from schemas.fields import Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.alert_life.life import NOTHING_KNOWN, Life, Standing, with_action, with_event
from services.alert_life.silences import Silences
from services.operations_api.alert_query import AlertQuery
from services.operations_api.alert_rows import row_of, row_of_stored
from services.operations_api.archive import Archive
from services.operations_api.models import assets as api_assets
from services.operations_api.models import books, figures
from services.operations_api.models.alerts import AlertRow
from services.operations_api.places import Place, PlacedAsset, Places
from services.read_model import alerts as stored_alerts
from services.read_model import asset_day, assets, deliveries, feeds, ledger, targets
from services.read_model.indicators import IndicatorRow
from tests.api_samples import action, alert, at, resolved, silence

PLACE = Place("zone-1", 114.25, 30.6)
PLACES = Places([PlacedAsset("parking", "lot-0", PLACE)], {"lot-9": "zone-9", "zone-9": "zone-9"})
SUPPRESSED = Suppression(kind=SuppressionKind.MAINTENANCE, by="window-1", until=at(90))


def lives() -> list[Life]:
    first = with_event(NOTHING_KNOWN, alert(0))
    found = [first, with_event(NOTHING_KNOWN, alert(0, 1, suppression=SUPPRESSED)), with_event(first, resolved(0))]
    for kind, seen in (
        (ActionKind.ACKNOWLEDGE, 0),
        (ActionKind.RECEIVE, None),
        (ActionKind.ASSIGN, 1),
        (ActionKind.ESCALATE, None),
        (ActionKind.CLOSE, 2),
    ):
        first, _ = with_action(first, action(kind, alert(0), kind.value, seen=seen))
        found.append(first)
    found.append(with_event(first, alert(0, 1, severity=Severity.RED)))
    return found


def stored(life: Life) -> stored_alerts.AlertRow:
    """The row of the read model that says the same."""
    known = life.alert
    assert known is not None
    taken, closed, escalated = life.acknowledged, life.closed, life.escalated
    source = known.threshold.source
    fields: dict[str, Any] = dict.fromkeys(stored_alerts.AlertRow.__dataclass_fields__)
    fields |= {name: getattr(known, name) for name in fields if hasattr(known, name)}
    fields |= {
        "text_zh": known.text.zh,
        "text_en": known.text.en,
        "threshold_value": known.threshold.value,
        "threshold_unit": known.threshold.unit,
        "threshold_comparator": known.threshold.comparator.value,
        "source_kind": source.kind.value,
        "source_id": source.id,
        "source_version": source.version,
        "source_where": source.where,
        "suppression": None if known.suppression is None else known.suppression.model_dump(mode="json"),
        "zone": PLACE.zone,
        "longitude": PLACE.longitude,
        "latitude": PLACE.latitude,
        "standing": stored_alerts.Standing(life.standing.value),
        "seen": life.seen,
        "acknowledged_at": taken and taken.at,
        "acknowledged_by": taken and taken.by,
        "acknowledged_by_name": taken and taken.by_name,
        "assignee": life.assignee,
        "closed_at": closed and closed.at,
        "closed_by": closed and closed.by,
        "closed_by_name": closed and closed.by_name,
        "closed_words": closed and closed.words,
        "escalated_at": escalated and escalated.at,
        "received_by": tuple(life.received),
    }
    return stored_alerts.AlertRow(**fields)


@pytest.mark.parametrize("life", lives())
@pytest.mark.parametrize("quiet", [False, True])
def test_memory_and_database_give_the_same_row(life: Life, quiet: bool) -> None:
    silences = Silences()
    if quiet:
        silences.take(silence("zone-1", "s", at(200), SilenceScope.ZONE))
    row = row_of(life, silences, PLACES.of, at(100))
    assert row == row_of_stored(stored(life), silences, at(100))
    assert row.silenced_until == (at(200) if quiet else None)
    assert (row.closed is not None) is (row.standing is Standing.CLOSED)
    assert AlertRow.model_validate_json(row.model_dump_json()) == row


def test_a_place_that_the_database_does_not_know_has_its_zone_by_the_district_file() -> None:
    assert PLACES.of(Feed.PARKING, "lot-0") == PLACE
    assert PLACES.of(Feed.EV, "lot-0") == PLACE, "an alert of another feed about the same asset"
    assert PLACES.of(Feed.PARKING, "lot-9") == Place("zone-9", None, None)
    assert PLACES.of(Feed.PARKING, "nowhere") is None
    assert PLACES.knows(SilenceScope.ZONE, "zone-9")
    assert not PLACES.knows(SilenceScope.ZONE, "lot-9")
    assert Places().knows(SilenceScope.ASSET, "anything"), "while nothing is known, there may be"


def query(**more: Any) -> AlertQuery:
    names = ("standing", "feed", "severity", "zone", "asset", "assignee", "words", "as_of")
    return AlertQuery.of(**(dict.fromkeys(names) | {"lane": "live"} | more))


@pytest.mark.parametrize(
    ("more", "passes"),
    [
        ({}, True),
        ({"standing": "open,closed"}, False),
        ({"standing": "acknowledged"}, True),
        ({"feed": "ev,water"}, False),
        ({"feed": "parking"}, True),
        ({"severity": "I,II"}, False),
        ({"severity": "III"}, True),
        ({"zone": "zone-2"}, False),
        ({"zone": "zone-1"}, True),
        ({"asset": "lot-1"}, False),
        ({"lane": "exercise:x"}, False),
        ({"assignee": "Li"}, True),
        ({"assignee": "Wang"}, False),
        ({"words": "FULL"}, True),
        ({"words": "满"}, True),
        ({"words": "parking.f"}, True),
        ({"words": "empty"}, False),
    ],
)
def test_filters_let_pass_what_is_asked_for(more: dict[str, Any], passes: bool) -> None:
    life, _ = with_action(with_event(NOTHING_KNOWN, alert(0)), action(ActionKind.ASSIGN, alert(0), "a", seen=0))
    row = row_of(life, Silences(), PLACES.of, at(100))
    assert query(**more).wants(row) is passes


def test_only_what_may_be_over_needs_the_database() -> None:
    assert not query(standing="open,acknowledged,closed").needs_history
    assert query(standing="open,resolved").needs_history
    assert query().needs_history
    assert query(standing="open", as_of=at(0)).needs_history


async def test_an_indicator_keeps_its_limit_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ThresholdSource(kind=SourceKind.PLAN, id="plan", version="1", where="page 31", valid_from=at(0).date())
    limit = Threshold(id="water.class", value=3.0, unit="class", comparator=Comparator.LE, source=source)
    said = dict.fromkeys(IndicatorRow.__dataclass_fields__) | {
        "id": "water.class", "subject": "beihu", "lane": "live", "feed": "water", "period_start": at(0),
        "period_end": at(1), "unit": "class", "status": "met", "status_reason": "3 is within 3", "n": 1,
        "completeness": 1.0, "revision": 0, "threshold": limit.model_dump(mode="json"), "details": {"class": 3},
    }  # fmt: skip

    class OnePage:
        items = (IndicatorRow(**said),)  # type: ignore[arg-type]
        next_cursor = None

    async def answer(*_: Any, **__: Any) -> Any:
        return OnePage

    monkeypatch.setattr("services.operations_api.archive.indicators.indicators", answer)
    archive = Archive(None, now=lambda: datetime.now(UTC), grafana_url=None)  # type: ignore[arg-type]
    page = await archive.indicators(as_of=None, indicator=None, subject=None, lane="live", limit=1, cursor=None)
    assert page.items[0].threshold == limit


PAIRS = [
    (assets.AssetRow, api_assets.AssetRow),
    (asset_day.Point, api_assets.Point),
    (asset_day.Change, api_assets.StateChange),
    (IndicatorRow, figures.IndicatorRow),
    (targets.TargetRow, figures.TargetRow),
    (stored_alerts.AlertRow, AlertRow),
    (ledger.BookRow, books.FeedLedger),
    (ledger.DeviceHourRow, books.DeviceHour),
    (ledger.LogGapRow, books.LogGap),
    (deliveries.DeliveryRow, books.DeliveryRow),
    (feeds.FeedHealthRow, books.FeedRow),
]


@pytest.mark.parametrize(("row", "model"), PAIRS)
def test_what_the_database_may_leave_open_may_be_null_in_the_contract(row: type[Any], model: type[BaseModel]) -> None:
    said = get_type_hints(row)
    for name, field in model.model_fields.items():
        if name in said and type(None) in get_args(said[name]):
            assert type(None) in get_args(field.annotation), name
