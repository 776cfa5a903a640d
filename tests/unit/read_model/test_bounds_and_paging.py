"""What can be asked for, and cursors: whatever comes from outside gives rows or a declared error with a sentence."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from services.read_model import (
    alert_story,
    alerts,
    asset_day,
    assets,
    deliveries,
    indicators,
    layers,
    ledger,
    plan,
    targets,
)
from services.read_model.alerts import AlertFilter
from services.read_model.bounds import limit_within, read_time, span_within, text_within, texts_within, time_within
from services.read_model.deliveries import DeliveryFilter
from services.read_model.errors import (
    BoxRefused,
    CursorRefused,
    LimitRefused,
    RequestRefused,
    TextRefused,
    TimeRefused,
)
from services.read_model.indicators import IndicatorFilter
from services.read_model.paging import Page, page_of, question_of, read_cursor, write_cursor

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
Y1, Y9999 = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


class Untouched:
    """A database that must not be asked."""

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        raise AssertionError(f"asked: {query[:40]} {arguments}")


DB: Any = Untouched()
WRONG = {
    "limit 0": lambda: alerts.alerts(DB, limit=0),
    "limit -1": lambda: indicators.indicators(DB, limit=-1),
    "limit 10^9": lambda: alerts.alerts(DB, limit=10**9),
    "limit 10^30": lambda: deliveries.deliveries(DB, limit=10**30),
    "gaps 0": lambda: ledger.log_gaps(DB, limit=0),
    "partition": lambda: ledger.open_log_gaps(DB, partition=2**31),
    "year 9999": lambda: alerts.open_alerts_as_of(DB, Y9999),
    "year 1": lambda: indicators.indicators(DB, as_of=Y1),
    "naive": lambda: targets.targets(DB, as_of=datetime(2026, 7, 1)),  # noqa: DTZ001 - what is refused
    "beyond the calendar": lambda: layers.coverage(
        DB, as_of=datetime.max.replace(tzinfo=timezone(-timedelta(hours=9)))
    ),
    "from year 1": lambda: alerts.alerts(DB, AlertFilter(started_from=Y1)),
    "plan in year 9999": lambda: plan.plan_in_force(DB, at=Y9999),
    "windows in year 1": lambda: plan.maintenance_windows(DB, at=Y1),
    "day of year 9999": lambda: asset_day.day_of(DB, "lot", "lot-1", until=Y9999),
    "guidance of year 1": lambda: layers.parking_guidance(DB, at=Y1),
    "charging of year 1": lambda: layers.charging(DB, as_of=Y1),
    "lakes of year 1": lambda: layers.lakes(DB, as_of=Y1),
    "deliveries of year 1": lambda: deliveries.deliveries(DB, DeliveryFilter(since=Y1)),
    "subscribers of year 1": lambda: deliveries.subscribers(DB, since=Y1),
    "span backwards": lambda: ledger.device_hours(DB, "d", since=AT, until=AT),
    "span too long": lambda: ledger.device_hours(DB, "d", since=AT, until=AT + timedelta(days=32)),
    "NUL": lambda: alerts.alerts(DB, AlertFilter(asset="a\0b")),
    "half a character": lambda: alerts.alerts(DB, AlertFilter(words="\ud800")),
    "long text": lambda: assets.asset(DB, "lot", "x" * 201),
    "no text": lambda: assets.asset(DB, "", "x"),
    "lane": lambda: assets.assets(DB, lane="\x1b[2J"),
    "many zones": lambda: alerts.alerts(DB, AlertFilter(zones=("z",) * 101)),
    "device": lambda: ledger.device_gaps(DB, device="\n"),
    "subscriber": lambda: deliveries.deliveries(DB, DeliveryFilter(subscriber="")),
    "no cursor": lambda: alerts.alerts(DB, cursor=""),
    "any cursor": lambda: indicators.indicators(DB, cursor="AAAA"),
    "wrong cursor": lambda: deliveries.deliveries(DB, cursor="é"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_question_is_a_sentence_and_the_database_is_not_asked(name: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        await WRONG[name]()
    assert refused.value.parameter
    assert len(str(refused.value)) > 20
    assert str(refused.value).isprintable()


async def test_an_id_that_none_begins_with_is_not_asked_for() -> None:
    assert await alert_story.ids_beginning_with(DB, "[red]") == []


def test_bounds_let_through_what_is_inside() -> None:
    assert [limit_within(1), limit_within(1_000)] == [1, 1_000]
    assert time_within(AT.astimezone(timezone(timedelta(hours=8))), parameter="at") == AT
    assert text_within("东湖 ", parameter="t") == "东湖 "
    assert texts_within((), parameter="t") is None
    assert span_within(AT, AT + timedelta(days=1), most=timedelta(days=1)) == (AT, AT + timedelta(days=1))
    with pytest.raises(LimitRefused, match="limit is 1001; it can be 1 to 1000"):
        limit_within(1_001)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-0044-03-15T00:00:00Z", "write 2026"),
        ("0044-03-15T00:00:00Z", "times from 1989"),
        ("9999-12-31T23:59:59Z", "times from 1989"),
        ("2026-02-30T00:00:00Z", "which no calendar has"),
        ("2026-07-01T12:00:00", "write 2026"),
        ("2026-07-01", "write 2026"),
        ("yesterday", "write 2026"),
        ("٢٠٢٦-07-01T12:00:00Z", "write 2026"),
        ("2026-07-01T12:00:00+25:00", "no calendar"),
        ("", "write 2026"),
        ("\x1b[2J" * 1000, "write 2026"),
    ],
)
def test_times_that_are_none(text: str, why: str) -> None:
    with pytest.raises(TimeRefused, match=why) as refused:
        read_time(text, parameter="as_of")
    assert refused.value.parameter == "as_of"


def test_a_time_with_its_zone_is_read() -> None:
    assert read_time("2026-07-01T20:00:00+08:00", parameter="at") == AT
    assert read_time("2026-07-01T12:00Z", parameter="at") == AT


@pytest.mark.parametrize("box", [(0, 0, -1, 1), (0, 1, 1, 0), (-181, 0, 0, 1), (0, 0, 1, 91), (float("nan"), 0, 1, 1)])
def test_a_rectangle_that_is_none(box: tuple[float, ...]) -> None:
    with pytest.raises(BoxRefused):
        assets.Box(*box)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(TimeRefused):
        assert read_time(text, parameter="at").tzinfo is UTC


KEYS = st.tuples(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
                 st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=50),
                 st.integers(-(2**62), 2**62))  # fmt: skip


@given(KEYS)
def test_a_cursor_gives_its_key_back(key: tuple[datetime, str, int]) -> None:
    question = question_of("list", AlertFilter())
    cursor = write_cursor(question, key)
    assert cursor.isascii()
    assert "=" not in cursor
    assert read_cursor(cursor, question, datetime, str, int) == key


@given(KEYS, st.data())
def test_a_cursor_that_was_changed_is_refused(key: tuple[datetime, str, int], data: st.DataObject) -> None:
    cursor = write_cursor("q", key)
    place = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:place] + data.draw(st.characters()) + cursor[place + 1 :]
    with contextlib.suppress(CursorRefused):
        assert read_cursor(changed, "q", datetime, str, int) == key, "unused bits of its last character"


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorRefused):
        read_cursor(text, "q", datetime, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_any_json_is_no_cursor(value: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    with pytest.raises(CursorRefused):
        read_cursor(text, "q", datetime, str)


def test_nesting_without_end_is_no_cursor() -> None:
    for body in ("[" * 700, '["' + "a" * 2_000 + '"]'):
        with pytest.raises(CursorRefused):
            read_cursor(base64.urlsafe_b64encode(body.encode()).decode(), "q", str)


def test_a_cursor_belongs_to_its_list_and_filters() -> None:
    one = question_of("alerts", AlertFilter(feeds=(Feed.EV,)))
    cursor = write_cursor(one, (AT, "a"))
    for other in (question_of("alerts", AlertFilter()), question_of("indicators", IndicatorFilter())):
        with pytest.raises(CursorRefused, match="begin again without one"):
            read_cursor(cursor, other, datetime, str)


def test_a_time_in_a_cursor_by_hand_is_within_bounds() -> None:
    for values in (["9999-01-01T00:00:00+00:00"], ["x"], [1], [AT.isoformat(), "b"]):
        by_hand = write_cursor("q", tuple(values))
        with pytest.raises(CursorRefused):
            read_cursor(by_hand, "q", datetime)


def test_a_page_has_a_cursor_when_there_is_more() -> None:
    def key(row: int) -> tuple[int]:
        return (row,)

    assert page_of([1, 2], 2, question="q", key=key) == Page((1, 2), None)
    page = page_of([1, 2, 3], 2, question="q", key=key)
    assert page.items == (1, 2)
    assert page.next_cursor is not None
    assert read_cursor(page.next_cursor, "q", int) == (2,)


def test_text_of_nobody_is_refused() -> None:
    with pytest.raises(TextRefused, match="has 0 characters; it can have 1 to 200"):
        text_within("", parameter="asset")
