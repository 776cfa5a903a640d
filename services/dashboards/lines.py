"""How many lines a chart bears: the first have one each, the others share one. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.words import Words

LINES: Final = 10
"""More lines than these cannot be told apart."""
OTHERS: Final = Words("其余平均", "mean of the others")


def among_the_first(column: str, ranked: str) -> str:
    """Condition: the thing has a line of its own.

    Args:
        ranked: A query of one column with the things in their order.
    """
    return f"{column} IN ({ranked.strip()} LIMIT {LINES})"
