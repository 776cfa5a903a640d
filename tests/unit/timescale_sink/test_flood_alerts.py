"""The alert of a device that sends too fast: raised and resolved under one id, with what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from schemas.alert import Alert, AlertEventType
from services.timescale_sink.flood_alerts import RULE, Flood, alerts_of
from services.timescale_sink.telling import BEING_RAISED, RAISED

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def flood(told: int = 0, *, ended: bool = False, device: str = "ev-1") -> Flood:
    over = AT + timedelta(minutes=25) if ended else None
    return Flood("ev", device, AT, AT + timedelta(seconds=20), over, 1_200, told)


def test_the_alert_names_the_device_since_when_and_what_to_do_in_both_languages() -> None:
    (alert,) = alerts_of(flood())
    assert (alert.rule, alert.asset, alert.event, alert.revision) == (RULE, "ev-1", AlertEventType.RAISED, 0)
    assert (alert.started_at, alert.raised_at, alert.observed_value) == (AT, AT + timedelta(seconds=20), 1_200)
    assert alert.text.en == (
        "ev-1: sends too fast; since 2026-03-01 16:00 (Beijing time) what is above its rate is refused"
        " (1200 readings so far, all kept as dead letters). Limit: the rate of a device (decision 0044)."
        " Find out why and slow it down, or `district device revoke` it; then relay what was kept."
    )
    assert "自2026-03-01 16:00（北京时间）起" in alert.text.zh
    assert Alert.model_validate_json(alert.model_dump_json()) == alert


def test_it_is_resolved_under_the_same_id() -> None:
    (raised,), (resolved,) = alerts_of(flood()), alerts_of(flood(RAISED, ended=True))
    assert resolved.alert_id == raised.alert_id
    assert (resolved.event, resolved.revision) == (AlertEventType.RESOLVED, 1)
    assert resolved.previous_at == raised.raised_at
    assert "From 2026-03-01 16:00 to 2026-03-01 16:25 (Beijing time) 1200 readings were refused" in resolved.text.en


def test_what_may_not_have_been_said_is_said_again_and_what_is_over_unsaid_is_said_whole() -> None:
    assert [each.event for each in alerts_of(flood(BEING_RAISED))] == [AlertEventType.RAISED]
    assert [each.event for each in alerts_of(flood(ended=True))] == [AlertEventType.RAISED, AlertEventType.RESOLVED]
    assert list(alerts_of(flood(RAISED))) == []


def test_an_id_that_no_alert_can_be_about_is_said_to_be_one() -> None:
    with pytest.raises(ValidationError):
        list(alerts_of(flood(device="")))
