"""Every format that a replay knows, and how a file is recognised by its columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from simulators.errors import SourceRefused
from simulators.replay.cnemc import CNEMC
from simulators.replay.german_lots import GERMAN_LOTS
from simulators.replay.sffd import SFFD
from simulators.replay.source import Format
from simulators.replay.workplace_charging import WORKPLACE_CHARGING

FORMATS: Final[tuple[Format, ...]] = (CNEMC, SFFD, GERMAN_LOTS, WORKPLACE_CHARGING)


def recognise(header: Iterable[str], name: str) -> Format:
    """Return the format of a file with these columns.

    Raises:
        SourceRefused: no format has them; the message lists the formats known.
    """
    columns = list(header)
    for each in FORMATS:
        if each.columns <= set(columns):
            return each
    known = "\n".join(f"  {each.feed}: {each.title}; columns {', '.join(sorted(each.columns))}" for each in FORMATS)
    shown = ", ".join(columns[:12])
    raise SourceRefused(f"{name} is in no format that a replay knows (its columns: {shown}). Known are:\n{known}")
