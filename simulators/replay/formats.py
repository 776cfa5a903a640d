"""Every format that a replay knows, and how a file is recognised by its columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulators.errors import SourceRefused
from simulators.replay.cnemc import CNEMC
from simulators.replay.german_lots import GERMAN_LOTS
from simulators.replay.sffd import SFFD
from simulators.replay.source import Format, Header, find_header, names_of
from simulators.replay.workplace_charging import WORKPLACE_CHARGING

FORMATS: Final[tuple[Format, ...]] = (CNEMC, SFFD, GERMAN_LOTS, WORKPLACE_CHARGING)


def recognise(lines: Sequence[Sequence[str]], name: str) -> tuple[Format, Header]:
    """Return the format of a file, and where its header stands.

    Raises:
        SourceRefused: no format has its columns; the message lists the formats known.
    """
    for each in FORMATS:
        header = find_header(lines, each.columns, names_of(each))
        if header is not None:
            return each, header
    columns = [cell.strip() for cell in next(line for line in lines if line)]
    known = "\n".join(f"  {each.feed}: {each.title}; columns {', '.join(sorted(each.columns))}" for each in FORMATS)
    shown = ", ".join(columns[:12])
    raise SourceRefused(f"{name} is in no format that a replay knows (its columns: {shown}). Known are:\n{known}")
