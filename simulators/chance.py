"""Chance without a generator: the same key is always the same number, so every model is a function of its arguments."""

from __future__ import annotations

import hashlib
from datetime import datetime
from itertools import pairwise
from math import cos, exp, floor, log, pi, sqrt
from typing import Final

from schemas.fields import DISTRICT_ZONE

_FULL: Final = float(1 << 64)

Profile = tuple[tuple[float, float], ...]
"""Hour of day and value, ascending from hour 0; runs on to the next day's first value."""


def draw(*key: object) -> float:
    """Return a number from 0 up to 1 that belongs to the key."""
    text = "|".join(map(str, key))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / _FULL


def between(low: float, high: float, *key: object) -> float:
    """Return a number from `low` up to `high`."""
    return low + (high - low) * draw(*key)


def exponential(mean: float, *key: object) -> float:
    """Return a waiting time."""
    return -mean * log(1.0 - draw(*key))


def normal(*key: object) -> float:
    """Return a standard normal number."""
    return sqrt(-2.0 * log(1.0 - draw(*key, "radius"))) * cos(2 * pi * draw(*key, "angle"))


def poisson(mean: float, *key: object) -> int:
    """Return a count; meant for small means."""
    limit, product, count = exp(-mean), draw(*key, 0), 0
    while product > limit:
        count += 1
        product *= draw(*key, count)
    return count


def wander(seconds: float, period_seconds: float, *key: object) -> float:
    """Return a smooth walk between -1 and 1 that turns about once a period."""
    place = seconds / period_seconds
    left = floor(place)
    share = place - left
    smooth = share * share * (3 - 2 * share)
    a, b = draw(*key, left), draw(*key, left + 1)
    return 2 * (a + (b - a) * smooth) - 1


def local_hour(at: datetime) -> float:
    """Return the hour of day in Wuhan, with its fraction."""
    local = at.astimezone(DISTRICT_ZONE)
    return local.hour + local.minute / 60 + local.second / 3600


def is_weekend(at: datetime) -> bool:
    """Whether it is Saturday or Sunday in Wuhan."""
    return at.astimezone(DISTRICT_ZONE).weekday() >= 5


def by_hour(profile: Profile, hour: float) -> float:
    """Return the value of a daily profile, linear between its points."""
    points = (*profile, (24.0 + profile[0][0], profile[0][1]))
    for (h0, v0), (h1, v1) in pairwise(points):
        if h0 <= hour <= h1:
            return v0 + (v1 - v0) * (hour - h0) / (h1 - h0)
    return profile[-1][1]
