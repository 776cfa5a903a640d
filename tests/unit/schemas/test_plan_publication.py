"""A published document: what goes on the topic `plan` comes back as the same document."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from schemas.plan.book import Document, load_document
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import (
    document_of,
    effective_from,
    in_force,
    parse_publication,
    publication_key,
    publication_of,
)
from schemas.plan.toml import parse_document

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CASES: list[tuple[str, type[Document]]] = [
    ("jianghan-14fyp.toml", PlanDocument),
    ("standards/gb3838-2002.toml", StandardDocument),
    ("policies/parking.toml", PolicyDocument),
]


def read(name: str, model: type[Document]) -> tuple[Document, str]:
    text = (PLAN / name).read_text(encoding="utf-8")
    return parse_document(text, model, file=name), text


@pytest.mark.parametrize(("name", "model"), CASES)
def test_it_comes_back_as_it_was_published(name: str, model: type[Document]) -> None:
    document, text = read(name, model)
    raw = publication_of(document, text=text, published_at=NOW, published_by="desk").model_dump_json().encode()
    assert document_of(parse_publication(raw)) == document
    assert load_document(orjson.loads(raw)) == document


@pytest.mark.parametrize(("name", "model"), CASES)
def test_an_effective_date_changes_the_date_alone(name: str, model: type[Document]) -> None:
    document, _ = read(name, model)
    moved = effective_from(document, date(2024, 7, 1))
    assert in_force(moved)[0] == date(2024, 7, 1)
    assert effective_from(moved, in_force(document)[0]) == document


def test_the_key_is_kind_id_and_version() -> None:
    assert publication_key(read(*CASES[0])[0]) == b"plan/jianghan-14fyp/2022"


def test_a_plan_does_not_start_after_its_end() -> None:
    with pytest.raises(ValidationError, match="ends before it starts"):
        effective_from(read(*CASES[0])[0], date(2026, 1, 1))
