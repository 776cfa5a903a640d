"""The state of a partition as a changelog: what differs since the last time, and the way back from all records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, NoReturn, TypeVar

import msgspec
import orjson

from schemas.plan.book import dump_document
from services.stream_processors.engine.documents import Documents, judge_under, loaded
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.lane import Lane
from services.stream_processors.engine.partition import Partition, Waiting
from services.stream_processors.engine.snapshot_release_2 import Snapshot, decode_snapshot
from services.stream_processors.engine.state_records import (
    DOCUMENTS_KEY,
    FORMAT,
    PARTITION_KEY,
    WAITING,
    DocumentForm,
    DocumentsForm,
    LaneForm,
    PartitionForm,
    StateRecord,
    VersionOnly,
    WaitingForm,
    part_key,
    release_2_key,
    waiting_key,
)
from services.stream_processors.errors import UnreadableStateError

S = TypeVar("S")

Place = tuple[str, str]
"""Lane and key."""

_SORTED_AT_A_STRETCH: Final = 1_000

_encode: Final = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Changelog:
    """Which records stand in the topic for a partition."""

    parts: dict[Place, set[str]] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    stale: set[bytes] = field(default_factory=set)
    """Records that belong to nothing."""
    next_offset: int | None = None
    """Of the last `changes`."""

    def changes(self, judge: Judge[S], state: Partition[S], next_offset: int) -> list[StateRecord]:
        """What must be written so that the records say the state as it is; nothing when no record was judged since.

        The partition's own record comes last.
        """
        if next_offset == self.next_offset:
            return []
        found: dict[bytes, bytes | None] = dict.fromkeys(self.stale)
        self.stale = set()
        self._add_parts(judge, state, found)
        self._add_waiting(state, found)
        if state.documents.changed:
            found[DOCUMENTS_KEY] = _encode(_documents_form(state.documents))
            state.documents.changed = False
        self.next_offset = next_offset
        partition = StateRecord(PARTITION_KEY, _encode(_partition_form(judge, state, next_offset)))
        return [*(StateRecord(key, value) for key, value in found.items()), partition]

    def _add_parts(self, judge: Judge[S], state: Partition[S], found: dict[bytes, bytes | None]) -> None:
        for place in state.forgotten:
            found |= dict.fromkeys(part_key(*place, part) for part in self.parts.pop(place, ()))
        state.forgotten = []
        for name, lane in state.lanes.items():
            for key in lane.changed:
                parts = judge.changes(lane.keys[key])
                found |= {part_key(name, key, part): value for part, value in parts.items()}
                known = self.parts.setdefault((name, key), set())
                known |= {part for part, value in parts.items() if value is not None}
                known -= {part for part, value in parts.items() if value is None}
            lane.changed = {}

    def _add_waiting(self, state: Partition[S], found: dict[bytes, bytes | None]) -> None:
        if not (state.waiting or self.waiting):
            return
        now = {one.offset: (name, one) for name, readings in state.waiting.items() for one in readings}
        found |= dict.fromkeys(map(waiting_key, self.waiting - now.keys()))
        for offset in sorted(now.keys() - self.waiting):
            name, one = now[offset]
            found[waiting_key(offset)] = _encode(WaitingForm(name, one.raw, one.since_us))
        self.waiting = set(now)


def _documents_form(documents: Documents) -> DocumentsForm:
    return DocumentsForm([DocumentForm(dump_document(one), refused) for one, refused in documents.published])


def _partition_form(judge: Judge[S], state: Partition[S], next_offset: int) -> PartitionForm:
    lanes = {
        name: LaneForm(
            lane.opened_offset,
            lane.clock_us,
            lane.horizon_us,
            lane.heard_us,
            lane.judged,
            lane.refused,
            list(lane.muted),
        )
        for name, lane in state.lanes.items()
    }
    return PartitionForm(FORMAT, judge.feed.value, next_offset, lanes, state.broker_us, state.turned_away)


class Restored(NamedTuple, Generic[S]):
    """Everything before `next_offset` is in `state`, and nothing else."""

    next_offset: int
    state: Partition[S]
    changelog: Changelog


class Restore(Generic[S]):
    """The state of a partition from its records.

    A record of the previous release is read when there is none of this one. Of its lanes only `live` is kept: what it
    held of others is given up, they are judged on a topic of their own now and can be replayed.

    Args:
        records: The last value of each record key; records without a value left out.
    """

    def __init__(self, judge: Judge[S], records: Mapping[bytes, bytes], topic: str, partition: int) -> None:
        self._judge = judge
        self._records = records
        self._state: Partition[S] = Partition(topic, partition)
        self._changelog = Changelog()
        self._next_offset: int | None = None

    def steps(self) -> Iterator[None]:
        """Decode key by key, so that the caller can give way in between.

        Raises:
            UnreadableStateError: the records are not a state that this release reads.
        """
        old_key = release_2_key(self._state.number)
        try:
            if PARTITION_KEY in self._records:
                yield from self._read()
            elif old_key in self._records:
                self._changelog.stale.add(old_key)
                yield from self._read_release_2(decode_snapshot(self._records[old_key], self._judge.feed))
            elif self._records:
                self._unreadable("the record that says how far it is does not exist")
        except UnreadableStateError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with stored bytes
            self._unreadable(f"{type(error).__name__}: {error}", error)

    def result(self) -> Restored[S] | None:
        """The state after all steps; None when there is none."""
        return None if self._next_offset is None else Restored(self._next_offset, self._state, self._changelog)

    def _read(self) -> Iterator[None]:
        form = self._partition_form()
        state = self._state
        state.broker_us, state.turned_away = form.broker_us, dict(form.turned_away)
        for name, lane in form.lanes.items():
            state.lanes[name] = Lane(
                lane.opened_offset,
                lane.clock_us,
                lane.horizon_us,
                lane.heard_us,
                lane.judged,
                lane.refused,
                muted=dict.fromkeys(lane.muted),
            )
        if DOCUMENTS_KEY in self._records:
            documents = msgspec.msgpack.decode(self._records[DOCUMENTS_KEY], type=DocumentsForm)
            state.documents = loaded((one.document, one.refused) for one in documents.published)
        state.judge = judge_under(self._judge, state.documents)
        yield
        found: dict[Place, dict[str, bytes]] = {}
        yield from self._sort(found)
        for (name, key), parts in found.items():
            key_state = (state.judge or self._judge).restore(key, name, parts)
            self._take(name, key, key_state)
            self._changelog.parts[name, key] = set(parts)
            yield
        self._next_offset = self._changelog.next_offset = form.next_offset

    def _partition_form(self) -> PartitionForm:
        raw = self._records[PARTITION_KEY]
        found = msgspec.msgpack.decode(raw, type=VersionOnly)
        if found.feed != self._judge.feed:
            self._unreadable(f"it is one of feed {found.feed}")
        if found.version != FORMAT:
            self._unreadable(f"it has format {found.version}, this release reads {FORMAT} and 2")
        return msgspec.msgpack.decode(raw, type=PartitionForm)

    def _sort(self, found: dict[Place, dict[str, bytes]]) -> Iterator[None]:
        """Parts by lane and key, in the order of those; on the way, readings that wait."""
        waiting: dict[int, WaitingForm] = {}
        for number, raw_key in enumerate(sorted(self._records.keys() - {PARTITION_KEY, DOCUMENTS_KEY})):
            match orjson.loads(raw_key):
                case [str(lane), str(key), str(part)] if lane in self._state.lanes:
                    found.setdefault((lane, key), {})[part] = self._records[raw_key]
                case [word, int(offset)] if word == WAITING:
                    waiting[offset] = msgspec.msgpack.decode(self._records[raw_key], type=WaitingForm)
                case _:
                    self._changelog.stale.add(raw_key)
            if number % _SORTED_AT_A_STRETCH == 0:
                yield
        for offset, form in sorted(waiting.items()):
            self._state.waiting.setdefault(form.lane, []).append(Waiting(offset, form.raw, form.since_us))
        self._changelog.waiting = set(waiting)

    def _read_release_2(self, snapshot: Snapshot) -> Iterator[None]:
        state = self._state
        state.documents = snapshot.documents
        state.documents.changed = True
        state.judge = judge_under(self._judge, state.documents)
        state.lanes["live"] = lane = snapshot.live
        yield
        for key, dumped in snapshot.keys.items():
            self._take("live", key, (state.judge or self._judge).restore_release_2(dumped))
            lane.changed[key] = None
            yield
        self._next_offset = snapshot.next_offset

    def _take(self, name: str, key: str, key_state: S) -> None:
        state = self._state
        lane = state.lanes[name]
        lane.add(key, key_state)
        if key not in lane.muted:
            lane.ask(key, (state.judge or self._judge).due(key_state, state.moment(name, lane)))

    def _unreadable(self, reason: str, cause: Exception | None = None) -> NoReturn:
        feed, state = self._judge.feed, self._state
        raise UnreadableStateError(
            f"the state of feed {feed}, partition {state.number} of {state.topic}, cannot be read: {reason}; start the "
            f"release that wrote it, or give the state up with `district state accept-loss {feed}`"
        ) from cause


def restored(judge: Judge[S], records: Mapping[bytes, bytes], topic: str, partition: int) -> Restored[S] | None:
    """The state of a partition from its records, all at once.

    Raises:
        UnreadableStateError: the records are not a state that this release reads.
    """
    restore = Restore(judge, records, topic, partition)
    for _ in restore.steps():
        pass
    return restore.result()
