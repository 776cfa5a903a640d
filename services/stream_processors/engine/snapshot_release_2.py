"""Reads the snapshots of the previous release: the whole partition as one record of deflated JSON."""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

import orjson

from schemas.fields import LIVE
from services.stream_processors.engine.documents import Documents, loaded
from services.stream_processors.engine.lane import Lane

VERSION: Final = 2


class Snapshot(NamedTuple):
    """What is kept of one. Its lanes other than `live` are not: they are judged elsewhere now, replay them anew."""

    next_offset: int
    documents: Documents
    live: Lane[Any]
    keys: dict[str, Any]
    """JSON-ready state of each key of `live`; see `judge.Judge.restore_release_2`."""


def decode_snapshot(raw: bytes, feed: str) -> Snapshot:
    """The snapshot in these bytes.

    Raises:
        ValueError: they are not a snapshot of this feed in version 2.
        zlib.error, LookupError, TypeError: they are no snapshot at all.
    """
    body: dict[str, Any] = orjson.loads(zlib.decompress(raw))
    if (body["version"], body["feed"]) != (VERSION, feed):
        raise ValueError(f"it is version {body['version']} of feed {body['feed']}")
    state = body["state"]
    live = state["lanes"].get(LIVE, {"clock": None, "horizon": None, "keys": {}})
    documents = loaded((one, None) for one in state["documents"])
    lane: Lane[Any] = Lane(clock_us=live["clock"], horizon_us=live["horizon"])
    return Snapshot(int(body["next_offset"]), documents, lane, live["keys"])
