"""Copy Kafka's data folder, from under a broker that runs.

A log only grows at its end, and what is closed never changes, so the copy of a partition is what a broker that was
killed would have left behind; Kafka goes on from that by its own recovery. Three things need care. The files of a
partition are opened together and looked at again, so that compaction cannot change them in between. Logs with
transactions are cut where none is open. Partitions are copied in an order in which nothing points beyond the copy of
what it points to: see `Stage`.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from deploy.local.copier import Copier
from deploy.local.errors import BackupFailed
from deploy.local.kafka_log import batches, settled_lengths
from schemas.topics import BRIDGE_RECEIPTS

FOLDER = "kafka/data"
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
WHOLE_FILES = ("meta.properties", "bootstrap.checkpoint", "log-start-offset-checkpoint")
PARTITION = re.compile(r"(?P<topic>.+)-(?P<number>\d+)")
SEGMENT_PARTS = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
INDEXES = (".index", ".timeindex", ".txnindex")
PARTITION_FILES = ("leader-epoch-checkpoint", "partition.metadata", "quorum-state")
BEING_SWAPPED = (".swap", ".cleaned")
ATTEMPTS, PAUSE_SECONDS = 200, 0.05


class Stage(IntEnum):
    """When a partition is copied; the database is copied after the first stage."""

    COMMITTED_OFFSETS = 1
    """Before the database, whose progress they must not be ahead of."""
    POINTERS = 2
    """Processors' states and the bridge's receipts: before the readings that they speak of."""
    RECORDS = 3
    """All that is read again from where the database and the states stand."""
    METADATA = 4
    """Last: it knows each topic, and each producer's number, that occurs in what was copied before."""
    NEVER = 5
    """Transactions: none is open in the copy, and whoever begins one gets a number that was never used."""


def stage_of(topic: str) -> Stage:
    """Say when a topic is copied. Pure."""
    if topic == "__consumer_offsets":
        return Stage.COMMITTED_OFFSETS
    if topic == "__cluster_metadata":
        return Stage.METADATA
    if topic == "__transaction_state":
        return Stage.NEVER
    if has_transactions(topic) or topic == BRIDGE_RECEIPTS:
        return Stage.POINTERS
    return Stage.RECORDS


def has_transactions(topic: str) -> bool:
    """Say whether a topic is written in transactions. Pure."""
    return topic.startswith("processor-state.")


def recovery_points(text: str) -> str:
    """Leave out of Kafka's checkpoint file what the copy does not hold that far. Pure.

    A broker that has just been made has an empty one: nothing is called safe.
    """
    if not text:
        return ""
    version, _, *lines = text.splitlines()
    kept = [line for line in lines if not has_transactions(topic := line.split()[0]) and stage_of(topic) < Stage.NEVER]
    return "\n".join([version, str(len(kept)), *kept, ""])


def wanted_files(names: Sequence[str], *, has_transactions: bool) -> list[str]:
    """Choose which files of a partition are copied. Pure.

    The indexes of the segment that is being written are made anew by the broker, and so is everything beside the log
    where that is cut.
    """
    active = max((name for name in names if name.endswith(".log")), default="").removesuffix(".log")
    kept = [name for name in names if name.endswith(SEGMENT_PARTS) or name in PARTITION_FILES or _is_snapshot(name)]
    if has_transactions:
        return sorted(name for name in kept if name.endswith(".log") or name in PARTITION_FILES)
    return sorted(name for name in kept if not (name.endswith(INDEXES) and name.startswith(active)))


def _is_snapshot(name: str) -> bool:
    """Say whether a file is a snapshot of the cluster's metadata."""
    return name.endswith(".checkpoint")


class KafkaCopy:
    """One copy of the data folder of a broker that runs."""

    def __init__(self, data: Path, copier: Copier) -> None:
        self._data = data
        self._copier = copier
        copier.folder(FOLDER)
        # Before any log: what it calls safe on disk is then in the copy of that log.
        points = data / RECOVERY_POINTS
        self._points = recovery_points(points.read_text()) if points.exists() else ""

    def copy(self, stage: Stage) -> None:
        """Copy every partition of a stage.

        Raises:
            BackupFailed: a partition's files do not come to rest.
        """
        for name in _names(self._data):
            match = PARTITION.fullmatch(name)
            if match is not None and stage_of(match["topic"]) is stage:
                self._copy_partition(name, has_transactions=has_transactions(match["topic"]))

    def finish(self) -> None:
        """Copy what says whose the data are."""
        for name in WHOLE_FILES:
            if (self._data / name).exists():
                self._copier.file(f"{FOLDER}/{name}", self._data / name)
        if self._points:
            self._copier.text(f"{FOLDER}/{RECOVERY_POINTS}", self._points)

    def _copy_partition(self, name: str, *, has_transactions: bool) -> None:
        self._copier.folder(f"{FOLDER}/{name}")
        with _opened(self._data / name, has_transactions=has_transactions) as files:
            sizes = {each: os.fstat(file.fileno()).st_size for each, file in files.items()}
            if has_transactions:
                logs = [each for each in files if each.endswith(".log")]
                settled = settled_lengths(batches(files[each], sizes[each]) for each in logs)
                sizes |= dict(zip(logs, settled, strict=True))
            for each, file in files.items():
                self._copier.stream(f"{FOLDER}/{name}/{each}", file, sizes[each])


@contextmanager
def _opened(folder: Path, *, has_transactions: bool) -> Iterator[Mapping[str, BinaryIO]]:
    """Open a partition's files as they are at one moment, in the order of their names.

    Raises:
        BackupFailed: they are changed again and again.
    """
    for _ in range(ATTEMPTS):
        with ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            names = _names(folder)
            try:
                wanted = wanted_files(names, has_transactions=has_transactions)
                files.update((name, stack.enter_context((folder / name).open("rb"))) for name in wanted)
                is_at_rest = wanted == wanted_files(_names(folder), has_transactions=has_transactions)
                for name, file in files.items():
                    is_at_rest &= (folder / name).stat().st_ino == os.fstat(file.fileno()).st_ino
            except FileNotFoundError:
                is_at_rest = False
            if is_at_rest and not any(name.endswith(BEING_SWAPPED) for name in names):
                yield files
                return
        time.sleep(PAUSE_SECONDS)
    raise BackupFailed(f"Kafka changes {folder} again and again; try again in a minute.")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
