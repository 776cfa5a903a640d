"""Keys are shown once and kept as hashes; an id is used once; a damaged register is not written over."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from deploy.local.errors import KeysUnchanged, KeysUnreadable
from deploy.local.key_book import LOCAL_OPERATOR, KeyBook
from schemas.api_key import Role
from schemas.map_login import FRAGMENT, LASTS, read_login
from services.district import map_server
from services.operations_api.keys import holder_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> KeyBook:
    return KeyBook(tmp_path / "keys" / "api-keys.json")


def test_a_key_counts_until_it_is_revoked(book: KeyBook) -> None:
    key = book.add("duty", "Duty desk", Role.OPERATOR, NOW, expires_at=NOW + timedelta(days=1))
    assert key not in book.file.read_text()
    found = holder_of(key, book.register(), NOW)
    assert found is not None
    assert (found.id, found.name, found.role) == ("duty", "Duty desk", Role.OPERATOR)
    assert holder_of(key, book.register(), NOW + timedelta(days=1)) is None
    revoked = book.revoke("duty", NOW)
    assert holder_of(key, book.register(), NOW) is None
    assert book.revoke("duty", NOW + timedelta(days=1)) == revoked


def test_the_register_is_readable_for_the_service_and_its_folder_is_opened_again(book: KeyBook) -> None:
    book.begin(NOW)
    book.file.parent.chmod(0o700)
    book.begin(NOW)
    assert stat.S_IMODE(book.file.stat().st_mode) == 0o644
    assert stat.S_IMODE(book.file.parent.stat().st_mode) == 0o755


def test_the_operator_of_the_machine_is_there_once_and_nobody_has_its_key(book: KeyBook) -> None:
    book.begin(NOW)
    first = book.register()
    book.begin(NOW + timedelta(days=1))
    assert book.register() == first
    assert [(each.id, each.role) for each in first.keys] == [(LOCAL_OPERATOR, Role.OPERATOR)]


def test_what_cannot_be_is_refused_with_a_sentence(book: KeyBook) -> None:
    book.add("one", "", Role.VIEWER, NOW)
    with pytest.raises(KeysUnchanged, match="already"):
        book.add("one", "", Role.ADMIN, NOW)
    with pytest.raises(KeysUnchanged, match="id"):
        book.add("no spaces", "", Role.VIEWER, NOW)
    with pytest.raises(KeysUnchanged, match="no key two"):
        book.revoke("two", NOW)
    book.file.write_text("{")
    with pytest.raises(KeysUnreadable, match=r"api-keys\.json"):
        book.add("three", "", Role.VIEWER, NOW)
    assert book.file.read_text() == "{"


def _add(file: Path, number: int) -> None:
    KeyBook(file).add(f"key-{number}", "", Role.VIEWER, NOW)


def test_two_who_add_at_once_lose_nothing(book: KeyBook) -> None:
    with ThreadPool(4) as pool:
        pool.starmap(_add, [(book.file, number) for number in range(12)])
    assert sorted(each.id for each in book.register().keys) == sorted(f"key-{number}" for number in range(12))


def test_the_link_carries_a_token_behind_the_hash_sign(book: KeyBook) -> None:
    del book
    link = map_server.link("http://127.0.0.1:8600/", "secret", NOW)
    address, _, fragment = link.partition("#")
    assert address == "http://127.0.0.1:8600/map/"
    login = read_login(fragment.removeprefix(FRAGMENT), b"secret", NOW)
    assert login is not None
    assert (login.key_id, login.until) == (LOCAL_OPERATOR, NOW + LASTS)
    assert link != map_server.link("http://127.0.0.1:8600/", "secret", NOW)
