"""Silence of a car park: `parking.lot_silent`. Pure.

Silence begins when the limit has passed since the last reading and ends with the next one, or with its greatest age:
then the device counts as taken away. It is the same whether a wake sees it or the reading that ends it.
"""

from __future__ import annotations

from dataclasses import replace

from services.stream_processors.engine.counting import Episode, Peak
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.parking.policy import LOT_SILENT, InForce
from services.stream_processors.parking.state import Standing, ZoneState


def find_silent(state: ZoneState, lot: str, at_us: int, policy: InForce, say: Say) -> None:
    """Open the alert if nothing was heard of a lot up to a moment; end it when it has reached its greatest age."""
    standing = state.lots[lot]
    waited_us = at_us - standing.at_us
    if waited_us < policy.silence_us:
        return
    known = state.silent.get(lot)
    if waited_us >= policy.silent_age_us:
        if known is not None:
            del state.silent[lot]
            say.episode(LOT_SILENT, lot, _ended(known, standing, policy.silent_age_us))
    elif known is None:
        known = state.silent[lot] = _silence(standing, policy)
        say.episode(LOT_SILENT, lot, known)


def heard_again(state: ZoneState, entry: Entry, policy: InForce, say: Say) -> None:
    """End the silence of a lot with its next reading, also one that no wake had seen."""
    lot, standing = entry.asset, state.lots[entry.asset]
    waited_us = entry.at_us - standing.at_us
    if waited_us <= policy.silence_us:
        return
    known = state.silent.pop(lot, None)
    if waited_us <= policy.silent_age_us:
        ended = _ended(known or _silence(standing, policy), standing, waited_us, entry.offset)
        say.episode(LOT_SILENT, lot, ended)
    elif known is not None:
        say.episode(LOT_SILENT, lot, _ended(known, standing, policy.silent_age_us))


def _silence(standing: Standing, policy: InForce) -> Episode:
    began_us = standing.at_us + policy.silence_us
    peak = Peak(began_us, 1, policy.silence_us / MICROSECONDS, (standing.name,))
    return Episode(began_us, began_us, 1, peak, (standing.offset,))


def _ended(episode: Episode, standing: Standing, lasted_us: int, offset: int | None = None) -> Episode:
    """The silence as it ends so long after the last reading before it."""
    end_us = standing.at_us + lasted_us
    offsets = episode.offsets if offset is None else tuple(sorted({*episode.offsets, offset}))
    peak = episode.peak._replace(at_us=end_us, value=lasted_us / MICROSECONDS)
    return replace(episode, peak=peak, offsets=offsets, ended_us=end_us, cleared_us=end_us)
