"""What is wrong with a call at a moment: the ten minutes missed, about to be missed, nobody sent. Pure.

    call        dispatch_us      risk_us      deadline_us                give-up
      |- - - - - - -|- - - - - - - -|- - - - - - - -|- - - - - - - - - - - -|
                    not_dispatched -> sent
                                    at_risk ------->
                                                    breach -> arrived, closed or given up

An alert follows from what is known of the call and from how far time has come. It counts as cleared when its end
became *known*, which may be later than the end itself; what ends at the deadline ends there by itself. What has ended
goes on no more, whatever happens to the call: it may be final by then. Only an earlier end may become known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.stream_processors.emergency.calls import MISSING, Call
from services.stream_processors.emergency.policy import AT_RISK, BREACH, NOT_DISPATCHED
from services.stream_processors.engine.counting import Episode, Peak
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.engine.feed_rules import Say

_MINUTE_US: Final = 60 * MICROSECONDS


class Now(NamedTuple):
    """Where event time stands while a call is judged."""

    at_us: int
    reached_us: int
    """Up to here, inclusive, nothing more is expected: the moment itself at a wake, less at a reading."""
    offset: int
    """Of the reading that brought us here."""


def judged(name: str, call: Call, now: Now, say: Say) -> Call:
    """The call judged at a moment; what changed is said."""
    if call.result() is None and call.give_up_us <= now.reached_us:
        call = call._replace(given_up_us=now.at_us)
    breach, risk, waiting = _breach(call, now), _at_risk(call, now), _not_dispatched(call, now)
    if breach is call.breach and risk is call.risk and waiting is call.waiting:
        return call
    _tell(BREACH, name, call.breach, breach, say)
    _tell(AT_RISK, name, call.risk, risk, say)
    _tell(NOT_DISPATCHED, name, call.waiting, waiting, say)
    return call._replace(breach=breach, risk=risk, waiting=waiting)


def next_look_us(call: Call, reached_us: int) -> int | None:
    """When the call must be judged again though nothing is told of it; None: never."""
    if call.result() is not None:
        return None
    limits = call.limits
    moments = [limits.risk_us, limits.deadline_us, call.give_up_us]
    if call.dispatched_us == MISSING:
        moments.append(limits.dispatch_us)
    return min([moment for moment in moments if moment > reached_us], default=None)


def _tell(rule: str, name: str, before: Episode | None, now: Episode | None, say: Say) -> None:
    if now is not None:
        if now != before:
            say.episode(rule, name, now)
    elif before is not None:
        say.no_episode(rule, name, before.started_us)


def _breach(call: Call, now: Now) -> Episode | None:
    deadline_us = call.limits.deadline_us
    reached = call.arrived_us != MISSING
    end_us = call.arrived_us if reached else call.over_us
    if _has_ended(call.breach, end_us):
        return call.breach
    if end_us is None:
        if deadline_us > now.reached_us:
            return None
    elif end_us <= deadline_us:
        return None
    offsets = (call.offset,) if end_us is None else (call.offset, call.arrived_offset if reached else now.offset)
    took_us = (deadline_us if end_us is None else end_us) - call.started_us
    peak = Peak(end_us or deadline_us, 1, round(took_us / _MINUTE_US, 6), (call.street, reached, call.started_us))
    return _episode(call.breach, deadline_us, end_us, peak, now, offsets=offsets)


def _at_risk(call: Call, now: Now) -> Episode | None:
    deadline_us = call.limits.deadline_us
    end_us = call.arrived_us if call.arrived_us != MISSING else call.over_us
    if end_us is None and deadline_us <= now.reached_us:
        end_us = deadline_us
    elif end_us is not None:
        end_us = min(end_us, deadline_us)
    return _warning(call, call.risk, call.limits.risk_us, end_us, now)


def _not_dispatched(call: Call, now: Now) -> Episode | None:
    end_us = call.dispatched_us if call.dispatched_us != MISSING else call.over_us
    return _warning(call, call.waiting, call.limits.dispatch_us, end_us, now)


def _warning(call: Call, said: Episode | None, began_us: int, end_us: int | None, now: Now) -> Episode | None:
    """A warning lasts from a moment on; one that is over by the time it could be given is not given."""
    if _has_ended(said, end_us):
        return said
    if end_us is None:
        if began_us > now.reached_us:
            return None
    elif said is None or end_us <= began_us:
        return None
    until_us = began_us if end_us is None else end_us
    peak = Peak(until_us, 1, (until_us - call.started_us) / MICROSECONDS, (call.street, False, call.started_us))
    return _episode(said, began_us, end_us, peak, now, offsets=(call.offset,), ends_us=call.limits.deadline_us)


def _has_ended(said: Episode | None, end_us: int | None) -> bool:
    """Whether an alert had ended before the end that is known now."""
    return said is not None and said.ended_us is not None and (end_us is None or end_us > said.ended_us)


def _episode(
    said: Episode | None,
    began_us: int,
    end_us: int | None,
    peak: Peak,
    now: Now,
    *,
    offsets: tuple[int, ...],
    ends_us: int | None = None,
) -> Episode:
    """The episode now; the very one that was said when nothing changed.

    Args:
        ends_us: When it ends by itself.
    """
    if said is not None and (said.started_us, said.ended_us) == (began_us, end_us):
        # What has ended stands, with the street known then: it may be final before a later step tells another.
        unchanged = end_us is not None or said.peak.payload == peak.payload
        if unchanged:
            return said
    cleared_us = None if end_us is None else end_us if end_us == ends_us else max(end_us, now.at_us)
    return Episode(began_us, began_us, 1, peak, tuple(sorted(set(offsets))), end_us, cleared_us)
