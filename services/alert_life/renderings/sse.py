r"""Server-sent events (HTML Living Standard, 9.2): frames to bytes, and the reader back.

Data of several lines become several `data:` fields; whichever line end they have (`\r\n`, `\r`, `\n`), who reads sees
`\n`. A comment keeps the connection alive and is no event.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.alert_life.renderings.cloudevents import structured

CONTENT_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": still here\n\n"

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_ONE_LINE: Final = re.compile(r"[^\r\n\0]*")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream."""

    data: str
    event: str = "message"
    id: str | None = None
    """What a client that comes back says in `Last-Event-ID`; None: as with the frame before."""
    retry: timedelta | None = None
    """So long a client waits until it comes back."""

    def encode(self) -> bytes:
        """The frame as it is sent.

        Raises:
            ValueError: event or id have a line end or a NUL.
        """
        for name, value in (("event", self.event), ("id", self.id or "")):
            if not _ONE_LINE.fullmatch(value):
                raise ValueError(f"the {name} of a server-sent event is one line without NUL: {value[:80]!r}")
        lines = [] if self.event == "message" else [f"event: {self.event}"]
        if self.id is not None:
            lines.append(f"id: {self.id}")
        if self.retry is not None:
            lines.append(f"retry: {self.retry // timedelta(milliseconds=1)}")
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return ("\n".join(lines) + "\n\n").encode()


def of_event(event: Alert | AlertAction, position: str, source: str | None = None) -> Frame:
    """An event as a frame: its CloudEvents JSON under the name `cloudevent`.

    Args:
        position: The frame's id: where a client that comes back goes on.
    """
    return Frame(structured(event, source).decode(), event="cloudevent", id=position)


@dataclass(slots=True)
class Reader:
    """Reads a stream as a client does, however its bytes are cut."""

    last_id: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    )
    _rest: str = ""
    _data: list[str] = field(default_factory=list)
    _event: str = ""
    _retry: timedelta | None = None

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that these bytes complete, in order."""
        text = self._rest + self._decoder.decode(chunk)
        held = "\r" if text.endswith("\r") else ""
        *lines, rest = _LINE_END.split(text.removesuffix(held))
        self._rest = rest + held
        return [frame for line in lines if (frame := self._take(line)) is not None]

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdigit():
                self._retry = timedelta(milliseconds=int(value[:12]))
            case _:
                pass
        return None

    def _dispatch(self) -> Frame | None:
        data, event, retry = self._data, self._event, self._retry
        self._data, self._event, self._retry = [], "", None
        if not data:
            return None
        return Frame("\n".join(data), event or "message", self.last_id, retry)
