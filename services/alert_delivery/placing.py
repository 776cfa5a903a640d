"""Where a subscriber goes on in each partition: where its group's commits say, or where the subscription begins."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.alert_delivery.progress import Progress, proof_in
from services.runtime.log_follower import LogFollower
from services.runtime.offsets import committed_of
from services.runtime.same_log import Mark
from services.runtime.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which part of the log is read, and by which group."""

    group: str
    begin: datetime
    """Where a group that has committed nothing begins."""
    end: datetime | None = None
    """Records from then on are not read; None: for ever."""

    @property
    def lost(self) -> str:
        """What is said where the group's place is gone."""
        return (
            f"the place of the group {self.group} in it is gone from Kafka, as when the topic was made anew; it is read"
            f" from {self.begin:%Y-%m-%d %H:%M:%S} UTC on, and what comes twice is known by its id"
        )


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """How subscribers reach Kafka."""

    settings: KafkaSettings
    admin: AIOKafkaAdminClient
    """Started; asked for what groups have committed."""
    instance: str | None
    """Name of this process in the groups: with one it gets its partitions back at once when it was killed."""


@dataclass(slots=True)
class Hold:
    """What is held of the log since the last assignment."""

    progress: dict[TopicPartition, Progress] = field(default_factory=dict)
    proofs: dict[TopicPartition, Mark | None] = field(default_factory=dict)
    """Records by which the logs are known again; never of another log than the progress is of."""
    firsts: dict[TopicPartition, int] = field(default_factory=dict)
    """Where the logs begin."""
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    """Where reading ends; empty: nowhere."""
    committed: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)
    lost: tuple[TopicPartition, ...] = ()
    """Partitions of which the group's place is gone: others have theirs, or it was committed before."""

    def follow(self, follower: LogFollower) -> None:
        """Begin to read."""
        follower.clear()
        for partition, progress in self.progress.items():
            follower.begin(partition, progress.position, proof=self.proofs[partition], first=self.firsts[partition])

    def begin_anew(self, partition: TopicPartition) -> None:
        """Nothing that is known of a partition is of the log that it is now."""
        self.progress[partition] = Progress(0)
        self.committed.pop(partition, None)

    def prove(self, follower: LogFollower) -> None:
        """Take over by which records the logs are known again; what is new of another log was begun anew before."""
        self.proofs = {place: follower.proof(place) for place in self.progress}

    def changed(self) -> dict[TopicPartition, tuple[int, str]]:
        """What is not committed yet."""
        now = {place: (each.position, each.metadata(self.proofs[place])) for place, each in self.progress.items()}
        return {place: said for place, said in now.items() if self.committed.get(place) != said}


async def hold_of(
    kafka: KafkaAccess,
    bounds: Bounds,
    records: AIOKafkaConsumer,
    partitions: Iterable[TopicPartition],
    before: Container[TopicPartition] = (),
) -> Hold:
    """What Kafka says of these partitions.

    Args:
        before: Those in which the group is known to have had a place.

    Raises:
        KafkaError: it does not say it just now.
    """
    listed = list(partitions)
    if not listed:
        return Hold()
    commits = await committed_of(kafka.admin, bounds.group)
    hold = Hold(firsts=await records.beginning_offsets(listed))
    begins = await _offsets_at(records, bounds.begin, listed)
    hold.ends = await ends_of(records, bounds, listed)
    for partition in listed:
        commit = commits.get(partition)
        if commit is None:
            hold.progress[partition], hold.proofs[partition] = Progress(begins[partition]), None
        else:
            hold.progress[partition] = Progress.restored(*commit)
            hold.proofs[partition] = proof_in(commit[1])
            hold.committed[partition] = commit
    hold.lost = tuple(place for place in listed if place not in commits and (commits or place in before))
    return hold


async def ends_of(
    records: AIOKafkaConsumer, bounds: Bounds, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Where reading ends; empty: nowhere.

    Raises:
        KafkaError: Kafka does not say it just now.
    """
    return {} if bounds.end is None else await _offsets_at(records, bounds.end, partitions)


async def _offsets_at(
    records: AIOKafkaConsumer, at: datetime, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Offsets of the first records from a time on; where there are none, the end of the partition."""
    listed = list(partitions)
    ends: Mapping[TopicPartition, int] = await records.end_offsets(listed)
    found = await records.offsets_for_times(dict.fromkeys(listed, int(at.timestamp() * 1000)))
    return {each: end if found.get(each) is None else found[each].offset for each, end in ends.items()}
