"""What the commands about subscribers refuse, and how they tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.subscription import SubscriptionState
from services.district.deliveries_command import row_of
from services.district.delivery_topic import Deliveries
from services.district.errors import SubscriberUnchanged
from services.district.redeliver_command import _moment
from services.district.subscriber_command import Subscribers, _filter_words, new_secret
from tests.unit.alert_delivery.made import START, alert, seconds, subscription


def attempt(number: int, outcome: DeliveryOutcome, detail: str = "") -> DeliveryAttempt:
    return DeliveryAttempt(
        event_id=alert().event_id,
        alert_id=alert().alert_id,
        event="raised",
        feed=alert().feed,
        asset="lot-1",
        lane="live",
        subscriber="brain",
        attempt=number,
        outcome=outcome,
        at=seconds(number),
        seconds=0.1,
        waited_seconds=0.2,
        partition=0,
        offset=1,
        topic="alerts",
        detail=detail,
    )


def test_an_id_is_given_once_also_after_its_end(tmp_path: Path) -> None:
    known = Subscribers(tmp_path / "subscribers.json")
    known.add(subscription("brain"))
    known.add(subscription("another"))
    assert [each.id for each in known.register().subscriptions] == ["another", "brain"]
    known.set_state("brain", SubscriptionState.ENDED, "by the operator")
    with pytest.raises(SubscriberUnchanged, match="resume"):
        known.add(subscription("brain"))


@pytest.mark.parametrize(
    ("url", "named", "said"),
    [
        ("http://127.0.0.1/", (), "--allow-network"),
        ("https://user:pw@brain.example/", (), "user name"),
        ("https://brain.example/", ("everywhere",), "10.1.2.0/24"),
        ("https://brain.example/#x", (), "fragment"),
    ],
)
def test_a_url_or_network_that_cannot_be_used_is_refused(
    tmp_path: Path, url: str, named: tuple[str, ...], said: str
) -> None:
    known = Subscribers(tmp_path / "subscribers.json")
    with pytest.raises(SubscriberUnchanged, match=said):
        known.add(subscription("brain", url, private_networks=named))
    assert known.register().subscriptions == ()


def test_nobody_is_changed_who_is_not_there(tmp_path: Path) -> None:
    known = Subscribers(tmp_path / "subscribers.json")
    known.add(subscription("brain"))
    with pytest.raises(SubscriberUnchanged, match="there are: brain"):
        known.set_state("brian", SubscriptionState.PAUSED, "")
    with pytest.raises(SubscriberUnchanged):
        known.rotate("brian", new_secret(), START, timedelta(hours=1))


def test_each_secret_is_another_one() -> None:
    secrets = {new_secret().get_secret_value() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(each) for each in secrets} == {50}


def test_a_time_without_an_offset_is_not_guessed() -> None:
    assert _moment("2026-07-01T08:00:00+08:00") == datetime(2026, 7, 1, tzinfo=UTC)
    for text in ("2026-07-01T08:00:00", "yesterday", ""):
        with pytest.raises(SubscriberUnchanged, match=r"no time|no offset"):
            _moment(text)


def test_a_row_tells_the_last_trouble_and_nothing_once_it_went_well() -> None:
    failed = attempt(2, DeliveryOutcome.FAILED, "HTTP 500")
    delivered, withheld = attempt(3, DeliveryOutcome.DELIVERED), attempt(4, DeliveryOutcome.WITHHELD)
    row = row_of(subscription(), Deliveries([failed], {"brain": 7}))
    assert (row.waiting, row.trouble, row.delivered_at) == (7, "HTTP 500", None)
    row = row_of(subscription(), Deliveries([withheld, failed, attempt(1, DeliveryOutcome.DELIVERED)], {}))
    assert (row.waiting, row.trouble) == (None, "HTTP 500")
    row = row_of(subscription(), Deliveries([withheld, delivered, failed], {}))
    assert row.trouble is None
    assert row.outcomes == {"delivered": 1, "failed": 1, "withheld": 1}


def test_a_filter_is_said_in_words() -> None:
    wanted = subscription().filter.model_copy(update={"rules": ("water.*",), "exercises": False})
    assert _filter_words(wanted) == "rule water.*, no exercises"
    assert _filter_words(subscription().filter) == "–"
