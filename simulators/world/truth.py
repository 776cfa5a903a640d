"""The truth about a run: what happened and what broke, to score detection against. One line of JSON each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import orjson

from simulators.reading import utc_text


class TruthKind(StrEnum):
    """Whether the district or a device was at fault."""

    EVENT = "event"
    """It really happened: what the platform says of it is right."""
    FAULT = "fault"
    """A device, or its line, is broken: what it says is not so."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing that was so for a time."""

    kind: TruthKind
    what: str
    device: str
    """The device; of an event the lake, zone, site, unit or building, or the district."""
    begin: float
    end: float
    size: float
    item: str = ""
    readings: int | None = None
    """How many readings a fault has changed, kept back or added; none for an event."""

    def line(self) -> bytes:
        """The JSON of it, with its line end."""
        fields = {
            "kind": self.kind,
            "what": self.what,
            "device": self.device,
            "from": utc_text(datetime.fromtimestamp(self.begin, UTC)),
            "to": utc_text(datetime.fromtimestamp(self.end, UTC)),
            "size": self.size,
            "item": self.item or None,
            "readings": self.readings,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        return orjson.dumps(known, option=orjson.OPT_APPEND_NEWLINE)
