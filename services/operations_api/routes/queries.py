"""Arguments of queries that several routes take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import BeforeValidator

from schemas.fields import LANE_PATTERN, Feed
from services.alert_life.life import Standing
from services.read_model.bounds import read_time
from services.read_model.errors import TimeRefused

_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_PRINTABLE: Final = r"^[^\x00-\x1F\x7F-\x9F]*$"
_STANDING: Final = "|".join(Standing)
_FEED: Final = "|".join(Feed)


def _read_moment(value: object) -> object:
    """A time with its zone; numbers are none."""
    if not isinstance(value, str):
        return value
    try:
        return read_time(value, parameter="time")
    except TimeRefused as error:
        raise ValueError(str(error)) from None


def _list_of(words: str) -> str:
    return rf"^({words})(,({words}))*$"


LaneAsked = Annotated[str, Query(max_length=80, pattern=LANE_PATTERN, description="Real life unless said otherwise.")]
Limit = Annotated[int, Query(ge=1, le=500, description="Most items of the page.")]
Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="`next_cursor` of the page before.")
]
Standings = Annotated[str | None, Query(pattern=_list_of(_STANDING), description="One or more, with commas between.")]
Feeds = Annotated[str | None, Query(pattern=_list_of(_FEED), description="One or more, with commas between.")]
FeedAsked = Annotated[str | None, Query(pattern=rf"^({_FEED})$")]
Severities = Annotated[
    str | None, Query(pattern=_list_of("I|II|III|IV"), description="I (red) to IV (blue), with commas between.")
]
IdAsked = Annotated[str | None, Query(pattern=_ID)]
Words = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        pattern=_PRINTABLE,
        description="Found in place, texts, asset or rule.",
    ),
]
Assignee = Annotated[
    str | None,
    Query(min_length=1, max_length=200, pattern=_PRINTABLE, description="`me`, or somebody's name."),
]
IndicatorAsked = Annotated[str | None, Query(max_length=80, pattern=r"^[a-z][a-z0-9_.]*$")]
Moment = Annotated[
    datetime | None,
    BeforeValidator(_read_moment),
    Query(description="RFC 3339 with its zone, `2026-07-01T12:00:00Z`."),
]
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
AssetKind = Annotated[str, Path(pattern=r"^[a-z][a-z_]{0,30}$")]
AssetId = Annotated[str, Path(pattern=_ID)]
Bbox = Annotated[
    str | None,
    Query(
        pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,8})?(,-?[0-9]{1,3}(\.[0-9]{1,8})?){3}$",
        description="west,south,east,north in degrees, WGS-84.",
    ),
]
IdempotencyKey = r"^[\x21-\x7E]{1,100}$"
