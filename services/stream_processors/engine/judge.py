"""What a feed must bring to the engine: the seam between the core and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, Self, TypeVar

import msgspec

from schemas.fields import Feed
from schemas.plan.book import Document
from schemas.readings import Reading
from services.stream_processors.engine.events import Coordinates, Output

S = TypeVar("S")


class Moment(msgspec.Struct, frozen=True, gc=False):
    """Where the lane's time stands while something is judged."""

    lane: str
    clock_us: int | None
    """The last tick of the lane; None before the first."""
    horizon_us: int | None
    """Samples before it come too late; None while nothing has been folded."""
    topic: str
    partition: int
    """Where in the log the readings of the key are."""
    arrived_us: int | None = None
    """When the broker took the reading that is judged; None where nobody knows."""
    spare: int = 0
    """Readings that each key may apply once more now, for the sake of late ones (see `schemas.clock.Tick`)."""


class Judge(Protocol[S]):
    """The rules of one feed over the state of one key (a lake, a site, the district).

    All methods are deterministic: no I/O, no clock, no randomness. `state` is owned by the caller and is changed in
    place, as keyed state is on any stream processor. A record or a wake whose judging raises an error is said as
    `JudgingFailed`, and the state is as if it had not been; an error that comes out all the same ends that one call.
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
            schemas.plan.errors.PlanFileError: the document lacks what the rules need. Any other error refuses the
                document as well.
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
        """The lane's time has reached what the key asked for; returns the next such time.

        Called when nothing is due, it says nothing.
        """
        ...

    def fold(self, state: S, moment: Moment) -> bool:
        """Fold what lies before the horizon; true when nothing of the key needs to be remembered."""
        ...

    def due(self, state: S, moment: Moment) -> int | None:
        """The lane time at which the key wants to be called, None for never."""
        ...

    def late_work(self, state: S) -> int:
        """Readings that late ones still make the key apply once more."""
        ...

    def settle(self, state: S, moment: Moment, outputs: list[Output]) -> None:
        """Judge all that waits and call what is due up to the clock, whatever it costs: the lane is over."""
        ...

    def changes(self, state: S) -> dict[str, bytes | None]:
        """The parts of the state that differ since the last call, by name; None: the part is gone.

        A state that is new or was read from another release gives all its parts.
        """
        ...

    def restore(self, key: str, lane: str, parts: Mapping[str, bytes]) -> S:
        """State from all its parts; parts made by earlier versions of the feed's state are brought up to date.

        Raises:
            UnreadableStateError: the parts are not a state of this feed.
        """
        ...

    def restore_release_2(self, dumped: Any) -> S:
        """State from the JSON-ready form in the snapshots of the previous release."""
        ...
