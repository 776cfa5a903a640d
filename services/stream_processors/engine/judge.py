"""What a feed must bring to the engine: the seam between the core and the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from schemas.fields import Feed
from schemas.plan.book import Document
from schemas.readings import Reading
from services.stream_processors.engine.events import Coordinates, Output

S = TypeVar("S")


class Moment(NamedTuple):
    """Where the lane's time stands while something is judged."""

    lane: str
    clock_us: int | None
    """The last tick of the lane; None before the first."""
    horizon_us: int | None
    """Samples before it come too late; None while nothing has been folded."""
    topic: str
    partition: int
    """Where in the log the readings of the key are."""


class Judge(Protocol[S]):
    """The rules of one feed over the state of one key (a lake, a site, the district).

    All methods are deterministic: no I/O, no clock, no randomness. `state` is owned by the caller and is changed in
    place, as keyed state is on any stream processor.
    """

    feed: Feed
    lateness: timedelta
    """How late a reading may come and still correct the record."""

    def decode(self, raw: bytes) -> Reading:
        """A reading from the bytes of its record.

        Raises:
            pydantic.ValidationError: the bytes are not a reading of this feed.
        """
        ...

    def with_document(self, document: Document) -> Self:
        """The judge under one more published document; itself when the document does not concern it.

        Raises:
            schemas.plan.errors.PlanFileError: the document lacks what the rules need.
        """
        ...

    def rejudge(self, state: S, from_us: int, moment: Moment, outputs: list[Output]) -> int | None:
        """Judge once more what lies behind a time, because another document is in force; returns as `on_reading`."""
        ...

    def new_state(self, key: str, lane: str) -> S:
        """State of a key of which nothing is known."""
        ...

    def on_reading(
        self, state: S, reading: Reading, coordinates: Coordinates, moment: Moment, outputs: list[Output]
    ) -> int | None:
        """Judge a reading; returns the lane time at which the key wants to be called, None for never."""
        ...

    def on_time(self, state: S, moment: Moment, outputs: list[Output]) -> int | None:
        """The lane's time has reached what the key asked for; returns the next such time."""
        ...

    def fold(self, state: S, moment: Moment) -> bool:
        """Fold what lies before the horizon; true when nothing of the key needs to be remembered."""
        ...

    def dump(self, state: S) -> Any:
        """JSON-ready form of the state."""
        ...

    def load(self, dumped: Any) -> S:
        """State from its JSON-ready form."""
        ...
