"""Finds the highest rate that is held: short probes, then the best of them for long."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas.fields import LIVE
from services.district.load_running import Result, as_data
from services.district.load_search import Search, why_not_held
from services.district.terminal import say
from simulators.load.generator import LoadPlan

PROBE_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 3.0
"""Between two probes: what one has left to do is not counted against the next."""

Run = Callable[[LoadPlan], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One rate that was tried."""

    result: Result
    why_not: tuple[str, ...]
    """What speaks against it; nothing: it was held."""
    is_long: bool

    @property
    def is_held(self) -> bool:
        """Whether the platform kept up."""
        return not self.why_not

    def to_json(self) -> dict[str, Any]:
        """The object for machines."""
        return as_data(self.result) | {"held": self.is_held, "why_not": list(self.why_not), "long": self.is_long}


@dataclass(frozen=True, slots=True)
class Found:
    """What the search came to."""

    probes: tuple[Probe, ...]
    held: Probe | None
    """The highest rate that was held for the whole time; None: none was."""

    @property
    def first_not_held(self) -> Probe | None:
        """The lowest rate that was not held: what was saturated there comes first."""
        return min((one for one in self.probes if not one.is_held), key=lambda one: one.result.plan.rate, default=None)


async def find_limit(plan: LoadPlan, search: Search, run: Run) -> Found:
    """Probe rates, then hold the best for the time of the plan; where it is not held, the next lower one.

    Args:
        plan: Its rate is the first that is tried; its time is that of the long run.
        search: Chooses the rates.
        run: Runs one load and waits for the far end.

    Raises:
        DistrictError: a server does not answer.
    """
    probes: list[Probe] = []
    while (rate := search.next_rate()) is not None:
        probe = await _tried(plan, rate, min(PROBE_SECONDS, plan.seconds), run, is_long=False)
        probes.append(probe)
        search.note(rate, is_held=probe.is_held)
    carried: float | None = None
    while (rate := search.fall(carried)) is not None:
        probe = await _tried(plan, rate, plan.seconds, run, is_long=True)
        probes.append(probe)
        if probe.is_held:
            return Found(tuple(probes), probe)
        carried = _carried(probe.result)
    return Found(tuple(probes), None)


async def _tried(plan: LoadPlan, rate: float, seconds: float, run: Run, *, is_long: bool) -> Probe:
    one = replace(plan, rate=rate, seconds=seconds, boot_id=f"load-{uuid.uuid4().hex[:12]}", lane=_lane_of(plan))
    result = await run(one)
    found = result.account
    why = (
        ["no database is named, so nobody can say"]
        if found is None or result.drained_seconds is None
        else why_not_held(
            found=found,
            seconds=seconds,
            drained_seconds=result.drained_seconds,
            water_judged=result.water_judged is not False,
            missed=result.too_slow,
            trouble=result.trouble,
        )
    )
    probe = Probe(result, tuple(why), is_long)
    verdict = "held" if probe.is_held else f"not held: {'; '.join(probe.why_not)}"
    say(f"{rate:,.0f}/s for {seconds:g} s: {verdict}", err=True)
    await asyncio.sleep(PAUSE_SECONDS)
    return probe


def _carried(result: Result) -> float | None:
    """Readings a second that came through, the time of draining included; None: nobody can say."""
    found, drained = result.account, result.drained_seconds
    if found is None or drained is None:
        return None
    return (found.stored + found.dead_lettered) / (result.plan.seconds + drained)


def _lane_of(plan: LoadPlan) -> str:
    """A lane of its own for each probe: one that is closed is not opened again."""
    return plan.lane if plan.lane == LIVE else f"{plan.lane[:50]}-{uuid.uuid4().hex[:8]}"
