"""At the door: who is let in with what, what a page of another site can do, and what is written down of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.api_key import Role
from schemas.audit import UNKNOWN, AuditOutcome
from services.operations_api.access import Principal
from tests.unit.operations_api.conftest import Site, register_of, settings_of, site_of

ME, SESSION, SILENCES = "/api/v1/me", "/api/v1/session", "/api/v1/silences"


async def test_a_key_says_who_asks(site: Site) -> None:
    answer = await site.ask(ME, key=site.keys[Role.PLAN_OFFICE])
    assert answer.status == 200
    known = answer.json()
    assert (known["id"], known["role"], known["csrf"]) == ("plan-office", "plan-office", None)
    assert known["may"] == ["self", "read", "read-alerts", "read-deliveries", "report"]


@pytest.mark.parametrize("key", [None, "", "operator", "operator.wrong", "nobody." + "k" * 43])
async def test_without_a_key_that_counts_nobody_is_let_in(site: Site, key: str | None) -> None:
    answer = await site.ask(ME, key=key)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_revoked_key_ends_with_its_sessions(site: Site) -> None:
    cookie, _ = await site.log_in()
    assert (await site.ask(ME, headers=cookie)).status == 200
    now = datetime.now(UTC)
    site.parts.doorkeeper.go_by(register_of(site.keys, operator={"revoked_at": now}))
    assert (await site.ask(ME, headers=cookie)).status == 401
    assert (await site.ask(ME, key=site.keys[Role.OPERATOR])).status == 401
    site.parts.doorkeeper.go_by(register_of(site.keys))
    assert (await site.ask(ME, headers=cookie)).status == 401, "the session is over for good"


async def test_a_login_token_begins_one_session(site: Site) -> None:
    token = site.login_token()
    first = await site.ask(SESSION, method="POST", body={"token": token})
    cookie = first.headers["set-cookie"]
    assert first.status == 201
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert (await site.ask(SESSION, method="POST", body={"token": token})).status == 401
    assert (
        await site.ask(SESSION, method="POST", body={"token": site.login_token(minutes=-1, nonce="m")})
    ).status == 401
    assert (await site.ask(SESSION, method="POST", body={"token": site.login_token("nobody", nonce="o")})).status == 401
    assert (await site.ask(SESSION, method="POST", body={"token": site.keys[Role.VIEWER]})).status == 201


async def test_over_tls_the_cookie_is_for_tls_alone(tmp_path: Path) -> None:
    site = site_of(settings_of(tmp_path, tls_certificate=tmp_path / "c", tls_key=tmp_path / "k"))
    answer = await site.ask(SESSION, method="POST", body={"token": site.login_token()})
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


async def test_a_session_ends_when_it_is_ended(site: Site) -> None:
    cookie, csrf = await site.log_in()
    session = site.parts.sessions.get(cookie["Cookie"].partition("=")[2], datetime.now(UTC))
    assert session is not None
    listener = Principal("operator", "Operator", Role.OPERATOR, csrf=csrf, session=session.name)
    assert site.parts.doorkeeper.still_counts(listener)
    assert (await site.ask(SESSION, method="DELETE", headers=cookie | {"X-CSRF-Token": csrf})).status == 204
    assert not site.parts.doorkeeper.still_counts(listener), "its streams end with it"
    assert (await site.ask(ME, headers=cookie)).status == 401


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 403),
        ({"X-CSRF-Token": "wrong"}, 403),
        ({"X-CSRF-Token": "{csrf}"}, 422),
        ({"X-CSRF-Token": "{csrf}", "Origin": "http://127.0.0.1:8600", "Sec-Fetch-Site": "same-origin"}, 422),
        ({"X-CSRF-Token": "{csrf}", "Origin": "http://evil.example"}, 403),
        ({"X-CSRF-Token": "{csrf}", "Origin": "null"}, 403),
        ({"X-CSRF-Token": "{csrf}", "Origin": "http://127.0.0.1:9999"}, 403),
        ({"X-CSRF-Token": "{csrf}", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-CSRF-Token": "{csrf}", "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_a_write_of_a_session_comes_from_our_own_page(site: Site, more: dict[str, str], status: int) -> None:
    cookie, csrf = await site.log_in()
    headers = cookie | {name: value.format(csrf=csrf) for name, value in more.items()}
    answer = await site.ask(SILENCES, method="POST", headers=headers, body={})  # 422: it came as far as its body
    assert answer.status == status


async def test_another_site_cannot_log_somebody_in(site: Site) -> None:
    headers = {"Origin": "http://evil.example"}
    answer = await site.ask(SESSION, method="POST", headers=headers, body={"token": site.login_token()})
    assert answer.status == 403


async def test_no_other_site_reads_an_answer(site: Site) -> None:
    answer = await site.ask(ME, key=site.keys[Role.VIEWER], headers={"Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8600", 200),
        ("localhost:8600", 200),
        ("LOCALHOST", 200),
        ("[::1]:8600", 200),
        ("rebound.example:8600", 400),
        ("127.0.0.1.evil.example", 400),
        ("", 400),
    ],
)
async def test_on_loopback_it_answers_to_its_own_names(site: Site, host: str, status: int) -> None:
    assert (await site.ask(ME, key=site.keys[Role.VIEWER], headers={"Host": host})).status == status


async def test_whoever_guesses_keys_waits_and_others_do_not(tmp_path: Path) -> None:
    site = site_of(settings_of(tmp_path, wrong_keys_burst=3))
    statuses = [(await site.ask(ME, key="operator.wrong", client="10.0.0.9")).status for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    right = await site.ask(ME, key=site.keys[Role.OPERATOR], client="10.0.0.9")
    assert right.status == 429
    assert int(right.headers["retry-after"]) >= 1
    assert (await site.ask(ME, key=site.keys[Role.OPERATOR], client="10.0.0.8")).status == 200


async def test_whoever_asks_too_often_waits(tmp_path: Path) -> None:
    site = site_of(settings_of(tmp_path, reads_burst=2, reads_per_second=0.001))
    statuses = [(await site.ask(ME, key=site.keys[Role.VIEWER])).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await site.ask(ME, key=site.keys[Role.OPERATOR])).status == 200


async def test_every_write_and_every_refused_write_is_written_down(site: Site) -> None:
    await site.ask(ME, key=site.keys[Role.VIEWER])
    await site.ask(SILENCES, method="POST", body={})
    await site.ask(SILENCES, method="POST", key=site.keys[Role.VIEWER], body={})
    await site.ask(SILENCES, method="POST", key=site.keys[Role.OPERATOR], body={})
    await site.ask("/api/v1/nothing", method="PUT", key=site.keys[Role.OPERATOR])
    await site.log_in()
    told = [(each.actor, each.operation, each.status, each.outcome) for each in site.heard.records]
    assert told == [
        (UNKNOWN, "silence", 401, AuditOutcome.REFUSED),
        ("viewer", "silence", 403, AuditOutcome.REFUSED),
        ("operator", "silence", 422, AuditOutcome.REFUSED),
        (UNKNOWN, "", 404, AuditOutcome.REFUSED),
        ("operator", "beginSession", 201, AuditOutcome.DONE),
    ]
    assert all(each.client == "127.0.0.1" for each in site.heard.records)


async def test_no_secret_is_written_down(site: Site) -> None:
    token = site.login_token()
    await site.ask(SESSION, method="POST", body={"token": token})
    await site.ask(SESSION, method="POST", body={"token": token + "x"})
    said = " ".join(each.model_dump_json() for each in site.heard.records)
    assert token not in said
    assert token.rpartition(".")[0] not in said
