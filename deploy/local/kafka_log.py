"""Kafka's log files as a copier sees them: where a partition's log may be cut so that no transaction is open. Pure.

The record batch of message format 2, which every release since 0.11 writes: base offset (8 bytes), length of what
follows (4), leader epoch (4), format (1), checksum (4), attributes (2), last offset delta (4), two timestamps (16),
producer id (8), producer epoch (2), base sequence (4), count (4), records. Source: Kafka's documentation, "Record
Batch".
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

HEADER = struct.Struct(">qiibIhiqqqhii")
PREFIX_BYTES = 12
"""Base offset and length; the length counts what is behind them."""
FORMAT = 2
TRANSACTIONAL, CONTROL = 0x10, 0x20


@dataclass(frozen=True, slots=True)
class Batch:
    """What a copier needs to know of one record batch."""

    position: int
    """Bytes from the begin of its file."""
    length: int
    """Bytes."""
    producer_id: int
    transactional: bool
    control: bool
    """It ends the producer's transaction."""


def batches(file: BinaryIO, size: int) -> Iterator[Batch]:
    """Yield the whole batches in the first `size` bytes of a log file; a torn one at the end is left out."""
    position = 0
    while position + HEADER.size <= size:
        file.seek(position)
        fields = HEADER.unpack(file.read(HEADER.size))
        length = PREFIX_BYTES + fields[1]
        if fields[3] != FORMAT or length < HEADER.size or position + length > size:
            return
        attributes = fields[5]
        yield Batch(position, length, fields[9], bool(attributes & TRANSACTIONAL), bool(attributes & CONTROL))
        position += length


def settled_lengths(files: Iterable[Iterable[Batch]]) -> list[int]:
    """Return how much of each file of one partition, in their order, to keep so that no transaction is open at the end.

    A transaction that is open where a log ends would hold up its readers for ever, since nobody is left to end it.
    """
    ends: list[int] = []
    begun: dict[int, tuple[int, int]] = {}
    for number, file in enumerate(files):
        ends.append(0)
        for batch in file:
            ends[number] = batch.position + batch.length
            if batch.control:
                begun.pop(batch.producer_id, None)
            elif batch.transactional:
                begun.setdefault(batch.producer_id, (number, batch.position))
    if not begun:
        return ends
    last, cut = min(begun.values())
    return [*ends[:last], cut, *(0 for _ in ends[last + 1 :])]
