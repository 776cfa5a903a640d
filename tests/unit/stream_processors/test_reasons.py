"""The reason of a figure in both languages: what was said before there was a Chinese one is not said again for it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace as replaced

from schemas.fields import LIVE, Feed
from schemas.indicator import Indicator, IndicatorStatus
from services.stream_processors.engine.both import NOT_JUDGED
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.frame import FigureKey
from services.stream_processors.engine.indicators import FIGURES, Published, digest_of, say_figure
from services.stream_processors.engine.so_far import so_far

DAY_US: Final = 86_400_000_000
START_US: Final = 20_000 * DAY_US
FIGURE: Final = Figure(
    "parking.occupancy",
    "lot-1",
    START_US,
    START_US + DAY_US,
    0.5,
    "share of usable spaces",
    IndicatorStatus.CANNOT_SAY,
    NOT_JUDGED.en,
    3,
    1.0,
    None,
    {"lots": 1},
    "一号车场",
    NOT_JUDGED.zh,
)
NAME: Final[FigureKey] = (FIGURE.id, FIGURE.subject, FIGURE.period_start_us, FIGURE.period_end_us)
DIGEST_OF_RELEASE_4: Final = "546c16aca86e0b39"


def said(published: dict[FigureKey, Published], figure: Figure | None) -> Indicator | None:
    output = say_figure(published, NAME, figure, -1, feed=Feed.PARKING, lane=LIVE, clock_us=START_US)
    return None if output is None else Indicator.model_validate_json(output.encode())


def test_a_figure_is_said_in_both_languages_and_once() -> None:
    published: dict[FigureKey, Published] = {}
    first = said(published, FIGURE)
    assert first is not None
    assert (first.status_reason, first.status_reason_zh) == (NOT_JUDGED.en, NOT_JUDGED.zh)
    assert said(published, FIGURE) is None


def test_what_was_published_in_english_alone_is_no_new_content_in_chinese() -> None:
    alone = replaced(FIGURE, status_reason_zh=None)
    assert digest_of(alone) == digest_of(FIGURE)
    assert digest_of(alone).hex() == DIGEST_OF_RELEASE_4, "figures of states written before would all be said once more"
    assert said({NAME: Published(0, digest_of(alone))}, FIGURE) is None


def test_other_reasons_are_other_contents() -> None:
    assert digest_of(replaced(FIGURE, status_reason="shown")) != digest_of(FIGURE)


def test_a_figure_of_a_state_without_a_chinese_reason_is_read() -> None:
    raw = msgspec.msgpack.encode(msgspec.msgpack.decode(FIGURES.encode(FIGURE))[:-1])
    assert msgspec.msgpack.decode(raw, type=Figure) == replaced(FIGURE, status_reason_zh=None)
    assert so_far(msgspec.msgpack.decode(raw, type=Figure)).status_reason_zh is None


def test_a_withdrawn_figure_says_so_in_both_languages() -> None:
    published: dict[FigureKey, Published] = {}
    said(published, FIGURE)
    gone = said(published, None)
    assert gone is not None
    assert gone.status_reason.startswith("withdrawn")
    assert (gone.status_reason_zh or "").startswith("撤回")
