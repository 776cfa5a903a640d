"""Looking for the highest rate that is held: doubling, then halves of the span, then lower ones that held. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from services.district.load_verdict import Account

DRAIN_SECONDS: Final = 5.0
"""In which the rest of a long run has to be stored; of a short one a share of its time ..."""
DRAIN_SHARE: Final = 0.1
"""... because what is left at its end was not carried."""
SAFE_SHARE: Final = 0.95
"""Of what was carried while too much was sent."""
FAR_LESS: Final = 0.9


def why_not_held(
    *,
    found: Account,
    seconds: float,
    drained_seconds: float,
    water_judged: bool,
    missed: list[str],
    trouble: str | None,
) -> list[str]:
    """What speaks against a rate; empty: it was held.

    Args:
        seconds: For which it was sent.
        drained_seconds: From the end of the load until all was accounted for.
        water_judged: Each sample of water had an indicator.
        missed: Limits that were not kept.
        trouble: The generator's own.
    """
    reasons = {
        f"{found.lost} neither stored nor in dead letters": found.lost > 0,
        f"stored {drained_seconds:.1f} s after the end": drained_seconds > min(DRAIN_SECONDS, DRAIN_SHARE * seconds),
        "not every sample of water was judged": not water_judged,
    }
    return [reason for reason, holds in reasons.items() if holds] + missed + ([] if trouble is None else [trouble])


@dataclass(slots=True)
class Search:
    """Rates to try, and what was found of them.

    The first rate is doubled while it is held and the greatest allows; then the span between the highest held and the
    lowest not held is halved until it is no wider than `resolution` times the highest held.
    """

    first: float
    greatest: float
    resolution: float
    held: list[float] = field(default_factory=list)
    """Ascending."""
    not_held: float | None = None
    """The lowest."""
    _tried: float | None = None
    """For long, last."""

    def next_rate(self) -> float | None:
        """The rate to probe next; None: the search is over."""
        best = self.held[-1] if self.held else 0.0
        if self.not_held is None:
            return self.first if not self.held else min(2 * best, self.greatest) if best < self.greatest else None
        if self.not_held - best <= self.resolution * max(best, self.first * self.resolution):
            return None
        return (best + self.not_held) / 2

    def note(self, rate: float, *, is_held: bool) -> None:
        """Note what a probe found."""
        if is_held:
            self.held.append(rate)
        else:
            self.not_held = rate

    def fall(self, carried: float | None = None) -> float | None:
        """The rate that is to be tried for long next; None: none is left.

        The highest that was held; after a long run that was not, what that carried less a twentieth, where it was far
        less than what was sent: a probe is short enough to hide what waits. Else the next lower one that was held.

        Args:
            carried: Readings a second that came through in the last long run; None: nobody can say, or there was none.
        """
        if carried is None or self._tried is None or carried > FAR_LESS * self._tried:
            self._tried = self.held.pop() if self.held else None
            return self._tried
        safe = SAFE_SHARE * carried
        self.held = [rate for rate in self.held if rate < safe]
        self._tried = safe
        return safe
