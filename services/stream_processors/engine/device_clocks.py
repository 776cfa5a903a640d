"""Clocks of devices that are wrong: by how much their times differ from those at which the broker took readings. Pure.

    ahead     a reading cannot come before it was made: whatever is dated later than the broker's time by more than the
              limit counts
    behind    counts while the difference stands still. What a device has kept and sends after an outage is behind as
              well, but catches up: each reading is less behind than the one before. Nor does a reading count that is
              dated at the start of its own interval (an hour's mean is an hour behind by rights): the device's own
              interval is taken off

Only `live` is looked at: nowhere else is the broker's time that of the readings. Time here is the broker's, in the
order of the log. A difference that grows slowly (drift) is noticed once it is beyond the limit, and told again each
time it has doubled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from schemas.plan.policy import PolicyDocument
from schemas.verdict import Threshold
from services.stream_processors.engine.announcing import Book
from services.stream_processors.engine.counting import CALM, Debounce, Episode, Peak, Run, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.engine.frame import EpisodeKey

CLOCK_WRONG: Final = "device.clock_wrong"
AHEAD_LIMIT: Final = "device.clock_ahead"
BEHIND_LIMIT: Final = "device.clock_behind"

STANDS_STILL_US: Final = 30 * MICROSECONDS
"""A difference that has changed by no more stands still; or by no more than half the device's own interval."""
_UNKNOWN: Final = -1


class ClockPolicy(NamedTuple):
    """What the policy of a feed says about clocks."""

    ahead_us: int
    behind_us: int
    debounce: Debounce
    silent_us: int
    """An alert ends when nothing was heard of the device for so long."""
    ahead: Threshold
    behind: Threshold


def clock_policy(document: PolicyDocument) -> ClockPolicy | None:
    """The part of a policy that is about clocks; None when it has none.

    Raises:
        PlanFileError: the rule is there and its limits are not, or cannot be used.
    """
    rule = next((rule for rule in document.rule if rule.id == CLOCK_WRONG), None)
    if rule is None:
        return None
    return ClockPolicy(
        round(document.seconds(AHEAD_LIMIT) * MICROSECONDS),
        round(document.seconds(BEHIND_LIMIT) * MICROSECONDS),
        Debounce.of(rule),
        round((rule.max_age_seconds or 7 * 86_400) * MICROSECONDS),
        document.threshold(AHEAD_LIMIT),
        document.threshold(BEHIND_LIMIT),
    )


class Watch(NamedTuple):
    """A device whose times are, or were lately, beyond a limit."""

    least_us: int
    """The least and the greatest difference since it stands still; more than 0: the device is ahead."""
    most_us: int
    arrived_us: int
    """When its last reading came."""
    at_us: int
    """What that was dated."""
    step_us: int = _UNKNOWN
    """The least time between two of its readings, by its own clock."""
    run: Run = CALM


@dataclass(slots=True)
class Clocks:
    """Devices of a key whose clocks are, or were, wrong."""

    watches: dict[str, Watch] = field(default_factory=dict)
    episodes: dict[EpisodeKey, Episode] = field(default_factory=dict)
    book: Book = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.watches or self.episodes or self.book)

    def put(self, device_id: str, episode: Episode | None) -> list[EpisodeKey]:
        """Take in an episode that began, changed or ended; its name."""
        if episode is None:
            return []
        name = (CLOCK_WRONG, device_id, episode.started_us)
        self.episodes[name] = episode
        return [name]


def heard(
    watch: Watch | None, at_us: int, arrived_us: int, offset: int, policy: ClockPolicy
) -> tuple[Watch | None, Episode | None]:
    """A device after one more reading, None once nothing is wrong; and the episode, if it began, changed or ended.

    Args:
        watch: As it stood; None: nothing was wrong.
        at_us: What the reading is dated.
        arrived_us: When the broker took it.
        offset: Of the reading.
        policy: In force.
    """
    differs_us = at_us - arrived_us
    run = CALM
    least_us = most_us = differs_us
    step_us = _UNKNOWN
    if watch is not None:
        step_us = _step(watch, at_us)
        run, least_us, most_us = watch.run, min(watch.least_us, differs_us), max(watch.most_us, differs_us)
        if most_us - least_us > max(STANDS_STILL_US, step_us // 2):
            least_us = most_us = differs_us
            if run.episode is None and differs_us <= policy.ahead_us:
                run = CALM
    own_us = max(0, step_us)
    is_behind = -differs_us - own_us > policy.behind_us
    level: int | None = int(differs_us > policy.ahead_us or is_behind)
    if is_behind and step_us == _UNKNOWN:
        level = None  # it may be the start of a long interval
    sample = Sample(arrived_us, level, round(differs_us / MICROSECONDS, 3), offset)
    run, episode = advance(run, sample, policy.debounce)
    if episode is None and level and run.episode is not None:
        run, episode = _grown(run, run.episode, sample)
    if run == CALM and level == 0:
        return None, episode
    return Watch(least_us, most_us, arrived_us, at_us, step_us, run), episode


def _step(watch: Watch, at_us: int) -> int:
    step_us = abs(at_us - watch.at_us)
    if step_us == 0:
        return watch.step_us
    return step_us if watch.step_us == _UNKNOWN else min(step_us, watch.step_us)


def _grown(run: Run, episode: Episode, sample: Sample) -> tuple[Run, Episode | None]:
    """Say again how far a clock is wrong once that has doubled."""
    before, now = episode.peak.value or 0.0, sample.value or 0.0
    if abs(now) < 2 * abs(before):
        return run, None
    offsets = tuple(sorted({*episode.offsets, sample.offset}))
    episode = replace(episode, peak=Peak(sample.at_us, 1, now, ()), offsets=offsets)
    return run._replace(episode=episode), episode


def ended(watch: Watch, at_us: int) -> Episode | None:
    """The episode of a device of which nothing was heard for long, as it ends; None when there is none."""
    episode = watch.run.episode
    return None if episode is None else replace(episode, ended_us=at_us, cleared_us=at_us)
