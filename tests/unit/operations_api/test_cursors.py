"""Cursors and coordinates come back as they were given; anything else is refused with a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.operations_api.cursors import (
    AlertKey,
    Coordinate,
    read_alert_cursor,
    read_coordinates,
    write_alert_cursor,
    write_coordinates,
)
from services.operations_api.errors import NotUsable
from services.operations_api.routes.streams import ID_FORM, ID_MOST
from services.runtime.same_log import Mark

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(TIMES, st.from_regex(r"[0-9a-f]{32}", fullmatch=True))
def test_a_cursor_is_read_as_it_was_written(began: datetime, alert_id: str) -> None:
    key = AlertKey(began, alert_id)
    assert read_alert_cursor(write_alert_cursor(key)) == key


@given(st.from_regex(r"[A-Za-z0-9_-]{1,200}", fullmatch=True))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(NotUsable, match="cursor"):
        read_alert_cursor(text)


@st.composite
def coordinates(draw: st.DrawFn) -> Coordinate:
    place = draw(st.integers(0, 10**15))
    if place == 0 or draw(st.booleans()):
        return Coordinate(place)
    return Coordinate(place, Mark(draw(st.integers(0, place - 1)), draw(st.integers(0, 10**13))))


@given(
    st.dictionaries(st.tuples(st.sampled_from([ALERTS, ALERT_ACTIONS]), st.integers(0, 999)), coordinates(), min_size=1)
)
def test_coordinates_are_read_as_they_were_written(places: dict[tuple[str, int], Coordinate]) -> None:
    assert read_coordinates(write_coordinates(places)) == places


def test_an_id_fits_the_header_and_one_of_an_older_release_is_read() -> None:
    far = Coordinate(10**12, Mark(10**12 - 10**6, 10**13 - 1))
    written = write_coordinates({(topic, number): far for topic in (ALERTS, ALERT_ACTIONS) for number in range(3)})
    assert len(written) <= ID_MOST
    assert re.fullmatch(ID_FORM, written)
    assert read_coordinates("a0:12,x0:3") == {(ALERTS, 0): Coordinate(12), (ALERT_ACTIONS, 0): Coordinate(3)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a0",
        "a0:",
        "b0:1",
        "a0:1,",
        "a0:-1",
        "a0:1;x0:1",
        "a0:99999999999999999",
        "a٣:1",
        "a0:1_",
        "a0:1_1",
        "a0:1_0-5",
        "a0:1_2-5",
    ],
)
def test_other_texts_are_no_coordinates(text: str) -> None:
    with pytest.raises(NotUsable, match="Last-Event-ID"):
        read_coordinates(text)
