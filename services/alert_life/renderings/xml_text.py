"""Text as XML 1.0 holds it."""

from __future__ import annotations

import re
from typing import Final

_IMPOSSIBLE: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_ODD: Final = re.compile(r"[^\t\n\x20-\x25\x27-\x3B=\x3F-\uD7FF]")
"""Whatever may not stand for itself in XML, and some that may: a text with none of it needs no closer look."""
REPLACEMENT: Final = "\ufffd"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
"""A bare carriage return would be read as a line feed; `>` because `]]>` may not stand in text."""


def possible(text: str) -> str:
    """The text with what no XML document can hold (NUL, other control characters) replaced by U+FFFD."""
    return _IMPOSSIBLE.sub(REPLACEMENT, text)


def element(name: str, text: str) -> str:
    """An element that holds text and nothing else."""
    written = possible(text).translate(_ESCAPES) if _ODD.search(text) else text
    return f"<{name}>{written}</{name}>"
