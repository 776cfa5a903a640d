"""What a site is judged by at its regular look: connectors gone silent, the whole site dark, its load. Pure.

Looks are wakes at fixed times of event time, so that what is found does not depend on the order in which readings of
different connectors arrived in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schemas.ev import ConnectorState
from services.stream_processors.engine.counting import CALM, Episode, Peak, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import DAY_US, local_day, local_month
from services.stream_processors.ev.connector import Socket
from services.stream_processors.ev.policy import (
    CONNECTOR_FAULT,
    CONNECTOR_SILENT,
    METER_IMPLAUSIBLE,
    SITE_DARK,
    SITE_LOAD_HIGH,
    STATUS_MISMATCH,
    InForce,
)
from services.stream_processors.ev.port import NEW_PORT
from services.stream_processors.ev.state import SiteState

_OFFSETS_MAX: Final = 1_000


def at_or_after(at_us: int, step_us: int) -> int:
    """The first look at or after a moment."""
    start_us = local_period_start(at_us, step_us)
    return start_us if start_us == at_us else start_us + step_us


def find_silent(state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
    """Connectors of which nothing was heard: an alert, and after the greatest age they are taken for removed.

    Of those whose sender is not certain of their state nobody knows when they should have spoken.
    """
    long_ago_us = at_us - policy.silence_us
    for name in sorted([name for name, socket in state.sockets.items() if socket.at_us <= long_ago_us]):
        socket = state.sockets[name]
        if at_us - socket.at_us >= policy.gone_us:
            _remove(state, name, socket.at_us + policy.gone_us, policy, say)
        elif name not in state.silent and not socket.uncertain:
            state.silent[name] = episode = silence(socket, policy)
            say.episode(CONNECTOR_SILENT, name, episode)


def silence(socket: Socket, policy: InForce) -> Episode:
    """The silence of a connector from the moment on at which the limit has passed."""
    began_us = socket.at_us + policy.silence_us
    peak = Peak(began_us, 1, policy.silence_us / MICROSECONDS, (socket.site_name,))
    return Episode(began_us, began_us, 1, peak, (socket.offset,))


def heard_again(state: SiteState, name: str, at_us: int, offset: int, say: Say) -> None:
    """A silent connector speaks."""
    known = state.silent.pop(name, None)
    if known is not None:
        lasted = (at_us - state.sockets[name].at_us) / MICROSECONDS
        say.episode(CONNECTOR_SILENT, name, ended(known, at_us, (offset,), lasted))


def ended(episode: Episode, at_us: int, offsets: tuple[int, ...] = (), value: float | None = None) -> Episode:
    """The episode as it ends at a time."""
    peak = episode.peak if value is None else episode.peak._replace(value=value)
    return replace(
        episode, ended_us=at_us, cleared_us=at_us, offsets=tuple(sorted({*episode.offsets, *offsets})), peak=peak
    )


def _remove(state: SiteState, name: str, at_us: int, policy: InForce, say: Say) -> None:
    """A connector has left the site; what was open about it ends, what it has been stays in the record."""
    state.today[name] = state.of_day(name, at_us, policy.counts)
    state.ports[name] = state.ports.get(name, NEW_PORT).left(at_us)
    del state.sockets[name]
    known = state.silent.pop(name, None)
    if known is not None:
        say.episode(CONNECTOR_SILENT, name, ended(known, at_us))
    for rule, runs in (
        (CONNECTOR_FAULT, state.faults),
        (STATUS_MISMATCH, state.mismatches),
        (METER_IMPLAUSIBLE, state.meters),
    ):
        run = runs.pop(name, CALM)
        if run.episode is not None:
            say.episode(rule, name, ended(run.episode, at_us))


def find_dark(state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
    """The whole site without contact: one alert, for as long as no connector is heard."""
    if state.dark is not None and (state.back_us is not None or not state.sockets):
        end_us = at_us if state.back_us is None else state.back_us
        closed = replace(state.dark, ended_us=end_us, cleared_us=at_us)
        say.episode(SITE_DARK, state.site, closed)
        state.dark, state.back_us = None, None
    sockets = [socket for socket in state.sockets.values() if not socket.uncertain]
    if state.dark is not None or not sockets:
        return
    quiet_us = at_us - policy.dark_us
    if any(socket.at_us > quiet_us and socket.status != ConnectorState.NO_CONTACT for socket in sockets):
        return
    began_us = max([s.at_us + policy.dark_us if s.at_us <= quiet_us else s.since_us for s in sockets])
    offsets = tuple(sorted({socket.offset for socket in sockets})[:_OFFSETS_MAX])
    peak = Peak(began_us, 1, float(len(sockets)), (name_of(state), len(sockets)))
    state.dark, state.back_us = Episode(began_us, at_us, 1, peak, offsets), None
    say.episode(SITE_DARK, state.site, state.dark)


def name_of(state: SiteState) -> str | None:
    """The site's name for people; the first in order if its connectors do not agree."""
    return min((socket.site_name for socket in state.sockets.values() if socket.site_name), default=None)


def find_load(state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
    """The power of all connectors against what the transformer may carry."""
    limit = policy.load_limit(state.site)
    if limit is None:
        return
    live = [
        s
        for s in state.sockets.values()
        if s.power_w is not None and at_us - s.at_us < policy.hold_us and not s.uncertain
    ]
    watts = sum([s.power_w for s in live if s.power_w is not None])
    share = watts / (limit.value * 1_000)
    level = 2 if share > 1 else 1 if share > policy.near_share else 0
    name = min((s.site_name for s in live if s.site_name), default=None)
    offset = max([s.offset for s in live], default=0)
    payload = (name, limit.value, len(live))
    sample = Sample(at_us, level, watts / 1_000, offset, payload, share <= policy.clear_share)
    state.load, episode = advance(state.load, sample, policy.load)
    if episode is not None:
        say.episode(SITE_LOAD_HIGH, state.site, episode)


def next_look(state: SiteState, at_us: int, policy: InForce) -> int | None:
    """When something can have changed: never more often than the pace, at local midnight at least.

    A site whose connectors have all left is looked at when the day and the month in which they left are over.
    """
    if not state.sockets:
        return _closing_time(state, at_us)
    due_us = local_period_start(at_us, DAY_US) + DAY_US
    waits = _first_wait(state, at_us, policy)
    if waits is not None:
        due_us = min(due_us, at_or_after(waits, policy.pace_us))
    if any(at_us - socket.at_us < policy.hold_us + policy.figures_us for socket in state.sockets.values()):
        due_us = min(due_us, local_period_start(at_us, policy.figures_us) + policy.figures_us)
    if state.load != CALM or (state.site in policy.load_limits and _draws(state, at_us, policy)):
        due_us = min(due_us, at_or_after(at_us + 1, policy.pace_us))
    return due_us


def _first_wait(state: SiteState, at_us: int, policy: InForce) -> int | None:
    """When the first connector will have been silent for long enough to be dark, silent or gone."""
    dark_us, silence_us, gone_us = policy.dark_us, policy.silence_us, policy.gone_us
    first_us = None
    for socket in state.sockets.values():
        last_us = socket.at_us
        waited_us = at_us - last_us
        until_us = last_us + (dark_us if waited_us < dark_us else silence_us if waited_us < silence_us else gone_us)
        if until_us > at_us and (first_us is None or until_us < first_us):
            first_us = until_us
    return first_us


def _closing_time(state: SiteState, at_us: int) -> int | None:
    day, month = local_day(at_us), local_month(at_us)
    left = [port.left_us or 0 for port in state.ports.values()]
    if not left:
        return None
    return day.end_us if max(left) > day.start_us else month.end_us


def _draws(state: SiteState, at_us: int, policy: InForce) -> bool:
    return any(s.power_w and at_us - s.at_us < policy.hold_us for s in state.sockets.values())
