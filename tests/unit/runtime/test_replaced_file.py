"""A file that others replace: what counts as another one."""

from __future__ import annotations

from pathlib import Path

from services.runtime.replaced_file import ReplacedFile


def test_a_file_is_another_one_when_it_comes_goes_or_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    file = ReplacedFile(path)
    assert file.has_changed(), "nothing was met yet"
    assert not file.meet()
    assert not file.has_changed(), "it is missing, as before"
    path.write_text("1", encoding="utf-8")
    assert file.has_changed()
    assert file.meet()
    assert not file.has_changed()
    other = tmp_path / "part"
    other.write_text("2", encoding="utf-8")
    other.replace(path)
    assert file.has_changed()
    file.meet()
    path.unlink()
    assert file.has_changed()


def test_what_could_not_be_read_is_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    path.write_text("1", encoding="utf-8")
    file = ReplacedFile(path)
    file.meet()
    file.forget()
    assert file.has_changed()
    file.meet()
    assert not file.has_changed()
