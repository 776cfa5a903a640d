"""What a backup is made of: the manifest and what it refuses, the order of Kafka's logs, where a log may be cut."""

import io
import itertools
import json
import os
import stat
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import backup, backup_manifest, kafka_copy, prefix, restore, restoring
from deploy.local.backup_manifest import FileEntry, Manifest, misfit
from deploy.local.copier import Copier
from deploy.local.device_book import DeviceBook
from deploy.local.errors import AlreadyRunning, BackupFailed, BackupUnusable, RestoreRefused, RestoreUnfinished
from deploy.local.kafka_copy import KafkaCopy, Stage, recovery_points, stage_of, wanted_files
from deploy.local.kafka_log import HEADER, PREFIX_BYTES, Batch, batches, settled_lengths
from deploy.local.prefix import Prefix
from deploy.local.run_record import RunLock
from schemas.device_register import DeviceRegister
from schemas.topics import TOPICS

VERSIONS = {"postgres": "17", "timescaledb": "2.19.3", "kafka": "4.1.1"}
HERE = backup_manifest.this_machine()


def manifest(**fields: object) -> Manifest:
    known = {
        "taken_at": datetime(2026, 1, 1, tzinfo=UTC),
        "running": True,
        "machine": HERE,
        "versions": VERSIONS,
        "folders": (),
        "files": {},
    }
    return Manifest.model_validate(known | fields)


@pytest.fixture(autouse=True)
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a prefix that say which versions it has."""
    root = tmp_path / "prefix"
    control = root / "usr/share/postgresql/17/extension/timescaledb.control"
    control.parent.mkdir(parents=True)
    control.write_text(f"# TimescaleDB\ncomment = 'x'\ndefault_version = '{VERSIONS['timescaledb']}'\n")
    (root / "kafka").mkdir()
    (root / f"kafka/kafka_2.13-{VERSIONS['kafka']}.jar").touch()
    assert backup_manifest.server_versions(Prefix(root)) == VERSIONS
    monkeypatch.setattr(prefix, "ensure", lambda: Prefix(root))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A small backup as `take` would leave it."""
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)
    copier = Copier(folder)
    for name in ("mosquitto/accounts", "kafka/data/plan-0/00000000000000000000.log", "postgres/data/PG_VERSION"):
        copier.text(name, f"content of {name}")
    copier.folder("postgres/data/pg_notify")
    copier.text("credentials.json", "{}")
    copier.text("devices/register.json", DeviceRegister().model_dump_json())
    backup_manifest.write(folder, manifest(folders=tuple(copier.folders), files=copier.files))
    return folder


def test_a_whole_backup_passes_and_is_for_its_owner_alone(whole: Path) -> None:
    backup_manifest.check(whole, backup_manifest.read(whole))
    for path in whole.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte": (lambda folder: _flip(folder / "credentials.json"), r"damaged: credentials\.json"),
    "a shorter file": (lambda folder: (folder / "credentials.json").write_text("{"), "damaged: credentials"),
    "a missing file": (lambda folder: (folder / "postgres/data/PG_VERSION").unlink(), "missing: postgres/data/PG_V"),
    "a foreign file": (
        lambda folder: (folder / "kafka/data/evil").write_text(""),
        "not of the backup: kafka/data/evil",
    ),
    "a link": (
        lambda folder: (
            (folder / "credentials.json").rename(folder.parent / "moved"),
            (folder / "credentials.json").symlink_to(folder.parent / "moved"),
        ),
        "damaged: credentials",
    ),
    "no manifest": (
        lambda folder: (folder / "manifest.json").unlink(),
        "no backup of the district, or one that was cut",
    ),
    "half a manifest": (
        lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:300]),
        "damaged, or another program's",
    ),
    "another program's manifest": (
        lambda folder: (folder / "manifest.json").write_text('{"name": "my-app", "version": 3}'),
        "damaged, or another program's",
    ),
    "a list": (lambda folder: (folder / "manifest.json").write_text("[1]"), "damaged, or another program's"),
    "a folder for a manifest": (
        lambda folder: ((folder / "manifest.json").unlink(), (folder / "manifest.json").mkdir()),
        "Is a directory",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_partial_or_foreign_backup_is_refused_with_its_reason(whole: Path, damage: str) -> None:
    spoil, words = DAMAGES[damage]
    spoil(whole)
    with pytest.raises(BackupUnusable, match=words):
        backup_manifest.check(whole, backup_manifest.read(whole))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("taken_at", "2027-01-01T00:00:00Z", "was changed after the backup"),
        ("format", 2, "a later release"),
        ("kind", "another", "another program"),
    ],
)
def test_a_manifest_that_was_changed_is_refused(whole: Path, field: str, value: object, words: str) -> None:
    sealed = json.loads((whole / "manifest.json").read_text())
    sealed["manifest"][field] = value
    (whole / "manifest.json").write_text(json.dumps(sealed))
    with pytest.raises(BackupUnusable, match=words):
        backup_manifest.read(whole)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside"])
def test_a_backup_cannot_write_outside_of_where_it_is_restored(whole: Path, name: str) -> None:
    entry = FileEntry(size=0, sha256="0" * 64)
    for odd in (manifest(files={name: entry}), manifest(folders=(name,))):
        with pytest.raises(BackupUnusable, match="outside of itself"):
            backup_manifest.check(whole, odd)


@pytest.mark.parametrize("name", ["users.json", "run.json", "lock", "restoring", "logs/kafka.log"])
def test_a_backup_brings_nothing_that_belongs_to_one_run(whole: Path, name: str) -> None:
    odd = manifest(files={name: FileEntry(size=0, sha256="0" * 64)})
    with pytest.raises(BackupUnusable, match="no backup holds"):
        backup_manifest.check(whole, odd)


def test_servers_that_are_older_or_of_another_kind_refuse_a_backup() -> None:
    assert misfit(manifest(), VERSIONS, HERE) is None
    assert misfit(manifest(), VERSIONS | {"timescaledb": "2.20.0", "kafka": "4.2.0"}, HERE) is None
    assert "servers upgrade" in str(misfit(manifest(), VERSIONS | {"timescaledb": "2.9.9"}, HERE))
    assert "kafka 4.1.1" in str(misfit(manifest(), VERSIONS | {"kafka": "4.0.0"}, HERE))
    assert "PostgreSQL 17" in str(misfit(manifest(), VERSIONS | {"postgres": "18"}, HERE))
    assert "machine" in str(misfit(manifest(), VERSIONS, "other"))


# Restoring into a folder, without servers.


def test_a_restore_brings_every_file_and_folder_and_its_marker_goes(whole: Path, tmp_path: Path) -> None:
    restore.restore(whole, tmp_path / "new/state")
    state = tmp_path / "new/state"
    assert (state / "postgres/data/PG_VERSION").read_text() == "content of postgres/data/PG_VERSION"
    assert (state / "postgres/data/pg_notify").is_dir()
    assert not (state / restoring.MARKER).exists()
    assert (state / "devices/register.json").exists()
    book = DeviceBook(state / "devices/register.json")
    book.begin()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (book.register_file.parent, book.register_file)]
    assert modes == [0o755, 0o644]  # every service reads it, whoever it runs as
    restoring.check_finished(state)


def test_a_restore_refuses_a_folder_with_data_and_one_that_runs(whole: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "postgres").mkdir(parents=True)
    with pytest.raises(RestoreRefused, match=r"has postgres.*DISTRICT_STATE.*make clean"):
        restore.restore(whole, state)
    assert list((state / "postgres").iterdir()) == []
    with RunLock(state), pytest.raises(AlreadyRunning):
        restore.restore(whole, state)


def test_a_damaged_backup_changes_nothing(whole: Path, tmp_path: Path) -> None:
    _flip(whole / "credentials.json")
    with pytest.raises(BackupUnusable):
        restore.restore(whole, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_a_restore_that_was_cut_short_stops_the_start_and_is_done_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    copy = Copier.file

    def full(copier: Copier, name: str, source: Path) -> FileEntry:
        if name.startswith("postgres"):
            raise OSError(28, "No space left on device")
        return copy(copier, name, source)

    monkeypatch.setattr(Copier, "file", full)
    with pytest.raises(OSError, match="No space"):
        restore.restore(whole, state)
    with pytest.raises(RestoreUnfinished, match="district restore"):
        restoring.check_finished(state)
    monkeypatch.undo()
    restore.restore(whole, state)
    restoring.check_finished(state)
    assert (state / "credentials.json").read_text() == "{}"


# Taking one.


def test_what_a_restore_has_left_half_done_is_not_backed_up(tmp_path: Path) -> None:
    restoring.begin_again(tmp_path)
    with pytest.raises(RestoreUnfinished):
        backup.take(tmp_path, tmp_path.parent / "b")


def test_a_backup_does_not_copy_itself(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(state)
    for folder in (state / "b", tmp_path / "x/../state/b", tmp_path / "link/b"):
        with pytest.raises(BackupFailed, match="in the state folder"):
            backup.take(state, folder)


def test_a_backup_is_never_written_over_something(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/precious").write_text("x")
    with pytest.raises(BackupFailed, match="not empty"):
        backup.take(tmp_path / "state", tmp_path / "full")
    assert (tmp_path / "full/precious").exists()


def test_a_backup_never_holds_itself(stopped: Path) -> None:
    for folder in (stopped, stopped / "backups/today"):
        with pytest.raises(BackupFailed, match="outside of it"):
            backup.take(stopped, folder)
    assert not (stopped / "backups").exists()


def test_another_user_s_district_is_not_backed_up(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BackupFailed, match="another user's"):
        backup.take(stopped, tmp_path / "backup")


def test_a_state_folder_without_data_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="does not hold the data of all three servers"):
        backup.take(tmp_path / "state", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A state folder of a district that is stopped, as far as a copier sees it."""
    state = tmp_path / "state"
    for name, content in {
        "credentials.json": "{}",
        "run.json": "{}",
        "lock": "",
        "environment.json": "{}",
        "users.json": "{}",
        "devices.json": "[]",
        "logs/kafka.log": "line",
        "code/services/x.py": "pass",
        "mosquitto/accounts": "a",
        "mosquitto/data/mosquitto.db": "queue",
        "kafka/data/meta.properties": "id",
        "kafka/data/.lock": "",
        "postgres/data/PG_VERSION": "17",
        "postgres/data/postmaster.pid": "1",
    }.items():
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text(content)
    return state


def test_all_that_cannot_be_made_again_is_taken_and_nothing_of_this_run(stopped: Path, tmp_path: Path) -> None:
    taken = backup.take(stopped, tmp_path / "backup")
    assert set(taken.files) == {
        "credentials.json",
        "devices.json",
        "mosquitto/accounts",
        "mosquitto/data/mosquitto.db",
        "kafka/data/meta.properties",
        "kafka/formatted",
        "postgres/data/PG_VERSION",
        "postgres/initialised",
    }
    assert not taken.running
    backup_manifest.check(tmp_path / "backup", backup_manifest.read(tmp_path / "backup"))
    restore.restore(tmp_path / "backup", tmp_path / "other")
    assert (tmp_path / "other/devices.json").read_text() == "[]"


def test_a_backup_onto_a_full_disk_leaves_nothing(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_copier: Copier, name: str, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", name)

    monkeypatch.setattr(Copier, "tree", full)
    with pytest.raises(BackupFailed, match="No space left"):
        backup.take(stopped, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


# Kafka's files.


def test_nothing_is_copied_after_what_points_to_it() -> None:
    stages = {topic.name: stage_of(topic.name) for topic in TOPICS}
    for topic, stage in stages.items():
        points = topic.startswith("processor-state.") or topic == "bridge-receipts"
        assert stage is (Stage.POINTERS if points else Stage.RECORDS), topic
    assert stage_of("__consumer_offsets") < Stage.POINTERS < Stage.RECORDS < stage_of("__cluster_metadata")
    assert stage_of("__transaction_state") is Stage.NEVER


def test_indexes_of_the_segment_that_is_written_are_left_to_the_broker() -> None:
    names = [f"{base:020d}{part}" for base in (0, 50) for part in (".log", ".index", ".timeindex", ".snapshot")]
    names += ["leader-epoch-checkpoint", "partition.metadata", f"{7:020d}.log.deleted", ".lock"]
    assert wanted_files(names, has_transactions=False) == sorted(
        [
            *(f"{0:020d}{part}" for part in (".log", ".index", ".timeindex", ".snapshot")),
            f"{50:020d}.log",
            f"{50:020d}.snapshot",
            "leader-epoch-checkpoint",
            "partition.metadata",
        ]
    )
    assert wanted_files(names, has_transactions=True) == [
        f"{0:020d}.log",
        f"{50:020d}.log",
        "leader-epoch-checkpoint",
        "partition.metadata",
    ]


def test_what_is_cut_is_not_called_safe_on_disk() -> None:
    text = "0\n3\nprocessor-state.ev 0 70\nreadings.ev 5 123\n__transaction_state 2 9\n"
    assert recovery_points(text) == "0\n1\nreadings.ev 5 123\n"
    assert recovery_points("") == ""


def test_a_partition_that_is_compacted_just_now_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partition = tmp_path / "data/plan-0"
    partition.mkdir(parents=True)
    (partition / f"{0:020d}.log").write_bytes(b"old")
    swap = partition / f"{0:020d}.log.swap"
    swap.write_bytes(b"new")
    (tmp_path / "copy").mkdir()
    copier = Copier(tmp_path / "copy")
    pauses = itertools.count()

    def finish_the_swap(_seconds: float) -> None:
        if next(pauses) == 1:
            swap.replace(partition / f"{0:020d}.log")

    monkeypatch.setattr(kafka_copy.time, "sleep", finish_the_swap)
    KafkaCopy(tmp_path / "data", copier).copy(Stage.RECORDS)
    assert (tmp_path / f"copy/kafka/data/plan-0/{0:020d}.log").read_bytes() == b"new"


def test_a_partition_that_never_rests_fails_the_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data/plan-0").mkdir(parents=True)
    (tmp_path / "data/plan-0/1.cleaned").write_bytes(b"")
    (tmp_path / "copy").mkdir()
    monkeypatch.setattr(kafka_copy.time, "sleep", lambda _seconds: None)
    with pytest.raises(BackupFailed, match="again and again"):
        KafkaCopy(tmp_path / "data", Copier(tmp_path / "copy")).copy(Stage.RECORDS)


def batch_bytes(producer: int, *, transactional: bool = True, control: bool = False, payload: int = 3) -> bytes:
    attributes = (0x10 if transactional else 0) | (0x20 if control else 0)
    length = HEADER.size - PREFIX_BYTES + payload
    return HEADER.pack(0, length, 0, 2, 0, attributes, 0, 0, 0, producer, 0, 0, 1) + bytes(payload)


def test_batches_are_read_until_the_first_torn_one() -> None:
    whole, ends = batch_bytes(7), batch_bytes(7, control=True)
    log = whole + ends + whole[:20]
    found = list(batches(io.BytesIO(log), len(log)))
    assert found == [
        Batch(0, len(whole), 7, transactional=True, control=False),
        Batch(len(whole), len(ends), 7, transactional=True, control=True),
    ]
    assert list(batches(io.BytesIO(log), len(whole) - 1)) == []
    assert list(batches(io.BytesIO(struct.pack(">qi", 0, 5) + bytes(60)), 72)) == []


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from(["data", "plain", "end"]), st.integers(1, 9)), max_size=8
        ),
        max_size=4,
    )
)
def test_a_cut_log_has_no_open_transaction_and_is_as_long_as_it_can_be(
    drawn: list[list[tuple[int, str, int]]],
) -> None:
    files = []
    for file in drawn:
        position, read = 0, []
        for producer, kind, length in file:
            read.append(Batch(position, length, producer, transactional=kind != "plain", control=kind == "end"))
            position += length
        files.append(read)
    flat = [(number, batch) for number, file in enumerate(files) for batch in file]

    never_ended = [place for place in range(len(flat)) if _is_never_ended(flat, place)]
    kept = min(never_ended, default=len(flat))
    expected = [sum(batch.length for number, batch in flat[:kept] if number == index) for index in range(len(files))]
    assert settled_lengths(files) == expected


def _is_never_ended(flat: list[tuple[int, Batch]], place: int) -> bool:
    """The naive way: look through all that follows."""
    batch = flat[place][1]
    ends = (each.control and each.producer_id == batch.producer_id for _, each in flat[place + 1 :])
    return batch.transactional and not batch.control and not any(ends)


def test_the_folder_of_the_backup_is_closed_whatever_our_umask_is(stopped: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        backup.take(stopped, tmp_path / "backup")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backup").rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backup").rglob("*") if path.is_dir()} == {0o700}
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700
