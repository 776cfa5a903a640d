"""What the year will reach at this rate, with an interval. Pure, and the same for the same whole sums.

For each building: what came in so far (m months), divided by the share of a year that these months usually hold, is the
expected year's sum. The months still to come differ from their expected share by a spread estimated from the months so
far; the rate itself is uncertain by the same spread over the root of the months seen. The chance that the sum reaches
the limit is that of a normal distribution. The number of buildings is the sum of these chances; its interval adds the
buildings' own uncertainty and a part that they share. Usual shares come from the district's past years, and from the
policy until there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

_NORMAL: Final = NormalDist()
MONTHS: Final = 12


class Method(NamedTuple):
    """The policy's part of it."""

    confidence: float
    month_shares: tuple[float, ...]
    spread_min: float
    common_share: float


class Forecast(NamedTuple):
    """How many buildings will reach the limit."""

    expected: float
    lower: int
    upper: int
    already: int
    """Buildings that are there."""
    years_of_past: int


def whole_years(past: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """Past years with tax in every month; a year that is known in part tells nothing about its months."""
    return [year for year in past if min(year) > 0]


def usual_shares(past: Sequence[Sequence[int]], method: Method) -> tuple[float, ...]:
    """Share of a year's tax in each month: of whole past years where there are any, else the policy's."""
    past = whole_years(past)
    sums = [sum([year[month] for year in past]) for month in range(MONTHS)]
    total = sum(sums)
    if total <= 0:
        whole = sum(method.month_shares)
        return tuple(share / whole for share in method.month_shares)
    return tuple(part / total for part in sums)


def chance_to_reach(months: Sequence[int], limit: int, shares: Sequence[float], spread_min: float) -> float:
    """Chance that a building's year reaches the limit, after the months given (all of them complete).

    Args:
        months: Sums of the months so far, in any unit, that of `limit`.
    """
    seen = len(months)
    so_far = sum(months)
    left = MONTHS - seen
    if left == 0:
        return 1.0 if so_far >= limit else 0.0
    share = sum(shares[:seen])
    if share <= 0 or so_far <= 0:
        return 1.0 if so_far >= limit else 0.0
    year = so_far / share
    expected = [year * part for part in shares]
    mean = year / MONTHS
    squares = sum([(got - want) ** 2 for got, want in zip(months, expected, strict=False)])
    # One degree of freedom goes to the rate; few months are drawn towards the least spread.
    spread = sqrt((squares + (spread_min * mean) ** 2 * 2) / (max(1, seen - 1) + 2))
    spread = max(spread, spread_min * mean)
    deviation = spread * sqrt(left + left * left / seen)
    return _NORMAL.cdf((so_far + year * sum(shares[seen:]) - limit) / deviation)


def forecast(
    buildings: Iterable[tuple[int, ...]], limit: int, past: Sequence[Sequence[int]], method: Method
) -> Forecast:
    """How many of the buildings will reach the limit by the end of the year.

    Args:
        buildings: For each, the sums of the year's complete months so far, in the order of the buildings' ids.
        past: District sums by month of past years.
    """
    shares = usual_shares(past, method)
    chances: list[float] = []
    already = reached = 0
    for months in buildings:
        chance = chance_to_reach(months, limit, shares, method.spread_min)
        chances.append(chance)
        already += sum(months) >= limit
        reached += 1
    expected = sum(chances)
    own = sum([chance * (1 - chance) for chance in chances])
    shared = sum([sqrt(chance * (1 - chance)) for chance in chances]) ** 2
    deviation = sqrt((1 - method.common_share) * own + method.common_share * shared)
    reach = _NORMAL.inv_cdf(0.5 + method.confidence / 2) * deviation
    lower = max(0, floor(expected - reach + 0.5))
    upper = min(reached, floor(expected + reach + 0.5))
    return Forecast(round(expected, 6), lower, max(lower, upper), already, len(whole_years(past)))
