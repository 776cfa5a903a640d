"""The seam between the engine and the rules of a feed.

A feed brings a *reducer* over the readings of one key (a site, a zone, a lake, the district) in the order of event
time. The engine sorts, repeats, rewinds and restores; the rules only ever see time go forward:

    apply(reading)  apply(reading)  on_wake(deadline)  apply(reading) ...

When a late reading comes, the engine goes back to a copy of the state from before it, applies what follows once more,
and announces the difference. So the rules need no code for late, repeated or out-of-order data, and what they conclude
depends on the readings and the lane's clock alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

from schemas.alert import AlertEventType, Severity
from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.readings import Reading
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.payload import Payload

S = TypeVar("S")


class Entry(NamedTuple):
    """A reading as it stands in the window of its key; entries sort by event time, then by identity."""

    at_us: int
    device_id: str
    boot_id: str
    seq: int
    asset: str
    offset: int
    payload: Payload
    """What the rules need of the reading: scalars, None and tuples of them."""


class Figure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An indicator over a period, as the rules see it now. Said again with other content it becomes a new revision."""

    id: str
    subject: str
    period_start_us: int
    period_end_us: int
    value: float | None
    unit: str
    status: IndicatorStatus
    status_reason: str
    """Why met, not met, or why nothing can be said: one sentence. It tells contents apart."""
    n: int
    completeness: float
    threshold: Threshold | None
    details: dict[str, Any] = {}
    """JSON-ready; equal content must compare equal."""
    subject_name: str | None = None
    status_reason_zh: str | None = None
    """The same sentence in Chinese; None in the states of releases that said it in English alone."""


class Say(Protocol):
    """What rules may say while they are at one moment of event time."""

    def episode(self, rule: str, asset: str, episode: Episode) -> None:
        """An episode of this rule and asset opened, changed or ended; its start tells which one is meant."""
        ...

    def no_episode(self, rule: str, asset: str, started_us: int) -> None:
        """There was no such episode after all; no error when it was never said."""
        ...

    def figure(self, figure: Figure) -> None:
        """An indicator has this value."""
        ...

    def wake(self, name: str, at_us: int) -> None:
        """Call `on_wake` with this name when the lane's clock has passed that time; setting it again moves it."""
        ...

    def no_wake(self, name: str) -> None:
        """Forget a wake; no error when there is none."""
        ...


class Said(NamedTuple):
    """An alert event that needs words."""

    event: AlertEventType
    rule: str
    asset: str
    key: str
    lane: str
    episode: Episode
    members: tuple[tuple[str, str], ...]
    """Alerts (rule, asset) that this one stands for, when it inhibits or groups."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the feed adds to an alert."""

    place: str
    severity: Severity
    unit: str
    """Of the observed value."""
    threshold: Threshold
    """In force at the episode's start."""
    zh: str
    en: str
    limits: tuple[Threshold, ...] = field(default=())
    """Further limits that the verdict rests on."""


class FeedRules(Protocol[S]):
    """The rules of one feed. Deterministic: no I/O, no clock, no randomness."""

    feed: Feed
    state_version: int
    """Version of the form of `pack`; raised with every change of it, and `unpack` reads all that were released."""
    lateness: timedelta
    """How late a reading may come and still correct the record."""
    window_max: int
    """Safety limit of readings kept for one key; beyond it the oldest are final before their time."""
    commutes: bool
    """True when readings of different assets may be applied in any order between two wakes: what `apply` does then
    touches only what belongs to the entry's asset, or sums."""

    def with_book(self, book: PlanBook) -> FeedRules[S]:
        """The same rules under another set of published documents.

        Raises:
            schemas.plan.errors.PlanFileError: a document lacks what the rules need.
        """
        ...

    def decode(self, raw: bytes) -> Reading:
        """A reading from its record.

        Raises:
            pydantic.ValidationError: the bytes are not a reading of this feed.
        """
        ...

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """Asset and payload of a reading; None when it does not count for the rules (its quality, say)."""
        ...

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        """Once for each reading, whatever its order: outputs that follow from the reading alone."""
        ...

    def new_state(self, key: str, lane: str) -> S:
        """State of a key of which nothing is known."""
        ...

    def copy(self, state: S) -> S:
        """A copy that does not change when the state does; parts that never change may be shared."""
        ...

    def apply(self, state: S, entry: Entry, say: Say) -> None:
        """Judge the next reading in the order of event time; changes the state in place."""
        ...

    def on_wake(self, state: S, name: str, at_us: int, say: Say) -> None:
        """The lane's clock has passed a time that was asked for; readings up to it have been applied."""
        ...

    def forget(self, state: S, horizon_us: int) -> bool:
        """Drop what no longer matters; true when the state is as good as new. Must not change any later verdict."""
        ...

    def load(self, dumped: Any, key: str, lane: str) -> S:
        """State from its JSON-ready form in a snapshot of release 2; later releases give it by `pack`."""
        ...

    def pack(self, state: S) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        ...

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> S:
        """A state from its bytes; older versions are brought up to date.

        Args:
            version: 1 to `state_version`: the engine refuses others (see `unpacked`).

        Raises:
            ValueError: the bytes are not those of a state.
        """
        ...

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts of an alert event."""
        ...

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time: what it inhibits and groups, when it is silenced."""
        ...


@runtime_checkable
class LedgerRules(Protocol):
    """Rules of a feed that is a ledger: its sums are those of all readings, whenever they came.

    Lateness bounds what is judged of a moment, not what is added up. A reading that comes after the bound is booked
    when it comes: it stands in the timeline behind all others, with its own time in its payload.
    """

    def belated(self, entry: Entry, at_us: int) -> Entry:
        """The reading as it is booked at a time; it must count for sums only, and raise or end no alert."""
        ...


def unpacked(rules: FeedRules[S], raw: bytes, version: int, key: str, lane: str) -> S:
    """A state of a key from the bytes of `pack`.

    Raises:
        ValueError: no released version of this feed has this form.
    """
    if not 1 <= version <= rules.state_version:
        raise ValueError(
            f"version {version} of the state of feed {rules.feed.value} is not known, "
            f"this release reads up to version {rules.state_version}"
        )
    return rules.unpack(raw, version, key, lane)
