"""Each route of the contract at its door, with each role and with keys that do not count; and hostile requests."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.stack import Stack
from schemas.api_key import Role
from services.operations_api import application, openapi
from services.operations_api.roles import Permission, may
from tests.contract_fuzz import complaints
from tests.http_client import Client
from tests.integration.operations_api_site import Site, eventually, operations_api

P = Permission
TAKES: dict[str, Permission | None] = {
    "me": P.SELF,
    "beginSession": None,
    "endSession": P.SELF,
    "listAlerts": P.READ_ALERTS,
    "alertAsCap": P.READ_ALERTS,
    "getAlert": P.READ_ALERTS,
    "getAlertEvidence": P.READ,
    "act": P.TAKE,
    "listSilences": P.READ_ALERTS,
    "silence": P.ACT,
    "unsilence": P.ACT,
    "receive": P.RECEIVE,
    "listAssets": P.READ,
    "getAsset": P.READ,
    "getAssetDay": P.READ,
    "getAssetAlerts": P.READ,
    "listIndicators": P.READ,
    "listTargets": P.READ,
    "getPlan": P.READ,
    "listMaintenance": P.READ,
    "planMaintenance": P.MAINTAIN,
    "listTargetFigures": P.READ,
    "enterTargetFigure": P.REPORT,
    "confirmTargetFigure": P.REPORT,
    "getLayer": P.READ,
    "stream": P.READ,
    "events": P.READ_ALERTS,
    "listFeeds": P.READ,
    "getLedger": P.READ,
    "listDeliveries": P.READ_DELIVERIES,
    "listAudit": P.AUDIT,
}
"""What each operation takes; a new one has to be added here."""
IN_PATHS = {
    "alert_id": uuid.uuid4().hex,
    "scope": "asset",
    "place": "none",
    "kind": "lake",
    "asset_id": "none",
    "layer": "lakes",
    "figure_id": uuid.uuid4().hex,
}
MOST = {"stream": 20, "events": 10}
"""Streams that may be open at a time."""
CONTRACT = openapi.document(application.build())
OPERATIONS = [
    (operation["operationId"], method.upper(), path.format(**IN_PATHS))
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture(scope="module")
async def site(sink: Stack) -> AsyncIterator[Site]:
    limits = {"OPERATIONS_API_LISTENERS": str(MOST["stream"]), "OPERATIONS_API_EVENT_LISTENERS": str(MOST["events"])}
    async with operations_api(sink, **limits) as running:
        yield running


@pytest.fixture(scope="module")
async def useless(site: Site) -> tuple[str, str]:
    """A key that has ended, and one that is revoked."""
    book, now, name = site.book, datetime.now(UTC), uuid.uuid4().hex[:8]
    ended = book.add(f"over-{name}", "Over", Role.ADMIN, now - timedelta(days=2), expires_at=now - timedelta(days=1))
    revoked = book.add(f"revoked-{name}", "Revoked", Role.ADMIN, now)
    me = site.anybody.with_key(revoked)
    await eventually(lambda: me.ask("/api/v1/me"), lambda reply: reply.status == 200)
    book.revoke(f"revoked-{name}", now)
    await eventually(lambda: me.ask("/api/v1/me"), lambda reply: reply.status == 401)
    return ended, revoked


async def status_of(client: Client, method: str, path: str) -> int:
    return (await client.head_of(path, method=method, body={} if method == "POST" else None)).status


def test_every_operation_has_its_line() -> None:
    assert {name for name, _, _ in OPERATIONS} == set(TAKES)


@pytest.mark.parametrize(("name", "method", "path"), OPERATIONS, ids=[name for name, _, _ in OPERATIONS])
async def test_each_route_lets_in_whom_it_should_and_nobody_else(
    site: Site, useless: tuple[str, str], name: str, method: str, path: str
) -> None:
    takes = TAKES[name]
    if takes is None:
        assert await status_of(site.anybody, method, path) == 422
        return
    good = site.keys[Role.ADMIN]
    for key in (*useless, good[:-1], good + "x", "nobody.key", good.partition(".")[0], f"over.{good}"):
        assert await status_of(site.anybody.with_key(key), method, path) == 401, key
    assert await status_of(site.anybody, method, path) == 401
    assert await status_of(site.anybody.with_headers(Cookie="district_session=made-up"), method, path) == 401
    assert await status_of(site.anybody.with_headers(Authorization=f"Basic {good}"), method, path) == 401
    for role in Role:
        status = await status_of(site.as_role(role), method, path)
        if may(role, takes):
            assert status not in {401, 403}, role
            assert status < 500, role
        else:
            assert status == 403, role


async def test_an_integrator_sees_its_own_deliveries_alone(site: Site) -> None:
    integrator = site.as_role(Role.INTEGRATOR)
    assert (await integrator.ask("/api/v1/deliveries")).status == 200
    assert (await integrator.ask("/api/v1/deliveries?subscriber=somebody-else")).status == 403


HOSTILE = (
    "GET /../../etc/passwd HTTP/1.1",
    "GET /static/../../../api-keys.json HTTP/1.1",
    "GET /static/%2e%2e/%2e%2e/api-keys.json HTTP/1.1",
    "GET /docs/..%2f..%2fapi-keys.json HTTP/1.1",
    "GET //api/v1/me HTTP/1.1",
    "GET http://169.254.169.254/latest HTTP/1.1",
    "GET /api/v1/alerts/%00 HTTP/1.1",
    "GET /api/v1/assets/lake/..%2f..%2fme HTTP/1.1",
    "BREW /api/v1/me HTTP/1.1",
    "GET /api/v1/me HTTP/9.9",
    "\0\1\2",
)


@pytest.mark.parametrize("line", HOSTILE)
async def test_a_hostile_request_gets_no_file_and_breaks_nothing(site: Site, line: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.anybody.port)
    writer.write(f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1:2] in ([b"400"], [b"401"], [b"404"], [b"405"], [b"422"]), answer
    assert b"sha256" not in answer
    assert b"root:" not in answer
    assert (await site.operator.ask("/api/v1/me")).status == 200


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # of Schemathesis' own strategies
@pytest.mark.parametrize("role", list(Role))
async def test_whatever_is_asked_the_answer_is_in_the_contract(site: Site, role: Role) -> None:
    """Streams, which do not end, are heard until their first events."""
    asked, found = await asyncio.to_thread(
        complaints,
        CONTRACT,
        f"http://127.0.0.1:{site.anybody.port}",
        site.keys[role],
        examples=4 if role is Role.ADMIN else 2,
    )
    assert not found, "\n".join(found)
    assert asked >= 100


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # of Schemathesis' own strategies
@pytest.mark.parametrize("role", list(Role))
async def test_whatever_a_stream_is_asked_it_answers_by_the_contract_and_lets_go(site: Site, role: Role) -> None:
    """Many more cases than of the others: places in the log, good and made up, are what they take."""
    asked, found = await asyncio.to_thread(
        complaints,
        CONTRACT,
        f"http://127.0.0.1:{site.anybody.port}",
        site.keys[role],
        examples=25,
        only=MOST,
    )
    assert not found, "\n".join(found)
    assert asked >= 60

    async def open_streams() -> list[float]:
        text = (await site.anybody.ask("/metrics")).body.decode()
        return [float(value) for value in re.findall(r"^\S*api_listeners\{\S+ (\S+)$", text, re.MULTILINE)]

    await eventually(open_streams, lambda known: not any(known))


PLACES = (
    "a0:1",
    "a0:99999999999999,a1:0",
    "begin-",
    "0-0",
    "x" * 400,
    "a0:1," * 79,
    "-1",
    "nobody-99999999999999999999",
)


@pytest.mark.parametrize("name", MOST)
@pytest.mark.parametrize("place", PLACES)
async def test_a_place_that_nobody_gave_out_is_begun_anew_or_refused(site: Site, name: str, place: str) -> None:
    admin = site.as_role(Role.ADMIN)
    for client, path in (
        (admin.with_headers(Last_Event_ID=place), f"/api/v1/{name}"),
        (admin, f"/api/v1/{name}?last={place}"),
    ):
        reply = await client.head_of(path)
        assert reply.status == (200 if name == "stream" else 422), place
    for bad in ("%00", "a%20b", "%E6%AD%A6", "x" * 401):
        assert (await admin.head_of(f"/api/v1/{name}?last={bad}")).status == 422, bad


@pytest.mark.parametrize("name", MOST)
async def test_a_stream_more_than_there_may_be_is_told_when_to_come_again(site: Site, name: str) -> None:
    admin = site.as_role(Role.ADMIN)
    async with AsyncExitStack() as open_ones:
        for _ in range(MOST[name]):
            await open_ones.enter_async_context(admin.listen(f"/api/v1/{name}"))
        reply = await admin.head_of(f"/api/v1/{name}")
        assert reply.status == 429
        assert int(reply.headers["retry-after"]) > 0
        assert reply.headers["content-type"] == "application/problem+json"
    await eventually(lambda: admin.head_of(f"/api/v1/{name}"), lambda reply: reply.status == 200)


def test_the_contract_is_json_that_others_read() -> None:
    again: Any = json.loads(openapi.text(application.build()))
    assert again == CONTRACT
