"""From records of `target-figures` to rows, one for each revision that counts. Pure.

Rows are reckoned from the records alone, in their order: a replay of the topic repeats the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from schemas.dead_letter import DeadLetterReason
from schemas.target_figure import TargetFigure
from services.read_model.target_figures import figure_of
from services.runtime.record import Record
from services.timescale_sink.rows import Refusal, Values, complaint


def decode_figures(records: Iterable[Record]) -> tuple[list[tuple[TargetFigure, Record]], list[Refusal]]:
    """Figures in the order of their records, and what is none."""
    found: list[tuple[TargetFigure, Record]] = []
    bad: list[Refusal] = []
    for record in records:
        try:
            found.append((TargetFigure.model_validate_json(record.value or b""), record))
        except ValidationError as error:
            bad.append(Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, complaint(error)))
    return found, bad


def row_of(figure: TargetFigure, record: Record) -> Values:
    """Values for `queries/target_figures.sql`."""
    source = figure.source
    return (
        *(figure.figure_id, figure.target, figure.period_start, figure.period_end, figure.revision, figure.corrects),
        *(figure.value, figure.unit, figure.recorded_on),
        *(source.title, source.number, source.page, source.sha256, figure.note),
        *(figure.plan_id, figure.plan_version),
        *(figure.entered_by, figure.entered_by_name, figure.entered_at),
        *(figure.confirmed_by, figure.confirmed_by_name, figure.confirmed_at),
        record.offset,
    )


def known_of(rows: Iterable[Any]) -> dict[int, TargetFigure]:
    """Revisions of one figure by number, as `fate_of` takes them."""
    return {row["revision"]: figure_of(row) for row in rows}
