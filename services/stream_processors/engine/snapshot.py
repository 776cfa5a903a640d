"""A snapshot: the state of a partition together with the offset it belongs to, as bytes of one record."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from services.stream_processors.engine.core import STATE_VERSION, PartitionState, dump_state, load_state
from services.stream_processors.engine.judge import Judge
from services.stream_processors.errors import UnreadableSnapshotError

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[S]):
    """Everything before `next_offset` is in `state`, and nothing else."""

    next_offset: int
    state: PartitionState[S]


def encode_snapshot(judge: Judge[S], snapshot: Snapshot[S]) -> bytes:
    """JSON, deflated at the fastest level."""
    body = {
        "version": STATE_VERSION,
        "feed": judge.feed,
        "next_offset": snapshot.next_offset,
        "state": dump_state(judge, snapshot.state),
    }
    return zlib.compress(orjson.dumps(body, default=_plain), 1)


def _plain(value: Any) -> Any:
    """Named tuples as the tuples they are."""
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError


def decode_snapshot(judge: Judge[S], raw: bytes) -> Snapshot[S]:
    """The snapshot in these bytes.

    Raises:
        UnreadableSnapshotError: the bytes are not a snapshot of this feed in this version.
    """
    try:
        body: dict[str, Any] = orjson.loads(zlib.decompress(raw))
        version, feed = body["version"], body["feed"]
        if (version, feed) != (STATE_VERSION, judge.feed):
            raise UnreadableSnapshotError(
                f"it is version {version} of feed {feed}, expected version {STATE_VERSION} of feed {judge.feed}"
            )
        return Snapshot(int(body["next_offset"]), load_state(judge, body["state"]))
    except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise UnreadableSnapshotError(f"{type(error).__name__}: {error}") from error
