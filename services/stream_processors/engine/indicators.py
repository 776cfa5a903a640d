"""What has been said about the figures of one key: a revision each, and a digest of what it said. Pure."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import msgspec
import orjson

from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.event_time import from_us
from services.stream_processors.engine.events import IndicatorOutput
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.frame import FigureKey, is_past


class Published(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last thing said about one figure."""

    revision: int
    digest: bytes


_THRESHOLDS_MAX: Final = 256
_thresholds: Final[dict[int, tuple[Threshold, str]]] = {}
"""JSON of the limits that were said last, by the identity of the object: each is said with many figures."""


def _json_of(threshold: Threshold) -> str:
    known = _thresholds.get(id(threshold))
    if known is not None and known[0] is threshold:
        return known[1]
    if len(_thresholds) >= _THRESHOLDS_MAX:
        _thresholds.clear()
    found = threshold.model_dump_json()
    _thresholds[id(threshold)] = threshold, found
    return found


def _plain(value: Any) -> Any:
    """A threshold as its JSON; values that msgspec does not know are not JSON-ready."""
    if isinstance(value, Threshold):
        return _json_of(value)
    raise TypeError(f"a figure may not hold a {type(value).__name__}")


FIGURES: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
"""Encodes figures; equal ones give equal bytes."""

_content: Final = attrgetter(*(name for name in Figure.__struct_fields__ if name != "status_reason_zh"))


def digest_of(figure: Figure) -> bytes:
    """Tells one content of a figure from another.

    The reason counts in English alone, in which it was said from the first release on: what was published before there
    was a Chinese one is not said once more for its sake.
    """
    return blake2b(FIGURES.encode(_content(figure)), digest_size=8).digest()


def say_figure(
    published: dict[FigureKey, Published],
    name: FigureKey,
    figure: Figure | None,
    before_us: int,
    *,
    feed: Feed,
    lane: str,
    clock_us: int | None,
) -> IndicatorOutput | None:
    """A revision of an indicator, when it differs from what was said.

    Args:
        figure: As it should stand; None when late data took it away.
        before_us: What was past before it is final: what is not published was said and forgotten long ago.

    Raises:
        TypeError: the rules gave a figure what is not JSON-ready.
    """
    known = published.get(name)
    if known is None and (figure is None or is_past(name, before_us)):
        return None
    if figure is None:
        figure = _withdrawn(name)
    digest = digest_of(figure)
    if known is not None and known.digest == digest:
        return None
    revision = 0 if known is None else known.revision + 1
    published[name] = Published(revision, digest)
    return IndicatorOutput(
        f"{figure.id}/{figure.subject}".encode(), partial(_body, figure, feed, lane, revision, clock_us), None
    )


_WITHDRAWN: Final = Both(
    "撤回：迟到的数据表明，该时段无可评价", "withdrawn: late data show that there is nothing to say for this period"
)


def _withdrawn(name: FigureKey) -> Figure:
    """What is said of a figure that late data took away."""
    indicator, subject, start_us, end_us = name
    return Figure(
        indicator,
        subject,
        start_us,
        end_us,
        None,
        "1",
        IndicatorStatus.CANNOT_SAY,
        _WITHDRAWN.en,
        0,
        0.0,
        None,
        status_reason_zh=_WITHDRAWN.zh,
    )


def _body(figure: Figure, feed: Feed, lane: str, revision: int, clock_us: int | None) -> dict[str, Any]:
    """JSON-ready content of an indicator."""
    return {
        "id": figure.id,
        "subject": figure.subject,
        "subject_name": figure.subject_name,
        "period_start": from_us(figure.period_start_us),
        "period_end": from_us(figure.period_end_us),
        "value": figure.value,
        "unit": figure.unit,
        "status": figure.status.value,
        "status_reason": figure.status_reason,
        "status_reason_zh": figure.status_reason_zh,
        "n": figure.n,
        "completeness": figure.completeness,
        "threshold": None if figure.threshold is None else orjson.Fragment(_json_of(figure.threshold)),
        "details": figure.details,
        "feed": feed.value,
        "lane": lane,
        "revision": revision,
        "known_at": None if clock_us is None else from_us(clock_us),
    }
