"""The feed water bound to the engine: what a sample does to its station, its lake and their alerts. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from schemas.fields import Feed, Quality
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.readings import Reading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.counting import CALM, Run, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, to_us
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.water.figures import (
    DAY_CLASS,
    MONTH_CLASS,
    Period,
    class_lake,
    period_class,
    point_quality,
    round_class,
    round_trophic,
)
from services.stream_processors.water.measured import CHECKED_FIELDS, PLACE, Values, checked_values_of, values_of
from services.stream_processors.water.periods import DAY_US, day_of, month_of
from services.stream_processors.water.publication import CLASSED, Classed, point_class, point_trophic
from services.stream_processors.water.quality import Code, Codes, Doubt, Examined, believed, examine, is_algal, oxygen_percent
from services.stream_processors.water.regime import (
    ALGAL_SIGNAL,
    CLASS_WORSE,
    REPORTED_FAULT,
    SENSOR_FAULT,
    STATION_SILENT,
    Regime,
    Regimes,
)
from services.stream_processors.water.rounds import NOTHING, newest_offset
from services.stream_processors.water.rules import ClassVerdict, class_of_sample
from services.stream_processors.water.silence import silence_until
from services.stream_processors.water.state import (
    CHANGED,
    CLOSE_ASKED,
    COUNTED,
    SETTLE_ASKED,
    LakeState,
    Station,
    dump_lake,
    load_lake,
)
from services.stream_processors.water.wording import wording_of

_UNCLASSED: Final = ClassVerdict(None, (None,) * 5, 0)
_GOOD: Final = Quality.GOOD.value
_LAKE: Final = WaterBody.LAKE.value
_PH: Final = PLACE["ph"]
_HOUR_US: Final = 3_600 * MICROSECONDS


class WaterRules:
    """Rules of the feed water (see `services.stream_processors.engine.feed_rules.FeedRules`).

    A sample touches its own station and whole-number sums of its lake; lakes are judged at wakes. So samples of
    different stations may come in any order between two wakes.

    Raises:
        PlanFileError: a document lacks what the rules need.
    """

    feed = Feed.WATER
    commutes = True

    def __init__(self, book: PlanBook) -> None:
        self._regimes = Regimes(book)
        policies = [regime.policy for regime in self._regimes.all]
        self.lateness = max(policy.lateness for policy in policies)
        self.window_max = max(policy.window.samples_max for policy in policies)

    def with_book(self, book: PlanBook) -> WaterRules:
        """The same rules under other documents."""
        return WaterRules(book)

    def decode(self, raw: bytes) -> Reading:
        """A water reading from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not a water reading.
        """
        return WaterReading.model_validate_json(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The station and what it measured; a reading that does not count still shows that the station is there."""
        assert isinstance(reading, WaterReading)  # noqa: S101 - `decode` made it
        quality = reading.quality.value
        values = checked_values_of(reading) if quality == _GOOD else ()
        return reading.device_id, (quality, reading.water_body.value, reading.station_name or "", values)

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:  # noqa: ARG002
        """Publish the class of the sample by itself, by the publisher's own rules: no check of its neighbours."""
        assert isinstance(reading, WaterReading)  # noqa: S101 - `decode` made it
        if fate is Fate.REPEATED:
            return
        at_us = to_us(reading.observed_at)
        regime = self._regimes.at(at_us)
        if regime is None:
            return
        values = values_of(reading)
        table = regime.tables[reading.water_body.value]
        is_classed = reading.quality in CLASSED
        verdict = class_of_sample(values, table, regime.settings.class_) if is_classed else _UNCLASSED
        classed = Classed(at_us, values, verdict, table, regime.target)
        outputs.append(point_class(reading, classed, regime.settings.class_.items_min))
        if is_classed and reading.water_body is WaterBody.LAKE:
            trophic = point_trophic(reading, values)
            if trophic is not None:
                outputs.append(trophic)

    def new_state(self, key: str, lane: str) -> LakeState:
        """A group of which nothing is known."""
        return LakeState(key, lane)

    def copy(self, state: LakeState) -> LakeState:
        """A copy of the dictionaries; what is in them never changes."""
        return state.copy()

    def apply(self, state: LakeState, entry: Entry, say: Say) -> None:
        """Check a sample, count it at its station, and let it count for its lake."""
        at_us = entry.at_us
        regime = self._regimes.at(at_us)
        if regime is None:
            return
        device = entry.asset
        quality, body, name, values = entry.payload
        station = state.stations.get(device)
        if station is not None:
            if at_us == station.last_us:
                return  # another reading of the same moment: the first one, by boot and number, counts
            station = self._still_there(state, device, station, at_us, entry.offset, say)
        if station is None:
            station = Station(name, body, at_us, entry.offset)
        if quality == _GOOD:
            station = self._judge(state, entry, station, values, regime, say)
        elif quality in regime.reported:
            doubts = (Doubt("reported", -1, 1.0, REPORTED_FAULT, 0.0, Code.FAIL),)
            faults = self._count_fault(device, station, at_us, entry.offset, doubts, quality, regime, say)
            station = station._replace(faults=faults)
        state.stations[device] = station._replace(
            name=name or station.name, body=body, last_us=at_us, last_offset=entry.offset
        )
        say.wake(f"silent:{device}", at_us + regime.late_us)

    def _still_there(
        self, state: LakeState, device: str, station: Station, at_us: int, offset: int, say: Say
    ) -> Station | None:
        """The station as it stood when this reading was measured, its silence over; None when it had been given up."""
        regime = self._regimes.near(station.last_us)
        if station.silence is None and at_us - station.last_us <= regime.late_us:
            return station
        found = silence_until(station, regime, at_us, inclusive=False)
        if found.episode is None:
            return station
        if found.gone_us is not None:
            say.episode(STATION_SILENT, device, found.episode)
            self._give_up(state, device, station, found.gone_us, say)
            return None
        offsets = tuple(sorted({*found.episode.offsets, offset}))
        say.episode(STATION_SILENT, device, replace(found.episode, ended_us=at_us, cleared_us=at_us, offsets=offsets))
        return station._replace(silence=None)

    def _give_up(self, state: LakeState, device: str, station: Station, gone_us: int, say: Say) -> None:
        """The station has been taken away: what was open about it has ended."""
        for rule, run in (
            (CLASS_WORSE, station.classes),
            (SENSOR_FAULT, station.faults),
            (ALGAL_SIGNAL, station.algae),
        ):
            if run.episode is not None:
                say.episode(rule, device, replace(run.episode, ended_us=gone_us, cleared_us=gone_us))
        del state.stations[device]

    def _judge(
        self, state: LakeState, entry: Entry, station: Station, values: Values, regime: Regime, say: Say
    ) -> Station:
        at_us, device, offset = entry.at_us, entry.asset, entry.offset
        day_us = local_day_start(at_us)
        low = station.ph_low if station.ph_day_us == day_us else None
        percent = oxygen_percent(values)
        algal = is_algal(percent, values[_PH], low, regime.quality)
        found = examine(values, station.memory, at_us, device, regime.quality, algal=algal)
        counting = believed(values, found.codes) if found.doubts else values
        ph = counting[_PH]
        if ph is not None:
            low = ph if low is None else min(low, ph)
        algae = self._count_algae(device, station, entry, percent, values[_PH], algal, regime, say)
        faults = station.faults
        if found.doubts or faults != CALM:
            faults = self._count_fault(device, station, at_us, offset, found.doubts, "", regime, say)
        classes = self._count_class(entry, station, counting, found, regime, say)
        self._count_codes(state, day_us, device, found.codes, at_us, say)
        if station.body == _LAKE:
            self._add_to_round(state, entry, counting, regime, say)
        return station._replace(
            classes=classes, faults=faults, algae=algae, memory=found.memory, ph_day_us=day_us, ph_low=low
        )

    def _count_class(
        self, entry: Entry, station: Station, values: Values, found: Examined, regime: Regime, say: Say
    ) -> Run:
        if regime.target is None:
            return station.classes
        verdict = class_of_sample(values, regime.tables[station.body], regime.settings.class_)
        if verdict.rank is None:
            return station.classes
        level = max(0, verdict.rank - regime.target.rank)
        if level == 0 and (found.doubts or station.classes == CALM):
            # What is in doubt may be what is bad: such a sample does not show that the water is good again.
            return station.classes
        sample = Sample(
            entry.at_us,
            level,
            float(verdict.rank),
            entry.offset,
            (values[:9], station.name, station.body) if level else (),
        )
        run, episode = advance(station.classes, sample, regime.debounce[CLASS_WORSE])
        if episode is not None:
            say.episode(CLASS_WORSE, entry.asset, episode)
        return run

    def _count_fault(
        self,
        device: str,
        station: Station,
        at_us: int,
        offset: int,
        doubts: tuple[Doubt, ...],
        reported: str,
        regime: Regime,
        say: Say,
    ) -> Run:
        if doubts:
            worst = max(doubts, key=lambda doubt: doubt.code)
            fields = tuple(dict.fromkeys(CHECKED_FIELDS[doubt.place] for doubt in doubts if doubt.place >= 0))
            cause = (worst.kind, fields, worst.value, worst.limit_id, worst.limit, reported)
            sample = Sample(at_us, worst.code - 2, worst.value, offset, (*cause, station.name, station.body))
        else:
            sample = Sample(at_us, 0, None, offset)
        run, episode = advance(station.faults, sample, regime.debounce[SENSOR_FAULT])
        if episode is not None:
            say.episode(SENSOR_FAULT, device, episode)
        return run

    def _count_algae(
        self,
        device: str,
        station: Station,
        entry: Entry,
        percent: float | None,
        ph: float | None,
        algal: bool,
        regime: Regime,
        say: Say,
    ) -> Run:
        if percent is None or (not algal and station.algae == CALM):
            return station.algae
        # An episode ends with the oxygen: pH falls back at midnight only because its lowest value is of the new day.
        level = 1 if algal else 0
        clears = percent <= regime.quality.saturation_percent
        payload = (percent, ph, station.name, station.body) if algal else ()
        sample = Sample(entry.at_us, level, percent, entry.offset, payload, clears)
        run, episode = advance(station.algae, sample, regime.debounce[ALGAL_SIGNAL])
        if episode is not None:
            say.episode(ALGAL_SIGNAL, device, episode)
        return run

    def _count_codes(self, state: LakeState, day_us: int, device: str, codes: Codes, at_us: int, say: Say) -> None:
        key = (day_us, device, codes)
        state.codes[key] = state.codes.get(key, 0) + 1
        self._ask(state, "quality", (at_us // _HOUR_US + 1) * _HOUR_US, say)
        self._ask(state, "quality", day_us + DAY_US, say)

    def _ask(self, state: LakeState, name: str, at_us: int, say: Say) -> None:
        """Set a wake that many readings ask for, once."""
        wake = f"{name}:{at_us}"
        if wake not in state.asked:
            state.asked[wake] = None
            say.wake(wake, at_us)

    def _add_to_round(self, state: LakeState, entry: Entry, values: Values, regime: Regime, say: Say) -> None:
        at_us = entry.at_us
        start_us = local_period_start(at_us, regime.round_us)
        key = ("round", start_us, entry.asset)
        state.sums[key] = state.sums.get(key, NOTHING).plus(values, at_us, entry.offset)
        marks = state.rounds.get(start_us, 0)
        if not marks & CLOSE_ASKED:
            marks |= CLOSE_ASKED
            say.wake(f"close:{start_us}", start_us + max(regime.round_us, regime.settle_us))
        if not marks & SETTLE_ASKED and at_us <= start_us + regime.settle_us:
            marks |= SETTLE_ASKED
            say.wake(f"settle:{start_us}", start_us + regime.settle_us)
        if not marks & CHANGED:
            marks |= CHANGED
        state.rounds[start_us] = marks
        self._ask(state, "say", (at_us // regime.say_us + 1) * regime.say_us, say)

    def on_wake(self, state: LakeState, name: str, at_us: int, say: Say) -> None:
        """A round is to be published, counts, or has ended; an hour has passed; a station is late."""
        kind, _, rest = name.partition(":")
        state.asked.pop(name, None)
        match kind:
            case "say":
                for start_us in sorted(state.rounds):
                    self._publish_round(state, start_us, say)
            case "settle":
                self._count_round(state, int(rest), say)
            case "close":
                self._close_round(state, int(rest), say)
            case "quality":
                self._publish_quality(state, at_us, say)
            case "silent":
                self._silent(state, rest, at_us, say)

    def _publish_round(self, state: LakeState, start_us: int, say: Say) -> None:
        marks, regime = state.rounds.get(start_us, 0), self._regimes.at(start_us)
        if regime is None or not marks & CHANGED:
            return
        state.rounds[start_us] = marks & ~CHANGED
        view, stations = state.view("round", start_us), _lake_stations(state)
        period = Period(state.lake, start_us, start_us + regime.round_us)
        classed = class_lake(view, start_us, regime, stations)
        say.figure(round_class(period, view, classed, regime, stations))
        trophic = round_trophic(period, view, classed, regime)
        if trophic is not None:
            say.figure(trophic)

    def _count_round(self, state: LakeState, start_us: int, say: Say) -> None:
        """Let a round count for the lake's alert, once, with what has been measured so far."""
        marks, regime = state.rounds.get(start_us), self._regimes.at(start_us)
        if marks is None or marks & COUNTED or regime is None:
            return
        state.rounds[start_us] = marks | COUNTED
        view = state.view("round", start_us)
        classed = class_lake(view, start_us, regime, _lake_stations(state))
        rank = classed.verdict.rank
        if rank is None or regime.target is None:
            return
        level = max(0, rank - regime.target.rank)
        payload = (classed.values, "", _LAKE) if level else ()
        sample = Sample(start_us, level, float(rank), newest_offset(view), payload)
        state.run, episode = advance(state.run, sample, regime.debounce[CLASS_WORSE])
        if episode is not None:
            say.episode(CLASS_WORSE, state.lake, episode)

    def _close_round(self, state: LakeState, start_us: int, say: Say) -> None:
        """The round has ended: it counts for its day and month, and is forgotten."""
        self._count_round(state, start_us, say)
        self._publish_round(state, start_us, say)
        regime, view, stations = self._regimes.at(start_us), state.view("round", start_us), _lake_stations(state)
        state.rounds.pop(start_us, None)
        for point in view:
            del state.sums["round", start_us, point]
        if regime is None or not view:
            return
        is_classed = class_lake(view, start_us, regime, stations).verdict.rank is not None
        for kind, indicator, (from_us, until_us) in (
            ("day", DAY_CLASS, day_of(start_us)),
            ("month", MONTH_CLASS, month_of(start_us)),
        ):
            for point, sums in view.items():
                key = (kind, from_us, point)
                state.sums[key] = state.sums[key].merged(sums) if key in state.sums else sums
            rounds = state.classed_rounds.get((kind, from_us), 0) + is_classed
            state.classed_rounds[kind, from_us] = rounds
            period = Period(state.lake, from_us, until_us)
            points = state.view(kind, from_us)
            expected = max(stations, len(points))
            say.figure(period_class(indicator, period, points, rounds, regime, expected))

    def _publish_quality(self, state: LakeState, at_us: int, say: Say) -> None:
        """Say what the checks found on the local day whose hour has just passed; the day's end closes it."""
        day = day_of(at_us - 1)
        regime = self._regimes.near(at_us - 1)
        found: dict[str, dict[Codes, int]] = {}
        for (day_us, point, codes), times in state.codes.items():
            if day_us == day[0]:
                found.setdefault(point, {})[codes] = times
        interval_us = regime.settings.quality.interval_seconds * MICROSECONDS
        for point in sorted(found):
            station = state.stations.get(point)
            name = point if station is None or not station.name else station.name
            say.figure(point_quality(point, name, day, dict(sorted(found[point].items())), interval_us))
        if at_us >= day[1]:
            state.codes = {key: times for key, times in state.codes.items() if key[0] > day[0]}

    def _silent(self, state: LakeState, device: str, at_us: int, say: Say) -> None:
        station = state.stations.get(device)
        if station is None:
            return
        found = silence_until(station, self._regimes.near(station.last_us), at_us, inclusive=True)
        if found.changed and found.episode is not None:
            say.episode(STATION_SILENT, device, found.episode)
        if found.gone_us is not None:
            self._give_up(state, device, station, found.gone_us, say)
        elif found.wake_us is not None:
            state.stations[device] = station._replace(silence=found.episode)
            say.wake(f"silent:{device}", found.wake_us)

    def forget(self, state: LakeState, horizon_us: int) -> bool:
        """Drop days and months that no reading can change any more."""
        for kind, start_us in list(state.classed_rounds):
            _, end_us = day_of(start_us) if kind == "day" else month_of(start_us)
            if end_us + _HOUR_US * 24 <= horizon_us:
                del state.classed_rounds[kind, start_us]
                for key in [key for key in state.sums if key[:2] == (kind, start_us)]:
                    del state.sums[key]
        return state.is_blank()

    def dump(self, state: LakeState) -> Any:
        """JSON-ready form."""
        return dump_lake(state)

    def load(self, dumped: Any, key: str, lane: str) -> LakeState:
        """State from its JSON-ready form."""
        return load_lake(dumped, key, lane)

    def wording(self, said: Said) -> Wording:
        """Severity, limits and texts, by what was in force when the episode began."""
        started_us = said.episode.started_us
        return wording_of(said, self._regimes.near(started_us), self._regimes.near(said.episode.peak.at_us))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        regime = self._regimes.at(at_us)
        return None if regime is None else regime.rules.get(rule)


def local_day_start(at_us: int) -> int:
    """Start of the local day that holds a time."""
    return day_of(at_us)[0]


def _lake_stations(state: LakeState) -> int:
    """Stations of the lake that are there."""
    return sum(station.body == _LAKE for station in state.stations.values())
