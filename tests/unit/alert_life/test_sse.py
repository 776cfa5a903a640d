"""Server-sent events: whatever the data and however the bytes are cut, the reader gets what was sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_life.renderings.sse import HEARTBEAT, Frame, Reader
from tests.unit.alert_life.any_event import HOSTILE, LONG

_text = st.one_of(st.sampled_from(HOSTILE + LONG), st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
_one_line = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), max_size=20)
frames = st.builds(
    Frame,
    data=_text,
    event=_one_line.filter(bool),
    id=_one_line,
    retry=st.none() | st.integers(0, 99_999).map(lambda number: timedelta(milliseconds=number)),
)


def as_read(frame: Frame) -> Frame:
    lines = frame.data.replace("\r\n", "\n").replace("\r", "\n")
    return Frame(lines, frame.event, frame.id, frame.retry)


@given(st.lists(frames, max_size=4), st.data())
def test_frames_survive_any_cut_of_the_stream(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(piece for frame in sent for piece in (HEARTBEAT, frame.encode()))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)))
    reader, read = Reader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += reader.feed(stream[start:end])
    assert read == [as_read(frame) for frame in sent]


def test_data_of_several_lines_is_several_fields() -> None:
    assert Frame("a\r\nb\n\nc", "x", "1").encode() == b"event: x\nid: 1\ndata: a\ndata: b\ndata: \ndata: c\n\n"


@pytest.mark.parametrize(
    "stream", [b"data: a\r\n\r\n", b"data: a\r\rx", b"\xef\xbb\xbfdata:a\n\n", b"data: a\nx: y\n\n"]
)
def test_every_line_end_a_mark_of_order_and_unknown_fields_are_read(stream: bytes) -> None:
    assert [frame.data for frame in Reader().feed(stream)] == ["a"]


def test_a_frame_without_an_id_keeps_the_one_before() -> None:
    reader = Reader()
    read = reader.feed(b"id: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\n")
    assert [frame.id for frame in read] == ["7", "7", "7"]
    assert reader.last_id == "7"


@pytest.mark.parametrize("frame", [Frame("x", "a\nb"), Frame("x", "a", "1\r2"), Frame("x", "a", "1\0")])
def test_a_name_or_id_that_would_begin_another_line_is_refused(frame: Frame) -> None:
    with pytest.raises(ValueError, match="one line"):
        frame.encode()
