"""Whatever code a reading, letter or document can carry has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.plan.documents import PlanDocument
from services.dashboards.limits import Limits
from services.dashboards.plan_files import read_documents
from services.dashboards.vocabulary import UNIT, words_of
from services.timescale_sink.assets import assets_of

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = read_documents(ROOT / "deploy" / "plan")


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
        assert asset.kind in words_of("asset_kind"), asset


def test_a_kind_that_the_catalogue_has_not_is_refused() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        words_of("nonsense")


def test_each_rule_has_a_name_in_both_languages() -> None:
    rules = Limits(DOCUMENTS).rules
    assert len(rules) >= 15
    for rule, words in rules.items():
        assert re.search(r"[\u4e00-\u9fff]", words.zh), rule
        assert re.search(r"[A-Za-z]", words.en), rule
