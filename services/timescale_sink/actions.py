"""From records of `alert-actions` to rows, each with what became of it. Pure.

Which of two actions counts follows from their order in the log, see `services.alert_life.life`. The fate of each is
stored in the transaction of its row, and reckoned from the rows before it: a restart or a repeat changes nothing.

An action is known by its alert and its id together, as in the fold: who takes the same id for two alerts has done two
things. Silences are about no alert and known by their id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from schemas.alert_action import AlertAction
from schemas.dead_letter import DeadLetterReason
from services.alert_life.life import Fate, fate_of, is_comment, is_receipt
from services.runtime.record import Record
from services.timescale_sink.rows import Refusal, Values, complaint

Identity = tuple[str | None, str]
"""Alert, None of silences, and action id."""


class Done(NamedTuple):
    """An action and its record."""

    action: AlertAction
    record: Record

    @property
    def alert_id(self) -> str | None:
        """The alert that it is about; None of silences."""
        return None if self.action.alert is None else self.action.alert.alert_id

    @property
    def identity(self) -> Identity:
        """What it is known by."""
        return self.alert_id, self.action.action_id


class Stored(NamedTuple):
    """What the database has of an action."""

    fate: Fate
    partition: int
    offset: int

    def is_of(self, record: Record) -> bool:
        """Whether it was made of this very record, which is read again then."""
        return (self.partition, self.offset) == (record.partition, record.offset)


class Counts(NamedTuple):
    """Actions on an alert that count."""

    seen: int = 0
    """Exclusive ones."""
    comments: int = 0
    received: frozenset[str] = frozenset()
    """Consumers with a receipt."""

    def after(self, action: AlertAction) -> Counts:
        """With one more that counts."""
        return Counts(
            self.seen + (action.seen is not None),
            self.comments + is_comment(action),
            self.received | {action.by} if is_receipt(action) else self.received,
        )


def decode_actions(records: Iterable[Record]) -> tuple[list[Done], list[Refusal]]:
    """Actions in the order of their records, and what is none."""
    found: list[Done] = []
    bad: list[Refusal] = []
    for record in records:
        try:
            found.append(Done(AlertAction.model_validate_json(record.value or b""), record))
        except ValidationError as error:
            bad.append(Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, complaint(error)))
    return found, bad


def judge(
    done: Iterable[Done], stored: Mapping[Identity, Stored], counts: Mapping[str, Counts]
) -> dict[Identity, Values]:
    """Say what becomes of each action.

    Args:
        done: In the order of the log.
        stored: What the database has of them.
        counts: Actions before them, by alert; an alert that is missing has none.

    Returns:
        Rows for `queries/alert_actions.sql`, without what is stored already.
    """
    known, before = dict(stored), dict(counts)
    rows: dict[Identity, Values] = {}
    for one in done:
        last = known.get(one.identity)
        if last is not None and last.is_of(one.record):
            continue  # read again: what became of it was said with what was before it then
        fate = _fate(one, last, before)
        if fate is Fate.COUNTS and one.alert_id is not None:
            before[one.alert_id] = before.get(one.alert_id, Counts()).after(one.action)
        if last is None or fate is Fate.COUNTS:
            known[one.identity] = Stored(fate, one.record.partition, one.record.offset)
            rows[one.identity] = _row(one, fate)
    return rows


def _fate(one: Done, last: Stored | None, before: Mapping[str, Counts]) -> Fate:
    known = last is not None and last.fate is Fate.COUNTS
    if one.alert_id is None:
        return Fate.REPEATED if known else Fate.COUNTS
    seen, comments, received = before.get(one.alert_id, Counts())
    return fate_of(one.action, seen=seen, comments=comments, received=received, known=known)


def _row(one: Done, fate: Fate) -> Values:
    action, alert = one.action, one.action.alert
    about: Values = (None,) * 8
    if alert is not None:
        about = (
            alert.alert_id,
            alert.revision,
            alert.rule,
            alert.feed,
            alert.place,
            alert.zone,
            alert.severity,
            alert.raised_at,
        )
    return (
        action.action_id,
        action.kind,
        action.at,
        action.actor,
        action.by,
        action.by_name,
        action.lane,
        action.asset,
        *about,
        action.seen,
        action.assignee,
        action.scope,
        action.until,
        action.words,
        fate,
        one.record.partition,
        one.record.offset,
        None if alert is None else alert.said_at,
    )
