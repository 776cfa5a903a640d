"""What a reading or a sample carries through the engine: scalars, None, and tuples of them. Pure.

Packed and unpacked again a payload is equal to what it was; so its form is bounded: tuples in tuples, a few deep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Payload = tuple[Any, ...]
else:
    # What msgspec reads: arrays come back as tuples.
    _Inner = bool | int | float | str | tuple[bool | int | float | str | None, ...] | None
    _Middle = bool | int | float | str | tuple[_Inner, ...] | None
    Payload = tuple[bool | int | float | str | tuple[_Middle, ...] | None, ...]
