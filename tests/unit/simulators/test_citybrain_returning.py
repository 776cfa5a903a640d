"""What goes back from the reference consumer: what is owed, in which order, after which answer, and after a crash."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from simulators.citybrain import returning
from simulators.citybrain.books import Books, Owed, What
from simulators.citybrain.event import Event, Kind
from simulators.citybrain.journal import OWED_MAX, Journal, load_books
from simulators.citybrain.returning import Platform, Returning, Verdict, judge, wait_after
from simulators.citybrain.settings import CityBrainSettings
from simulators.errors import SettingRefused
from tests.unit.simulators.test_citybrain_books import SECRET

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEY = "citybrain-simulator.key"


def event(name: str, alert: str = "a", revision: int = 0, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "kind": Kind.ALERT,
        "what": "raised",
        "severity": "II",
        "place": "",
        "over": False,
        "exercise": False,
    }
    return Event(id=name, alert_id=alert, revision=revision, **(fields | more))


def receipt(name: str) -> Owed:
    return Owed(What.RECEIPT, name)


def test_each_event_of_an_alert_is_owed_a_receipt_and_what_people_did_is_owed_none() -> None:
    books = Books(returns=True)
    for each in (
        event("a-1", revision=1),
        event("a-0"),
        event("a-0"),
        event("act", kind=Kind.ACTION, what="received"),
        event("new", kind=Kind.UNKNOWN, what="foreseen"),
    ):
        books.take(each)
    assert list(books.owed) == [receipt("a-1"), receipt("a-0")]
    books.settle(receipt("a-1"))
    books.take(event("a-1", revision=1))
    assert list(books.owed) == [receipt("a-0")], "a repeat is confirmed once"
    nobody = Books()
    nobody.take(event("a-0"))
    assert not nobody.owed


def test_the_desk_takes_an_open_alert_of_its_levels_once() -> None:
    books = Books(returns=True, takes=frozenset({"I"}))
    books.take(event("a-0", "a"))
    assert Owed(What.TAKEN, "a") not in books.owed
    books.take(event("a-1", "a", 1, what="escalated", severity="I"))
    books.take(event("a-2", "a", 2, what="updated", severity="I"))
    books.take(event("b-0", "b", severity="I", over=True))
    books.take(event("ack", "c", kind=Kind.ACTION, what="acknowledged"))
    books.take(event("c-0", "c", severity="I"))
    assert [each.id for each in books.owed if each.what is What.TAKEN] == ["a"]
    books.settle(Owed(What.TAKEN, "a"))
    books.take(event("a-3", "a", 3, what="updated", severity="I"))
    assert Owed(What.TAKEN, "a") not in books.owed


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (201, Verdict.SETTLED),
        (409, Verdict.SETTLED),
        (404, Verdict.NOT_THERE),
        (None, Verdict.LATER),
        (401, Verdict.LATER),
        (429, Verdict.LATER),
        (503, Verdict.LATER),
        (307, Verdict.REFUSED),
        (403, Verdict.REFUSED),
        (422, Verdict.REFUSED),
    ],
)
def test_what_an_answer_means(status: int | None, verdict: Verdict) -> None:
    assert judge(status) is verdict


def test_waits_grow_to_a_minute() -> None:
    assert [wait_after(tries) for tries in (1, 2, 3, 7, 60)] == [1, 2, 4, 60, 60]


@dataclass
class Api:
    """The platform's side, whose answers are chosen by what is asked for."""

    statuses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By id; when they are used up it is 201."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body.get("event_id") or request.match_info["alert_id"]
        self.asked.append((request.path, body))
        self.headers.append(dict(request.headers))
        status = self.statuses[name].pop(0) if self.statuses[name] else 201
        more = {"Retry-After": "0"} if status == 429 else {"Location": "/elsewhere"} if status == 307 else {}
        return web.json_response({"detail": "so"}, status=status, headers=more)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - a server of the test tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def returned(api: Api, books: Books, file: Path) -> AsyncIterator[Returning]:
    application = web.Application()
    application.add_routes(
        [
            web.post("/api/v1/receipts", api.answer),
            web.post("/api/v1/alerts/{alert_id}/actions", api.answer),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    journal = Journal(file)
    made = Returning(books, journal)
    platform = Platform.of(f"http://127.0.0.1:{runner.addresses[0][1]}/", SecretStr(KEY))
    assert platform is not None
    tasks = [asyncio.create_task(journal.run()), asyncio.create_task(made.run(platform))]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        journal.close()
        await runner.cleanup()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returning, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(returning, "LONGEST_WAIT_SECONDS", 0.05)


@pytest.mark.usefixtures("hasty")
async def test_everything_is_told_once_in_its_order_as_the_holder_of_the_key(tmp_path: Path) -> None:
    api, books = Api(), Books(returns=True, takes=frozenset({"II"}))
    books.take(event("a-0"))
    async with returned(api, books, tmp_path / "books") as made:
        await api.until(lambda: not books.owed)
        books.take(event("b-0", "b"))
        made.wake()
        await api.until(lambda: not books.owed)
    assert api.asked == [
        ("/api/v1/receipts", {"event_id": "a-0"}),
        ("/api/v1/alerts/a/actions", {"kind": "acknowledge"}),
        ("/api/v1/receipts", {"event_id": "b-0"}),
        ("/api/v1/alerts/b/actions", {"kind": "acknowledge"}),
    ]
    assert {each["Authorization"] for each in api.headers} == {f"Bearer {KEY}"}
    assert [each.get("Idempotency-Key") for each in api.headers] == [None, "taken-a", None, "taken-b"]
    assert books.told == {What.RECEIPT: 2, What.TAKEN: 2}


@pytest.mark.usefixtures("hasty")
async def test_trouble_is_waited_for_and_what_is_not_known_yet_holds_nothing_up(tmp_path: Path) -> None:
    api, books = Api(), Books(returns=True)
    api.statuses |= {"a-0": [404, 404], "b-0": [401, 503, 429], "c-0": [307], "d-0": [404] * 50}
    for name in "abcd":
        books.take(event(f"{name}-0", name))
    async with returned(api, books, tmp_path / "books"):
        await api.until(lambda: not books.owed)
    ids = [body["event_id"] for _, body in api.asked]
    assert ids[:2] == ["a-0", "b-0"], "what is not known yet is put aside"
    assert (ids.count("a-0"), ids.count("b-0")) == (3, 4)
    assert ids.count("c-0") == 1, "a redirect is not followed"
    assert ids.count("d-0") == returning.NOT_THERE_MOST


@pytest.mark.usefixtures("hasty")
async def test_what_was_told_is_not_told_again_after_a_crash_and_what_was_not_is(tmp_path: Path) -> None:
    file, api = tmp_path / "books", Api()
    journal = Journal(file)
    writer = asyncio.create_task(journal.run())
    for name in ("a-0", "b-0"):
        await journal.keep(event(name, name[0]))
    await journal.keep_settled(receipt("a-0"))
    await journal.keep_settled(Owed(What.TAKEN, "a"))
    writer.cancel()
    journal.close()
    with file.open("ab") as cut:
        cut.write(b'{"settled":"rec')
    books = load_books(file, returns=True, takes=frozenset({"II"}))
    assert list(books.owed) == [receipt("b-0"), Owed(What.TAKEN, "b")]
    async with returned(api, books, file):
        await api.until(lambda: not books.owed)
    assert [body for _, body in api.asked] == [{"event_id": "b-0"}, {"kind": "acknowledge"}]
    again = load_books(file, returns=True, takes=frozenset({"II"}))
    assert not again.owed
    assert again.told == {What.RECEIPT: 2, What.TAKEN: 2}


def test_a_long_past_without_receipts_does_not_begin_with_a_flood() -> None:
    books = Books(returns=True)
    for number in range(OWED_MAX + 5):
        books.take(event(str(number), str(number)))
    books.forget_owed(OWED_MAX)
    assert len(books.owed) == OWED_MAX
    assert next(iter(books.owed)) == receipt("5")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CITYBRAIN_API_URL": "http://x"}, "set together"),
        ({"CITYBRAIN_API_KEY": "x"}, "set together"),
        ({"CITYBRAIN_API_URL": "ftp://x", "CITYBRAIN_API_KEY": "x"}, "begins with https"),
        ({"CITYBRAIN_TAKES": "I,V"}, "V is none of"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    for name, value in {"CITYBRAIN_SECRETS": SECRET, "CITYBRAIN_FILE": str(tmp_path / "b"), **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingRefused, match=said):
        CityBrainSettings.load()
