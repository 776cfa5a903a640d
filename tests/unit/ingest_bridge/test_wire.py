"""MQTT 5 packets cut out of a stream, and the ones that are written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from services.ingest_bridge.errors import MalformedPacketError
from services.ingest_bridge.wire import Frames, pubacks, publish_at_most_once, user_properties, variable_integer

Message = tuple[bytes, int, bytes, bytes]


def number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def publish(message: Message, flags: int = 0) -> bytes:
    topic, packet_id, block, payload = message
    body = len(topic).to_bytes(2, "big") + topic
    body += packet_id.to_bytes(2, "big") if packet_id else b""
    body += number(len(block)) + block + payload
    return bytes(((0x32 if packet_id else 0x30) | flags,)) + number(len(body)) + body


MESSAGES = st.tuples(st.binary(max_size=40), st.integers(0, 65_535), st.binary(max_size=200), st.binary(max_size=300))
PINGRESP = b"\xd0\x00"


@given(st.lists(MESSAGES, max_size=8), st.data())
def test_messages_come_out_whole_however_the_stream_is_cut(messages: list[Message], data: st.DataObject) -> None:
    stream = PINGRESP.join([b"", *(publish(m, data.draw(st.sampled_from([0, 1, 8, 9]))) for m in messages)])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    frames, found, controls = Frames(), [], []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        arrivals, others = frames.feed(stream[start:stop])
        found += arrivals
        controls += others
    assert found == messages
    assert controls == [(0xD0, b"")] * len(messages)


def test_a_large_message_is_put_together_from_its_pieces() -> None:
    message = (b"t", 1, b"", bytes(range(256)) * 4_000)
    stream = publish(message)
    frames = Frames()
    found = [each for at in range(0, len(stream), 65_536) for each in frames.feed(stream[at : at + 65_536])[0]]
    assert found == [message]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_the_declared_error(stream: bytes) -> None:
    try:
        Frames().feed(stream)
    except MalformedPacketError:
        return


@pytest.mark.parametrize("stream", [b"\x32\x02\x00\x09", b"\x32\xff\xff\xff\xff\x01", b"\x30\x05\x00\x01t\x7fx"])
def test_a_broken_packet_is_named(stream: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        Frames().feed(stream)


def test_variable_integers_at_their_limits() -> None:
    for value in (0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455):
        raw = number(value)
        assert variable_integer(raw, 0) == (value, len(raw))
        assert variable_integer(raw[:-1], 0) is None


def test_user_properties_are_read_among_all_others() -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.PayloadFormatIndicator = 1
    properties.MessageExpiryInterval = 60
    properties.ContentType = "application/json"
    properties.ResponseTopic = "a/b"
    properties.CorrelationData = b"\x00\x01"
    properties.UserProperty = [("boot_id", "b1"), ("seq", "7"), ("seq", "雨")]
    block = properties.pack()[1:]  # type: ignore[no-untyped-call]
    assert user_properties(block) == [("boot_id", "b1"), ("seq", "7"), ("seq", "雨")]


@given(st.binary(max_size=60))
def test_any_property_block_gives_a_list(block: bytes) -> None:
    assert isinstance(user_properties(block), list)


def test_acknowledgements_of_a_burst_are_one_piece() -> None:
    assert pubacks([1, 2, 65_535]) == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff"


@given(st.binary(max_size=80), st.binary(max_size=300))
def test_what_is_published_can_be_read_back(topic: bytes, payload: bytes) -> None:
    assert Frames().feed(publish_at_most_once(topic, payload)) == ([(topic, 0, b"", payload)], [])
