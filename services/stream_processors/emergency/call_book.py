"""The open and the recent calls of a district. Pure.

A call is kept for its age and the lateness bound, closed or not, so that a step that comes late, or after the call was
given up, belongs to the call that is known and opens no second one. A step that comes later still is of a call that
was counted and forgotten: it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.stream_processors.emergency.call_alerts import Now, judged, next_look_us
from services.stream_processors.emergency.calls import Call, Limits, Result, Told
from services.stream_processors.emergency.state import DistrictState, PeriodKey
from services.stream_processors.emergency.tally import Tally
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import local_day, local_month

WAKE: Final = "call"


class CallBook:
    """Takes in steps of calls.

    Args:
        limits_of: What a call is judged by, from its start.
        kept_us: How long after its start a call is remembered.
    """

    def __init__(self, limits_of: Callable[[int], Limits], kept_us: int) -> None:
        self._limits_of, self._kept_us = limits_of, kept_us

    def take(self, state: DistrictState, name: str, started_us: int | None, told: Told, say: Say) -> bool:
        """Take in a step of a call; whether figures have changed.

        Args:
            started_us: Start of the call's clock as the step tells it; None: not told.
        """
        call = state.calls.get(name)
        is_new = call is None or told.at_us - call.started_us > self._kept_us
        if call is None or is_new:
            if started_us is None or told.at_us - started_us > self._kept_us:
                return False
            if call is not None:
                say.no_wake(f"{WAKE}/{name}")
            call = Call(started_us, told.offset, self._limits_of(started_us))
            _touch(state, started_us)
        now = Now(told.at_us, told.at_us - 1, told.offset)
        return self._judge(state, name, call.told(told), now, say) or is_new

    def look(self, state: DistrictState, name: str, at_us: int, say: Say) -> bool:
        """A call has reached one of its limits; whether figures have changed."""
        call = state.calls.get(name)
        if call is None:
            return False
        return self._judge(state, name, call._replace(wake_us=None), Now(at_us, at_us, call.offset), say)

    @staticmethod
    def _judge(state: DistrictState, name: str, call: Call, now: Now, say: Say) -> bool:
        call = judged(name, call, now, say)
        wake_us = next_look_us(call, now.reached_us)
        if wake_us != call.wake_us:
            if wake_us is None:
                say.no_wake(f"{WAKE}/{name}")
            else:
                say.wake(f"{WAKE}/{name}", wake_us)
            call = call._replace(wake_us=wake_us)
        result, counted = call.result(), call.counted
        if result != counted:
            call = call._replace(counted=result)
            _count(state, call, counted)
        state.calls[name] = call
        return result != counted

    def forget(self, state: DistrictState, horizon_us: int) -> None:
        """Drop the calls that no step can belong to any more."""
        for name in [name for name, call in state.calls.items() if call.started_us + self._kept_us < horizon_us]:
            if state.calls[name].wake_us is None:
                del state.calls[name]


def open_ages(state: DistrictState, period: PeriodKey, at_us: int) -> list[int]:
    """How old the open calls of a period are."""
    start_us, end_us = period
    return [
        at_us - call.started_us
        for call in state.calls.values()
        if call.counted is None and start_us <= call.started_us < min(end_us, at_us)
    ]


def _count(state: DistrictState, call: Call, before: Result | None) -> None:
    """Tell the call's day and month what it came to."""
    now = call.counted
    for period in periods_of(call.started_us):
        tally = state.tallies.get(period, Tally())
        if before is not None:
            tally = tally.plus(before, -1)
        if now is not None:
            tally = tally.plus(now, 1)
        state.tallies[period] = tally
    _touch(state, call.started_us)


def _touch(state: DistrictState, started_us: int) -> None:
    """The figures of the call's day and month are to be said."""
    for period in periods_of(started_us):
        state.tallies.setdefault(period, Tally())
        if period not in state.changed:
            state.changed = tuple(sorted({*state.changed, period}))


def periods_of(started_us: int) -> tuple[PeriodKey, PeriodKey]:
    """The local day and month in which a call counts."""
    day, month = local_day(started_us), local_month(started_us)
    return (day.start_us, day.end_us), (month.start_us, month.end_us)
