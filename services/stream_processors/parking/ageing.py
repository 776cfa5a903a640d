"""Alerts that nothing confirms any more, and lots that have gone for good. Pure."""

from __future__ import annotations

from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.parking.findings import expired
from services.stream_processors.parking.policy import COUNT_IMPOSSIBLE, COUNTER_STUCK, LOT_FULL, InForce
from services.stream_processors.parking.state import ZoneState


def age(state: ZoneState, lot: str, before_us: int, policy: InForce, say: Say) -> bool:
    """End what nothing has confirmed for longer than its greatest age before a moment.

    An alert ends when its age is reached, whether a wake sees that or the next reading does.

    Returns:
        Whether the lot itself is forgotten.
    """
    last_us = state.lots[lot].at_us
    silent_us = before_us - last_us
    if silent_us <= policy.age_least_us:
        return False
    if silent_us > policy.full_age_us:
        run = state.full.pop(lot, None)
        if run is not None and run.episode is not None:
            say.episode(LOT_FULL, lot, expired(run.episode, last_us, policy.full_age_us))
    if silent_us > policy.impossible_age_us:
        run = state.impossible.pop(lot, None)
        state.said_impossible.pop(lot, None)
        if run is not None and run.episode is not None:
            say.episode(COUNT_IMPOSSIBLE, lot, expired(run.episode, last_us, policy.impossible_age_us))
    if silent_us > policy.stuck_age_us:
        episode = state.stuck.pop(lot, None)
        if episode is not None:
            say.episode(COUNTER_STUCK, lot, expired(episode, last_us, policy.stuck_age_us))
    if silent_us <= policy.forget_us:
        return False
    del state.lots[lot]
    state.today.pop(lot, None)
    state.ended.pop(lot, None)
    state.months.pop(lot, None)
    state.silent.pop(lot, None)
    return True
