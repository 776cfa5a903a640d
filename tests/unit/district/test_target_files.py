"""Tables of figures as offices save them: spreadsheets, CSV with a byte order mark or in GBK, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument
from schemas.plan.toml import parse_document
from services.district.errors import TargetsRefused
from services.district.plan_files import PLAN_FOLDER
from services.district.target_files import ROWS_MOST, sheets_of, write_template
from services.plan_office.entering import Person
from services.plan_office.figure_book import FigureBook
from services.plan_office.sheet import Entering, read_sheet, template

PLAN = parse_document(
    (PLAN_FOLDER / "jianghan-14fyp.toml").read_text(encoding="utf-8"), PlanDocument, file="jianghan-14fyp.toml"
)
HEADS = "指标编号,时段,数值,计量单位,数据日期,来源文件"
ROW = 'employment.new_jobs,2023年,"14,000",个,2024/3/15,2023年统计公报'
HOW = Entering(PlanBook([PLAN]), Person("li", "李"), datetime(2024, 3, 20, tzinfo=UTC), date(2024, 3, 20))


def taken(path: Path) -> list[tuple[str, float]]:
    found = [read_sheet(sheet, FigureBook(), HOW) for sheet in sheets_of(path)]
    assert not [wrong for _, refused in found for wrong in refused]
    return [(one.record.target, one.record.value) for right, _ in found for one in right]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_csv_is_read_in_the_encodings_of_chinese_offices(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_bytes(f"{HEADS}\r\n{ROW}\r\n".encode(encoding))
    assert taken(path) == [("employment.new_jobs", 14_000)]


def test_csv_with_semicolons_or_tabs(tmp_path: Path) -> None:
    for separator in (";", "\t"):
        path = tmp_path / "figures.csv"
        text = f"{HEADS}\n{ROW.replace(chr(34), '').replace('14,000', '14000')}\n".replace(",", separator)
        path.write_text(text, encoding="utf-8")
        assert taken(path) == [("employment.new_jobs", 14_000)]


def test_a_spreadsheet_of_several_sheets_with_dates_and_numbers_as_cells(tmp_path: Path) -> None:
    path, book = tmp_path / "figures.xlsx", openpyxl.Workbook()
    for n, sheet in enumerate((book.active, book.create_sheet("第二页"), book.create_sheet("空"))):
        assert sheet is not None
        if n < 2:
            sheet.append(HEADS.split(","))
            recorded = datetime(2024, 3, 15)  # noqa: DTZ001 - as a sheet has it
            sheet.append(["employment.new_jobs", 2023, 14_000 + n, "个", recorded, "公报"])
    book.save(path)
    assert taken(path) == [("employment.new_jobs", 14_000), ("employment.new_jobs", 14_001)]


def test_the_template_comes_back_with_a_row_for_each_target_and_is_never_written_over(tmp_path: Path) -> None:
    path, rows = tmp_path / "template.xlsx", template(PLAN.indicator)
    write_template(path, rows, "规划指标")
    (sheet,) = sheets_of(path)
    assert [list(row) for row in sheet.rows] == rows
    assert read_sheet(sheet, FigureBook(), HOW) == ([], [])
    with pytest.raises(TargetsRefused, match="is there already"):
        write_template(path, rows, "规划指标")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.xlsx", b"no zip", "no spreadsheet that can be read"),
        ("a.xls", b"", "old Excel"),
        ("a.pdf", b"", "neither .xlsx nor .csv"),
        ("a.csv", b"\xff\xff\x00", "neither UTF-8 nor GB 18030"),
        ("a.csv", b'x,"y\n', "is no CSV"),
        ("a.csv", b"x\n" * (ROWS_MOST + 1), "more than 5000 rows"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TargetsRefused, match=why):
        sheets_of(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetsRefused, match=r"nothing.csv cannot be read"):
        sheets_of(tmp_path / "nothing.csv")
