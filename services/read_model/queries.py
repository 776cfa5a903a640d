"""The read model's SQL by name; each file of `sql` is one statement with its purpose in the first line.

A statement about readings is written once: `{feed}` in it is a feed's name. What several statements say alike is in
`sql/parts`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas.fields import Feed
from services.runtime.statements import statements_in

SQL: Final = statements_in(Path(__file__).parent / "sql")


def of_feed(name: str, feed: Feed) -> str:
    """A statement about the readings of one feed."""
    return SQL[name].replace("{feed}", feed.value)
