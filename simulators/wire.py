"""MQTT 5 on the wire, as far as a publisher needs it: write CONNECT, SUBSCRIBE and PUBLISH, read the answers. Pure.

A hand-written encoder is justified by measurement: a publisher on paho-mqtt saturates near 11,000 messages/s, this one
takes a few microseconds a message, so that the load generator is not what a benchmark measures. Section numbers are
those of the OASIS standard MQTT 5.0.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.errors import MalformedAnswer

PINGREQ: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"

_CLEAN_START: Final = 0x02
_PASSWORD: Final = 0x40
_USERNAME: Final = 0x80
_PUBLISH_QOS_1: Final = 0x32
_CONNACK: Final = 0x20
_PUBLISH: Final = 0x30
_PUBACK: Final = 0x40
_SUBACK: Final = 0x90
_PINGRESP: Final = 0xD0
_DISCONNECTED: Final = 0xE0
_USER_PROPERTY: Final = 0x26
_NO_PROPERTIES: Final = b"\x00"
FIRST_FAILURE: Final = 0x80
"""Reason codes from here on are failures (2.4)."""


def variable_integer(value: int) -> bytes:
    """Write a variable byte integer (1.5.5)."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(2, "big") + raw


def connect(client_id: str, username: str | None, password: str | None, keepalive_seconds: int) -> bytes:
    """Write CONNECT (3.1) with a clean start."""
    flags = _CLEAN_START | (_USERNAME if username is not None else 0) | (_PASSWORD if password is not None else 0)
    body = b"".join(
        (
            b"\x00\x04MQTT\x05",
            bytes((flags,)),
            keepalive_seconds.to_bytes(2, "big"),
            b"\x00",
            _text(client_id),
            _text(username) if username is not None else b"",
            _text(password) if password is not None else b"",
        )
    )
    return b"\x10" + variable_integer(len(body)) + body


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Write SUBSCRIBE (3.8), QoS 0 for each filter."""
    body = packet_id.to_bytes(2, "big") + b"\x00" + b"".join(_text(each) + b"\x00" for each in filters)
    return b"\x82" + variable_integer(len(body)) + body


def publish_head(topic: str, payload_bytes: int) -> bytes:
    """Write PUBLISH (3.3) at QoS 1 up to where the packet id stands."""
    return _publish_head(_text(topic), len(_NO_PROPERTIES) + payload_bytes)


def _publish_head(name: bytes, rest_bytes: int) -> bytes:
    return bytes((_PUBLISH_QOS_1,)) + variable_integer(len(name) + 2 + rest_bytes) + name


def publish_body(payload: bytes) -> bytes:
    """What follows the packet id: no properties, then the payload."""
    return _NO_PROPERTIES + payload


def with_user_property(head: bytes, body: bytes, name: str, value: str) -> tuple[bytes, bytes]:
    """Write a packet of `publish_head` and `publish_body` once more with a user property (3.3.2.3.7)."""
    found = _length(head, 1)
    if found is None:
        raise ValueError("not the head of a PUBLISH packet")
    block = bytes((_USER_PROPERTY,)) + _text(name) + _text(value)
    written = variable_integer(len(block)) + block + body[len(_NO_PROPERTIES) :]
    return _publish_head(head[found[1] :], len(written)), written


@dataclass(slots=True)
class Answers:
    """What the MQTT broker said, in the order of each kind."""

    acknowledged: list[int] = field(default_factory=list)
    refused: list[tuple[int, int]] = field(default_factory=list)
    """Packet id and reason code of what it does not take."""
    messages: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Topic and payload."""
    connected: int | None = None
    """Reason code of CONNACK."""
    subscription_failures: list[int] = field(default_factory=list)
    pong: bool = False
    closing: int | None = None
    """Reason code with which the broker ends the connection."""


class AnswerReader:
    """Cuts a stream of bytes into the packets that a publisher gets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Answers:
        """Take the next bytes; return what is complete now.

        Raises:
            MalformedAnswer: these bytes are not MQTT 5.
        """
        data = self._rest + chunk if self._rest else chunk
        answers = Answers()
        whole, odd = divmod(len(data), 4)
        if not odd and whole and data[0::4] == b"\x40" * whole and data[1::4] == b"\x02" * whole:
            self._rest = b""
            answers.acknowledged = list(struct.unpack(f"!{whole * 2}H", data)[1::2])
            return answers
        at = self._cut(data, answers)
        self._rest = data[at:]
        return answers

    @staticmethod
    def _cut(data: bytes, answers: Answers) -> int:
        at, end = 0, len(data)
        while end - at >= 2:
            found = _length(data, at + 1)
            if found is None or found[1] + found[0] > end:
                return at
            length, body = found
            _take(data[at] & 0xF0, data[at] & 0x0F, data[body : body + length], answers)
            at = body + length
        return at


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    value = 0
    for index, byte in enumerate(data[at : at + 4]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    if len(data) - at >= 4:
        raise MalformedAnswer("a length from the MQTT broker is longer than four bytes; connecting again")
    return None


def _take(kind: int, flags: int, body: bytes, answers: Answers) -> None:
    try:
        if kind == _PUBACK:
            packet_id = int.from_bytes(body[:2], "big")
            if len(body) > 2 and body[2] >= FIRST_FAILURE:
                answers.refused.append((packet_id, body[2]))
            else:
                answers.acknowledged.append(packet_id)
        elif kind == _PUBLISH:
            answers.messages.append(_message(flags, body))
        elif kind == _CONNACK:
            answers.connected = body[1]
        elif kind == _SUBACK:
            found = _length(body, 2) or (0, 3)
            answers.subscription_failures += [code for code in body[found[1] + found[0] :] if code >= FIRST_FAILURE]
        elif kind == _PINGRESP:
            answers.pong = True
        elif kind == _DISCONNECTED:
            answers.closing = body[0] if body else 0
        else:
            raise MalformedAnswer(f"the MQTT broker sent a packet of type {kind >> 4}; connecting again")
    except IndexError as error:
        raise MalformedAnswer("a packet from the MQTT broker ends too early; connecting again") from error


def _message(flags: int, body: bytes) -> tuple[bytes, bytes]:
    topic_end = 2 + int.from_bytes(body[:2], "big")
    at = topic_end + (2 if flags & 0x06 else 0)
    found = _length(body, at)
    if found is None:
        raise MalformedAnswer("a PUBLISH from the MQTT broker has no properties; connecting again")
    return body[2:topic_end], body[found[1] + found[0] :]
