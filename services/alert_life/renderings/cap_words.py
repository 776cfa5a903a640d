"""What CAP messages say in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.alert import Alert, AlertEventType, Severity
from schemas.fields import LIVE


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str
    """As CAP's `language`."""
    chinese: bool
    colours: Mapping[Severity, str]
    level: str
    """How a level is said: `{colour}` stands for its colour."""
    ended: str
    withdrawn: str
    exercise: str
    """In front of whatever is not real life."""
    retracted: str
    acknowledged: str
    restriction: str
    colon: str

    def headline(self, alert: Alert) -> str:
        """One line: whether it is real, its colour, whether it lasts, and where."""
        said = self.level.format(colour=self.colours[alert.severity])
        if alert.event is AlertEventType.RETRACTED:
            said = self.withdrawn.format(level=said)
        elif alert.ended_at is not None:
            said = self.ended.format(level=said)
        mark = "" if alert.lane == LIVE else f"{self.exercise}{self.colon}"
        return f"{mark}{said}{self.colon}{alert.place}"


CHINESE: Final = Words(
    language="zh-CN",
    chinese=True,
    colours=MappingProxyType(
        {Severity.RED: "红色", Severity.ORANGE: "橙色", Severity.YELLOW: "黄色", Severity.BLUE: "蓝色"},
    ),
    level="{colour}预警",
    ended="{level}解除",
    withdrawn="{level}撤回",
    exercise="演练，非真实情况",
    retracted="迟到数据表明并无此事，特此撤回",
    acknowledged="已确认",
    restriction="仅供江汉区值班席位和城市大脑使用",
    colon="：",
)

ENGLISH: Final = Words(
    language="en-US",
    chinese=False,
    colours=MappingProxyType(
        {Severity.RED: "red", Severity.ORANGE: "orange", Severity.YELLOW: "yellow", Severity.BLUE: "blue"},
    ),
    level="{colour} alert",
    ended="{level} is over",
    withdrawn="{level} is withdrawn",
    exercise="Exercise, not real",
    retracted="Late data showed that there was nothing",
    acknowledged="Acknowledged",
    restriction="For the duty desks of Jianghan district and the city brain only",
    colon=": ",
)

LANGUAGES: Final = (CHINESE, ENGLISH)
"""In the order of the info blocks."""
