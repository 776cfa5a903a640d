"""Words and colours of states, the same on every board. Pure."""

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

from services.dashboards.words import Language, Words

GREEN: Final = "green"
RED: Final = "red"
ORANGE: Final = "orange"
YELLOW: Final = "yellow"
BLUE: Final = "blue"
GREY: Final = "#808080"

Shown = dict[str, tuple[Words, str]]
"""Words and colour by value."""

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
    "ev": (Words("充电桩", "EV charging"), "purple"),
    "water": (Words("湖泊水质", "water"), "#4E9FE5"),
    "parking": (Words("停车", "parking"), "#B877D9"),
    "emergency": (Words("医疗急救", "emergency"), "#F2495C"),
    "tax": (Words("楼宇税收", "tax"), "#FADE2A"),
    "unknown": (Words("未知", "unknown"), GREY),
}
WATER_CLASS: Final[Shown] = {
    "1": (Words("Ⅰ类", "I"), "#3274D9"),
    "2": (Words("Ⅱ类", "II"), "#56A64B"),
    "3": (Words("Ⅲ类", "III"), "#96D98D"),
    "4": (Words("Ⅳ类", "IV"), "#F2CC0C"),
    "5": (Words("Ⅴ类", "V"), "#FF780A"),
    "6": (Words("劣Ⅴ类", "worse than V"), "#C4162A"),
}
CONNECTOR: Final[Shown] = {
    "idle": (Words("空闲", "idle"), GREEN),
    "plugged": (Words("已插枪", "plugged in"), "#96D98D"),
    "charging": (Words("充电中", "charging"), BLUE),
    "reserved": (Words("预约", "reserved"), "#8AB8FF"),
    "out_of_service": (Words("停用", "out of service"), YELLOW),
    "fault": (Words("故障", "fault"), RED),
    "no_contact": (Words("离线", "no contact"), GREY),
}
UNIT: Final[Shown] = {
    "available": (Words("待命", "available"), GREEN),
    "dispatched": (Words("已派车", "dispatched"), YELLOW),
    "responding": (Words("出车", "responding"), ORANGE),
    "on_scene": (Words("到达现场", "on scene"), RED),
    "transporting": (Words("转运", "transporting"), "#B877D9"),
    "at_hospital": (Words("在医院", "at hospital"), BLUE),
    "out_of_service": (Words("停用", "out of service"), GREY),
}


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
    parts = " ".join(f"WHEN '{value}' THEN '{words.of(language)}'" for value, (words, _) in shown.items())
    return f"CASE {column} {parts} ELSE {column} END"
