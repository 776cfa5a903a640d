"""Which prefix is used, and what an upgrade says of it; with real folders, without servers."""

import json
from pathlib import Path

import pytest

from deploy.local import prefix, upgrade
from deploy.local.errors import AlreadyRunning, DownloadFailed
from deploy.local.prefix import Prefix
from deploy.local.run_record import RunLock
from deploy.local.settings import LocalSettings
from deploy.local.upgrade import Change, changes


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one complete prefix, in the layout of every release."""
    monkeypatch.setenv("DISTRICT_CACHE", str(tmp_path / "cache"))
    make(prefix.plain_location(), {"mosquitto": "2.0.20-1", "libgone": "1"})
    return tmp_path / "cache"


def make(root: Path, packages: dict[str, str]) -> Prefix:
    root.mkdir(parents=True)
    (root / "program").write_text("x")
    (root / prefix.STAMP).write_text(json.dumps({"packages": packages, "files": {"program": 1}}))
    return Prefix(root)


def settings(state: Path) -> LocalSettings:
    return LocalSettings.model_validate({"state": state})


def test_changes_are_named_with_both_versions() -> None:
    before, after = {"a": "1", "b": "1", "gone": "1"}, {"a": "1", "b": "2", "new": "3"}
    found = changes(before, after)
    assert found == (Change("b", "1", "2"), Change("gone", "1", None), Change("new", None, "3"))
    assert [str(change) for change in found] == ["b: 1 → 2", "gone: 1 → none", "new: none → 3"]
    assert changes(before, before) == ()


def test_a_cache_of_an_earlier_release_is_used_as_it_is(cache: Path) -> None:
    assert prefix.location() == prefix.plain_location()
    assert prefix.ensure().versions()["mosquitto"] == "2.0.20-1"
    assert cache in prefix.location().parents


def test_the_newer_prefix_is_used_and_the_one_before_is_kept() -> None:
    newest = {"mosquitto": "2.0.21-1"}
    second = upgrade.upgrade(
        settings(Path("/nowhere/state")),
        Path("/nowhere/backup"),
        newest=lambda: newest,
        build=lambda: make(prefix.beside(), newest),
    )
    assert [str(change) for change in second.changes] == ["libgone: 1 → none", "mosquitto: 2.0.20-1 → 2.0.21-1"]
    assert second.backup is None
    assert prefix.ensure().versions() == newest
    assert prefix.plain_location().exists()
    third = {"mosquitto": "2.0.22-1"}
    upgrade.upgrade(
        settings(Path("/nowhere/state")),
        Path("/nowhere/backup"),
        newest=lambda: third,
        build=lambda: make(prefix.beside(), third),
    )
    assert prefix.ensure().versions() == third
    assert not prefix.plain_location().exists(), "only the one before is kept"


def test_nothing_is_done_when_nothing_is_newer() -> None:
    same = prefix.ensure().versions()

    def build() -> Prefix:
        pytest.fail("there was nothing to build")

    assert upgrade.upgrade(settings(Path("/n/s")), Path("/n/b"), newest=lambda: same, build=build).changes == ()


def test_a_district_that_runs_keeps_its_servers(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with RunLock(tmp_path / "state"), pytest.raises(AlreadyRunning, match="district stop"):
        upgrade.upgrade(settings(tmp_path / "state"), tmp_path / "backup", newest=dict)
    assert prefix.location() == prefix.plain_location()


def test_a_download_that_fails_changes_nothing(cache: Path) -> None:
    def build() -> Prefix:
        raise DownloadFailed

    with pytest.raises(DownloadFailed):
        upgrade.upgrade(settings(Path("/n/s")), Path("/n/b"), newest=dict, build=build)
    assert prefix.location() == prefix.plain_location()
    assert prefix.is_complete(prefix.location())
    assert [path.name for path in cache.glob("prefix-*")] == [prefix.plain_location().name]


def test_a_build_that_fails_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(root: Path) -> None:
        (root / "usr").mkdir(parents=True)
        raise DownloadFailed

    monkeypatch.setattr(prefix, "_build", half)
    with pytest.raises(DownloadFailed):
        prefix.build_beside()
    assert [path.name for path in cache.glob("prefix-*")] == [prefix.plain_location().name]


@pytest.mark.parametrize("content", ["", "../elsewhere", "prefix-of-another-recipe-2", "/etc"])
def test_a_pointer_that_names_no_prefix_of_this_recipe_is_passed_over(cache: Path, content: str) -> None:
    (cache / f"{prefix.plain_location().name}.current").write_text(content)
    assert prefix.location() == prefix.plain_location()
