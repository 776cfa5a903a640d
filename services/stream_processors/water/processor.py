"""The feed water bound to the engine: what a sample does to its point, its lake and their alerts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from schemas.fields import Feed, Quality
from schemas.plan.book import Document
from schemas.plan.documents import StandardDocument, WaterPolicyDocument
from schemas.readings import Reading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.announcements import Announcement
from services.stream_processors.engine.episodes import Debounce, Sample
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, to_us
from services.stream_processors.engine.events import AlertOutput, Coordinates, Fate, Judged, Output
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.track import (
    Track,
    dump_track,
    fold,
    insert,
    is_idle,
    load_track,
    revise,
)
from services.stream_processors.water.measured import Values, values_of
from services.stream_processors.water.publication import (
    CLASSED,
    Classed,
    LakeRound,
    lake_class,
    lake_trophic,
    point_class,
    point_trophic,
)
from services.stream_processors.water.rounds import (
    Round,
    RoundView,
    add_sample,
    dump_round,
    evidence_offsets,
    load_round,
    mean_over_points,
    view_of,
)
from services.stream_processors.water.rules import ClassVerdict, class_of_sample
from services.stream_processors.water.standard import limit_table
from services.stream_processors.water.target import Target
from services.stream_processors.water.warning import Subject, WarningRules, build_alert

_JUDGED = {fate: Judged(fate) for fate in Fate}
_UNCLASSED = ClassVerdict(None, (None,) * 5, 0)


@dataclass(slots=True)
class PointState:
    """One point of a group."""

    name: str | None
    body: WaterBody
    track: Track


@dataclass(slots=True)
class LakeState:
    """One group: its points, the lake's rounds that can still change, the lake's own window (of rounds)."""

    lake: str = ""
    points: dict[str, PointState] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    track: Track = field(default_factory=Track)


class WaterJudge:
    """Rules of the feed water (see `services.stream_processors.engine.judge.Judge`)."""

    feed = Feed.WATER

    def __init__(self, target: Target, standard: StandardDocument, policy: WaterPolicyDocument) -> None:
        self.lateness = policy.window.lateness
        self._target = target
        self._policy = policy
        self._tables = {body: limit_table(standard, body) for body in WaterBody}
        self._debounce = Debounce(policy.alert.raise_after, policy.alert.clear_after)
        self._rules = {
            body: WarningRules(table, target, policy.class_, policy.alert) for body, table in self._tables.items()
        }
        self._names = {lake.id: (lake.name_zh, lake.name) for lake in policy.lake}
        self._round_us = policy.rounds.length_seconds * MICROSECONDS
        self._settle_us = policy.rounds.settle_seconds * MICROSECONDS

    def decode(self, raw: bytes) -> Reading:
        """A water reading from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not a water reading.
        """
        return WaterReading.model_validate_json(raw)

    def with_document(self, document: Document) -> WaterJudge:  # noqa: ARG002
        """The same: this judge keeps its documents."""
        return self

    def rejudge(self, state: LakeState, from_us: int, moment: Moment, outputs: list[Output]) -> int | None:  # noqa: ARG002
        """Nothing changes."""
        return None

    def new_state(self, key: str, lane: str) -> LakeState:  # noqa: ARG002
        """A group of which nothing is known."""
        return LakeState()

    def on_reading(
        self, state: LakeState, reading: Reading, coordinates: Coordinates, moment: Moment, outputs: list[Output]
    ) -> int | None:
        """Class the sample, count it at its point, and let it count for its lake."""
        assert isinstance(reading, WaterReading)  # noqa: S101 - `decode` made it
        state.lake = reading.group_id
        classed = self._publish_sample(reading, outputs)
        if reading.quality is not Quality.GOOD:
            outputs.append(_JUDGED[Fate.NOT_COUNTED])
            return None
        if moment.horizon_us is not None and classed.at_us < moment.horizon_us:
            outputs.append(_JUDGED[Fate.TOO_LATE])
            return None
        sample = _sample(classed, (coordinates.offset,), (reading.seq, reading.boot_id))
        fate, replaced = self._count_at_point(state, reading, sample, moment, outputs)
        outputs.append(_JUDGED[fate])
        if reading.water_body is WaterBody.RIVER or fate not in {Fate.IN_ORDER, Fate.LATE}:
            return None
        start_us = local_period_start(classed.at_us, self._round_us)
        entry = self._round(state, start_us)
        add_sample(entry, reading.device_id, sample, replaced)
        return self._judge_lake(state, start_us, classed.values, moment, outputs)

    def _publish_sample(self, reading: WaterReading, outputs: list[Output]) -> Classed:
        at_us = to_us(reading.observed_at)
        values = values_of(reading)
        table = self._tables[reading.water_body]
        target = self._target if self._target.in_force(at_us) else None
        is_classed = reading.quality in CLASSED
        verdict = class_of_sample(values, table, self._policy.class_) if is_classed else _UNCLASSED
        classed = Classed(at_us, values, verdict, table, target)
        outputs.append(point_class(reading, classed, self._policy.class_.items_min))
        if is_classed and reading.water_body is WaterBody.LAKE:
            trophic = point_trophic(reading, values)
            if trophic is not None:
                outputs.append(trophic)
        return classed

    def _count_at_point(
        self, state: LakeState, reading: WaterReading, sample: Sample, moment: Moment, outputs: list[Output]
    ) -> tuple[Fate, Sample | None]:
        point = state.points.get(reading.device_id)
        if point is None:
            point = PointState(reading.station_name, reading.water_body, Track())
            state.points[reading.device_id] = point
        fate, replaced, said = insert(point.track, sample, self._debounce, self._policy.window.samples_max)
        if said:
            lake_zh, lake_en = self._names.get(state.lake, (state.lake, state.lake))
            name = point.name or reading.device_id
            place_zh = name if state.lake in self._names and lake_zh in name else f"{lake_zh}·{name}"
            subject = Subject(reading.device_id, moment.lane, place_zh, f"{lake_en}, {name}", per_round=False)
            outputs += self._alerts(said, subject, point.body, moment)
        return fate, replaced

    def _round(self, state: LakeState, start_us: int) -> Round:
        entry = state.rounds.get(start_us)
        if entry is None:
            entry = state.rounds[start_us] = Round()
            if len(state.rounds) > self._policy.window.samples_max:
                del state.rounds[min(state.rounds)]
        return entry

    def _judge_lake(
        self, state: LakeState, start_us: int, newest: Values, moment: Moment, outputs: list[Output]
    ) -> int | None:
        """Publish the lake as the round now stands; returns when the round counts for the alert (again)."""
        entry = state.rounds.get(start_us)
        if entry is None:
            return None
        view = view_of(entry)
        lake_zh, lake_en = self._names.get(state.lake, (state.lake, state.lake))
        name = lake_zh if lake_zh == lake_en else f"{lake_zh} {lake_en}"
        lake = LakeRound(moment.lane, state.lake, name, start_us, start_us + self._round_us, view)
        judge = partial(self._class_lake, view, start_us)
        outputs.append(lake_class(lake, judge, self._policy.class_.items_min))
        trophic = lake_trophic(lake, newest, judge)
        if trophic is not None:
            outputs.append(trophic)
        # The alert counts rounds, not samples: whatever this one changes is counted once, at the tick that settles it.
        entry.counted = False
        return start_us + self._settle_us

    def _class_lake(self, view: RoundView, start_us: int) -> Classed:
        """Mean of each item over the points first, then the class."""
        means = mean_over_points(view)
        table = self._tables[WaterBody.LAKE]
        target = self._target if self._target.in_force(start_us) else None
        return Classed(start_us, means, class_of_sample(means, table, self._policy.class_), table, target)

    def _count_round(
        self, state: LakeState, entry: Round, start_us: int, moment: Moment, outputs: list[Output]
    ) -> None:
        entry.counted = True
        classed = self._class_lake(view_of(entry), start_us)
        sample = _sample(classed, evidence_offsets(entry), (entry.changes, ""))
        _, _, said = revise(state.track, sample, self._debounce, self._policy.window.samples_max)
        if said:
            lake_zh, lake_en = self._names.get(state.lake, (state.lake, state.lake))
            subject = Subject(state.lake, moment.lane, lake_zh, lake_en, per_round=True)
            outputs += self._alerts(said, subject, WaterBody.LAKE, moment)

    def _alerts(self, said: list[Announcement], subject: Subject, body: WaterBody, moment: Moment) -> list[AlertOutput]:
        rules = self._rules[body]
        return [AlertOutput(build_alert(one, subject, rules, moment.topic, moment.partition)) for one in said]

    def on_time(self, state: LakeState, moment: Moment, outputs: list[Output]) -> int | None:
        """Count the rounds that have settled."""
        waiting = sorted(start_us for start_us, entry in state.rounds.items() if not entry.counted)
        for start_us in waiting:
            due_us = start_us + self._settle_us
            if moment.clock_us is None or moment.clock_us < due_us:
                return due_us
            self._count_round(state, state.rounds[start_us], start_us, moment, outputs)
        return None

    def fold(self, state: LakeState, moment: Moment) -> bool:
        """Fold samples and rounds that lie before the horizon."""
        horizon_us = moment.horizon_us
        if horizon_us is None:
            return False
        for name in list(state.points):
            track = state.points[name].track
            fold(track, horizon_us, self._debounce)
            if is_idle(track):
                del state.points[name]
        for start_us in [start_us for start_us in state.rounds if start_us + self._round_us <= horizon_us]:
            del state.rounds[start_us]
        fold(state.track, horizon_us - self._round_us + 1, self._debounce)
        return not state.points and not state.rounds and is_idle(state.track)

    def dump(self, state: LakeState) -> Any:
        """JSON-ready form."""
        return [
            state.lake,
            {name: [p.name, p.body, dump_track(p.track)] for name, p in state.points.items()},
            {str(start_us): dump_round(entry) for start_us, entry in state.rounds.items()},
            dump_track(state.track),
        ]

    def load(self, dumped: Any) -> LakeState:
        """State from its JSON-ready form."""
        lake, points, rounds, track = dumped
        return LakeState(
            lake,
            {
                name: PointState(label, WaterBody(body), load_track(window, self._debounce))
                for name, (label, body, window) in points.items()
            },
            {int(start_us): load_round(entry) for start_us, entry in rounds.items()},
            load_track(track, self._debounce),
        )


def _sample(classed: Classed, offsets: tuple[int, ...], rank: tuple[int, str]) -> Sample:
    """What the alert rule counts: how many classes beyond the target."""
    rank_of_class, target = classed.verdict.rank, classed.target
    if rank_of_class is None:
        return Sample(classed.at_us, None, None, offsets, rank, classed.values)
    level = None if target is None else max(0, rank_of_class - target.rank)
    return Sample(classed.at_us, level, float(rank_of_class), offsets, rank, classed.values)
