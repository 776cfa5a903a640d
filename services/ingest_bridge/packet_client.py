"""paho's client with doors for packets that are read and made elsewhere.

It uses parts of paho that are not public: the version is pinned and `test_paho_seam` guards them.
"""

from __future__ import annotations

import time
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

_PUBACK: Final = 0x40


class PacketClient(mqtt.Client):
    """paho's client with two doors: hand it a packet that was read elsewhere, send bytes that were made elsewhere."""

    def handle(self, first: int, body: bytes) -> MQTTErrorCode:
        """Let paho handle one packet other than PUBLISH."""
        self._in_packet = {
            "command": first,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        rc = self._packet_handle()
        return self._loop_rc_handle(rc) if rc else rc

    def send_packets(self, packets: bytes) -> None:
        """Send whole packets in one write, behind those that wait."""
        self._packet_queue(_PUBACK, packets, 0, 0)

    def heard(self) -> None:
        """Note that the broker lives."""
        self._last_bytes_received = time.monotonic()

    def forgive_silence(self) -> None:
        """Do not miss an answer to a ping: nobody reads just now."""
        self._ping_t = 0.0
        self.heard()

    def end(self) -> None:
        """Close the socket without a word."""
        self._sock_close()
