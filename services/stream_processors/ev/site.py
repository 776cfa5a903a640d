"""What a site is judged by at its regular look: connectors gone silent, the whole site dark, its load. Pure.

Looks are wakes at fixed times of event time, so that what is found does not depend on the order in which readings of
different connectors arrived in between.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.ev import ConnectorState
from services.stream_processors.engine.counting import CALM, Episode, Peak, Run, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import DAY_US
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
from services.stream_processors.ev.state import SiteState


def at_or_after(at_us: int, step_us: int) -> int:
    """The first look at or after a moment."""
    start_us = local_period_start(at_us, step_us)
    return start_us if start_us == at_us else start_us + step_us


def find_silent(state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
    """Connectors of which nothing was heard: an alert, and after the greatest age they are taken for removed."""
    for name in sorted(state.sockets):
        socket = state.sockets[name]
        waited_us = at_us - socket.at_us
        if waited_us >= policy.gone_us:
            _remove(state, name, socket.at_us + policy.gone_us, say)
        elif waited_us >= policy.silence_us and name not in state.silent:
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


def _remove(state: SiteState, name: str, at_us: int, say: Say) -> None:
    """Forget a connector; what was open about it ends."""
    del state.sockets[name]
    state.accounts.pop(name, None)
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
    if state.dark is not None or not state.sockets:
        return
    out = [_out_since(socket, at_us, policy) for socket in state.sockets.values()]
    known = [since_us for since_us in out if since_us is not None]
    if len(known) < len(out):
        return
    began_us = max(known)
    offsets = tuple(sorted({socket.offset for socket in state.sockets.values()})[:1_000])
    names = sorted({socket.site_name for socket in state.sockets.values() if socket.site_name})
    peak = Peak(began_us, 1, float(len(out)), (names[0] if names else None, len(out)))
    state.dark, state.back_us = Episode(began_us, at_us, 1, peak, offsets), None
    say.episode(SITE_DARK, state.site, state.dark)


def _out_since(socket: Socket, at_us: int, policy: InForce) -> int | None:
    if at_us - socket.at_us >= policy.dark_us:
        return socket.at_us + policy.dark_us
    return socket.since_us if socket.status is ConnectorState.NO_CONTACT else None


def find_load(state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
    """The power of all connectors against what the transformer may carry."""
    limit = policy.load_limit(state.site)
    if limit is None:
        return
    live = [s for s in state.sockets.values() if s.power_w is not None and at_us - s.at_us < policy.hold_us]
    watts = sum([s.power_w for s in live if s.power_w is not None])
    share = watts / (limit.value * 1_000)
    level = 2 if share > 1 else 1 if share > policy.near_share else 0
    names = sorted({s.site_name for s in live if s.site_name})
    offset = max([s.offset for s in live], default=0)
    payload = (names[0] if names else None, limit.value, len(live))
    sample = Sample(at_us, level, watts / 1_000, offset, payload, share <= policy.clear_share)
    state.load, episode = advance(state.load, sample, policy.load)
    if episode is not None:
        say.episode(SITE_LOAD_HIGH, state.site, episode)


def next_look(state: SiteState, at_us: int, policy: InForce) -> int | None:
    """When something can have changed: never more often than the pace, at local midnight at least."""
    if not state.sockets:
        return None
    pace_us = policy.pace_us
    due_us = local_period_start(at_us, DAY_US) + DAY_US
    for name, socket in state.sockets.items():
        if at_us - socket.at_us < policy.hold_us + policy.figures_us:
            due_us = min(due_us, local_period_start(at_us, policy.figures_us) + policy.figures_us)
        waits = (policy.gone_us,) if name in state.silent else (policy.dark_us, policy.silence_us, policy.gone_us)
        for wait_us in waits:
            look_us = at_or_after(socket.at_us + wait_us, pace_us)
            if look_us > at_us:
                due_us = min(due_us, look_us)
    if state.load != CALM or (policy.load_limit(state.site) is not None and _draws(state, at_us, policy)):
        due_us = min(due_us, at_or_after(at_us + 1, pace_us))
    return due_us


def _draws(state: SiteState, at_us: int, policy: InForce) -> bool:
    return any(s.power_w and at_us - s.at_us < policy.hold_us for s in state.sockets.values())


def is_calm(run: Run) -> bool:
    """Whether nothing of the counting needs to be remembered."""
    return run == CALM
