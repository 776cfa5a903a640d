"""The feed water bound to the engine: what a sample does to its station, its lake and their alerts. Pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace as replaced

from schemas.fields import Feed, Quality
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.reading_json import ReadingJson
from schemas.readings import Reading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.water.lake import (
    add_codes,
    add_to_round,
    close_round,
    count_round,
    end_period,
    forget_periods,
    publish_quality,
    publish_rounds,
)
from services.stream_processors.water.measured import Values, checked_values_of
from services.stream_processors.water.places import NONE_REGISTERED, Intervals
from services.stream_processors.water.publication import CLASSED, ClassedSample
from services.stream_processors.water.regime import STATION_SILENT, Regimes
from services.stream_processors.water.rhythm import UNKNOWN, heard
from services.stream_processors.water.rules import ClassVerdict, class_of_sample
from services.stream_processors.water.silence import silence_until
from services.stream_processors.water.state import LAKE, LakeState, Station
from services.stream_processors.water.station import give_up, judge_mark, judge_sample
from services.stream_processors.water.stored import load_release_2, pack_lake, unpack_lake
from services.stream_processors.water.wording import words_of

_UNCLASSED: Final = ClassVerdict(None, (None,) * 5, 0)
_GOOD: Final = Quality.GOOD.value
_MARKS: Final = MappingProxyType({quality: quality.value for quality in Quality})
_BODIES: Final = MappingProxyType({body: body.value for body in WaterBody})

_READ: Final = ReadingJson(WaterReading)


class WaterRules:
    """Rules of the feed water (see `services.stream_processors.engine.feed_rules.FeedRules`).

    A sample touches its own station and whole-number sums of its lake; lakes are judged at wakes. So samples of
    different stations may come in any order between two wakes.

    Args:
        registered: Sampling intervals of the register, by device; other stations show their own.

    Raises:
        PlanFileError: a document lacks what the rules need.
    """

    feed = Feed.WATER
    state_version = 2
    commutes = True

    def __init__(self, book: PlanBook, registered: Intervals = NONE_REGISTERED) -> None:
        self._registered = registered
        self._regimes = Regimes(book, registered)
        policies = [regime.policy for regime in self._regimes.all]
        self.lateness = max(policy.lateness for policy in policies)
        self.window_max = max(policy.window.samples_max for policy in policies)
        self._last: tuple[WaterReading | None, Values] = (None, ())

    def with_book(self, book: PlanBook) -> WaterRules:
        """The same rules under other documents."""
        return WaterRules(book, self._registered)

    def decode(self, raw: bytes) -> Reading:
        """A water reading from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not a water reading.
        """
        return _READ(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The station and what it measured; a reading that does not count still shows that the station is there."""
        assert reading.feed is Feed.WATER  # noqa: S101 - `decode` made it
        quality = reading.quality
        values = self._values_of(reading) if quality is Quality.GOOD else ()
        return reading.device_id, (_MARKS[quality], _BODIES[reading.water_body], reading.station_name or "", values)

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:  # noqa: ARG002
        """Publish the class of the sample by itself, by the publisher's own rules: no check of its neighbours."""
        assert reading.feed is Feed.WATER  # noqa: S101 - `decode` made it
        if fate is Fate.REPEATED:
            return
        at_us = to_us(reading.observed_at)
        regime = self._regimes.at(at_us)
        if regime is None:
            return
        values = self._values_of(reading)
        table = regime.tables[reading.water_body]
        is_classed = reading.quality in CLASSED
        verdict = class_of_sample(values, table, regime.settings.class_) if is_classed else _UNCLASSED
        sample = ClassedSample(reading, values, verdict, table, regime)
        outputs.append(sample.point_class())
        if is_classed and reading.water_body is WaterBody.LAKE:
            trophic = sample.point_trophic()
            if trophic is not None:
                outputs.append(trophic)

    def _values_of(self, reading: WaterReading) -> Values:
        """The reading's values; of the one that was asked for last, the very same tuple."""
        last, values = self._last
        if last is not reading:
            values = checked_values_of(reading)
            self._last = reading, values
        return values

    def new_state(self, key: str, lane: str) -> LakeState:
        """A group of which nothing is known."""
        return LakeState(key, lane)

    def copy(self, state: LakeState) -> LakeState:
        """A copy of the dictionaries; what is in them never changes."""
        return state.copy()

    def apply(self, state: LakeState, entry: Entry, say: Say) -> None:
        """Check a sample, count it at its station, and let it count for its lake."""
        at_us, device = entry.at_us, entry.asset
        regime = self._regimes.at(at_us)
        if regime is None:
            return
        quality, body, name, values = entry.payload
        station = known = state.stations.get(device)
        late_us = regime.late_us(device, UNKNOWN if station is None else station.rhythm)
        if station is not None:
            gap_us = at_us - station.last_us
            if gap_us == 0:
                return  # another reading of the same moment: the first one, by boot and number, counts
            if station.silence is not None or gap_us > late_us:
                station = self._heard_again(device, station, entry, say)
            if station is not None:
                rhythm = heard(station.rhythm, gap_us, regime.shortest_us)
                if rhythm is not station.rhythm:
                    station, late_us = replaced(station, rhythm=rhythm), regime.late_us(device, rhythm)
        if station is None:
            station, late_us = Station(name, body, at_us, entry.offset), regime.late_us(device, UNKNOWN)
        if quality == _GOOD:
            station, counting, codes, day_us, aside = judge_sample(station, entry, values, regime, say)
            add_codes(state, day_us, entry, codes, say)
            if body == LAKE:
                add_to_round(state, entry, counting, regime, say, aside=aside)
        else:
            station = judge_mark(station, entry, regime, say)
        state.put(device, station, known)
        say.wake(f"silent:{device}", at_us + late_us)

    def _heard_again(self, device: str, station: Station, entry: Entry, say: Say) -> Station | None:
        """The station with its silence over; None when it had been given up before this reading."""
        at_us = entry.at_us
        found = silence_until(station, device, self._regimes.near(station.last_us), at_us, inclusive=False)
        episode = found.episode
        if episode is None:
            return station
        if found.gone_us is not None:
            say.episode(STATION_SILENT, device, episode)
            give_up(station, device, found.gone_us, say)
            return None
        offsets = tuple(sorted({*episode.offsets, entry.offset}))
        say.episode(STATION_SILENT, device, replace(episode, ended_us=at_us, cleared_us=at_us, offsets=offsets))
        return replaced(station, silence=None)

    def on_wake(self, state: LakeState, name: str, at_us: int, say: Say) -> None:
        """A round is to be published, counts, or has ended; a day or month or an hour has; a station is late."""
        kind, _, rest = name.partition(":")
        match kind:
            case "say":
                state.says.pop(at_us, None)
                publish_rounds(state, self._regimes, say)
            case "settle":
                count_round(state, int(rest), self._regimes, say)
            case "close":
                close_round(state, int(rest), at_us, self._regimes, say)
            case "end":
                end_period(state, rest, self._regimes, say)
            case "quality":
                state.hours.pop(at_us, None)
                publish_quality(state, at_us, self._regimes, say)
            case _:
                self._silent(state, rest, at_us, say)

    def _silent(self, state: LakeState, device: str, at_us: int, say: Say) -> None:
        station = state.stations.get(device)
        if station is None:
            return
        found = silence_until(station, device, self._regimes.near(station.last_us), at_us, inclusive=True)
        if found.changed and found.episode is not None:
            say.episode(STATION_SILENT, device, found.episode)
        if found.gone_us is not None:
            give_up(station, device, found.gone_us, say)
            state.drop(device)
        elif found.wake_us is not None:
            state.stations[device] = replaced(station, silence=found.episode)
            say.wake(f"silent:{device}", found.wake_us)

    def forget(self, state: LakeState, horizon_us: int) -> bool:
        """Drop days and months that no reading can change any more."""
        forget_periods(state, horizon_us)
        return state.is_blank()

    def load(self, dumped: Any, key: str, lane: str) -> LakeState:
        """A lake from its JSON-ready form in a snapshot of release 2."""
        return load_release_2(dumped, key, lane)

    def pack(self, state: LakeState) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        return pack_lake(state)

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> LakeState:  # noqa: ARG002 - there is one version
        """A state from its bytes.

        Raises:
            ValueError: the bytes are not those of a state.
        """
        return unpack_lake(raw, key, lane)

    def wording(self, said: Said) -> Wording:
        """Severity, limits and texts, by what was in force when the episode began."""
        started_us = said.episode.started_us
        return words_of(said, self._regimes.near(started_us), self._regimes.near(said.episode.peak.at_us))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        regime = self._regimes.at(at_us)
        return None if regime is None else regime.rules.get(rule)
