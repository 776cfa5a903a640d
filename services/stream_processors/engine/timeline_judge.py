"""Runs the rules of a feed on the timelines of its keys; what they conclude becomes alert and indicator events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import orjson

from schemas.fields import FUTURE_TOLERANCE, LIVE
from schemas.plan.book import Document, PlanBook
from schemas.plan.policy import Maintenance, PolicyDocument
from schemas.readings import Reading
from services.stream_processors.engine.announcing import Utterance, difference, forget_said
from services.stream_processors.engine.arrival import fold, insert, judge_again, known_at, on_clock, release, settle
from services.stream_processors.engine.clock_alerts import ClockWatch
from services.stream_processors.engine.concerned import Concerned, Tied, concerned, with_known_members
from services.stream_processors.engine.event_time import span_us, to_us
from services.stream_processors.engine.events import (
    AlertOutput,
    Coordinates,
    FailureReason,
    Fate,
    Judged,
    JudgingFailed,
    Output,
    has_failed,
)
from services.stream_processors.engine.feed_rules import Entry, FeedRules, LedgerRules
from services.stream_processors.engine.frame import is_past
from services.stream_processors.engine.indicators import say_figure
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.key_state import KeyState, hour_of, new_key_state
from services.stream_processors.engine.parts import changes_of
from services.stream_processors.engine.position import NEVER_US, time_of
from services.stream_processors.engine.redo import left
from services.stream_processors.engine.release_2 import read_release_2
from services.stream_processors.engine.restoring import restored
from services.stream_processors.engine.statements import final_episodes, statements_of
from services.stream_processors.engine.steps import told
from services.stream_processors.engine.words import Place, alert_of, plain_alert

S = TypeVar("S")

FUTURE_TOLERANCE_US: Final = span_us(FUTURE_TOLERANCE)
"""A live reading dated so far beyond the clock waits until the clock has come near: it moves no time."""

HELD_US: Final = 60 * 1_000_000
"""What readings older than this (by the clock) change is said at a tick, when all that is late has been judged: of a
device that sends what it has kept is spoken once."""

_FATES: Final = {fate: Judged(fate) for fate in Fate}


class TimelineJudge(Generic[S]):
    """The judge of a feed (see `judge.Judge`) over its rules.

    Args:
        rules: The feed's rules, built from `book`.
        book: The published documents in force.
    """

    def __init__(self, rules: FeedRules[S], book: PlanBook) -> None:
        self.feed = rules.feed
        self.lateness = rules.lateness
        self.rules = rules
        self.book = book
        self._lateness_us = span_us(rules.lateness)
        self._policies = book.policies(rules.feed)
        self._clocks = ClockWatch(rules.feed, self._policies, self._lateness_us)
        self._ledger = rules if isinstance(rules, LedgerRules) else None
        self._tied = Tied.of(version.content for version in self._policies.all)
        """Rules of which one alert decides about others."""

    def with_document(self, document: Document) -> TimelineJudge[S]:
        """See `judge.Judge`."""
        if isinstance(document, PolicyDocument) and document.feed is not self.feed:
            return self
        book = self.book.with_document(document)
        return TimelineJudge(self.rules.with_book(book), book)

    def decode(self, raw: bytes) -> Reading:
        """See `judge.Judge`."""
        return self.rules.decode(raw)

    def new_state(self, key: str, lane: str) -> KeyState[S]:
        """See `judge.Judge`."""
        return new_key_state(self.rules, key, lane)

    # -- readings and time ---------------------------------------------------------------------------------------------

    def on_reading(
        self, state: KeyState[S], reading: Reading, coordinates: Coordinates, moment: Moment, outputs: list[Output]
    ) -> int | None:
        """See `judge.Judge`. One `Judged` for each reading, or one `JudgingFailed` when the rules raised at it."""
        said = len(outputs)
        state.written.touched = True
        at_us, arrived_us, clocks = to_us(reading.observed_at), moment.arrived_us, self._clocks
        if arrived_us is not None and (
            state.clocks is not None or not -clocks.behind_us <= at_us - arrived_us <= clocks.ahead_us
        ):
            clocks.hear(state, reading.device_id, at_us, coordinates=coordinates, moment=moment, outputs=outputs)
        try:
            found = self.rules.entry(reading)
        except Exception as error:  # noqa: BLE001 - whatever the rules raise costs this one reading and nothing else
            outputs.append(_failed(coordinates, told(error), state))
            return self.due(state, moment)
        device_id, boot_id, seq = reading.device_id, reading.boot_id, reading.seq
        fate, entry = Fate.NOT_COUNTED, None
        if found is not None:
            entry = Entry(at_us, device_id, boot_id, seq, found[0], coordinates.offset, found[1])
        if not state.numbers.takes(device_id, boot_id, seq, at_us):
            fate = self._again(state, entry, moment)
        elif entry is not None:
            fate = self._take(state, entry, moment, outputs)
        judged = len(outputs)
        try:
            if fate is not Fate.KEY_REUSED:
                self.rules.on_arrival(reading, coordinates, fate, outputs)
        except Exception as error:  # noqa: BLE001 - the same
            del outputs[judged:]
            outputs.append(_failed(coordinates, told(error), state))
        if not has_failed(outputs) or not _is_told(outputs[said:], coordinates):
            outputs.append(_FATES[fate])
        return self.due(state, moment)

    def _again(self, state: KeyState[S], entry: Entry | None, moment: Moment) -> Fate:
        """What a reading is whose number its device has used: the same once more, or another one under its key.

        Args:
            entry: None: its quality does not let it count, and the first one's may not have either.
        """
        if entry is None:
            return Fate.REPEATED
        known = known_at(state.line, entry[:4]) or state.ahead.at(entry[:4])
        if known is not None:
            same = (known.asset, known.payload) == (entry.asset, entry.payload)
            return Fate.REPEATED if same else Fate.KEY_REUSED
        return Fate.TOO_LATE if self._is_too_late(state, entry.at_us, moment) else Fate.KEY_REUSED

    @staticmethod
    def _is_too_late(state: KeyState[S], at_us: int, moment: Moment) -> bool:
        return at_us < state.line.closed_us or (moment.horizon_us is not None and at_us < moment.horizon_us)

    def _take(self, state: KeyState[S], entry: Entry, moment: Moment, outputs: list[Output]) -> Fate:
        line, clock_us, at_us = state.line, moment.clock_us, entry.at_us
        state.clock_us = clock_us
        horizon_us = moment.horizon_us
        if at_us < line.closed_us or (horizon_us is not None and at_us < horizon_us):
            if self._ledger is not None:
                booked_us = max(time_of(line.head.position) + 1, at_us if clock_us is None else clock_us)
                insert(self.rules, line, self._ledger.belated(entry, booked_us), clock_us)
                self._say(state, moment, outputs)
            return Fate.TOO_LATE
        if clock_us is not None and at_us > clock_us + FUTURE_TOLERANCE_US and moment.lane == LIVE:
            return self._keep_ahead(state, entry, moment, outputs)
        fate = insert(self.rules, line, entry, clock_us)
        if clock_us is not None and clock_us - at_us > HELD_US:
            self._hold(state)
        self._say(state, moment, outputs)
        return fate

    def _hold(self, state: KeyState[S]) -> None:
        voice, held = state.line.trail.voice, state.held
        held.episodes.update(voice.episodes)
        held.figures.update(voice.figures)
        # Not said yet, and yet another state: it must be written, or a restored worker has nothing to say of it.
        state.written.alerts |= bool(voice.episodes)
        state.written.hours.update(map(hour_of, voice.figures))
        voice.quiet()

    def _let_go(self, state: KeyState[S]) -> None:
        voice, held = state.line.trail.voice, state.held
        voice.episodes.update(dict.fromkeys(held.episodes))
        voice.figures.update(dict.fromkeys(held.figures))

    def _keep_ahead(self, state: KeyState[S], entry: Entry, moment: Moment, outputs: list[Output]) -> Fate:
        """What is dated in the future waits; when there is too much of it, the farthest is given up, and said."""
        ahead = state.ahead
        if ahead.knows(entry[:4]):
            return Fate.REPEATED
        ahead.merge([entry])
        if len(ahead) > self.rules.window_max:
            farthest = ahead.pop_last()
            state.numbers.frees(farthest.device_id, farthest.boot_id, farthest.seq)
            reason = (
                f"dated beyond the clock's tolerance while {self.rules.window_max} readings of its group wait for the "
                "clock already (samples_max of the policy): send it again when the clock has come near"
            )
            outputs.append(_given_up(farthest, reason, state, moment)._replace(reason=FailureReason.FUTURE_TIME))
        return Fate.FUTURE

    def due(self, state: KeyState[S], moment: Moment) -> int | None:
        """See `judge.Judge`; never later than needed."""
        line, held = state.line, state.held
        due_us = line.trail.frame.next_us
        if moment.clock_us is not None and (held.episodes or held.figures or line.redo is not None or line.pending):
            due_us = moment.clock_us
        if state.ahead:
            due_us = min(due_us, (state.ahead.first_us() or 0) - FUTURE_TOLERANCE_US)
        if state.review_us is not None:
            due_us = min(due_us, state.review_us)
        if state.clocks is not None:
            due_us = min(due_us, self._clocks.due_us(state.clocks))
        return None if due_us == NEVER_US else due_us

    def on_time(self, state: KeyState[S], moment: Moment, outputs: list[Output]) -> int | None:
        """See `judge.Judge`."""
        clock_us = moment.clock_us
        if clock_us is None:
            return None
        state.clock_us = clock_us
        state.written.touched = True
        if state.ahead:
            came = state.ahead.take_until((clock_us + FUTURE_TOLERANCE_US + 1,))
            release(self.rules, state.line, came, clock_us)
        on_clock(self.rules, state.line, clock_us, moment.spare)
        if state.held and not state.line.waits():
            self._let_go(state)
        reviewed = state.review_us is not None and state.review_us <= clock_us
        self._say(state, moment, outputs, reviewed=reviewed)
        self._clocks.on_time(state, moment, outputs, reviewed=reviewed)
        return self.due(state, moment)

    def settle(self, state: KeyState[S], moment: Moment, outputs: list[Output]) -> None:
        """See `judge.Judge`."""
        state.written.touched = True
        settle(self.rules, state.line, moment.clock_us)
        self._let_go(state)
        self._say(state, moment, outputs)

    def late_work(self, state: KeyState[S]) -> int:
        """See `judge.Judge`."""
        line = state.line
        if line.redo is not None:
            return left(line, line.redo) + len(line.pending)
        return line.window.count_after(line.pending[0][:4]) + len(line.pending) if line.pending else 0

    def rejudge(self, state: KeyState[S], from_us: int, moment: Moment, outputs: list[Output]) -> int | None:
        """Another version of a document is in force from a time on: judge what lies behind it once more."""
        state.written.touched = True
        judge_again(self.rules, state.line, from_us, moment.clock_us)
        self._let_go(state)
        self._say(state, moment, outputs, reviewed=True)
        self._clocks.on_time(state, moment, outputs, reviewed=True)
        return self.due(state, moment)

    def fold(self, state: KeyState[S], moment: Moment) -> bool:
        """See `judge.Judge`."""
        if moment.horizon_us is None:
            return False
        line, written = state.line, state.written
        fold(self.rules, line, moment.horizon_us, moment.clock_us)
        if line.trail.voice.episodes or line.trail.voice.figures:
            self._hold(state)  # a window that was too large has been judged: said when the key is called next
        head = line.head
        before_us = line.folded_us - self._lateness_us
        gone = final_episodes(head.episodes, state.key, self.rules.rule_policy, before_us)
        for name in gone:
            del head.episodes[name]
        if forget_said(state.book, head.episodes, before_us) or gone:
            written.alerts = True
        for figure in [name for name in {**state.published, **head.figures} if is_past(name, before_us)]:
            written.hours.add(hour_of(figure))
            state.published.pop(figure, None)
            head.figures.pop(figure, None)
        written.touched = True
        state.numbers.forget(line.folded_us)
        self._clocks.fold(state, before_us)
        blank = self.rules.forget(head.state, line.folded_us)
        waits = line.window or line.waits() or state.ahead or state.held or head.wakes or state.book or state.clocks
        return blank and not waits

    # -- what is said --------------------------------------------------------------------------------------------------

    def _say(self, state: KeyState[S], moment: Moment, outputs: list[Output], *, reviewed: bool = False) -> None:
        """Publish what differs from what was said, and tell where the rules raised."""
        voice = state.line.trail.voice
        if not (voice.episodes or voice.figures or reviewed or state.line.failed):
            return
        if state.held:
            state.held.episodes -= voice.episodes.keys()
            state.held.figures -= voice.figures.keys()
        if voice.episodes or reviewed:
            state.written.alerts = True
            self._say_alerts(state, moment, outputs, everything=reviewed)
        if voice.figures:
            self._say_figures(state, moment, outputs)
        voice.quiet()
        if state.line.failed:
            for failure in state.line.failed:
                if failure.entry is not None:
                    outputs.append(_given_up(failure.entry, failure.detail, state, moment))
                else:
                    detail = f"at the wake {failure.wake}: {failure.detail}"
                    outputs.append(JudgingFailed(None, b"", detail, state.lane, state.key))
            state.line.failed.clear()

    def _say_alerts(self, state: KeyState[S], moment: Moment, outputs: list[Output], *, everything: bool) -> None:
        line, book = state.line, state.book
        episodes, touched = line.head.episodes, line.trail.voice.episodes
        if everything:
            found = Concerned(episodes, {*touched, *book})
        else:
            found = concerned(touched, episodes, book, state.key, self._tied)
        views = statements_of(found.episodes, state.key, self.rules.rule_policy, self._windows_at, moment.clock_us)
        if found.assets is not None:
            views = views._replace(statements=with_known_members(views.statements, book, state.key, found.assets))
        reviews = [views.review_us] if everything else [views.review_us, state.review_us]
        state.review_us = min([at_us for at_us in reviews if at_us is not None], default=None)
        names = found.names | views.statements.keys()
        before_us = line.folded_us - self._lateness_us
        said = difference(book, views.statements, sorted(names), time_of(line.head.position), before_us)
        place = Place(self.feed, state.key, state.lane, moment.topic, moment.partition)
        for one in said:
            self._say_alert(one, place, outputs)

    def _windows_at(self, at_us: int) -> tuple[Maintenance, ...]:
        policy = self._policies.at(at_us)
        return () if policy is None else policy.maintenance

    def _say_alert(self, one: Utterance, place: Place, outputs: list[Output]) -> None:
        try:
            outputs.append(AlertOutput(alert_of(self.rules, one, place)))
        except Exception as error:  # noqa: BLE001 - an alert is never lost for want of words
            detail = f"the words for {one.key} failed, it is said in plain ones: {told(error)}"
            try:
                outputs.append(AlertOutput(plain_alert(self._policies, one, place)))
            except Exception as worse:  # noqa: BLE001 - then it is told as a failure
                detail = f"the alert {one.key} ({one.event}) cannot be said: {told(error)}; {told(worse)}"
            outputs.append(JudgingFailed(None, b"", detail, place.lane, place.key))

    def _say_figures(self, state: KeyState[S], moment: Moment, outputs: list[Output]) -> None:
        line, hours = state.line, state.written.hours
        before_us = line.folded_us - self._lateness_us
        for name in sorted(line.trail.voice.figures):
            hours.add(hour_of(name))
            figure = line.head.figures.get(name)
            try:
                said = say_figure(
                    state.published,
                    name,
                    figure,
                    before_us,
                    feed=self.feed,
                    lane=state.lane,
                    clock_us=moment.clock_us,
                )
            except Exception as error:  # noqa: BLE001 - the figure is not JSON-ready: it costs only itself
                detail = f"the figure {name} cannot be said: {told(error)}"
                outputs.append(JudgingFailed(None, b"", detail, state.lane, state.key))
                line.head.figures.pop(name, None)
            else:
                if said is not None:
                    outputs.append(said)

    # -- state ---------------------------------------------------------------------------------------------------------

    def changes(self, state: KeyState[S]) -> dict[str, bytes | None]:
        """See `judge.Judge`."""
        return changes_of(self.rules, state)

    def restore(self, key: str, lane: str, parts: Mapping[str, bytes]) -> KeyState[S]:
        """See `judge.Judge`."""
        return restored(self.rules, key, lane, parts)

    def restore_release_2(self, dumped: Any) -> KeyState[S]:
        """See `judge.Judge`."""
        return read_release_2(self.rules, dumped)


def _is_told(outputs: list[Output], coordinates: Coordinates) -> bool:
    """Whether it is said of this reading that its judging failed."""
    return any(type(output) is JudgingFailed and output.coordinates == coordinates for output in outputs)


def _failed(coordinates: Coordinates, detail: str, state: KeyState[Any]) -> JudgingFailed:
    """The record's bytes are added by who has them."""
    return JudgingFailed(coordinates, b"", detail, state.lane, state.key)


def _given_up(entry: Entry, detail: str, state: KeyState[Any], moment: Moment) -> JudgingFailed:
    coordinates = Coordinates(moment.topic, moment.partition, entry.offset)
    body = {"device_id": entry.device_id, "boot_id": entry.boot_id, "seq": entry.seq, "at_us": entry.at_us}
    payload = orjson.dumps({**body, "asset": entry.asset, "payload": entry.payload}, default=tuple)
    return JudgingFailed(coordinates, payload, detail, state.lane, state.key)
