"""Put the records of one topic into their tables, within a transaction that the caller holds.

Not `isolating`: whatever the database refuses ends the transaction. `isolating`: what it refuses is found within
savepoints and noted in the outcome, the rest is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from schemas.dead_letter import DeadLetterReason
from schemas.target_figure import TargetFigure
from schemas.topics import ALERT_ACTIONS, ALERTS, DEAD_LETTERS, DELIVERIES, INDICATORS, PLAN, TARGET_FIGURES
from services.alert_life.life import Fate
from services.plan_office.figure_book import Fate as FigureFate
from services.plan_office.figure_book import fate_of
from services.runtime.record import Record
from services.timescale_sink import actions, plan_records, target_figures, verdicts
from services.timescale_sink.deliveries import decode_deliveries
from services.timescale_sink.identity import chunks_of
from services.timescale_sink.intake import intake_of
from services.timescale_sink.outcome import Outcome, devices_of
from services.timescale_sink.queries import SQL
from services.timescale_sink.readings import REFUSED, Connection, write_readings
from services.timescale_sink.rows import Decoded, Refusal, decode
from services.timescale_sink.tables import TABLES, ReadingsTable
from services.timescale_sink.verdicts import AlertEvent


class TooWide(Exception):
    """The records go into more chunks than one transaction may write into."""


_INSERT_DEAD_LETTER: Final = (
    f"INSERT INTO dead_letters ({', '.join(verdicts.DEAD_LETTER_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(verdicts.DEAD_LETTER_COLUMNS) + 1))}) ON CONFLICT DO NOTHING"
)


async def take_readings(
    connection: Connection, table: ReadingsTable, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Write the readings; ticks are counted and passed over.

    Raises:
        TooWide: they go into more chunks than one transaction may write into, `outcome.room` of them; write fewer.
    """
    decoded = decode(table, records)
    rows = decoded.rows
    outcome.ticks, outcome.refused = decoded.ticks, decoded.refused
    if not rows:
        return
    outcome.chunks = len(chunks_of(table, rows.values))
    if outcome.chunks > outcome.room:
        raise TooWide
    written = await write_readings(connection, table, rows.values, isolating=isolating)
    outcome.stored = written.stored
    outcome.refused += [
        Refusal(rows.records[each.place], each.reason, each.why, rows.values[each.place]) for each in written.refused
    ]
    outcome.devices = devices_of(table, rows)
    outcome.intake = intake_of(table, rows, datetime.now(UTC))


async def take_dead_letters(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep refused items with their bytes; one whose own words are refused too, with its place and the reason alone.

    A dead letter never becomes another dead letter. A record seen before is known by its place.
    """
    rows = verdicts.decode_dead_letters(records)
    if isolating:
        for row, record in zip(rows, records, strict=True):
            why = await _refused(connection, connection.execute(_INSERT_DEAD_LETTER, *row))
            if why is not None:
                await connection.execute(_INSERT_DEAD_LETTER, *verdicts.unread_dead_letter(record, why))
    else:
        await connection.executemany(_INSERT_DEAD_LETTER, rows)
    outcome.store_the_rest(records)


async def take_indicators(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Bring indicators to their newest revision, and keep every revision of those over a period."""
    found = verdicts.decode_indicators(records)
    outcome.refused += found.bad
    for query, rows in (("indicators", found.latest), ("indicator_history", found.history)):
        if isolating:
            for row, record in rows:
                await _alone(connection, record, outcome, connection.execute(SQL[query], *([v] for v in row)))
        elif rows:
            columns = zip(*(row for row, _ in rows), strict=True)
            await connection.execute(SQL[query], *(list(column) for column in columns))
    outcome.store_the_rest(records)


async def take_plan_versions(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep each publication of a plan, standard or policy."""
    rows, bad = plan_records.decode_publications(records)
    outcome.refused += bad
    for row, record in rows:
        statement = connection.execute(SQL["plan_version"], *row)
        if isolating:
            await _alone(connection, record, outcome, statement)
        else:
            await statement
    outcome.store_the_rest(records)


async def take_target_figures(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep each revision of a figure that somebody entered, and who confirmed it; the order of the log decides."""
    found, bad = target_figures.decode_figures(records)
    outcome.refused += bad
    for figure, record in found:
        if isolating:
            await _alone(connection, record, outcome, _write_figure(connection, figure, record))
        else:
            await _write_figure(connection, figure, record)
    outcome.store_the_rest(records)


async def _write_figure(connection: Connection, figure: TargetFigure, record: Record) -> None:
    known = target_figures.known_of(await connection.fetch(SQL["target_figure_revisions"], *figure.place))
    if fate_of(figure, known) is FigureFate.COUNTS:
        await connection.execute(SQL["target_figures"], *target_figures.row_of(figure, record))


async def take_alerts(connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool) -> None:
    """Keep each event, bring each alert forward, and see to it that one is open for a rule and asset.

    In sets, each row found by an index: what an alert costs does not depend on how many there have been.
    """
    found, bad = verdicts.decode_alerts(records)
    outcome.refused += bad
    if found:
        await connection.execute(SQL["by_index"])
        if isolating:
            await _halve_alerts(connection, found, outcome)
        else:
            await _write_alerts(connection, found)
    outcome.store_the_rest(records)


async def take_actions(connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool) -> None:
    """Keep each action with what became of it: which of two counts is said here, once, and stays.

    Actions on one alert stand in one partition, so no other sink writes them meanwhile; should somebody have put them
    into two, an index lets one count, and the other is judged anew.
    """
    found, bad = actions.decode_actions(records)
    outcome.refused += bad
    if found:
        await connection.execute(SQL["by_index"])
        if isolating:
            await _halve_actions(connection, found, outcome)
        else:
            await _write_actions(connection, found)
    outcome.store_the_rest(records)


async def take_deliveries(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep each attempt to hand an event on."""
    rows, bad = decode_deliveries(records)
    outcome.refused += bad
    if isolating:
        for row, record in rows:
            await _alone(connection, record, outcome, connection.execute(SQL["deliveries"], *([v] for v in row)))
    elif rows:
        columns = zip(*(row for row, _ in rows), strict=True)
        await connection.execute(SQL["deliveries"], *map(list, columns))
    outcome.store_the_rest(records)


_Take = Callable[..., Awaitable[None]]
TAKERS: Final[Mapping[str, _Take]] = MappingProxyType(
    {
        DEAD_LETTERS: take_dead_letters,
        INDICATORS: take_indicators,
        ALERTS: take_alerts,
        ALERT_ACTIONS: take_actions,
        DELIVERIES: take_deliveries,
        PLAN: take_plan_versions,
        TARGET_FIGURES: take_target_figures,
    }
)
"""By topic, where it is not readings: all are called alike."""


async def take(
    connection: Connection, topic: str, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Put the records of a topic into their tables.

    Raises:
        TooWide: see `take_readings`.
    """
    if topic in TABLES:
        await take_readings(connection, TABLES[topic], records, outcome, isolating=isolating)
    else:
        await TAKERS[topic](connection, records, outcome, isolating=isolating)


async def give_up(connection: Connection, topic: str, records: Sequence[Record], outcome: Outcome, why: str) -> None:
    """Refuse records that the database has no room for; a dead letter is kept with its place and the reason alone."""
    if topic == DEAD_LETTERS:
        for record in records:
            *row, _, partition, offset = verdicts.unread_dead_letter(record, why)
            await connection.execute(_INSERT_DEAD_LETTER, *row, b"", partition, offset)
        outcome.store_the_rest(records)
        return
    decoded = decode(TABLES[topic], records) if topic in TABLES else Decoded()
    outcome.ticks = decoded.ticks
    values = {id(record): row for record, row in zip(decoded.rows.records, decoded.rows.values, strict=True)}
    outcome.refused = [
        Refusal(record, DeadLetterReason.REFUSED_BY_DATABASE, why, values.get(id(record)))
        for record in records
        if not outcome.ticks[record.partition]
    ]


async def _halve_alerts(connection: Connection, found: Sequence[AlertEvent], outcome: Outcome) -> None:
    """Write alerts within savepoints; what is refused when alone goes to the dead letters."""
    why = await _refused(connection, _write_alerts(connection, found))
    if why is None:
        return
    if len(found) == 1:
        outcome.refused.append(Refusal(found[0].record, DeadLetterReason.REFUSED_BY_DATABASE, why))
        return
    at = len(found) // 2
    for half in (found[:at], found[at:]):
        await _halve_alerts(connection, half, outcome)


async def _write_alerts(connection: Connection, found: Sequence[AlertEvent]) -> None:
    events = sorted((one.event for one in found), key=itemgetter(0))
    await connection.execute(SQL["alert_events"], *map(list, zip(*events, strict=True)))
    states = verdicts.latest_states(found)
    await connection.execute(SQL["alerts"], *map(list, zip(*states, strict=True)))
    changed = [values[0] for values in states]
    in_front = await connection.fetch(SQL["link_alerts"], changed)
    if in_front:
        await connection.execute(SQL["show_alerts"], [row[0] for row in in_front])


async def _halve_actions(connection: Connection, found: Sequence[actions.Done], outcome: Outcome) -> None:
    """Write actions within savepoints, in their order; what is refused when alone goes to the dead letters."""
    try:
        async with connection.transaction():
            await _write_actions(connection, found)
    except REFUSED as error:
        if len(found) == 1:
            outcome.refused.append(Refusal(found[0].record, DeadLetterReason.REFUSED_BY_DATABASE, str(error)))
            return
        at = len(found) // 2
        for half in (found[:at], found[at:]):
            await _halve_actions(connection, half, outcome)


async def _write_actions(connection: Connection, found: Sequence[actions.Done]) -> None:
    ids = [one.action.action_id for one in found]
    alerts = sorted({one.alert_id for one in found if one.alert_id is not None})
    stored = {
        (row["alert_id"], row["action_id"]): actions.Stored(
            Fate(row["fate"]), row["kafka_partition"], row["kafka_offset"]
        )
        for row in await connection.fetch(SQL["action_fates"], ids)
    }
    counts = {
        row["alert_id"]: actions.Counts(row["seen"], row["comments"], frozenset(row["received"]))
        for row in await connection.fetch(SQL["action_counts"], alerts)
    }
    rows = actions.judge(found, stored, counts)
    if rows:
        columns = zip(*rows.values(), strict=True)
        await connection.execute(SQL["alert_actions"], *map(list, columns))


async def _refused(connection: Connection, statement: Awaitable[object]) -> str | None:
    """Run a statement within a savepoint; the database's words when it refuses."""
    try:
        async with connection.transaction():
            await statement
    except REFUSED as error:
        return str(error)
    return None


async def _alone(connection: Connection, record: Record, outcome: Outcome, statement: Awaitable[object]) -> None:
    """Run what one record needs; refused, it goes to the dead letters and the rest goes on."""
    why = await _refused(connection, statement)
    if why is not None:
        outcome.refused.append(Refusal(record, DeadLetterReason.REFUSED_BY_DATABASE, why))
