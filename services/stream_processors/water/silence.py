"""A station that does not report: late, then missing, then taken away. Pure.

last reading        late_us          missing_us                 gone_us
     ├─────────────────┼────────────────┼──────────────────────────┤
                       raised (1)       raised to 2                ended, the station is forgotten
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from services.stream_processors.engine.counting import Episode, Peak
from services.stream_processors.water.regime import GAP_LATE, GAP_MISSING, Regime
from services.stream_processors.water.state import Station

LATE = 1
MISSING = 2


class Silence(NamedTuple):
    """What the passing of time has made of a station's silence."""

    episode: Episode | None
    """As it stands now; None while the station is not late."""
    changed: bool
    gone_us: int | None
    """When the station was given up; None while it is expected."""
    wake_us: int | None
    """When to look again."""


def silence_until(station: Station, device: str, regime: Regime, until_us: int, *, inclusive: bool) -> Silence:
    """Everything that silence brought about before a time, in the station's own interval.

    Args:
        inclusive: Whether what falls due at exactly `until_us` has happened: a reading of that moment comes before it.
    """
    last_us = station.last_us
    passed_us = until_us - last_us - (0 if inclusive else 1)
    episode, changed = station.silence, False
    interval_us = regime.interval_us(device, station.rhythm)
    late_us, missing_us, gone_us = regime.limits_us(interval_us)
    if passed_us < late_us:
        return Silence(episode, False, None, last_us + late_us)
    payload = (station.name, station.body, last_us, interval_us)
    if episode is None:
        at_us, value = last_us + late_us, regime.policy.threshold(GAP_LATE).value
        peak = Peak(at_us, LATE, value, payload)
        episode, changed = Episode(at_us, at_us, LATE, peak, (station.last_offset,)), True
    if passed_us < missing_us:
        return Silence(episode, changed, None, last_us + missing_us)
    if episode.level < MISSING:
        value = regime.policy.threshold(GAP_MISSING).value
        peak = Peak(last_us + missing_us, MISSING, value, payload)
        episode, changed = replace(episode, level=MISSING, peak=peak), True
    ends_us = last_us + gone_us
    if passed_us < gone_us:
        return Silence(episode, changed, None, ends_us)
    return Silence(replace(episode, ended_us=ends_us, cleared_us=ends_us), True, ends_us, None)
