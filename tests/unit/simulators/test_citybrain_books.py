"""The reference consumer by itself: signatures, events of both modes, books in any order, a journal cut by a crash."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertEventType
from services.alert_life.renderings import cloudevents, signature
from services.district.citybrain.samples import Samples
from simulators.citybrain.books import Alert, Books, Taken
from simulators.citybrain.errors import BooksDamaged, Refused
from simulators.citybrain.event import Event, Kind, read_event
from simulators.citybrain.journal import Journal, load_books
from simulators.citybrain.settings import CityBrainSettings
from simulators.citybrain.webhook import keys_of, verify
from simulators.errors import SettingRefused

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEYS = keys_of([SECRET])
SAMPLES = Samples("run", NOW, live=True)
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


def event(number: int, alert: str = "a", revision: int | None = 0, what: str = "raised", **more: Any) -> Event:
    fields = {"severity": "III", "place": "x", "over": what == "resolved", "exercise": False}
    kind = more.pop("kind", Kind.ALERT)
    return Event(str(number), kind, what, alert, revision, **(fields | more))


def test_what_the_platform_signs_is_let_in_and_nothing_else() -> None:
    body = b"{}"
    good = signature.signed("e", body, [SECRET], NOW)
    verify(good, body, KEYS, NOW)
    verify(signature.signed("e", body, ["whsec_" + base64.b64encode(bytes(32)).decode(), SECRET], NOW), body, KEYS, NOW)
    bad: list[tuple[Mapping[str, str], bytes, datetime]] = [
        (good, b"{ }", NOW),
        (good, body, NOW + timedelta(minutes=6)),
        (good, body, NOW - timedelta(minutes=6)),
        ({}, body, NOW),
        (good | {"webhook-timestamp": "soon"}, body, NOW),
        (good | {"webhook-signature": "v1,"}, body, NOW),
        (good | {"webhook-id": "f"}, body, NOW),
    ]
    for headers, sent, at in bad:
        with pytest.raises(Refused) as refusal:
            verify(headers, sent, KEYS, at)
        assert refusal.value.status == 401


def test_both_modes_of_an_event_are_read_alike() -> None:
    alert = SAMPLES.alert("x", 1, AlertEventType.RETRACTED)
    headers, body = cloudevents.binary(alert)
    structured = read_event(STRUCTURED, cloudevents.structured(alert))
    assert structured == read_event(headers, body)
    assert (structured.kind, structured.what, structured.revision, structured.over) == (
        Kind.ALERT,
        "retracted",
        1,
        True,
    )


def test_an_action_is_no_revision() -> None:
    read = read_event(STRUCTURED, cloudevents.structured(SAMPLES.acknowledgement("x")))
    assert (read.kind, read.what, read.alert_id) == (Kind.ACTION, "acknowledged", SAMPLES.alert_id("x"))


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (STRUCTURED, b"{", 400),
        (STRUCTURED, b"[]", 400),
        (STRUCTURED, b"{}", 400),
        (STRUCTURED, json.dumps({"specversion": "1.0", "id": "1", "source": "/", "type": "x"}).encode(), 400),
        (STRUCTURED, cloudevents.structured(SAMPLES.alert("x")).replace(b'"1.0"', b'"2.0"', 1), 400),
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/json"}, b"{}", 415),
        ({}, b"{}", 415),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes, status: int) -> None:
    with pytest.raises(Refused) as refusal:
        read_event(headers, body)
    assert refusal.value.status == status


def test_what_is_not_known_is_kept_and_changes_nothing() -> None:
    document = json.loads(cloudevents.structured(SAMPLES.alert("x")))
    read = read_event(STRUCTURED, json.dumps(document | {"type": "cn.jianghan.district.alert.foreseen"}).encode())
    books = Books()
    assert (read.kind, books.take(read), books.alerts, list(books.seen)) == (Kind.UNKNOWN, Taken.NEW, {}, [read.id])


REVISIONS = [
    event(0),
    event(1, revision=1, what="escalated", severity="I"),
    event(2, revision=2, what="resolved"),
    event(3, revision=3, what="amended"),
    event(4, what="acknowledged", kind=Kind.ACTION),
]


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(REVISIONS), max_size=5))
def test_in_any_order_and_with_any_repeats_the_books_end_alike(dice: random.Random, again: list[Event]) -> None:
    books, arrivals = Books(), [*REVISIONS, *again]
    dice.shuffle(arrivals)
    for each in arrivals:
        books.take(each)
    assert books.alerts == {"a": Alert(3, "amended", "III", "x", over=False, exercise=False, acknowledged=True)}
    assert (len(books.seen), books.repeated) == (len(REVISIONS), len(again))


def test_exercises_are_counted_apart() -> None:
    books = Books()
    for each in (event(0), event(1, "b", exercise=True), event(2, "c", 1, "resolved")):
        books.take(each)
    assert (books.open(exercise=False), books.open(exercise=True)) == (1, 1)
    assert [alert.standing for alert in books.alerts.values()] == ["open", "open", "resolved"]


async def _kept(path: Path, *events: Event) -> None:
    journal = Journal(path)
    writer = asyncio.create_task(journal.run())
    try:
        await asyncio.gather(*(journal.keep(each) for each in events))
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        journal.close()


async def test_books_are_found_again_as_they_were_answered(tmp_path: Path) -> None:
    path = tmp_path / "books"
    assert load_books(path) == Books()
    await _kept(path, *REVISIONS)
    whole = load_books(path)
    assert list(whole.seen) == ["0", "1", "2", "3", "4"]
    assert whole.alerts["a"].acknowledged
    with path.open("ab") as file:
        file.write(b'{"id":"5","kind"')
    assert load_books(path) == whole, "the line that was cut was never answered"
    await _kept(path, event(6, "b"))
    assert list(load_books(path).seen) == ["0", "1", "2", "3", "4", "6"]


async def test_what_the_disk_does_not_take_is_not_answered(small_disk: Path) -> None:
    path = small_disk / "books"
    await _kept(path, event(1))
    with pytest.raises(OSError, match="space"):
        await _kept(path, event(2, place="x" * 2_000_000))
    assert list(load_books(path).seen) == ["1"]


@pytest.mark.parametrize("line", [b"x\n", b"{}\n", b'{"id":"1","kind":"song"}\n'])
def test_damaged_books_name_the_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "books"
    path.write_bytes(line)
    with pytest.raises(BooksDamaged, match="line 1"):
        load_books(path)


@pytest.mark.parametrize("secret", ["", "x", "whsec_", "whsec_%%", f"{SECRET} x"])
def test_a_secret_of_another_form_is_a_setting_that_is_refused(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_SECRETS", secret)
    monkeypatch.setenv("CITYBRAIN_FILE", "books")
    with pytest.raises(SettingRefused):
        CityBrainSettings.load()


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_SECRETS", SECRET)
    monkeypatch.delenv("CITYBRAIN_FILE", raising=False)
    with pytest.raises(SettingRefused, match="CITYBRAIN_FILE"):
        CityBrainSettings.load()
