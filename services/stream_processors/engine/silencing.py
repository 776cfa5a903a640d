"""Planned maintenance silences alerts, and says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.alert import Suppression, SuppressionKind
from schemas.plan.policy import Maintenance
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import from_us, to_us
from services.stream_processors.engine.frame import EpisodeKey


def silenced(
    windows: Iterable[Maintenance], name: EpisodeKey, episode: Episode, key: str, clock_us: int | None
) -> Suppression | None:
    """The mark of an alert that was raised inside a maintenance window and has not outlasted it.

    Args:
        windows: Of the policy in force when the alert was raised.
    """
    rule, asset, _ = name
    for window in windows:
        if window.rules and rule not in window.rules:
            continue
        if window.groups and key not in window.groups:
            continue
        if window.assets and asset not in window.assets:
            continue
        starts_us, ends_us = to_us(window.starts), to_us(window.ends)
        if not starts_us <= episode.raised_us < ends_us:
            continue
        over_us = episode.cleared_us if episode.cleared_us is not None else clock_us
        if over_us is None or over_us <= ends_us - (1 if episode.cleared_us is None else 0):
            return Suppression(kind=SuppressionKind.MAINTENANCE, by=window.id, until=from_us(ends_us))
    return None
