"""Whatever code a reading, letter or document can carry has words in both languages."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from schemas.dead_letter import DeadLetterReason, DeadLetterSource
from schemas.delivery import DeliveryOutcome
from schemas.fields import Quality, QualityCode
from schemas.plan.documents import PlanDocument
from services.dashboards.limits import Limits
from services.dashboards.plan_files import read_documents
from services.dashboards.vocabulary import (
    DEAD_LETTER_REASON,
    DEAD_LETTER_SOURCE,
    DOCUMENT,
    FIGURE,
    ITEM,
    KIND,
    ORIGIN,
    OUTCOME,
    QUALITY,
    QUALITY_CODE,
    UNIT,
    Vocabulary,
)
from services.timescale_sink.assets import assets_of

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = read_documents(ROOT / "deploy" / "plan")
ALL = {
    "reasons": DEAD_LETTER_REASON,
    "sources": DEAD_LETTER_SOURCE,
    "documents": DOCUMENT,
    "figures": FIGURE,
    "items": ITEM,
    "kinds": KIND,
    "origins": ORIGIN,
    "outcomes": OUTCOME,
    "qualities": QUALITY,
    "codes": QUALITY_CODE,
    "units": UNIT,
}
SYMBOLS = re.compile(r"UTF-8|UTC|JSON|P90|pH|BOD5|COD|%|[ⅠⅡⅢⅣⅤ]")
"""What is written alike in both."""


@pytest.mark.parametrize(
    ("codes", "vocabulary"),
    [
        (Quality, QUALITY),
        (QualityCode, QUALITY_CODE),
        (DeadLetterReason, DEAD_LETTER_REASON),
        (DeadLetterSource, DEAD_LETTER_SOURCE),
        (DeliveryOutcome, OUTCOME),
    ],
)
def test_each_code_has_words(codes: type[StrEnum], vocabulary: Vocabulary) -> None:
    assert {code.value for code in codes} == set(vocabulary)


def test_each_unit_and_each_target_of_the_plan_has_words() -> None:
    for document in DOCUMENTS:
        if isinstance(document, PlanDocument):
            assert {one.unit for one in document.indicator} <= set(UNIT)
            for one in document.indicator:
                assert one.name_zh, one.id
                assert re.search(r"[\u4e00-\u9fff]", one.name_zh), one.id


def test_each_asset_has_a_name_in_both_languages_and_its_kind_has_words() -> None:
    text = (ROOT / "deploy" / "district" / "jianghan.toml").read_text(encoding="utf-8")
    for asset in assets_of(text, file="jianghan.toml"):
        assert re.search(r"[\u4e00-\u9fff]", asset.name_zh), asset
        assert re.search(r"[A-Za-z]", asset.name_en), asset
        assert not re.search(r"[\u4e00-\u9fff]", asset.name_en), asset
        assert asset.name_en != asset.asset_id, asset
        assert asset.feed is None or asset.kind in KIND, asset


@pytest.mark.parametrize("name", ALL)
def test_words_are_of_their_language(name: str) -> None:
    for code, words in ALL[name].items():
        assert not re.search(r"[A-Za-z]", SYMBOLS.sub("", words.zh)), (code, words.zh)
        assert not re.search(r"[\u4e00-\u9fff]", words.en), (code, words.en)


def test_each_rule_has_a_name_in_both_languages() -> None:
    rules = Limits(DOCUMENTS).rules
    assert len(rules) >= 15
    for rule, words in rules.items():
        assert re.search(r"[\u4e00-\u9fff]", words.zh), rule
        assert re.search(r"[A-Za-z]", words.en), rule
