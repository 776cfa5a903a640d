"""MQTT 5 on the wire, as far as it happens once a message: cut packets out of a stream, write PUBACK and PUBLISH.

What happens once a connection (CONNECT, SUBSCRIBE, PINGREQ and their answers) is left to paho. Section numbers are
those of the OASIS standard MQTT 5.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from services.ingest_bridge.errors import MalformedPacketError

Arrival = tuple[bytes, int, bytes, bytes]
"""A PUBLISH packet: topic, packet id (0 when it wants no acknowledgement), property block, payload."""

Control = tuple[int, bytes]
"""Any other packet: first byte and what follows the length."""

_TYPE_AND_QOS: Final = 0xF6
_PUBLISH_QOS_0: Final = 0x30
_PUBLISH_QOS_1: Final = 0x32
_PUBACK_HEAD: Final = 0x4002
_LONGEST_LENGTH: Final = 4
_USER_PROPERTY: Final = 0x26
_FIXED_SIZES: Final = {0x01: 1, 0x02: 4, 0x23: 2}
_TEXT_OR_BINARY: Final = frozenset((0x03, 0x08, 0x09))
_SUBSCRIPTION_ID: Final = 0x0B


class Frames:
    """Cuts a stream of bytes into packets; the piece of a packet that came first waits for the rest."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = 0

    def feed(self, chunk: bytes) -> tuple[list[Arrival], list[Control]]:
        """Take the next bytes; return the messages and the other packets that are complete now, each in order.

        Raises:
            MalformedPacketError: these bytes are not MQTT 5.
        """
        if self._missing > len(chunk):
            self._parts.append(chunk)
            self._missing -= len(chunk)
            return [], []
        if self._parts:
            self._parts.append(chunk)
            chunk = b"".join(self._parts)
            self._parts = []
        try:
            arrivals, controls, at = self._cut(chunk)
        except IndexError as error:
            raise MalformedPacketError("a packet from the MQTT broker ends too early; connecting again") from error
        if at < len(chunk):
            self._parts = [chunk[at:]]
        return arrivals, controls

    def _cut(self, data: bytes) -> tuple[list[Arrival], list[Control], int]:
        arrivals: list[Arrival] = []
        controls: list[Control] = []
        at, end = 0, len(data)
        self._missing = 0
        while end - at >= 2:
            body = at + 2
            length = data[at + 1]
            if length & 0x80:
                found = variable_integer(data, at + 1)
                if found is None:
                    break
                length, body = found
            stop = body + length
            if stop > end:
                self._missing = stop - end
                break
            kind = data[at] & _TYPE_AND_QOS
            if kind == _PUBLISH_QOS_1:
                topic_end = body + 2 + (data[body] << 8 | data[body + 1])
                packet_id = data[topic_end] << 8 | data[topic_end + 1]
                properties = topic_end + 2
            elif kind == _PUBLISH_QOS_0:
                topic_end = body + 2 + (data[body] << 8 | data[body + 1])
                packet_id, properties = 0, topic_end
            else:
                controls.append((data[at], data[body:stop]))
                at = stop
                continue
            size, payload = data[properties], properties + 1
            if size & 0x80:
                size, payload = variable_integer(data, properties) or (end, end)
            if payload + size > stop:
                raise MalformedPacketError(
                    "a PUBLISH from the MQTT broker contradicts its own length; connecting again"
                )
            arrivals.append(
                (
                    data[body + 2 : topic_end],
                    packet_id,
                    data[payload : payload + size] if size else b"",
                    data[payload + size : stop],
                )
            )
            at = stop
        return arrivals, controls, at


def variable_integer(data: bytes, at: int) -> tuple[int, int] | None:
    """Read a variable byte integer (1.5.5): its value and where it ends; None when it is not there in full.

    Raises:
        MalformedPacketError: it is longer than four bytes.
    """
    value = 0
    for index, byte in enumerate(data[at : at + _LONGEST_LENGTH]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    if len(data) - at >= _LONGEST_LENGTH:
        raise MalformedPacketError("a length from the MQTT broker is longer than four bytes; connecting again")
    return None


def user_properties(block: bytes) -> list[tuple[str, str]]:
    """The user properties of a PUBLISH (3.3.2.3.7), in order; what cannot be read ends the list."""
    found: list[tuple[str, str]] = []
    at = 0
    try:
        while at < len(block):
            kind, at = block[at], at + 1
            if kind == _USER_PROPERTY:
                name, at = _text(block, at)
                value, at = _text(block, at)
                found.append((name, value))
            elif kind in _FIXED_SIZES:
                at += _FIXED_SIZES[kind]
            elif kind in _TEXT_OR_BINARY:
                _, at = _text(block, at)
            elif kind == _SUBSCRIPTION_ID:
                _, at = variable_integer(block, at) or (0, len(block))
            else:
                return found
    except (IndexError, MalformedPacketError):
        return found
    return found


def _text(block: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + (block[at] << 8 | block[at + 1])
    if end > len(block):
        raise IndexError(end)
    return block[at + 2 : end].decode(errors="replace"), end


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Write one PUBACK (3.4) for each packet id, success, one after the other."""
    words = [_PUBACK_HEAD] * (2 * len(packet_ids))
    words[1::2] = packet_ids
    return struct.pack(f"!{len(words)}H", *words)


def publish_at_most_once(topic: bytes, payload: bytes) -> bytes:
    """Write a PUBLISH (3.3) of QoS 0 without properties."""
    length = 2 + len(topic) + 1 + len(payload)
    return b"".join(
        (bytes((_PUBLISH_QOS_0, *_variable(length))), len(topic).to_bytes(2, "big"), topic, b"\x00", payload)
    )


def _variable(value: int) -> Iterator[int]:
    while value >= 0x80:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
