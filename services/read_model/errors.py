"""What can go wrong when the database is asked; each class's docstring begins its message.

PlatformError
└── ReadModelError
    ├── DatabaseSilent      also a TransientError: ask again later
    ├── QueryRefused        the database answers, but not this
    │   └── QueryTooLong
    └── RequestRefused      the question is wrong: the sentence says which part, and what can be
        ├── CursorRefused
        ├── LimitRefused
        ├── TimeRefused
        ├── TextRefused
        └── BoxRefused
"""

from __future__ import annotations

from services.runtime.errors import PlatformError, TransientError


class ReadModelError(PlatformError):
    """The database could not be asked."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        summary = (self.__doc__ or type(self).__name__).strip().splitlines()[0]
        super().__init__(f"{summary.removesuffix('.')}: {detail}" if detail else summary)


class DatabaseSilent(ReadModelError, TransientError):
    """The database does not answer."""


class QueryRefused(ReadModelError):
    """The database refuses the question."""


class QueryTooLong(QueryRefused):
    """The question takes too long; ask for less."""


class RequestRefused(ReadModelError):
    """This cannot be asked."""

    def __init__(self, detail: str, *, parameter: str) -> None:
        self.parameter = parameter
        """Name of the argument that is wrong."""
        super().__init__(detail)


class CursorRefused(RequestRefused):
    """The cursor is none of this list; begin again without one."""


class LimitRefused(RequestRefused):
    """So many rows cannot be asked for."""


class TimeRefused(RequestRefused):
    """The time is none that the platform knows."""


class TextRefused(RequestRefused):
    """The text is none that the platform knows."""


class BoxRefused(RequestRefused):
    """The rectangle is none on the map."""
