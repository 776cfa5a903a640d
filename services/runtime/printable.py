"""Text of devices, logs and the database made fit for a terminal. Pure.

A terminal obeys more than it shows: escape sequences (colours, titles, links, the clipboard), carriage returns and
backspaces that overwrite, line feeds that forge a line, marks that turn the direction of writing or take no room.
None of them is printable, so there is one rule: what is not printable is not shown as it is.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "·"
"""Stands for one character that is not printable."""
_SPACES: Final = str.maketrans({"\u00a0": " ", "\u3000": " "})
"""Spaces that people write: between a number and its unit, and in Chinese text."""
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_SUSPECT: Final = re.compile(r"[^\x20-\x7e]")


def printable(text: str) -> str:
    """One line for people: each character that could drive a terminal becomes `·`."""
    text = text.translate(_SPACES)
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else HIDDEN for mark in text)


def printable_lines(text: str) -> str:
    """Several lines for people: those after the first are set in, so that none of them passes for one of ours."""
    return "\n  ".join(printable(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    r"""For machines: nothing is lost, what is not printable becomes `\n`, `\u001b` and the like, as JSON writes them.

    Within a text of JSON it changes the spelling and not the value.
    """
    return text if text.isprintable() else _SUSPECT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    mark = match[0]
    if mark.isprintable():
        return mark
    units = mark.encode("utf-16-be", "surrogatepass")
    return _SHORT.get(mark) or "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
