"""The state of a district as release 2 wrote it (JSON), brought up to the present form. Pure.

What release 2 did not know (when a call's limits fall due, what was said of it) follows from the documents in force
when the call began. What had ended counts as said, so that nothing is said of it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.emergency import UnitState
from services.stream_processors.emergency.calls import MISSING, Call, Limits, Outcome, Result
from services.stream_processors.emergency.packed import add_ages
from services.stream_processors.emergency.state import Cover, DistrictState
from services.stream_processors.emergency.tally import Tally, times_of
from services.stream_processors.emergency.units import Legs, Unit
from services.stream_processors.engine.counting import Episode, Peak, load_run

LimitsOf = Callable[[int], Limits]
"""The limits of a call from its start."""


def district_of_release_2(dumped: list[Any], district: str, limits_of: LimitsOf) -> DistrictState:
    """A district from its JSON-ready form."""
    calls, tallies, changed, units, legs, cover, low, best_cells, midnight_us = dumped
    state = DistrictState(
        district,
        calls={name: _call(call, limits_of) for name, call in calls.items()},
        tallies={(start, end): _tally(*tally) for start, end, tally in tallies},
        changed=tuple((start, end) for start, end in changed),
        units={name: _unit(*unit) for name, unit in units.items()},
        legs={hour: Legs._make(of) for hour, of in legs},
        cover=None if cover is None else Cover._make([int(number, 16) for number in cover]),
        low=load_run(low),
        best_cells=int(best_cells, 16),
        midnight_us=midnight_us,
    )
    add_ages(state)
    return state


def _call(dumped: list[Any], limits_of: LimitsOf) -> Call:
    started_us, offset, street, arrived_us, arrived_offset, dispatched_us, closed_us, units, *rest = dumped
    given_up, breach, risk, waiting, counted = rest
    limits = limits_of(started_us)
    unreached = arrived_us == MISSING and counted is not None
    end_us = arrived_us if arrived_us != MISSING else closed_us if unreached or given_up else None

    def said(flag: bool, began_us: int, ended_us: int | None) -> Episode | None:
        if not flag or (ended_us is not None and ended_us < began_us):
            return None
        peak = Peak(began_us if ended_us is None else ended_us, 1, None, (street,))
        return Episode(began_us, began_us, 1, peak, (offset,), ended_us, ended_us)

    breach_end_us = None if end_us is None else max(end_us, limits.deadline_us)
    risk_end_us = min(end_us or limits.deadline_us, limits.deadline_us) if breach or end_us is not None else None
    return Call(
        started_us,
        offset,
        limits,
        street,
        arrived_us,
        arrived_offset,
        dispatched_us,
        busy=tuple(sorted(unit for unit, free in units if not free)),
        left_us=closed_us if units else MISSING,
        # Release 2 took a call for closed when all its units had left; what it has counted stays so.
        given_up_us=closed_us if given_up or unreached else MISSING,
        breach=said(breach, limits.deadline_us, breach_end_us),
        risk=said(risk, limits.risk_us, risk_end_us),
        waiting=said(waiting, limits.dispatch_us, None),
        counted=None if counted is None else Result(Outcome(counted[0]), counted[1], counted[2]),
    )


def _tally(responses: list[Any], unreached: int, doubtful: int) -> Tally:
    often: dict[int, int] = {}
    streets: dict[str, dict[int, int]] = {}
    for us, street in responses:
        often[us] = often.get(us, 0) + 1
        if street:
            times = streets.setdefault(street, {})
            times[us] = times.get(us, 0) + 1
    return Tally(
        times_of(often.items()),
        {street: times_of(times.items()) for street, times in streets.items()},
        sum(sum(times.values()) for times in streets.values()),
        unreached,
        doubtful,
    )


def _unit(
    state: str,
    at_us: int,
    place: list[float] | None,
    counted: list[float] | None,
    leg: list[Any] | None,
) -> Unit:
    return Unit(
        UnitState(state),
        at_us,
        None if place is None else (place[0], place[1]),
        None if counted is None else (counted[0], counted[1]),
        None if leg is None else (leg[0], leg[1], leg[2]),
    )
