"""Words and colours of states: the one table of the boards and of the one map. Pure.

Severities have the colours of the national warnings (red, orange, yellow, blue), classes of water those of the national
reports (blue, green, yellow, orange, red), feeds hues that are neither. Within a table any two colours stay apart for
the three kinds of colour blindness, and each can be seen on light and on dark ground: a test simulates it. What a
colour says is always said in words as well.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from schemas.vocabulary import VOCABULARY
from services.dashboards.words import Language, Words, quoted

GREEN: Final = "#63C58A"
RED: Final = "#BE1634"
ORANGE: Final = "#E47600"
YELLOW: Final = "#F9E832"
BLUE: Final = "#2F6FD0"
GREY: Final = "#828686"
NONE: Final = "transparent"
QUIET: Final = "#5B7DA8"
"""A figure that is neither good nor bad."""

Shown = dict[str, tuple[Words, str]]
"""Words and colour by value."""

TARGET_STANDING: Final[Shown] = {
    code: (Words(*VOCABULARY["target_standing"][code]), colour)
    for code, colour in (
        ("missed", RED),
        ("behind", ORANGE),
        ("cannot_say", GREY),
        ("on_track", BLUE),
        ("met", GREEN),
    )
}
"""Where a target stands on its way to the due date, the worst first: as the API and the one map say it."""
STATUS: Final[Shown] = {
    "met": (Words("达标", "met"), GREEN),
    "not_met": (Words("未达标", "not met"), RED),
    "cannot_say": (Words("无法判定", "cannot say"), GREY),
}
SEVERITY: Final[Shown] = {
    "I": (Words("I 级（红）", "I red"), RED),
    "II": (Words("II 级（橙）", "II orange"), ORANGE),
    "III": (Words("III 级（黄）", "III yellow"), YELLOW),
    "IV": (Words("IV 级（蓝）", "IV blue"), BLUE),
}
ASSET_STATE: Final[Shown] = SEVERITY | {
    "ok": (Words("正常", "no alert"), GREEN),
    "unseen": (Words("尚无数据", "never heard"), GREY),
}
FEED: Final[Shown] = {
    "ev": (Words("充电桩", "EV charging"), "#A24ECF"),
    "water": (Words("湖泊水质", "water"), "#07B1AC"),
    "parking": (Words("停车", "parking"), "#784B20"),
    "emergency": (Words("医疗急救", "emergency"), "#E0769F"),
    "tax": (Words("楼宇税收", "tax"), "#9A9D53"),
    "unknown": (Words("未知", "unknown"), "#7B7A79"),
}
WATER_CLASS: Final[Shown] = {
    "1": (Words("Ⅰ类", "I"), "#153DA3"),
    "2": (Words("Ⅱ类", "II"), "#8BBCFF"),
    "3": (Words("Ⅲ类", "III"), "#387B4B"),
    "4": (Words("Ⅳ类", "IV"), "#FFE267"),
    "5": (Words("Ⅴ类", "V"), "#FA801E"),
    "6": (Words("劣Ⅴ类", "worse than V"), "#A50000"),
}
STANDING: Final[Shown] = {
    "open": (Words("待处置", "nobody yet"), RED),
    "acknowledged": (Words("已受理", "taken up"), YELLOW),
    "closed": (Words("已关闭", "closed"), "#8BBCFF"),
    "resolved": (Words("已解除", "over"), GREEN),
    "retracted": (Words("已撤销", "retracted"), GREY),
}
"""How far an alert is, as people see to it."""
CONNECTOR: Final[Shown] = {
    "idle": (Words("空闲", "idle"), GREEN),
    "plugged": (Words("已插枪", "plugged in"), "#5C3D7A"),
    "charging": (Words("充电中", "charging"), BLUE),
    "reserved": (Words("预约", "reserved"), "#D3B3F0"),
    "out_of_service": (Words("停用", "out of service"), YELLOW),
    "fault": (Words("故障", "fault"), RED),
    "no_contact": (Words("离线", "no contact"), GREY),
    "unseen": (Words("尚无数据", "never heard"), "#486060"),
}
"""States of a connector; `unseen` is in the register and was never heard."""
UNIT: Final[Shown] = {
    "available": (Words("待命", "available"), GREEN),
    "dispatched": (Words("已派车", "dispatched"), YELLOW),
    "responding": (Words("出车", "responding"), ORANGE),
    "on_scene": (Words("到达现场", "on scene"), RED),
    "transporting": (Words("转运", "transporting"), "#0B5C66"),
    "at_hospital": (Words("在医院", "at hospital"), BLUE),
    "out_of_service": (Words("停用", "out of service"), GREY),
}
BOUND: Final[Shown] = {
    "beyond": (Words("超限", "beyond it"), ORANGE),
    "within": (Words("限内", "within it"), GREEN),
    "cannot_say": (Words("无法判定", "cannot say"), GREY),
}
"""How something stands to a limit that is no target of the plan."""
HEARD: Final[Shown] = {
    "heard": (Words("有数据", "heard"), GREEN),
    "silent": (Words("静默", "silent"), ORANGE),
    "unseen": (Words("尚无数据", "never heard"), "#486060"),
}
"""Whether a device is heard; `unseen` is in the register and was never heard."""
TABLES: Final = (
    TARGET_STANDING,
    STATUS,
    SEVERITY,
    ASSET_STATE,
    FEED,
    WATER_CLASS,
    STANDING,
    CONNECTOR,
    UNIT,
    BOUND,
    HEARD,
)
"""Every table of states."""
COLOURS: Final = frozenset(colour for table in TABLES for _, colour in table.values()) | {NONE, QUIET}
"""All that boards may paint with."""


def mappings(
    shown: Shown, language: Language, *, null: Words | None = None, null_colour: str = GREY
) -> list[ValueMapping]:
    """Grafana's value mappings of these states; `null` says what no value means."""
    found: list[ValueMapping] = []
    if shown:
        states = ValueMap(
            options={
                value: ValueMappingResult(text=words.of(language), color=colour, index=index)
                for index, (value, (words, colour)) in enumerate(shown.items())
            }
        )
        found.append(states)
    if null is not None:
        said = ValueMappingResult(text=null.of(language), color=null_colour, index=len(shown))
        found.append(
            SpecialValueMap(options=DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL_AND_NAN, result=said))
        )
    return found


def case(column: str, shown: Shown, language: Language) -> str:
    """SQL that says a state in words, for names of lines and slices."""
    parts = " ".join(f"WHEN '{value}' THEN {quoted(words.of(language))}" for value, (words, _) in shown.items())
    return f"CASE {column} {parts} ELSE {column} END"
