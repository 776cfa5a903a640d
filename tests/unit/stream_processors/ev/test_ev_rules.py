"""Faults, silence, a dark site as one alert, load, availability and uptime as two numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.alert import Severity
from schemas.ev import ConnectorState, ErrorCode, EvContext, EvReading, StatusVocabulary
from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.plan.book import PlanBook
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.ev.figures import YEAR_MINUTES, uptime_of, uptime_percent
from services.stream_processors.ev.processor import EvRules
from services.stream_processors.plan.files import load_document
from tests.unit.stream_processors.recorded import Item, Result, item, log_of, run, tick

POLICY = Path(__file__).resolve().parents[4] / "deploy" / "plan" / "policies" / "ev.toml"
START = datetime(2026, 11, 24, 2, tzinfo=UTC)
MINUTE_US = 60_000_000


def policy(**settings: Any) -> PolicyDocument:
    document = load_document(POLICY, PolicyDocument)
    return document.model_copy(update={"settings": {**document.settings, **settings}})


def unhurried(hold_seconds: int) -> PolicyDocument:
    """The policy for connectors that report seldom: a state holds longer, and nobody is silent or dark for hours."""
    document = policy(hold_seconds=hold_seconds)
    longer = {"ev.site_silence": 30_000.0, "ev.silence": 36_000.0}
    limits = [one.model_copy(update={"value": longer.get(one.id, one.value)}) for one in document.limit]
    return document.model_copy(update={"limit": tuple(limits)})


def judge(document: PolicyDocument | None = None) -> TimelineJudge[Any]:
    book = PlanBook([document or policy()])
    return TimelineJudge(EvRules(book), book)


def reading(second: float, connector: str = "c1", status: str = "idle", **fields: Any) -> EvReading:
    return EvReading(
        feed=Feed.EV,
        device_id=connector,
        group_id=fields.pop("site", "site-x"),
        boot_id=fields.pop("boot", "b"),
        seq=fields.pop("seq", int(second * 10)),
        observed_at=START + timedelta(seconds=second),
        context=EvContext.PERIODIC,
        status=ConnectorState(status),
        **fields,
    )


def at(second: float) -> Item:
    return tick(START + timedelta(seconds=second))


def judged(*what: EvReading | Item, document: PolicyDocument | None = None) -> Result:
    return run(judge(document), log_of([item(one) if isinstance(one, EvReading) else one for one in what]))


def steady(connector: str, begin: int, end: int, status: str = "idle", **fields: Any) -> list[EvReading]:
    return [reading(second, connector, status, **fields) for second in range(begin, end, 30)]


def test_a_fault_is_raised_when_samples_five_minutes_apart_say_so() -> None:
    assert judged(reading(0, status="fault"), at(7_000)).events()[0] == "ev.site_dark site-x raised"
    assert not [a for a in judged(reading(0, status="fault"), at(7_000)).alerts if a.rule == "ev.connector_fault"]
    faults = [a for a in judged(*steady("c1", 0, 331, "fault")).alerts if a.rule == "ev.connector_fault"]
    (alert,) = faults
    assert (alert.started_at, alert.raised_at) == (START, START + timedelta(seconds=300))
    assert "故障" in alert.text.zh
    assert "300 s" in alert.text.en


def test_a_grave_error_is_one_level_up_whatever_the_state_says() -> None:
    result = judged(*steady("c1", 0, 331, "charging", error_code=ErrorCode.GROUND_FAILURE))
    assert [a.severity for a in result.alerts] == [Severity.YELLOW]


def test_a_dark_site_is_one_alert_not_forty() -> None:
    names = [f"c{n:02}" for n in range(40)]
    before = [reading(30 * n + index / 100, name) for n in range(4) for index, name in enumerate(names)]
    result = judged(*before, at(95), at(400), at(1_200))
    assert {(a.rule, str(a.event)) for a in result.alerts if a.suppression is None} >= {("ev.site_dark", "raised")}
    assert {a.rule for a in result.alerts} == {"ev.site_dark"}
    assert len(result.alerts[-1].members) == 40
    assert "全站失联" in result.alerts[0].text.zh
    back = judged(*before, at(1_200), *[reading(1_300 + index, name) for index, name in enumerate(names)], at(2_500))
    first = result.alerts[0].alert_id
    dark = [a for a in back.alerts if a.alert_id == first]
    assert dark[-1].ended_at == START + timedelta(seconds=1_300)
    assert not [
        a for a in back.alerts if a.rule == "ev.connector_silent" and a.started_at < START + timedelta(seconds=1_300)
    ]


def test_one_silent_connector_among_others_is_its_own_alert_and_a_scrapped_one_falls_silent_for_good() -> None:
    others = steady("c2", 0, 1_500)
    result = judged(reading(0), *others, at(1_500))
    assert result.events() == ["ev.connector_silent c1 raised"]
    assert result.alerts[0].started_at == START + timedelta(seconds=600)
    gone = judged(reading(0), *others, at(1_500), *[at(1_500 + 86_400 * day) for day in range(1, 10)])
    silent = [a for a in gone.alerts if a.asset == "c1"]
    assert silent[-1].ended_at == START + timedelta(days=7)


def test_site_load_against_the_transformer_s_limit() -> None:
    document = policy(site_limit_kw={"site-x": 100.0})

    def load(kilowatts: float, begin: int) -> list[EvReading]:
        return [
            reading(second, name, "charging", power_kw=kilowatts / 2, rated_power_kw=120.0)
            for second in range(begin, begin + 120, 30)
            for name in ("c1", "c2")
        ]

    result = judged(
        *load(80, 0),
        at(120),
        *load(95, 120),
        at(240),
        *load(120, 240),
        at(360),
        *load(50, 360),
        at(600),
        document=document,
    )
    said = [a for a in result.alerts if a.rule == "ev.site_load_high"]
    assert [(str(a.event), a.severity) for a in said[:2]] == [("raised", "IV"), ("escalated", "II")]
    assert str(said[-1].event) == "resolved"
    assert (said[1].threshold.value, said[1].threshold.unit, said[1].observed_value) == (100.0, "kW", 120.0)
    exactly = judged(*load(90, 0), at(200), document=document)
    assert not [a for a in exactly.alerts if a.rule == "ev.site_load_high"], "exactly near the limit is within it"


def test_a_register_that_falls_back_is_found_and_adds_no_energy() -> None:
    result = judged(
        reading(0, energy_register_kwh=100.0),
        reading(30, energy_register_kwh=105.0),
        reading(60, energy_register_kwh=20.0),
        reading(90, energy_register_kwh=21.5),
        reading(120, energy_register_kwh=0.5, boot="b2", seq=0),
        at(1_000),
    )
    assert "ev.meter_implausible c1 raised" in result.events()
    energy = next(f for (_, name, *_), f in result.figures().items() if name == "ev.energy")
    assert energy["value"] == 6.5


def test_a_state_that_contradicts_the_vendor_s_word_is_found() -> None:
    wrong = {"status_vocabulary": StatusVocabulary.OCPP_1_6, "status_word": "Charging"}
    result = judged(*steady("c1", 0, 90, "idle", **wrong))
    assert result.events() == ["ev.status_mismatch c1 raised"]
    assert "Charging" in result.alerts[0].text.en


def test_occupied_with_energy_is_charging() -> None:
    book = PlanBook([policy()])
    told = reading(
        0, status="plugged", status_vocabulary=StatusVocabulary.OCPP_2_0_1, status_word="Occupied", power_kw=7.0
    )
    found = EvRules(book).entry(told)
    assert found is not None
    assert found[1][0] == "charging"


def figures_of(result: Result, name: str) -> dict[str, Any]:
    return next(f for (_, indicator, *_), f in result.figures().items() if indicator == name)


def test_availability_and_uptime_are_two_numbers() -> None:
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)
    begin = int((midnight - START).total_seconds())
    half = begin + 43_200
    log = [*steady("c1", begin, half, "charging"), *steady("c1", half, begin + 86_400, "idle"), at(begin + 86_401)]
    result = judged(*log)
    day = {
        name: f
        for (_, name, _, start, end, _), f in result.figures().items()
        if start == midnight and end - start == timedelta(days=1)
    }
    assert day["ev.availability"]["value"] == pytest.approx(0.5, abs=0.001)
    assert day["ev.uptime"]["value"] == 100.0
    assert day["ev.uptime"]["status"] is IndicatorStatus.MET
    assert day["ev.utilisation"]["value"] == pytest.approx(0.5, abs=0.001)
    assert day["ev.uptime"]["threshold"]["source"]["id"] == "23 CFR 680.116"


def limit(value: float = 97.0) -> Threshold:
    source = ThresholdSource(
        kind=SourceKind.STANDARD, id="23 CFR 680.116", version="2023", where="(b)", valid_from=START.date()
    )
    return Threshold(id="ev.uptime", value=value, unit="%", comparator=Comparator.GT, source=source)


@pytest.mark.parametrize(
    ("outage", "excluded", "percent"),
    [(0, 0, 100.0), (15_768, 0, 97.0), (15_768, 1, 97.00019025875190), (525_600, 0, 0.0), (26_280, 26_280, 100.0)],
)
def test_the_uptime_formula(outage: float, excluded: float, percent: float) -> None:
    """23 CFR 680.116(b): 525,600 minutes, in leap years too."""
    assert uptime_percent(YEAR_MINUTES, outage, excluded) == pytest.approx(percent, abs=1e-12)


@pytest.mark.parametrize(
    ("outage", "unknown", "status"),
    [
        (15_768, 0, IndicatorStatus.NOT_MET),  # exactly 97 % is not above 97 %
        (15_767, 0, IndicatorStatus.MET),
        (0, 20_000, IndicatorStatus.CANNOT_SAY),
        (16_000, 20_000, IndicatorStatus.NOT_MET),
        (0, 15_000, IndicatorStatus.MET),
    ],
)
def test_uptime_is_met_only_if_the_unknown_time_cannot_change_it(
    outage: int, unknown: int, status: IndicatorStatus
) -> None:
    total = YEAR_MINUTES * MINUTE_US
    assert uptime_of(total, outage * MINUTE_US, 0, unknown * MINUTE_US, limit())[1] is status


def test_a_policy_whose_dark_site_comes_after_its_silent_connectors_does_not_load() -> None:
    document = policy()
    slow = [e.model_copy(update={"value": 900.0}) if e.id == "ev.site_silence" else e for e in document.limit]
    with pytest.raises(PlanFileError, match="shorter"):
        judge(document.model_copy(update={"limit": tuple(slow)}))
