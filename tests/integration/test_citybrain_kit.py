"""`district citybrain check` against the reference consumer, which passes, and against others, who are told why."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

from schemas.subscription import Rendering
from services.alert_life.renderings import cap_reader, cloudevents, signature
from services.district.citybrain.command import _all
from services.district.citybrain.exchange import Target
from services.district.citybrain.judging import Outcome
from services.district.citybrain.samples import Samples
from simulators.citybrain.books import Alert, Books
from simulators.citybrain.errors import Refused
from simulators.citybrain.event import Event, Kind, read_event
from simulators.citybrain.webhook import keys_of, verify

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Brain:
    """The reference consumer in a process of its own."""

    process: asyncio.subprocess.Process
    url: str

    @property
    def read_back(self) -> str:
        return self.url.replace("/events", "/received")


@asynccontextmanager
async def brain(books: Path) -> AsyncIterator[Brain]:
    environment = os.environ | {"CITYBRAIN_SECRETS": SECRET, "CITYBRAIN_FILE": str(books), "CITYBRAIN_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.citybrain"),
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stderr.readline(), 60)
        drained = asyncio.create_task(process.stderr.read())
        yield Brain(process, json.loads(line)["url"])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await drained


async def checked(url: str, *options: str, secret: str = SECRET) -> tuple[int, str]:
    """Exit status and output of the kit."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", "citybrain", "check", url, *options),
        cwd=ROOT,
        env=os.environ | {"CITYBRAIN_SECRET": secret, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize("options", [(), ("--live",), ("--rendering", "cloudevents-binary")])
async def test_the_reference_consumer_passes(tmp_path: Path, options: tuple[str, ...]) -> None:
    async with brain(tmp_path / "books") as one:
        status, said = await checked(one.url, "--read-back", one.read_back, *options)
        assert status == 0, said
        assert re.search(r"All \d+ checks passed: answers and books", said)
        async with aiohttp.ClientSession() as session, session.get(one.read_back) as response:
            received = await response.json()
        assert received["count"] == len(received["ids"]) == len(set(received["ids"]))
        assert (received["repeated"], received["out_of_order"]) == (2, 1)
        assert received["exercises"] == (1 if "--live" in options else received["count"])
    assert one.process.returncode == 0


async def test_what_was_answered_is_in_the_books_after_a_kill(tmp_path: Path) -> None:
    books, answered = tmp_path / "books", set()
    samples = Samples("kill", datetime.now(UTC))

    async def send(session: aiohttp.ClientSession, url: str, number: int) -> None:
        alert = samples.alert(f"kill-{number}")
        body = cloudevents.structured(alert)
        headers = signature.signed(alert.event_id, body, [SECRET], datetime.now(UTC))
        try:
            async with session.post(
                url, data=body, headers=headers | {"content-type": cloudevents.STRUCTURED_TYPE}
            ) as response:
                if response.status == 200:
                    answered.add(alert.event_id)
        except aiohttp.ClientError:
            pass

    async with brain(books) as one, aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(send(session, one.url, number)) for number in range(400)]
        await asyncio.wait(tasks[:100])
        one.process.send_signal(signal.SIGKILL)
    assert answered
    async with brain(books) as again, aiohttp.ClientSession() as session, session.get(again.read_back) as response:
        received = await response.json()
    assert answered <= set(received["ids"])


def _as_it_is(event: Event) -> Event:
    return event


@dataclass
class Consumer:
    """A consumer whose faults are chosen."""

    verifies: bool = True
    repeat_status: int = 200
    reads: Callable[[Event], Event] = _as_it_is
    last_wins: bool = False
    late_status: int = 200
    strict: bool = False
    body_max: int = 1024 * 1024
    status: int | None = None
    waits: float = 0.0
    one_at_a_time: bool = False
    books: Books = field(default_factory=Books)
    busy: bool = False

    async def take(self, request: web.Request) -> web.Response:
        if self.one_at_a_time and self.busy:
            return web.Response(status=503)
        self.busy = True
        try:
            return await self._take(request)
        finally:
            self.busy = False

    async def _take(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.waits)
        if self.status is not None:
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            if self.verifies:
                verify(headers, body, keys_of([SECRET]), datetime.now(UTC))
            event = self.reads(read_event(headers, body))
        except Refused as refusal:
            return web.Response(status=refusal.status)
        status = self._refusal(json.loads(body), len(body), event)
        if status is None:
            if self.last_wins and event.kind is Kind.ALERT and event.alert_id in self.books.alerts:
                before = self.books.alerts[event.alert_id]
                self.books.alerts[event.alert_id] = replace(before, revision=-1)
            self.books.take(event)
        return web.Response(status=status or 204)

    def _refusal(self, document: dict[str, Any], size: int, event: Event) -> int | None:
        if self.strict and ("forecast" in document["data"] or "futureattribute" in document):
            return 422
        if size > self.body_max:
            return 413
        if event.id in self.books.seen:
            return self.repeat_status
        is_late = datetime.fromisoformat(document["time"]) < datetime.now(UTC) - timedelta(days=1)
        return self.late_status if is_late and self.late_status != 200 else None

    async def received(self, request: web.Request) -> web.Response:
        alert: Alert | None = self.books.alerts.get(request.query["alert_id"])
        if alert is None:
            return web.Response(status=404)
        said: dict[str, Any] = {name: getattr(alert, name) for name in ("revision", "standing", "severity")}
        return web.json_response(said | {"acknowledged": alert.acknowledged, "exercise": alert.exercise})


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    application = web.Application(client_max_size=1024 * 1024)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


FAULTS: dict[str, tuple[Consumer, set[str], str]] = {
    "verifies nothing": (
        Consumer(verifies=False),
        {f"signature-{each}" for each in ("forged", "altered", "unsigned", "stale", "ahead")},
        "Refuse it with 401 before you look at anything else",
    ),
    "answers 409 to a repeat": (
        Consumer(repeat_status=409),
        {"repeated"},
        "a repeat is no error",
    ),
    "lets the last arrival stand": (Consumer(last_wins=True), {"out-of-order"}, "highest revision"),
    "refuses what is late": (Consumer(late_status=422), {"late"}, "event time is days ago"),
    "takes a retraction for an end": (
        Consumer(reads=lambda event: replace(event, what="resolved") if event.what == "retracted" else event),
        {"retracted"},
        "It is not the same as resolved",
    ),
    "takes exercises for real life": (
        Consumer(reads=lambda event: replace(event, exercise=False)),
        {"exercise"},
        "keep it apart from the real thing",
    ),
    "knows a closed schema": (Consumer(strict=True), {"unknown-extension", "unknown-field"}, "Pass over"),
    "takes small bodies": (Consumer(body_max=65_536), {"large"}, "at least 256 KiB"),
    "takes one after the other": (
        Consumer(one_at_a_time=True, waits=0.05),
        {"together"},
        "requests at once",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_consumer_with_one_fault_is_told_that_one(fault: str) -> None:
    consumer, failing, fix = FAULTS[fault]
    async with serving(web.post("/events", consumer.take), web.get("/received", consumer.received)) as base:
        target = Target(f"{base}/events", SECRET, f"{base}/received", timedelta(seconds=10))
        samples = Samples(secrets.token_hex(4), datetime.now(UTC), live=True)
        findings = await _all(target, samples, Rendering.CLOUDEVENTS, quiet=True)
    failed = {each.name: each for each in findings if each.outcome is Outcome.FAILED}
    assert set(failed) == failing
    assert all(fix in each.fix and "docs/citybrain.md rule" in each.clause for each in failed.values())


@pytest.mark.parametrize(
    ("consumer", "sentence"),
    [
        (Consumer(status=302), "answered 302: a redirect is never followed"),
        (Consumer(status=410), "answered 410: this ends the subscription"),
        (Consumer(status=500), "answered 500 instead of 2xx: it would be sent again"),
        (Consumer(waits=30), "no answer: not within 0.2 s"),
    ],
)
async def test_one_that_takes_nothing_is_told_so_in_words(consumer: Consumer, sentence: str) -> None:
    async with serving(web.post("/events", consumer.take)) as base:
        status, said = await checked(f"{base}/events", "--timeout", "0.2")
    assert status == 1
    assert f"     seen: {sentence}" in said
    assert re.search(r"     from: docs/citybrain.md rule 1 \(CloudEvents 1.0 Web Hooks", said)
    assert re.search(r"\d+ of \d+ checks found something to fix", said)


async def test_an_endpoint_that_wants_cap_gets_cap() -> None:
    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            verify(headers, body, keys_of([SECRET]), datetime.now(UTC))
        except Refused as refusal:
            return web.Response(status=refusal.status)
        return web.Response(text=cap_reader.parse(body).identifier)

    async with serving(web.post("/", take)) as base:
        status, said = await checked(base, "--rendering", "cap")
    assert status == 0, said
    assert "books were not asked" in said


async def test_public_libraries_take_what_the_kit_sends_and_refuse_what_it_forges() -> None:
    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            Webhook(SECRET).verify(body, headers)
        except WebhookVerificationError:
            return web.Response(status=401)
        event = from_http_event(HTTPMessage(headers, body), JSONFormat())
        return web.Response(text=event.get_id())

    async with serving(web.post("/", take)) as base:
        for rendering in (Rendering.CLOUDEVENTS, Rendering.CLOUDEVENTS_BINARY):
            target = Target(base, SECRET, None, timedelta(seconds=10))
            samples = Samples(secrets.token_hex(4), datetime.now(UTC))
            findings = await _all(target, samples, rendering, quiet=True)
            assert [each for each in findings if each.outcome is Outcome.FAILED] == []


async def test_nobody_there_a_bad_address_and_a_bad_secret_are_told_apart() -> None:
    async with serving() as base:
        pass
    status, said = await checked(base)
    assert status == 1
    assert "no answer: " in said
    for url, secret, sentence in (("ftp://x", SECRET, "no http:// or https://"), (base, "x", "begins with whsec_")):
        status, said = await checked(url, secret=secret)
        assert (status, sentence in said) == (2, True), said
