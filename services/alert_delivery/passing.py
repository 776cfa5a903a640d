"""Whether an event is passed on to a subscriber, and if not, why not. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from schemas.alert import Alert, AlertEventType
from schemas.alert_action import ActionKind, AlertAction
from schemas.fields import LIVE
from schemas.subscription import Filter
from services.alert_life.filters import wants

EXERCISE: Final = "exercise:"
_ENDS: Final = frozenset({AlertEventType.RESOLVED, AlertEventType.RETRACTED})
_OF_SILENCES: Final = frozenset({ActionKind.SILENCE, ActionKind.UNSILENCE})


class Passing(StrEnum):
    """What is done with an event."""

    SEND = "send"
    LANE = "lane"
    """Of a replay or a what-if: these are nobody's but the operator's."""
    SUPPRESSED = "suppressed"
    """Recorded and not passed on: a maintenance window covers the alert, or another alert stands for it."""
    NOT_WANTED = "not_wanted"
    """The subscriber's filter leaves it out."""
    SILENCED = "silenced"
    """An operator has silenced the asset or its zone; the ledger says that it was withheld."""


def passing(event: Alert | AlertAction, wanted: Filter, zone: str | None, silence: AlertAction | None) -> Passing:
    """What is done with an event.

    Args:
        zone: Zone of the event's asset, None when it has none.
        silence: The silence that covers the asset now, None when it is heard.
    """
    if event.lane != LIVE and not event.lane.startswith(EXERCISE):
        return Passing.LANE
    if isinstance(event, Alert) and event.suppression is not None:
        return Passing.SUPPRESSED
    if not wants(wanted, event, zone):
        return Passing.NOT_WANTED
    if silence is not None and not _is_heard_all_the_same(event, silence):
        return Passing.SILENCED
    return Passing.SEND


def _is_heard_all_the_same(event: Alert | AlertAction, silence: AlertAction) -> bool:
    """What ends or settles an alert that was there before the silence: else it would stay open with the subscriber."""
    if isinstance(event, Alert):
        return event.event in _ENDS and event.raised_at < silence.at
    if event.kind in _OF_SILENCES:
        return True
    return event.alert is not None and event.alert.raised_at < silence.at
