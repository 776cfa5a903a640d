"""Chance in streams split by name: each has its own generator, so that nobody's throws move anybody else's. Seeded."""

from __future__ import annotations

from math import exp
from random import Random


def dice(*name: object) -> Random:
    """Return the stream of a name: the same name is the same numbers, in every process and on every machine.

    Args:
        name: The seed first, then whose it is: `dice(7, "charging", "site-cbd-east")`.
    """
    return Random("|".join(map(str, name)))


def poisson(stream: Random, mean: float) -> int:
    """Return a count of mean `mean`; its cost grows with it."""
    if mean > 30.0:  # halves add up, and exp(-mean) stays far from zero
        return poisson(stream, mean / 2) + poisson(stream, mean / 2)
    limit, count, product = exp(-mean), 0, stream.random()
    while product > limit:
        count += 1
        product *= stream.random()
    return count
