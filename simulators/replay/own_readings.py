"""Readings as devices send them (`.jsonl`, one in a line): what `simulators.world` and other recorders write. Pure.

Boot, number and lane of the file are left behind: a replay numbers in its own lane. A line that is no reading is sent
on as what it is, so that the platform refuses it with a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from schemas.fields import Feed, Quality, QualityCode
from simulators.errors import SourceRefused
from simulators.replay.source import Format, Source, SourceReading

SUFFIX: Final = ".jsonl"
_ENVELOPE: Final = frozenset(
    (
        "feed",
        "device_id",
        "group_id",
        "boot_id",
        "seq",
        "observed_at",
        "quality",
        "quality_codes",
        "lane",
        "schema_version",
    )
)
_UNREADABLE: Final = "unreadable"
_LONGEST: Final = 500


def _read(_source: Source) -> Iterator[SourceReading]:
    raise SourceRefused("readings are lines, not rows")


FORMATS: Final = MappingProxyType(
    {
        feed: Format(id="readings", feed=feed, title="readings as devices send them", columns=frozenset(), read=_read)
        for feed in Feed
    }
)


def readings_of(data: bytes, name: str) -> tuple[Format, list[SourceReading]]:
    """The readings in the lines of a file; empty lines are none.

    Args:
        name: Of the file, for messages.

    Raises:
        SourceRefused: no line is a reading, or they are of several feeds.
    """
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    parsed = [_object(line) for line in lines]
    feeds = Counter(feed for each in parsed if (feed := _feed(each)) is not None)
    if not feeds:
        raise SourceRefused(f"{name} holds no reading: a line is a JSON object with `feed`, `device_id`, `group_id`")
    if len(feeds) > 1:
        found = ", ".join(f"{count} {feed}" for feed, count in sorted(feeds.items()))
        raise SourceRefused(f"{name} holds readings of several feeds ({found}); a replay takes one: split the file")
    feed = next(iter(feeds))
    return FORMATS[feed], [_reading(number, *each) for number, each in enumerate(zip(lines, parsed, strict=True), 1)]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _feed(reading: dict[str, Any] | None) -> Feed | None:
    """The feed of what can be addressed; the rest is garbage."""
    if reading is None or not all(isinstance(reading.get(name), str) for name in ("device_id", "group_id")):
        return None
    return Feed(reading["feed"]) if reading.get("feed") in set(Feed) else None


def _reading(number: int, line: bytes, reading: dict[str, Any] | None) -> SourceReading:
    if reading is None or _feed(reading) is None:
        kept = {"row": number, "line": line[:_LONGEST].decode(errors="replace")}
        return SourceReading(number, _UNREADABLE, _UNREADABLE, None, "", kept)
    fields = {name: value for name, value in reading.items() if name not in _ENVELOPE}
    quality, codes = reading.get("quality", Quality.GOOD), reading.get("quality_codes", [])
    if quality not in set(Quality):
        fields["quality"], quality = quality, Quality.UNCERTAIN
    if not _are_codes(codes):
        fields["quality_codes"], codes = codes, []
    text = reading.get("observed_at")
    return SourceReading(
        row=number,
        device_id=reading["device_id"],
        group_id=reading["group_id"],
        at=_time(text),
        at_text=text if isinstance(text, str) else "",
        fields=fields,
        quality=Quality(quality),
        codes=tuple(QualityCode(code) for code in codes),
        place=(reading["group_id"], reading["device_id"]),
    )


def _are_codes(codes: object) -> bool:
    return (
        isinstance(codes, Sequence) and not isinstance(codes, str) and all(code in set(QualityCode) for code in codes)
    )


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None else at.astimezone(UTC)
