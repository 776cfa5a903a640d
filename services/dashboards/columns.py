"""How the columns of a table are shown: words, units, widths, colours, links. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as dm

from services.dashboards.palette import NONE, Shown, mappings
from services.dashboards.words import Language, Words

MOMENT: Final = "time:YYYY-MM-DD HH:mm:ss"
SHORT_MOMENT: Final = "time:MM-DD HH:mm"
YEAR_MOMENT: Final = "time:YY-MM-DD HH:mm"
MOMENTS: Final = frozenset(
    {
        "started_at",
        "observed_at",
        "period_start",
        "period_end",
        "known_at",
        "published_at",
        "last_seen_at",
        "updated_at",
        "called_at",
        "on_scene_at",
        "newest",
        "since",
    }
)
"""Columns that hold a moment: shown to the second."""
ABSENT: Final = Words("–", "–")

Property = dm.DynamicConfigValue
Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""Colours from a value on; None: from the beginning."""
Way: TypeAlias = tuple[Words, str]
"""What a link is called and where it leads."""


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a table is shown."""

    name: str
    words: Words
    unit: str | None = None
    decimals: int | None = None
    shown: Shown | None = None
    width: int | None = None
    links: Sequence[Way] = ()
    """Where a cell leads; several open a menu."""
    hidden: bool = False
    steps: Steps | None = None
    wraps: bool = False
    """Long text takes as many lines as it needs."""
    more: str | None = None
    """The column whose text is shown over a cell."""


def properties(column: Column, language: Language) -> list[Property]:
    """What Grafana has to be told of a column."""
    found = [Property("displayName", column.words.of(language))]
    if column.hidden:
        return [*found, Property("custom.hideFrom.viz", True)]
    plain = {
        "unit": column.unit or (MOMENT if column.name in MOMENTS else None),
        "decimals": column.decimals,
        "custom.width": column.width,
        "custom.wrapText": column.wraps or None,
        "custom.tooltip": None if column.more is None else {"field": column.more, "placement": "left"},
        "links": [_link(words.of(language), url) for words, url in column.links] or None,
    }
    found += [Property(name, value) for name, value in plain.items() if value is not None]
    # Grafana would colour an absent value as if it were good.
    if column.shown is not None:
        found.append(Property("mappings", mappings(column.shown, language, null=ABSENT, null_colour=NONE)))
    if column.steps is not None:
        found.append(Property("thresholds", steps_of(column.steps).build()))
        found.append(Property("mappings", mappings({}, language, null=ABSENT, null_colour=NONE)))
    if column.shown is not None or column.steps is not None:
        found.append(Property("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    return found


def _link(title: str, url: str) -> dm.DashboardLink:
    return dashboard.DashboardLink(title).url(url).target_blank(False).build()


def steps_of(steps: Steps) -> dashboard.ThresholdsConfig:
    """Thresholds in the value's own unit."""
    found = [dm.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps(found)
