"""Whatever stands on the topic of published documents, the processors live and say what they passed over."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from schemas.plan.book import dump_document, identity_of
from schemas.plan.documents import StandardDocument
from services.runtime.health import Health
from services.stream_processors.kafka_host.plan_reader import PlanReader
from services.stream_processors.plan.files import load_document

STANDARDS = Path(__file__).resolve().parents[4] / "deploy" / "plan" / "standards"


def record(value: bytes | None, *, key: bytes = b"standard/gb3838/2002") -> Any:
    return SimpleNamespace(key=key, value=value, offset=7)


def trouble(health: Health) -> dict[str, str]:
    found = health.report()[1]["trouble"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"7", b"null", b'"x"', b"{}", b"\xff", b"{", b'{"kind": "plan"}', b'[["a"]]']
)
def test_what_is_not_a_document_is_passed_over_and_named(value: bytes) -> None:
    health = Health()
    reader = PlanReader(SimpleNamespace(), health)
    reader.take(record(value))
    assert reader.published == {}
    assert "record 7 of topic plan" in trouble(health)["plan.record.standard/gb3838/2002"]


def test_a_good_record_of_the_same_key_makes_up_for_a_bad_one() -> None:
    health = Health()
    reader = PlanReader(SimpleNamespace(), health)
    reader.take(record(b"[]"))
    reader.take(record(b"[]", key=b"another"))
    document = load_document(STANDARDS / "gb3838-2002.toml", StandardDocument)
    reader.take(record(orjson.dumps(dump_document(document))))
    assert list(trouble(health)) == ["plan.record.another"]
    assert list(reader.published) == [identity_of(document)]
    reader.take(record(None, key=b"another"))
    assert trouble(health) == {}
