"""Runs the rules of a feed on the timelines of its keys; what they conclude becomes alert and indicator events."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar

import orjson

from schemas.alert import Alert, AlertText, alert_id
from schemas.fields import FUTURE_TOLERANCE, LIVE
from schemas.indicator import IndicatorStatus
from schemas.plan.book import Document, PlanBook
from schemas.plan.policy import PolicyDocument
from schemas.readings import Reading
from schemas.verdict import Evidence
from services.stream_processors.engine.event_time import from_us, iso, span_us, to_us
from services.stream_processors.engine.events import (
    AlertOutput,
    Coordinates,
    Fate,
    IndicatorOutput,
    Judged,
    Output,
)
from services.stream_processors.engine.feed_rules import Entry, FeedRules, Figure, Said
from services.stream_processors.engine.frame import NEVER_US, FigureKey, Position, Voice
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.statements import (
    Book,
    Utterance,
    difference,
    dump_book,
    forget_final,
    load_book,
    statements_of,
)
from services.stream_processors.engine.timeline import (
    Timeline,
    dump_timeline,
    fold,
    insert,
    load_entry,
    load_timeline,
    new_timeline,
    on_clock,
    rewind,
)

S = TypeVar("S")

FUTURE_TOLERANCE_US: Final = span_us(FUTURE_TOLERANCE)
"""A live reading dated so far beyond the clock waits until the clock has come near: it moves no time."""

_AHEAD_MAX: Final = 1_000
_EVIDENCE_MAX: Final = 1_000
_HOUR_US: Final = 3_600 * 1_000_000
_FATES: Final = {fate: Judged(fate) for fate in Fate}


@dataclass(slots=True)
class KeyState(Generic[S]):
    """Everything known of one key in one lane."""

    key: str
    lane: str
    line: Timeline[S]
    voice: Voice[S]
    book: Book = field(default_factory=dict)
    published: dict[FigureKey, tuple[int, str]] = field(default_factory=dict)
    """Revision and digest of each figure that was said."""
    ahead: list[Entry] = field(default_factory=list)
    """Readings dated in the future, sorted."""
    clock_us: int | None = None
    """The lane's clock when the key was last looked at."""
    review_us: int | None = None
    """A grace period or a maintenance window ends then."""


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
        self._policies = book.policies(rules.feed)

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
        line = new_timeline(self.rules, key, lane)
        return KeyState(key, lane, line, Voice(line.head))

    def on_reading(
        self, state: KeyState[S], reading: Reading, coordinates: Coordinates, moment: Moment, outputs: list[Output]
    ) -> int | None:
        """See `judge.Judge`."""
        found = self.rules.entry(reading)
        head, said = state.line.head, len(outputs)
        if found is None:
            fate = Fate.NOT_COUNTED
        else:
            at_us = to_us(reading.observed_at)
            entry = Entry(
                at_us, reading.device_id, reading.boot_id, reading.seq, found[0], coordinates.offset, found[1]
            )
            fate = self._take(state, entry, moment, outputs)
        plain = fate is Fate.IN_ORDER and state.line.head is head and len(outputs) == said
        self.rules.on_arrival(reading, coordinates, fate, outputs)
        outputs.append(_FATES[fate])
        return self._next(state) if plain else self._due(state, moment)

    def _take(self, state: KeyState[S], entry: Entry, moment: Moment, outputs: list[Output]) -> Fate:
        line, clock_us, at_us = state.line, moment.clock_us, entry.at_us
        state.clock_us = clock_us
        if at_us < line.closed_us or (moment.horizon_us is not None and at_us < moment.horizon_us):
            return Fate.TOO_LATE
        if clock_us is not None and at_us > clock_us + FUTURE_TOLERANCE_US and moment.lane == LIVE:
            return self._keep_ahead(state, entry)
        voice, head = state.voice, line.head
        fate = insert(self.rules, line, entry, clock_us, voice)
        if voice.episodes or voice.figures or line.head is not head:
            self._say(state, moment, outputs, everything=line.head is not head)
        return fate

    def _keep_ahead(self, state: KeyState[S], entry: Entry) -> Fate:
        if len(state.ahead) >= _AHEAD_MAX:
            return Fate.NOT_COUNTED
        if any(known[:4] == entry[:4] for known in state.ahead):
            return Fate.REPEATED
        state.ahead.append(entry)
        state.ahead.sort()
        return Fate.FUTURE

    def _next(self, state: KeyState[S]) -> int | None:
        """Earliest wake that the last reading asked for; enough on the fast path."""
        next_us = state.voice.next_wake_us
        return None if next_us == NEVER_US else next_us

    def _due(self, state: KeyState[S], moment: Moment) -> int | None:
        """When the key must be looked at again."""
        due_us = min(state.line.head.wakes.values(), default=None)
        if state.line.pending and moment.clock_us is not None:
            due_us = moment.clock_us
        if state.ahead:
            ahead_us = state.ahead[0].at_us - FUTURE_TOLERANCE_US
            due_us = ahead_us if due_us is None else min(due_us, ahead_us)
        if state.review_us is not None:
            due_us = state.review_us if due_us is None else min(due_us, state.review_us)
        return due_us

    def on_time(self, state: KeyState[S], moment: Moment, outputs: list[Output]) -> int | None:
        """See `judge.Judge`."""
        clock_us = moment.clock_us
        if clock_us is None:
            return None
        state.clock_us = clock_us
        line, head = state.line, state.line.head
        while state.ahead and state.ahead[0].at_us <= clock_us + FUTURE_TOLERANCE_US:
            insert(self.rules, line, state.ahead.pop(0), clock_us, state.voice)
        on_clock(self.rules, line, clock_us, state.voice)
        reviewed = state.review_us is not None and state.review_us <= clock_us
        if reviewed or line.head is not head or state.voice.episodes or state.voice.figures:
            self._say(state, moment, outputs, everything=reviewed or line.head is not head)
        return self._due(state, moment)

    def rejudge(self, state: KeyState[S], from_us: int, moment: Moment, outputs: list[Output]) -> int | None:
        """Another version of a document is in force from a time on: judge what lies behind it once more."""
        rewind(self.rules, state.line, (from_us,), moment.clock_us, state.voice)
        self._say(state, moment, outputs, everything=True)
        return self._due(state, moment)

    def fold(self, state: KeyState[S], moment: Moment) -> bool:
        """See `judge.Judge`."""
        horizon_us = moment.horizon_us
        if horizon_us is None:
            return False
        line = state.line
        fold(self.rules, line, horizon_us)
        forget_final(state.book, line.head.episodes, self.rules.rule_policy, horizon_us)
        figures = line.head.figures
        for name in [name for name in state.published if _figure_is_final(name, horizon_us)]:
            del state.published[name]
            figures.pop(name, None)
        blank = self.rules.forget(line.head.state, horizon_us)
        return blank and not (line.window or line.pending or state.ahead or line.head.wakes or state.book)

    def _say(self, state: KeyState[S], moment: Moment, outputs: list[Output], *, everything: bool) -> None:
        """Publish what differs from what was said."""
        voice, head = state.voice, state.line.head
        if everything or voice.episodes:
            self._say_alerts(state, moment, outputs)
        names = [*state.published, *head.figures] if everything else list(voice.figures)
        for name in dict.fromkeys(names):
            self._say_figure(state, name, head.figures.get(name), moment, outputs)
        voice.quiet()

    def _say_alerts(self, state: KeyState[S], moment: Moment, outputs: list[Output]) -> None:
        head = state.line.head
        policy = self._policies.at(moment.clock_us if moment.clock_us is not None else _time_of(head.position))
        windows = () if policy is None else policy.maintenance
        views = statements_of(head.episodes, state.key, self.rules.rule_policy, windows, moment.clock_us)
        state.review_us = views.review_us
        names = dict.fromkeys([*state.book, *views.statements])
        said = difference(state.book, views.statements, names, _time_of(head.position), moment.horizon_us)
        outputs += [AlertOutput(self._alert(one, state, moment)) for one in said]

    def _alert(self, one: Utterance, state: KeyState[S], moment: Moment) -> Alert:
        (rule, asset, started_us), statement = one.key, one.statement
        episode = statement.episode
        words = self.rules.wording(Said(one.event, rule, asset, state.key, state.lane, episode, statement.members))
        return Alert(
            alert_id=alert_id(rule, asset, state.lane, iso(started_us)),
            revision=one.revision,
            event=one.event,
            rule=rule,
            feed=self.feed,
            lane=state.lane,
            asset=asset,
            place=words.place,
            severity=words.severity,
            started_at=from_us(episode.started_us),
            raised_at=from_us(episode.raised_us),
            ended_at=None if episode.ended_us is None else from_us(episode.ended_us),
            observed_value=episode.peak.value,
            observed_unit=words.unit,
            threshold=words.threshold,
            limits=words.limits,
            suppression=statement.suppression,
            members=statement.members,
            evidence=Evidence(topic=moment.topic, partition=moment.partition, offsets=_cited(episode.offsets)),
            text=AlertText(zh=words.zh, en=words.en),
        )

    def _say_figure(
        self, state: KeyState[S], name: FigureKey, figure: Figure | None, moment: Moment, outputs: list[Output]
    ) -> None:
        known = state.published.get(name)
        if figure is None:
            if known is None:
                return
            figure = _withdrawn(name)
        elif known is None and moment.horizon_us is not None and _figure_is_final(name, moment.horizon_us):
            return
        body = _body(figure)
        digest = blake2b(orjson.dumps(body), digest_size=8).hexdigest()
        if known is not None and known[1] == digest:
            return
        revision = 0 if known is None else known[0] + 1
        state.published[name] = (revision, digest)
        body["feed"], body["lane"], body["revision"] = self.feed.value, state.lane, revision
        body["known_at"] = None if moment.clock_us is None else from_us(moment.clock_us)
        key = f"{figure.id}/{figure.subject}".encode()
        outputs.append(IndicatorOutput(key, lambda: body, None))

    def dump(self, state: KeyState[S]) -> Any:
        """See `judge.Judge`."""
        return [
            state.key,
            state.lane,
            state.clock_us,
            state.review_us,
            dump_timeline(self.rules, state.line),
            dump_book(state.book),
            [[name, revision, digest] for name, (revision, digest) in state.published.items()],
            state.ahead,
        ]

    def load(self, dumped: Any) -> KeyState[S]:
        """See `judge.Judge`."""
        key, lane, clock_us, review_us, line, book, published, ahead = dumped
        restored = load_timeline(self.rules, line, key, lane, clock_us)
        state = KeyState(key, lane, restored, Voice(restored.head), load_book(book))
        state.published = {tuple(name): (revision, digest) for name, revision, digest in published}
        state.ahead = [load_entry(entry) for entry in ahead]
        state.clock_us, state.review_us = clock_us, review_us
        return state


def _cited(offsets: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(offsets)))[:_EVIDENCE_MAX]


def _time_of(position: Position) -> int:
    at_us = position[0]
    return at_us if isinstance(at_us, int) else 0


def _figure_is_final(name: FigureKey, horizon_us: int) -> bool:
    """Whether a figure will not be said any more: its period and as much again have passed, an hour at least."""
    _, _, start_us, end_us = name
    return end_us + max(end_us - start_us, _HOUR_US) <= horizon_us


def _withdrawn(name: FigureKey) -> Figure:
    """What is said of a figure that late data took away."""
    indicator, subject, start_us, end_us = name
    reason = "withdrawn: late data show that there is nothing to say for this period"
    return Figure(indicator, subject, start_us, end_us, None, "1", IndicatorStatus.CANNOT_SAY, reason, 0, 0.0, None)


def _body(figure: Figure) -> dict[str, Any]:
    """JSON-ready content of an indicator, but for what makes it this revision."""
    return {
        "id": figure.id,
        "subject": figure.subject,
        "subject_name": figure.subject_name,
        "period_start": from_us(figure.period_start_us),
        "period_end": from_us(figure.period_end_us),
        "value": figure.value,
        "unit": figure.unit,
        "status": figure.status.value,
        "status_reason": figure.status_reason,
        "n": figure.n,
        "completeness": figure.completeness,
        "threshold": None if figure.threshold is None else orjson.Fragment(figure.threshold.model_dump_json()),
        "details": figure.details,
    }
