"""What a replay has between itself and Kafka: published, and not yet covered by a receipt of the bridge. Pure."""

from __future__ import annotations

from collections import deque

from pydantic import ValidationError

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message, parse_topic
from schemas.receipt import Receipt


def receipts_of(feed: Feed) -> str:
    """Topic filter of the receipts of a feed's devices."""
    return f"jianghan/{feed}/+/+/{Message.RECEIPT}"


class Unreceipted:
    """Readings of one boot, or of the boots of one run, that are on their way.

    The MQTT broker acknowledges as soon as it has queued a message; only a receipt says that the bridge has written it.
    Readings that an earlier run brought into the same lane are covered from the start.

    Args:
        boot_id: The boot; or, where readings are noted with boots of their own, what these begin with.
    """

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._waiting: dict[tuple[str, str], deque[int]] = {}
        self.count = 0

    def sent(self, device_id: str, seq: int, boot_id: str | None = None) -> None:
        """Note a reading that was published; those of a boot in the order of their numbers, but for repeats."""
        self._waiting.setdefault((device_id, boot_id or self._boot_id), deque()).append(seq)
        self.count += 1

    def hear(self, topic: bytes, payload: bytes) -> None:
        """Take what came by the topics of receipts; what is no receipt of this boot is left alone."""
        match parse_topic(topic.decode(errors="replace")):
            case DeviceTopic(device_id=device_id, message=Message.RECEIPT):
                try:
                    receipt = Receipt.model_validate_json(payload)
                except ValidationError:
                    return
                if receipt.boot_id.startswith(self._boot_id) and receipt.seq is not None:
                    self._cover((device_id, receipt.boot_id), receipt.seq)

    def _cover(self, boot: tuple[str, str], seq: int) -> None:
        waiting = self._waiting.get(boot, deque())
        while waiting and waiting[0] <= seq:
            waiting.popleft()
            self.count -= 1

    def write_off(self) -> None:
        """Wait for none of them any longer: what has become of them is for the ledger to say."""
        self._waiting.clear()
        self.count = 0
