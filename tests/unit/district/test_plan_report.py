"""The report of the plan as page, PDF and document: all say the same, in both languages, again in the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import docx
import pypdf
import pytest

from schemas.target_figure import TargetFigure
from services.district.plan_report.pages import Compared, Pages, pages
from services.district.plan_report.words import value_of
from services.district.report_kit.docx_file import docx_of
from services.district.report_kit.one_language import column_widths, in_language
from services.district.report_kit.parts import Language, page
from services.district.report_kit.typesetting import pdf_of
from services.plan_office.changes import changes
from tests.unit.plan_office.reported import (
    SHIPPED,
    alert,
    corrected,
    entered,
    known,
    lake,
    made_up_years,
    year_report,
)

THEN, DAY = date(2023, 12, 31), date(2024, 12, 31)
SINCE = datetime(2024, 4, 1, tzinfo=UTC)
LAKES = [lake("菱角湖", 3, date(2024, 12, 30)), lake("后襄河", 4, date(2024, 12, 30))]
ALERTS = [alert(number, date(2024, 5, 1)) for number in range(20)]
WITHOUT = ("rail.length", "circle.life")
SOME = ("employment.new_jobs", "green.coverage", "water.class", "rail.length", "finance.value_added")
"""What charts are drawn of in these tests: each takes a fifth of a second."""


@lru_cache
def figures() -> tuple[TargetFigure, ...]:
    return tuple(made_up_years((2020, 2021, 2022, 2023, 2024), leaving_out=WITHOUT))


def made(*more: TargetFigure, some: tuple[str, ...] = SOME, only: Language | None = "zh") -> Pages:
    """A report with some of the targets."""

    def of(day: date, told: tuple[TargetFigure, ...], **rest: Any) -> Any:
        all_known = known(told, day, **rest)
        chosen = [one for one in all_known.targets if one[1].id in some]
        return year_report(
            type(all_known)(all_known.book, chosen, told, all_known.measured, all_known.alerts), day, since=SINCE
        )

    before = of(THEN, tuple(one for one in figures() if one.confirmed_at is not None and one.confirmed_at <= SINCE))
    after = of(DAY, (*figures(), *more), lakes=LAKES, alerts=ALERTS)
    return pages(after, Compared(THEN, SINCE, changes(before, after)), only=only)


def told(of: Pages, language: Language = "zh") -> dict[str, Any]:
    return in_language(of.title, of.under, of.tiles, of.parts, language)


def text_of(pdf: bytes) -> str:
    return "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def joined(text: str) -> str:
    """Without the spaces and breaks that setting puts between Chinese and Latin."""
    return re.sub(r"\s+", "", text)


def test_every_target_stands_in_it_with_its_page_and_where_it_stands() -> None:
    every = tuple(one.id for one in SHIPPED.indicator)
    empty = known([], DAY)
    report = year_report(empty, DAY)
    whole = told(pages(report, None))
    titles = [part["title"] for part in whole["parts"] if part["level"] == 3]
    assert len(titles) == len(every) == 37
    asked_for = [part["text"][0] for part in whole["parts"] if part["level"] == 3]
    assert all("规划要求（第" in text and "页）" in text for text in asked_for)
    unsaid = next(part for part in whole["parts"] if part["title"].startswith("无法判定"))
    assert len(unsaid["rows"]) == 37
    assert whole["under"][1] == "尚无任何数据。"


def test_the_page_has_both_languages_needs_nothing_else_and_is_the_same_again() -> None:
    one = made(only=None)
    html = page(one.title, one.under, one.tiles, one.parts)
    again = made(only=None)
    assert page(again.title, again.under, again.tiles, again.parts) == html
    for words in (
        "规划期新增就业",
        "New jobs over the plan period",
        "江汉区2024年统计公报",
        "后襄河：总磷",
        "behind",
        "落后于进度",
    ):
        assert words in html, words
    assert not re.search(r"(src|href)=\"(?!#)|url\((?!#)|@import", html)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pdf_says_it_with_its_fonts_inside_and_no_time_of_making(language: Language) -> None:
    data = told(made(only=language), language)
    pdf = pdf_of(data)
    assert pdf_of(told(made(only=language), language)) == pdf
    assert b"CreationDate" not in pdf
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == data["title"]
    fonts = {
        str(font.get_object()["/BaseFont"]) for each in reader.pages for font in each["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all(re.match(r"/[A-Z]{6}\+NotoSansSC", name) for name in fonts), fonts
    text = joined(text_of(pdf))
    for part in data["parts"]:
        assert joined(part["title"]) in text
        for row in part["rows"]:
            for cell in row:
                assert joined(cell["words"])[:12] in text, cell["words"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_document_has_real_headings_tables_and_pictures_and_is_the_same_again(language: Language) -> None:
    data = told(made(only=language), language)
    one = docx_of(data)
    assert docx_of(told(made(only=language), language)) == one
    with zipfile.ZipFile(io.BytesIO(one)) as parts:
        assert {each.date_time for each in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    read = docx.Document(io.BytesIO(one))
    headings = [
        each.text for each in read.paragraphs if each.style is not None and each.style.name.startswith("Heading")
    ]
    assert headings == [part["title"] for part in data["parts"]]
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in read.tables]
    wanted = [
        [[head["words"] for head in part["heads"]], *([cell["words"] for cell in row] for row in part["rows"])]
        for part in data["parts"]
        if part["heads"]
    ]
    assert tables[1:] == wanted
    assert len(read.inline_shapes) == sum(len(part["charts"]) for part in data["parts"]) > 0
    assert read.core_properties.author == ""
    assert read.core_properties.created == datetime(1980, 1, 1, tzinfo=UTC)


def test_a_late_correction_changes_its_target_the_sums_the_changes_and_nothing_else() -> None:
    jobs = next(one for one in figures() if one.target == "employment.new_jobs" and one.period_end == THEN)
    before, after = told(made()), told(made(corrected(jobs, jobs.value + 40_000, datetime(2025, 4, 2, tzinfo=UTC))))
    was, now = ({part["title"]: part for part in each["parts"]} for each in (before, after))
    differ = [title for title in now if was.get(title) != now[title]]
    number = next(title for title in now if title.endswith("规划期新增就业"))
    assert set(differ) == {
        "各章汇总", "目标一览", "与上次报告相比", number, "填报数据与来源文件", "上次报告以来的修订",
    }  # fmt: skip
    rows = [
        (left, right)
        for title in ("目标一览", "与上次报告相比")
        for left, right in zip(was[title]["rows"], now[title]["rows"], strict=True)
        if left != right
    ]
    assert all("规划期新增就业" in left[0]["words"] for left, _ in rows)
    assert len(rows) == 2


def test_what_people_wrote_stays_text_in_every_form() -> None:
    note = "<b>#strong[x]</b> *a* $x^2$ \\ @ref & “q”"
    jobs = entered("green.coverage", 2024, 31.0, revision=0, note=note)
    report = year_report(known([jobs], DAY), DAY)
    one = pages(report, None, only="zh")
    assert "&lt;b&gt;#strong[x]" in page(one.title, one.under, one.tiles, one.parts)
    assert joined(note) in joined(text_of(pdf_of(told(one))))
    read = docx.Document(io.BytesIO(docx_of(told(one))))
    assert note in [cell.text for table in read.tables for row in table.rows for cell in row.cells]


def test_large_values_are_shortened_and_none_is_written_as_a_power() -> None:
    entries = {one.id: one for one in SHIPPED.indicator}
    assert value_of(53_000_000_000.0, entries["finance.value_added"]) == ("530亿元/年", "53,000 million CNY a year")
    assert value_of(1.4412e11, entries["renewal.fixed_asset_investment"]) == ("1,441.2亿元", "144,120 million CNY")
    assert value_of(58_354.0, entries["employment.new_jobs"]) == ("58,354 个", "58,354")
    assert value_of(None, entries["employment.new_jobs"]) == ("–", "–")


def test_narrow_columns_get_what_they_want_and_wide_ones_share_the_rest() -> None:
    assert column_widths([20, 30, 10]) == [20, 30, 10]
    assert column_widths([120, 12, 12]) == [76, 12, 12]
    assert column_widths([120, 90, 40, 10]) == [30, 30, 30, 10]
    assert column_widths([300, 300]) == [50, 50]
    assert column_widths([]) == []
