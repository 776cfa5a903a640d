"""Alerts about clocks of devices: one place for all feeds, beside the timeline, whose order is that of the same clocks.

What is wrong with a device's times is known in the order of the log only; so these episodes are no part of the rules'
state, which follows from event time. They are said by the same words and books as all other alerts.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.fields import LIVE, Feed
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import Maintenance, PolicyDocument
from services.stream_processors.engine.announcing import Utterance, difference, forget_said
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.device_clocks import CLOCK_WRONG, Clocks, clock_policy, ended, heard
from services.stream_processors.engine.events import AlertOutput, Coordinates, JudgingFailed, Output
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.frame import EpisodeKey, is_over
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.key_state import KeyState
from services.stream_processors.engine.position import NEVER_US
from services.stream_processors.engine.sentence import Case, wording_of
from services.stream_processors.engine.statements import statements_of
from services.stream_processors.engine.steps import told
from services.stream_processors.engine.words import Place, alert_in_words

_DAY_US: Final = 86_400_000_000
_MINUTE_S: Final = 60
_LOCAL_S: Final = 8 * 3_600
"""Local time that is sent as if it were UTC is ahead by so much."""
_NEAR_S: Final = 300


class ClockWatch:
    """Listens to the times of devices under the policies of a feed.

    Args:
        feed: Whose devices.
        policies: Of the feed.
        lateness_us: What ended so long before what is final is final as well.

    Raises:
        PlanFileError: a version has the rule without its limits.
    """

    def __init__(self, feed: Feed, policies: Versions[PolicyDocument], lateness_us: int) -> None:
        self._feed, self._documents, self._lateness_us = feed, policies, lateness_us
        found = [(version, clock_policy(version.content)) for version in policies.all]
        self._policies = Versions(
            Version(policy, version.from_us, version.until_us) for version, policy in found if policy is not None
        )
        known = [version.content for version in self._policies.all]
        self.ahead_us = min([policy.ahead_us for policy in known], default=NEVER_US)
        self.behind_us = min([policy.behind_us for policy in known], default=NEVER_US)
        """Readings that differ by less are not looked at, unless a device of their key is watched."""
        self._silent_us = min([policy.silent_us for policy in known], default=_DAY_US)

    def hear(
        self,
        state: KeyState[Any],
        device_id: str,
        at_us: int,
        *,
        coordinates: Coordinates,
        moment: Moment,
        outputs: list[Output],
    ) -> None:
        """A reading is dated far from when it came, or a device of its key was wrong.

        Args:
            state: Of its key.
            device_id: Whose reading.
            at_us: What it is dated.
            coordinates: Of the reading.
            moment: Tells when the broker took it.
            outputs: What is said is added.
        """
        arrived_us = moment.arrived_us
        if arrived_us is None or moment.lane != LIVE:
            return
        policy, clocks = self._policies.at(arrived_us), state.clocks
        watch = None if clocks is None else clocks.watches.get(device_id)
        if policy is None or (watch is None and -policy.behind_us <= at_us - arrived_us <= policy.ahead_us):
            return
        state.clocks = clocks = clocks or Clocks()
        watch, episode = heard(watch, at_us, arrived_us, coordinates.offset, policy)
        if watch is None:
            clocks.watches.pop(device_id, None)
        else:
            clocks.watches[device_id] = watch
        changed = clocks.put(device_id, episode)
        self._say(state, clocks, changed, at_us=arrived_us, moment=moment, outputs=outputs)
        state.clocks = clocks or None

    def on_time(self, state: KeyState[Any], moment: Moment, outputs: list[Output], *, reviewed: bool) -> None:
        """The clock has moved: of devices of which nothing was heard for long the alerts end.

        Args:
            state: Of their key.
            moment: Where the clock stands.
            outputs: What is said is added.
            reviewed: A maintenance window may have ended.
        """
        clocks, clock_us = state.clocks, moment.clock_us
        if clocks is None or clock_us is None:
            return
        changed = list(clocks.book) if reviewed else []
        for device_id, watch in sorted(clocks.watches.items()):
            if watch.arrived_us + self._silent_us <= clock_us:
                del clocks.watches[device_id]
                changed += clocks.put(device_id, ended(watch, clock_us))
        self._say(state, clocks, changed, at_us=clock_us, moment=moment, outputs=outputs)

    def due_us(self, clocks: Clocks) -> int:
        """When a device may have been silent for long."""
        arrived = [watch.arrived_us for watch in clocks.watches.values()]
        return min(arrived) + self._silent_us if arrived else NEVER_US

    def fold(self, state: KeyState[Any], before_us: int) -> None:
        """Forget what ended before a time."""
        clocks = state.clocks
        if clocks is None:
            return
        for name in [name for name, episode in clocks.episodes.items() if is_over(episode, before_us)]:
            del clocks.episodes[name]
        forget_said(clocks.book, clocks.episodes, before_us)
        state.clocks = clocks or None

    def _say(
        self,
        state: KeyState[Any],
        clocks: Clocks,
        names: list[EpisodeKey],
        *,
        at_us: int,
        moment: Moment,
        outputs: list[Output],
    ) -> None:
        if not names:
            return
        views = statements_of(clocks.episodes, state.key, _alone, self._windows_at, at_us)
        if views.review_us is not None:
            state.review_us = views.review_us if state.review_us is None else min(state.review_us, views.review_us)
        place = Place(self._feed, state.key, state.lane, moment.topic, moment.partition)
        before_us = state.line.folded_us - self._lateness_us
        for one in difference(clocks.book, views.statements, sorted(names), at_us, before_us):
            try:
                outputs.append(AlertOutput(alert_in_words(one, place, self.wording(one))))
            except Exception as error:  # noqa: BLE001 - it is told as a failure, and the reading is judged
                detail = f"the alert {one.key} ({one.event}) cannot be said: {told(error)}"
                outputs.append(JudgingFailed(None, b"", detail, state.lane, state.key))

    def _windows_at(self, at_us: int) -> tuple[Maintenance, ...]:
        document = self._documents.at(at_us)
        return () if document is None else document.maintenance

    def wording(self, one: Utterance) -> Wording:
        """The words for an alert about a clock.

        Raises:
            LookupError: no policy has the rule.
        """
        _, device_id, started_us = one.key
        policy = self._policies.at(started_us) or self._policies.all[-1].content
        document = self._documents.at(started_us) or self._documents.all[-1].content
        episode = one.statement.episode
        seconds = episode.peak.value or 0.0
        limit = policy.ahead if seconds > 0 else policy.behind
        now, minutes = _wrong_by(seconds), f"{limit.value / _MINUTE_S:g}"
        case = Case(
            place=Both.same(device_id),
            now=now,
            worst=now,
            over=Both("设备时钟已恢复正常，或已无数据", "its clock is right again, or nothing is heard of it any more"),
            limit=Both(f"{minutes}分钟", f"{minutes} min"),
            threshold=limit,
            unit="s",
        )
        said = Said(one.event, CLOCK_WRONG, device_id, device_id, LIVE, episode, ())
        return wording_of(case, said, document.rule_policy(CLOCK_WRONG))


def _alone(rule: str, at_us: int) -> None:
    """No alert about a clock stands for others."""


def _wrong_by(seconds: float) -> Both:
    """By how much a clock is wrong."""
    amount = abs(seconds)
    hours, minutes = divmod(round(amount / _MINUTE_S), 60)
    zh = f"{hours}小时{minutes}分钟" if hours else f"{amount / _MINUTE_S:.1f}分钟"
    en = f"{hours} h {minutes} min" if hours else f"{amount / _MINUTE_S:.1f} min"
    if seconds > 0:
        local = abs(seconds - _LOCAL_S) <= _NEAR_S
        return Both(
            f"设备时钟比平台快{zh}" + ("，疑似把北京时间当作UTC发送" if local else ""),
            f"its clock is {en} ahead of the platform's" + (", as if local time were sent as UTC" if local else ""),
        )
    return Both(
        f"设备时间比到达平台的时间一直晚{zh}，且差值不变",
        f"its times are {en} behind their arrival, and stay so: its clock is slow, or it never catches up",
    )
