"""The parts of paho that are not public and that the bridge relies on: a new paho must pass here first."""

from __future__ import annotations

import importlib.metadata
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from services.ingest_bridge.packet_client import PacketClient


class FakeSocket:
    """Takes a bounded number of bytes a call, like a full socket."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.room = 1_000_000

    def send(self, data: bytes) -> int:
        if self.room == 0:
            raise BlockingIOError
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.sent.append(taken)
        return len(taken)

    def close(self) -> None:
        self.sent.append(b"closed")


@pytest.fixture
def client() -> PacketClient:
    made = PacketClient(
        CallbackAPIVersion.VERSION2, client_id="seam", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )
    made._sock = FakeSocket()  # type: ignore[assignment]
    return made


def fake(client: PacketClient) -> FakeSocket:
    sock = client._sock
    assert isinstance(sock, FakeSocket)
    return sock


def test_this_is_the_version_that_was_looked_at() -> None:
    assert importlib.metadata.version("paho-mqtt").startswith("2.2.")


def test_a_control_packet_read_elsewhere_is_handled(client: PacketClient) -> None:
    answers: list[tuple[bool, bool]] = []
    client.on_connect = lambda _c, _d, flags, reason, _p: answers.append((flags.session_present, reason.is_failure))
    assert client.handle(0x20, b"\x01\x00\x00") == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert answers == [(True, False)]


def test_a_control_packet_that_is_none_ends_the_connection(client: PacketClient) -> None:
    lost: list[object] = []
    client.on_disconnect = lambda _c, _d, _f, reason, _p: lost.append(reason)
    assert client.handle(0xF0, b"") != MQTTErrorCode.MQTT_ERR_SUCCESS
    assert len(lost) == 1
    assert client.socket() is None


def test_the_packets_of_a_burst_leave_in_one_send(client: PacketClient) -> None:
    sock = fake(client)
    client.send_packets(b"\x40\x02\x00\x01\x40\x02\x00\x02")
    assert sock.sent == [b"\x40\x02\x00\x01\x40\x02\x00\x02"]
    assert not client.want_write()


def test_what_the_socket_does_not_take_waits_in_order(client: PacketClient) -> None:
    sock = fake(client)
    sock.room = 3
    client.send_packets(b"abcdef")
    client.send_packets(b"ghi")
    assert client.want_write()
    sock.room = 100
    client.loop_write()
    assert b"".join(sock.sent) == b"abcdefghi"
    assert not client.want_write()


def test_pings_go_on_while_nobody_reads(client: PacketClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keepalive 30 s: at 31 s a ping is due; at 62 s, with no answer read, paho must not give up."""
    now = time.monotonic()
    clock = [now]
    monkeypatch.setattr(mqtt, "time_func", lambda: clock[0])
    monkeypatch.setattr("services.ingest_bridge.packet_client.time.monotonic", lambda: clock[0])
    client._keepalive = 30
    client._state = mqtt._ConnectionState.MQTT_CS_CONNECTED
    sock = fake(client)
    client._last_msg_out = client._last_bytes_received = now
    for later in (31, 62, 93):
        clock[0] = now + later
        client.forgive_silence()
        assert client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert sock.sent == [b"\xc0\x00"] * 3


def test_silence_while_reading_ends_the_connection(client: PacketClient, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    clock = [now]
    monkeypatch.setattr(mqtt, "time_func", lambda: clock[0])
    client._keepalive = 30
    client._state = mqtt._ConnectionState.MQTT_CS_CONNECTED
    client._last_msg_out = client._last_bytes_received = now
    for later in (31, 62, 93):
        clock[0] = now + later
        client.loop_misc()
    assert client.socket() is None
