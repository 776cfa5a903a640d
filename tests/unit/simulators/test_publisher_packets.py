"""MQTT 5 packets of the load generator and the gateway: what is written is read back, by the bridge's reader too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_bridge.wire import Frames, pubacks, publish_at_most_once, user_properties
from simulators import wire
from simulators.errors import MalformedAnswer


@given(topic=st.text(min_size=1, max_size=80), payload=st.binary(max_size=40_000), packet_id=st.integers(1, 65_535))
def test_a_publish_is_read_back_by_the_bridge(topic: str, payload: bytes, packet_id: int) -> None:
    packet = wire.publish_head(topic, len(payload)) + packet_id.to_bytes(2, "big") + wire.publish_body(payload)
    arrivals, controls = Frames().feed(packet)
    assert arrivals == [(topic.encode(), packet_id, b"", payload)]
    assert controls == []


@given(payload=st.binary(max_size=200), value=st.text(max_size=200))
def test_a_user_property_is_read_back_by_the_bridge(payload: bytes, value: str) -> None:
    plain = wire.publish_head("a/b", len(payload)), wire.publish_body(payload)
    head, body = wire.with_user_property(*plain, "base", value)
    ((topic, packet_id, block, found),), controls = Frames().feed(head + b"\x00\x07" + body)
    assert (topic, packet_id, found, controls) == (b"a/b", 7, payload, [])
    assert user_properties(block) == [("base", value)]


@given(ids=st.lists(st.integers(1, 65_535), max_size=300), cut=st.integers(0, 1_300))
def test_acknowledgements_are_read_in_bulk_however_they_are_cut(ids: list[int], cut: int) -> None:
    data = pubacks(ids)
    reader = wire.AnswerReader()
    found = reader.feed(data[:cut]).acknowledged + reader.feed(data[cut:]).acknowledged
    assert found == ids


@given(messages=st.lists(st.tuples(st.binary(min_size=1, max_size=30), st.binary(max_size=200)), max_size=20))
def test_receipts_between_acknowledgements_are_found(messages: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(pubacks([7]) + publish_at_most_once(topic, payload) for topic, payload in messages)
    reader = wire.AnswerReader()
    answers = [reader.feed(data[at : at + 5]) for at in range(0, len(data), 5)]
    assert [message for each in answers for message in each.messages] == messages
    assert sum(len(each.acknowledged) for each in answers) == len(messages)


@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_the_declared_error(data: bytes) -> None:
    reader = wire.AnswerReader()
    try:
        reader.feed(data)
    except MalformedAnswer:
        return


def test_refusals_are_told_with_their_reason() -> None:
    answers = wire.AnswerReader().feed(
        b"\x20\x03\x00\x87\x00"  # CONNACK: not authorized
        b"\x40\x04\x00\x09\x87\x00"  # PUBACK of 9: not authorized
        b"\x40\x03\x00\x0a\x10"  # PUBACK of 10: no matching subscribers, which is no failure
        b"\x90\x04\x00\x01\x00\x87"  # SUBACK: not authorized
        b"\xd0\x00"
        b"\xe0\x01\x8e"  # DISCONNECT: session taken over
    )
    assert answers.connected == 0x87
    assert answers.refused == [(9, 0x87)]
    assert answers.acknowledged == [10]
    assert answers.subscription_failures == [0x87]
    assert answers.pong
    assert answers.closing == 0x8E


def test_connect_says_who_we_are() -> None:
    packet = wire.connect("load-1", "operator", "secret", 30)
    assert packet[0] == 0x10
    assert packet[1] == len(packet) - 2
    assert packet.endswith(b"\x00\x06load-1\x00\x08operator\x00\x06secret")


def test_a_length_of_five_bytes_is_refused() -> None:
    with pytest.raises(MalformedAnswer, match="four bytes"):
        wire.AnswerReader().feed(b"\x40\xff\xff\xff\xff\x01")
