"""Cursors and coordinates come back as they were given; anything else is refused with a sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.operations_api.cursors import (
    AlertKey,
    read_alert_cursor,
    read_coordinates,
    write_alert_cursor,
    write_coordinates,
)
from services.operations_api.errors import NotUsable

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(TIMES, st.from_regex(r"[0-9a-f]{32}", fullmatch=True))
def test_a_cursor_is_read_as_it_was_written(began: datetime, alert_id: str) -> None:
    key = AlertKey(began, alert_id)
    assert read_alert_cursor(write_alert_cursor(key)) == key


@given(st.from_regex(r"[A-Za-z0-9_-]{1,200}", fullmatch=True))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(NotUsable, match="cursor"):
        read_alert_cursor(text)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([ALERTS, ALERT_ACTIONS]), st.integers(0, 999)), st.integers(0, 10**15), min_size=1
    )
)
def test_coordinates_are_read_as_they_were_written(positions: dict[tuple[str, int], int]) -> None:
    assert read_coordinates(write_coordinates(positions)) == positions


@pytest.mark.parametrize(
    "text", ["", "a0", "a0:", "b0:1", "a0:1,", "a0:-1", "a0:1;x0:1", "a0:99999999999999999", "a٣:1"]
)
def test_other_texts_are_no_coordinates(text: str) -> None:
    with pytest.raises(NotUsable, match="Last-Event-ID"):
        read_coordinates(text)
