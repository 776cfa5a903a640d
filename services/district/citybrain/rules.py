"""The rules of docs/citybrain.md that the kit can check, by number, with where each comes from. Pure."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Rule(IntEnum):
    """A rule by its number on the page."""

    ANSWER = 1
    """2xx when the event is in your books, and not before."""
    VERIFY = 2
    """The signature and the age of each request, before anything else of it."""
    REPEATS = 3
    """The same id is the same event."""
    ORDER = 4
    """Of an alert the highest revision stands, in whichever order they come."""
    LATE = 5
    """An event is not refused for its age."""
    ACTIONS = 6
    """What people do is told apart from what the rules say."""
    EXERCISES = 7
    """An exercise is never taken for the real thing."""
    UNKNOWN = 8
    """What you do not know is passed over."""
    SIZE = 9
    """Events of any text, up to 256 KiB."""
    TOGETHER = 10
    """Several requests at once."""


SOURCES: Final = MappingProxyType(
    {
        Rule.ANSWER: "CloudEvents 1.0 Web Hooks, Delivery response",
        Rule.VERIFY: "Standard Webhooks, Verifying webhook authenticity",
        Rule.REPEATS: "CloudEvents 1.0, id; Standard Webhooks, Idempotency",
        Rule.ORDER: "CloudEvents extension sequence",
        Rule.LATE: "CloudEvents 1.0, time",
        Rule.ACTIONS: "CloudEvents 1.0, dataschema",
        Rule.EXERCISES: "CAP 1.2, status Exercise",
        Rule.UNKNOWN: "CloudEvents 1.0, Extension context attributes",
        Rule.SIZE: "CloudEvents 1.0, Size limits",
        Rule.TOGETHER: "docs/citybrain.md",
    }
)
"""The public standard behind a rule."""


def clause(rule: Rule) -> str:
    """How a finding cites a rule."""
    return f"docs/citybrain.md rule {rule.value} ({SOURCES[rule]})"
