"""Which model goes into which table, and the statements that write it. Pure."""

from __future__ import annotations

# ruff: noqa: S608 - statements are put together from our own names
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed
from schemas.readings import MODELS, Reading
from schemas.topics import readings_topic

NOT_STORED: Final = frozenset({"feed", "schema_version"})
"""Fields that the table itself says."""

KAFKA_COLUMNS: Final = ("received_at", "kafka_partition", "kafka_offset")


@dataclass(frozen=True, slots=True)
class ReadingsTable:
    """Where the readings of one topic go."""

    feed: Feed
    model: type[Reading]
    name: str
    incoming: str
    """Temporary table that a batch of its topic is copied into; one a topic, since one transaction may take both."""
    fields: tuple[str, ...]
    values: Callable[[Reading], tuple[Any, ...]]
    """The fields' values, in one call of C."""
    decode: Callable[[bytes], Reading]
    """JSON bytes to a reading; raises `pydantic.ValidationError`."""
    codes_at: int
    """Place of `quality_codes` among the fields."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a copied row."""
        return (*self.fields, *KAFKA_COLUMNS)

    @property
    def make_incoming(self) -> str:
        """Statement that makes the temporary table of a connection."""
        return (
            f"CREATE TEMPORARY TABLE {self.incoming} ON COMMIT DELETE ROWS AS"
            f" SELECT {', '.join(self.columns)} FROM {self.name} WITH NO DATA"
        )

    @property
    def merge(self) -> str:
        """Statement that takes over what is new and counts it by partition; a key that is known stays as it is.

        In the order of the indexes, so that neighbours go to the same pages: a third less of the database's CPU.
        """
        listed = ", ".join(self.columns)
        return (
            f"WITH taken AS (INSERT INTO {self.name} ({listed}) SELECT {listed} FROM {self.incoming}"
            " ORDER BY device_id, observed_at ON CONFLICT DO NOTHING RETURNING kafka_partition)"
            " SELECT kafka_partition, count(*) FROM taken GROUP BY kafka_partition"
        )

    def compare(self, since: datetime, until: datetime) -> str:
        """Statement that compares copied rows with those that are stored under their identity and time.

        It says whether there is one at that time, and whether it is the same but for what depends on its arrival.
        The bounds stand in the text: the planner opens their chunks alone, and takes no lock on others.
        """
        known = ", ".join(f"{{}}.{name}" for name in self.fields if name != "quality_codes")
        known += ", array_remove({}.quality_codes, 'future_time')"
        stored, copied = (known.replace("{}", alias) for alias in ("r", "i"))
        within = f"BETWEEN TIMESTAMPTZ '{since.isoformat()}' AND TIMESTAMPTZ '{until.isoformat()}'"
        return (
            "SELECT i.kafka_partition, i.kafka_offset, r.seq IS NOT NULL AS at_its_time,"
            f" ({stored}) IS NOT DISTINCT FROM ({copied}) AS same FROM {self.incoming} AS i LEFT JOIN LATERAL ("
            f"SELECT * FROM {self.name} AS q WHERE q.observed_at {within} AND q.observed_at = i.observed_at"
            " AND q.lane = i.lane AND q.device_id = i.device_id AND q.boot_id = i.boot_id AND q.seq = i.seq LIMIT 1"
            f") AS r ON TRUE WHERE i.observed_at {within}"
        )


def _table(feed: Feed, *, live: bool) -> ReadingsTable:
    model = MODELS[feed]
    fields = tuple(name for name in model.model_fields if name not in NOT_STORED)
    return ReadingsTable(
        feed=feed,
        model=model,
        name=f"{feed}_readings",
        incoming=f"incoming_{feed}" if live else f"incoming_{feed}_lanes",
        fields=fields,
        values=attrgetter(*fields),
        decode=model.__pydantic_validator__.validate_json,
        codes_at=fields.index("quality_codes"),
    )


TABLES: Final[MappingProxyType[str, ReadingsTable]] = MappingProxyType(
    {readings_topic(feed, live=live): _table(feed, live=live) for feed in Feed for live in (True, False)}
)
"""The table of each readings topic: live readings and those of other lanes go into one, a row says its lane."""
