"""`district explain`: readings, limit and source that led to an alert, its revisions, and what was done about it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from services.district.errors import UnknownAlert
from services.district.query import ask
from services.district.terminal import say, say_json
from services.district.words import UNKNOWN, quantity
from services.read_model.alert_story import (
    ActionRow,
    AlertEventRow,
    Evidence,
    actions_of,
    evidence_of,
    history_of,
    ids_beginning_with,
)
from services.read_model.connection import Asked
from services.read_model.readings import reading_dict
from services.read_model.typed import as_dict

_SAID: Final = ("revision", "event", "data", "stored_at")
_DONE: Final = ("action_id", "kind", "at", "actor", "by", "by_name", "seen", "assignee", "words", "fate", "stored_at")
NOT_SAID: Final = frozenset(
    {"lane", "boot_id", "seq", "received_at", "stored_at", "kafka_partition", "kafka_offset", "group_id"}
)


def explain(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT_ID", help="The id or its first characters.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Print why an alert was raised, what has been said of it since, and what was done about it."""
    known = ask(lambda asked: ids_beginning_with(asked, alert_id))
    if not known:
        raise UnknownAlert(f"none begins with '{alert_id}'; `district alerts` lists them.")
    if len(known) > 1:
        raise UnknownAlert(f"several begin with '{alert_id}': {', '.join(known[:5])}; give more of it.")
    events, actions, evidence = ask(lambda asked: _story(asked, known[0]))
    last = events[-1].data
    readings = [reading_dict(reading) for reading in evidence.readings]
    if as_json:
        said = [as_dict(row, *_SAID) for row in events]
        done = [as_dict(row, *_DONE) for row in actions]
        say_json({"alert": last, "revisions": said, "actions": done, "readings": readings})
        return
    for line in [*alert_lines(last), *reading_lines(last, readings), *revision_lines(events), *action_lines(actions)]:
        say(line)


async def _story(asked: Asked, alert_id: str) -> tuple[list[AlertEventRow], list[ActionRow], Evidence]:
    events, actions = await history_of(asked, alert_id), await actions_of(asked, alert_id)
    return events, actions, await evidence_of(asked, events[-1].data, everywhere=True)


def alert_lines(alert: dict[str, Any]) -> list[str]:
    """What it is, the rule, and each limit with its source and validity."""
    lines = [
        f"Alert {alert['alert_id']}, revision {alert['revision']} ({alert['event']}), level {alert['severity']}",
        f"  {alert['text']['zh']}",
        f"  {alert['text']['en']}",
        f"  rule {alert['rule']}, {alert['asset']} ({alert['place']}), lane {alert['lane']}",
        f"  worst value {quantity(alert['observed_value'], alert['observed_unit'])}",
    ]
    for bound in [alert["threshold"], *alert.get("limits", ())]:
        source = bound["source"]
        until = source["valid_to"] or "replaced"
        lines += [
            f"Limit {bound['id']} {bound['comparator']} {quantity(bound['value'], bound['unit'])}",
            (
                f"  source: {source['kind']} {source['id']}, {source['where']}, version {source['version']}, "
                f"in force from {source['valid_from']} until {until}"
            ),
        ]
    if suppression := alert.get("suppression"):
        lines.append(f"Recorded and not passed on: {suppression['kind']} by {suppression['by']}")
    return lines + [f"Stands for {rule}, {asset}" for rule, asset in alert.get("members", ())]


def reading_lines(alert: dict[str, Any], readings: list[dict[str, Any]]) -> list[str]:
    """Each reading that is still stored; how many are not."""
    evidence = alert["evidence"]
    if evidence is None:
        return ["Readings: the alert names none"]
    named = len(evidence["offsets"])
    where = f"topic {evidence['topic']}, partition {evidence['partition']}"
    lines = [f"Readings from the database, by their place in {where}: {len(readings)} of {named}"]
    for row in readings:
        said = {key: value for key, value in row.items() if key not in NOT_SAID and value not in (None, [])}
        at, device = said.pop("observed_at"), said.pop("device_id")
        values = ", ".join(f"{key} {value}" for key, value in said.items())
        lines.append(f"  {at.isoformat()} {device}: {values}")
    if len(readings) < named:
        lines.append("  the others are not stored, or not yet: see `district status` for what waits")
    return lines


def revision_lines(events: list[AlertEventRow]) -> list[str]:
    """Every revision in its order; times in UTC."""
    lines = ["Revisions (times in UTC)"]
    for row in events:
        data = row.data
        ended = UNKNOWN if data["ended_at"] is None else data["ended_at"]
        figure = quantity(data["observed_value"], data["observed_unit"])
        lines.append(
            f"  {row.revision} {row.event}: level {data['severity']}, began {data['started_at']}, "
            f"ended {ended}, worst {figure}; stored {row.stored_at:%Y-%m-%dT%H:%M:%SZ}"
        )
    return lines


def action_lines(actions: list[ActionRow]) -> list[str]:
    """What people, consumers and the platform did about it, in the order of the log, and what did not count."""
    if not actions:
        return ["Nobody has done anything about it"]
    lines = ["What was done (times in UTC)"]
    for row in actions:
        who = f"{row.by_name or row.by} ({row.actor})"
        more = "".join(f": {each}" for each in (row.assignee, row.words) if each)
        fate = "" if row.fate in {None, "counts"} else f"; {str(row.fate).replace('_', ' ')}"
        lines.append(f"  {row.at:%Y-%m-%dT%H:%M:%SZ} {row.kind} by {who}{more}{fate}")
    return lines
