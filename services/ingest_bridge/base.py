"""The base that a device says: the lowest number of a boot that it still keeps. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from schemas.mqtt import DEVICE_PROPERTY_BASE

_DIGITS: Final = re.compile(r"\d{1,16}", re.ASCII)


def said_base(properties: Sequence[tuple[str, str]], numbers: Sequence[tuple[str, int]]) -> tuple[str, int] | None:
    """Return boot and base of a message whose device says one, else None.

    A base above a number that the same message brings contradicts itself, and one of several boots names none: neither
    is believed.

    Args:
        properties: The message's MQTT user properties; the last base counts.
        numbers: Boot and number of each reading in it.
    """
    said = [value for name, value in properties if name == DEVICE_PROPERTY_BASE]
    if not said or not numbers or not _DIGITS.fullmatch(said[-1]):
        return None
    base, boots = int(said[-1]), {boot for boot, _ in numbers}
    if len(boots) != 1 or base > min(seq for _, seq in numbers):
        return None
    return boots.pop(), base
