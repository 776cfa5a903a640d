"""The receipt book on disk: a compacted Kafka topic with one record for each device and boot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import structlog
from aiokafka import TopicPartition
from pydantic import BaseModel, Field, ValidationError

from schemas.fields import CONTRACT, Identifier, UtcTime
from schemas.topics import BRIDGE_RECEIPTS
from services.ingest_bridge.kafka_writer import KafkaWriter
from services.ingest_bridge.receipts import BootLedger, ReceiptBook
from services.ingest_bridge.shipment import Batch
from services.runtime.kafka import consumer
from services.runtime.settings import KafkaSettings

log = structlog.stdlib.get_logger()

PARTITION: Final = 0
SLICE_MS: Final = 1_000


class SavedLedger(BaseModel):
    """Value of a record; the key is `<device>/<boot>`."""

    model_config = CONTRACT

    version: Literal[1] = 1
    device_id: Identifier
    boot_id: Identifier
    receipt_topic: Annotated[str, Field(max_length=256)]
    runs: tuple[tuple[int, int], ...]
    """First and last number of each run that is safe, ascending."""
    touched_at: UtcTime


def saved(ledger: BootLedger) -> bytes:
    """The record value of a ledger."""
    first = ((0, ledger.upto),) if ledger.upto >= 0 else ()
    return (
        SavedLedger(
            device_id=ledger.device_id,
            boot_id=ledger.boot_id,
            receipt_topic=ledger.receipt_topic.decode(),
            runs=(*first, *ledger.ranges),
            touched_at=datetime.fromtimestamp(ledger.touched_at, UTC),
        )
        .model_dump_json()
        .encode()
    )


async def save(
    writer: KafkaWriter, ledgers: Sequence[BootLedger], forgotten: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Write what changed and delete what is forgotten; returns once Kafka has it.

    Raises:
        KafkaRefusedError: Kafka refused a record for good.
    """
    timestamp_ms = int(now.timestamp() * 1000)
    batches: list[Batch] = []
    entries = [
        *((f"{device}/{boot}".encode(), None) for device, boot in forgotten),
        *((f"{each.device_id}/{each.boot_id}".encode(), saved(each)) for each in ledgers),
    ]
    for key, value in entries:
        if not batches or batches[-1].append(timestamp=timestamp_ms, key=key, value=value, headers=[]) is None:
            batches.append(writer.new_batch())
            batches[-1].append(timestamp=timestamp_ms, key=key, value=value, headers=[])
    await writer.write(BRIDGE_RECEIPTS, PARTITION, batches)


async def restore(settings: KafkaSettings, client_id: str, book: ReceiptBook) -> int:
    """Read the whole topic into the book and return the number of records.

    Several records of one boot are joined: what was safe once stays safe, so an old record does no harm.
    """
    partition = TopicPartition(BRIDGE_RECEIPTS, PARTITION)
    read = 0
    async with consumer(settings, f"{client_id}-restore", [BRIDGE_RECEIPTS], None) as client:
        end = (await client.end_offsets([partition]))[partition]
        while await client.position(partition) < end:
            records = await client.getmany(partition, timeout_ms=SLICE_MS)
            for record in records.get(partition, ()):
                _apply(book, record.key, record.value)
                read += 1
    book.unsaved()
    return read


def _apply(book: ReceiptBook, key: bytes, value: bytes | None) -> None:
    if value is None:
        device_id, _, boot_id = key.decode(errors="replace").partition("/")
        book.drop(device_id, boot_id)
        return
    try:
        one = SavedLedger.model_validate_json(value)
    except ValidationError as error:
        log.warning(
            "a saved receipt cannot be read; its device will send again",
            action="skip_receipt",
            key=key.decode(errors="replace"),
            error=str(error),
        )
        return
    book.restore(one.device_id, one.boot_id, one.receipt_topic.encode(), one.runs, one.touched_at.timestamp())
