"""Keys, sessions, rates, one-time tokens and the table of roles."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.api_key import ApiKey, ApiKeyRegister, Role
from schemas.map_login import LASTS, Login, read_login, write_login
from services.operations_api.keys import holder_of
from services.operations_api.rate_limit import MOST_BUCKETS, Rate, RateLimit
from services.operations_api.roles import ALLOWED, Permission, may, permissions
from services.operations_api.sessions import MOST_OF_ONE, Sessions, is_own
from services.operations_api.used_tokens import FILE_NAME, UsedTokens
from tests.api_samples import at

SECRET = b"secret"


def entry(key_id: str, key: str, **more: object) -> ApiKey:
    fields = {"id": key_id, "name": key_id, "role": Role.OPERATOR, "added_at": at(0)}
    return ApiKey.model_validate(fields | {"sha256": hashlib.sha256(key.encode()).hexdigest()} | more)


REGISTER = ApiKeyRegister(
    keys=(
        entry("good", "good.key"),
        entry("ending", "ending.key", expires_at=at(10)),
        entry("revoked", "revoked.key", revoked_at=at(1)),
    )
)


@pytest.mark.parametrize(
    ("key", "minutes", "holder"),
    [
        ("good.key", 5, "good"),
        ("good.kez", 5, None),
        ("good.", 5, None),
        ("good", 5, None),
        ("", 5, None),
        (".key", 5, None),
        ("other.key", 5, None),
        ("good.key" + "x" * 200, 5, None),
        ("ending.key", 9.9, "ending"),
        ("ending.key", 10, None),
        ("revoked.key", 0, None),
        ("good.\ud800", 5, None),
    ],
)
def test_a_key_counts_whole_unrevoked_and_in_its_time(key: str, minutes: float, holder: str | None) -> None:
    found = holder_of(key, REGISTER, at(minutes))
    assert (None if found is None else found.id) == holder


@given(st.text(max_size=200))
def test_no_other_text_is_a_key(text: str) -> None:
    assert text in {"good.key", "ending.key"} or holder_of(text, REGISTER, at(0)) is None


def tokens() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"token-{next(numbers)}"


def sessions() -> Sessions:
    return Sessions(idle=timedelta(minutes=10), absolute=timedelta(minutes=60), make_token=tokens())


#   minutes  0     9    19    29   …   59   60
#            begin use  over
#            begin use  use   use  …   use  over
def test_a_session_ends_idle_or_at_last() -> None:
    known = sessions()
    idle, _ = known.begin("a", at(0))
    assert known.get(idle, at(9)) is not None
    assert known.get(idle, at(19)) is None
    assert known.get(idle, at(19)) is None
    busy, _ = known.begin("a", at(0))
    for minute in range(9, 60, 9):
        assert known.get(busy, at(minute)) is not None
    assert known.get(busy, at(60)) is None


def test_a_session_does_not_outlive_its_key() -> None:
    known = sessions()
    cookie, session = known.begin("a", at(0), until=at(5))
    assert session.ends_at == at(5)
    assert known.get(cookie, at(4)) is not None
    assert known.get(cookie, at(5)) is None


def test_ended_sessions_are_over_and_others_are_not() -> None:
    known = sessions()
    one, _ = known.begin("a", at(0))
    two, _ = known.begin("a", at(0))
    other, _ = known.begin("b", at(0))
    known.end(one)
    known.end("nonsense")
    assert known.get(one, at(1)) is None
    assert known.get(two, at(1)) is not None
    known.end_of("a")
    assert known.get(two, at(1)) is None
    assert known.get(other, at(1)) is not None


def test_of_one_key_the_sessions_are_bounded_and_the_idlest_ends() -> None:
    known = sessions()
    cookies = [known.begin("a", at(number / 100))[0] for number in range(MOST_OF_ONE + 1)]
    assert known.get(cookies[0], at(1)) is None
    assert all(known.get(cookie, at(1)) is not None for cookie in cookies[1:])


def test_a_cookie_is_none_of_another_session() -> None:
    known = sessions()
    cookie, session = known.begin("a", at(0))
    assert known.get(session.csrf, at(0)) is None
    assert known.get(cookie + "x", at(0)) is None
    assert is_own(session, session.csrf)
    assert not is_own(session, None)
    assert not is_own(session, "")
    assert not is_own(session, cookie)
    assert not is_own(session, "\ud800")


def test_a_bucket_gives_what_is_in_it_and_fills_in_time() -> None:
    limit = RateLimit(Rate(per_second=2, burst=3))
    assert [limit.wait_for("a", 0.0) for _ in range(3)] == [0, 0, 0]
    assert limit.wait_for("a", 0.0) == 0.5
    assert limit.is_empty("a", 0.0)
    assert limit.wait_for("b", 0.0) == 0
    assert not limit.is_empty("a", 0.5)
    assert limit.wait_for("a", 0.5) == 0
    assert [limit.wait_for("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_are_bounded() -> None:
    limit = RateLimit(Rate(per_second=1, burst=1))
    for number in range(MOST_BUCKETS + 1):
        limit.wait_for(str(number), 0.0)
    assert limit.wait_for("0", 0.0) == 0
    assert limit.wait_for(str(MOST_BUCKETS), 0.0) > 0


def test_a_login_token_says_what_was_written_until_its_end() -> None:
    login = Login("operator", at(0) + LASTS, "nonce")
    token = write_login(login, SECRET)
    assert read_login(token, SECRET, at(0)) == login
    assert read_login(token, SECRET, login.until) is None
    assert read_login(token, b"another", at(0)) is None


@given(st.text(max_size=120))
def test_no_text_is_a_login_token_but_ours(text: str) -> None:
    assert read_login(text, SECRET, at(0)) is None


@given(st.integers(0, 200), st.characters())
def test_a_login_token_that_was_changed_is_none(place: int, character: str) -> None:
    token = write_login(Login("viewer", at(0) + LASTS, "nonce"), SECRET)
    changed = token[: place % len(token)] + character + token[place % len(token) + 1 :]
    found = read_login(changed, SECRET, at(0))
    assert found is None or found == read_login(token, SECRET, at(0))


def test_a_token_is_used_once_over_restarts(tmp_path: Path) -> None:
    assert UsedTokens(tmp_path).use("n", at(10), at(0))
    again = UsedTokens(tmp_path)
    assert not again.use("n", at(10), at(0))
    assert again.use("m", at(10), at(0))
    assert again.use("o", at(30), at(20))
    assert "n" not in (tmp_path / FILE_NAME).read_text()


def test_a_token_that_cannot_be_marked_is_not_used(tmp_path: Path) -> None:
    assert not UsedTokens(tmp_path / "gone").use("n", at(10), at(0))


def test_a_damaged_list_of_used_tokens_begins_anew(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("[1")
    assert UsedTokens(tmp_path).use("n", at(10), at(0))


TABLE = """
               viewer operator plan-office integrator admin
self             x       x         x           x        x
read             x       x         x           -        x
read-alerts      x       x         x           x        x
read-deliveries  x       x         x           x        x
take             -       x         -           x        x
act              -       x         -           -        x
maintain         -       x         -           -        x
receive          -       -         -           x        x
report           -       -         x           -        x
audit            -       -         -           -        x
"""


def test_the_table_of_roles_is_this_one() -> None:
    head, *lines = TABLE.strip("\n").splitlines()
    roles = [Role(word) for word in head.split()]
    drawn = {
        (Permission(name), role): mark == "x"
        for name, *marks in (line.split() for line in lines)
        for role, mark in zip(roles, marks, strict=True)
    }
    assert set(roles) == set(Role)
    assert set(ALLOWED) == set(Permission)
    assert drawn == {(permission, role): may(role, permission) for permission in Permission for role in Role}
    assert permissions(Role.INTEGRATOR) == ("self", "read-alerts", "read-deliveries", "take", "receive")
