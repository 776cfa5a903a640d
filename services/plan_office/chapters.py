"""Chapters of a report: targets of one subject, by the head of their id. Pure.

The plan file states pages and no headings, so that these are the report's own; chapters come in the order of pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.plan.documents import PlanIndicator
from schemas.vocabulary import Naming

_INNOVATION: Final = Naming("科技创新", "Science and technology")
_ECONOMY: Final = Naming("金融与楼宇经济", "Finance and building economy")
_CIRCLES: Final = Naming("生活圈与医疗急救", "Life circles and medical emergencies")
_RENEWAL: Final = Naming("城市更新与投资", "Renewal and investment")
_NETWORKS: Final = Naming("交通与电力", "Roads, rail and power")
_ECOLOGY: Final = Naming("水环境与绿化", "Water and green space")
_OPENING: Final = Naming("对外开放", "Opening up")
_EDUCATION: Final = Naming("教育", "Education")
_HEALTH: Final = Naming("卫生健康", "Health")
_PEOPLE: Final = Naming("就业、养老与社会保障", "Work, old age and social security")
_OTHER: Final = Naming("其他", "Other targets")
_BY_HEAD: Final[Mapping[str, Naming]] = MappingProxyType(
    {
        "innovation": _INNOVATION,
        "finance": _ECONOMY,
        "tax": _ECONOMY,
        "circle": _CIRCLES,
        "emergency": _CIRCLES,
        "renewal": _RENEWAL,
        "roads": _NETWORKS,
        "rail": _NETWORKS,
        "power": _NETWORKS,
        "water": _ECOLOGY,
        "green": _ECOLOGY,
        "opening": _OPENING,
        "education": _EDUCATION,
        "health": _HEALTH,
        "employment": _PEOPLE,
        "elderly": _PEOPLE,
        "social": _PEOPLE,
    }
)


def chapter_of(target: str) -> Naming:
    """Heading of a target's chapter; targets of a plan to come may have heads that no chapter has."""
    return _BY_HEAD.get(target.partition(".")[0], _OTHER)


def first_page(entry: PlanIndicator) -> int:
    """The page on which the plan first states a target."""
    return entry.page if isinstance(entry.page, int) else min(entry.page)
