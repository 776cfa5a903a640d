"""Which figures may be entered, corrected and confirmed; and a made-up year's table with its mistakes, cell by cell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument
from schemas.plan.publication import effective_from
from schemas.plan.toml import parse_document
from schemas.target_figure import SourceDocument, TargetFigure
from services.plan_office.entering import Draft, FigureRefused, Person, Why, confirmed, entered
from services.plan_office.figure_book import Fate, FigureBook
from services.plan_office.sheet import COLUMNS, Entering, NoSheet, Sheet, letters, read_sheet, template
from services.plan_office.written import Cell, number_of, period_of

TEXT = (Path(__file__).resolve().parents[3] / "deploy" / "plan" / "jianghan-14fyp.toml").read_text(encoding="utf-8")
PLAN = parse_document(TEXT, PlanDocument, file="plan.toml")
PLANS = PlanBook([PLAN])
AT = datetime(2024, 3, 20, 2, tzinfo=UTC)
TODAY = date(2024, 3, 20)
LI, WANG = Person("li", "李工"), Person("wang", "王科")
SOURCE = SourceDocument(title="2023年统计公报", number="江统〔2024〕3号", page=12)


def draft(target: str = "employment.new_jobs", value: float = 14_000, unit: str = "个", **more: object) -> Draft:
    stated: dict[str, object] = {
        "start": date(2023, 1, 1),
        "end": date(2023, 12, 31),
        "recorded_on": date(2024, 3, 15),
        "source": SOURCE,
    }
    return Draft(target, value, unit, **(stated | more))  # type: ignore[arg-type]


def enter(one: Draft, book: FigureBook, person: Person = LI, plans: PlanBook = PLANS, key: str = "k") -> TargetFigure:
    record = entered(one, plans, book, person, at=AT, today=TODAY, key=key)
    book.take(record)
    return record


def refused(one: Draft, book: FigureBook | None = None) -> FigureRefused:
    with pytest.raises(FigureRefused) as error:
        enter(one, FigureBook() if book is None else book, key="another")
    assert error.value.said.zh
    return error.value


@pytest.mark.parametrize(
    ("wrong", "why", "part"),
    [
        (draft("employment.jobs"), Why.UNKNOWN_TARGET, "target"),
        (draft("water.class", 3, "class"), Why.MEASURED, "target"),
        (draft(unit="万人"), Why.WRONG_UNIT, "unit"),
        (draft("green.coverage", 0.32, ""), Why.WRONG_UNIT, "unit"),
        (draft("green.coverage", 32_000, "%"), Why.OUT_OF_RANGE, "value"),
        (draft(start=date(2024, 1, 1)), Why.WRONG_PERIOD, "period"),
        (draft(end=date(2024, 12, 31)), Why.WRONG_PERIOD, "period"),
        (draft(start=date(2020, 1, 1)), Why.WRONG_PERIOD, "period"),
        (draft("employment.unemployment", 4.1, "%", end=date(2023, 6, 30)), Why.WRONG_PERIOD, "period"),
        (draft("green.coverage", 31, "%", start=date(2020, 6, 1), end=date(2021, 5, 31)), Why.WRONG_PERIOD, "period"),
        (draft("green.coverage", 31, "%", start=date(2021, 1, 1)), Why.WRONG_PERIOD, "period"),
        (draft(recorded_on=date(2023, 12, 30)), Why.WRONG_DATE, "recorded_on"),
        (draft(recorded_on=date(2024, 3, 21)), Why.WRONG_DATE, "recorded_on"),
        (draft(corrects=True), Why.NOTHING_TO_CORRECT, "period"),
    ],
)
def test_what_may_not_be_entered_is_refused_with_its_reason(wrong: Draft, why: Why, part: str) -> None:
    error = refused(wrong)
    assert (error.why, error.part) == (why, part)


def test_the_same_period_twice_is_a_duplicate_unless_it_is_a_correction() -> None:
    book = FigureBook()
    first = enter(draft(), book)
    assert refused(draft(value=15_000), book).why is Why.DUPLICATE
    second = enter(draft(value=15_000, corrects=True), book, key="k2")
    assert (second.revision, second.corrects) == (1, first.figure_id)
    assert [one.value for one in book.revisions(first.place)] == [14_000, 15_000]


def test_the_same_request_again_is_the_same_figure() -> None:
    book = FigureBook()
    first = enter(draft(), book)
    assert entered(draft(), PLANS, book, LI, at=AT + timedelta(hours=1), today=TODAY, key="k") == first
    assert book.take(first) is Fate.REPEATED


def test_it_counts_once_somebody_else_has_confirmed_it() -> None:
    book = FigureBook()
    one = enter(draft(), book)
    assert book.figures(one.target) == []
    assert book.waiting() == (one,)
    with pytest.raises(FigureRefused) as own:
        confirmed(one.figure_id, book, LI, at=AT)
    assert own.value.why is Why.SAME_PERSON
    book.take(confirmed(one.figure_id, book, WANG, at=AT))
    assert [figure.value for figure in book.figures(one.target)] == [14_000]
    for figure, why in ((one.figure_id, Why.CONFIRMED), ("0" * 32, Why.NOT_THERE)):
        with pytest.raises(FigureRefused) as again:
            confirmed(figure, book, WANG, at=AT)
        assert again.value.why is why


def test_a_late_correction_is_a_new_revision_and_what_was_known_then_stays() -> None:
    book = FigureBook()
    one = enter(draft(), book)
    book.take(confirmed(one.figure_id, book, WANG, at=AT))
    then, new = AT + timedelta(days=90), draft(value=13_000, corrects=True)
    later = entered(new, PLANS, book, LI, at=then, today=date(2024, 6, 18), key="k2")
    book.take(later)
    assert [figure.value for figure in book.figures(one.target)] == [14_000]  # nobody has confirmed it yet
    book.take(confirmed(later.figure_id, book, WANG, at=AT + timedelta(days=91)))
    assert [figure.value for figure in book.figures(one.target)] == [13_000]
    assert [figure.value for figure in book.figures(one.target, known_at=AT + timedelta(days=90))] == [14_000]


def test_a_revision_that_is_corrected_is_confirmed_no_more() -> None:
    book = FigureBook()
    one = enter(draft(), book)
    enter(draft(value=15_000, corrects=True), book, key="k2")
    with pytest.raises(FigureRefused) as error:
        confirmed(one.figure_id, book, WANG, at=AT)
    assert error.value.why is Why.SUPERSEDED


def test_of_two_first_revisions_the_first_of_the_log_counts() -> None:
    ours, theirs = (enter(draft(value=v), FigureBook(), person) for v, person in ((1, LI), (2, WANG)))
    for order in permutations((ours, theirs)):
        book = FigureBook()
        assert [book.take(one) for one in order] == [Fate.COUNTS, Fate.OVERTAKEN]
        assert book.newest(ours.place) == order[0]


def test_a_figure_is_taken_by_the_version_in_force_at_its_period() -> None:
    text = TEXT.replace('version = "2022"', 'version = "2024"').replace("target = 70_000", "target = 80_000")
    later = effective_from(parse_document(text, PlanDocument, file="plan.toml"), date(2023, 7, 1))
    plans = PlanBook([PLAN, later])
    of_2022 = draft(start=date(2022, 1, 1), end=date(2022, 12, 31))
    assert enter(of_2022, FigureBook(), plans=plans).plan_version == "2022"
    assert enter(draft(), FigureBook(), plans=plans).plan_version == "2024"
    base = draft("green.coverage", 28, "%", start=date(2020, 1, 1), end=date(2020, 12, 31))
    assert enter(base, FigureBook(), plans=plans).plan_version == "2022"


# ---- a year's table ------------------------------------------------------------------------------------------

MADE_UP = {"%": 50.0, "min": 9.0, "count": 3, "people": 2_500}


def year_of(period: Cell = "2023年") -> list[list[Cell]]:
    """All 37 targets as the office might send them: the three that are measured among them."""
    rows = template(PLAN.indicator)
    heads = list(COLUMNS)
    for entry in PLAN.indicator:
        if entry.check == "stream":
            rows.append([{"target": entry.id, "name": entry.name_zh, "unit": entry.unit}.get(key) for key in heads])
    filled = {"period": period, "recorded_on": "2024年3月15日", "source_title": "2023年统计公报", "source_page": 12}
    for row in rows[1:]:
        for key, cell in filled.items():
            row[heads.index(key)] = cell
        row[heads.index("value")] = MADE_UP.get(str(row[heads.index("unit")]), 7)
    return rows


def read(rows: list[list[Cell]], book: FigureBook | None = None) -> tuple[list[str], dict[str, Why]]:
    how = Entering(PLANS, LI, AT, TODAY)
    taken, wrong = read_sheet(Sheet("2023", rows), FigureBook() if book is None else book, how)
    return [one.record.target for one in taken], {one.cell: one.why for one in wrong}


def test_of_a_years_table_the_34_that_people_answer_for_are_taken_and_the_measured_ones_refused() -> None:
    taken, wrong = read(year_of())
    assert len(taken) == 34
    assert wrong == dict.fromkeys(("A36", "A37", "A38"), Why.MEASURED)


def test_each_mistake_is_named_by_its_cell_and_the_right_rows_are_taken() -> None:
    rows, at = year_of(), {key: n for n, key in enumerate(COLUMNS)}
    rows[1][at["unit"]] = "万元"
    rows[2][at["period"]] = "去年"
    rows[3][at["value"]] = "约七亿"
    rows[4][at["value"]] = None
    rows[5][at["source_title"]] = None
    rows[6][at["recorded_on"]] = "明天"
    rows[7][at["target"]] = "renewal.unheard"
    rows[8][at["period"]] = 2024
    rows[9][at["source_page"]] = "十二"
    rows[10][at["correction"]] = "也许"
    rows[11][at["correction"]] = "是"
    rows[12][at["source_sha256"]] = "abc"
    rows.append(list(rows[13]))
    taken, wrong = read(rows)
    assert len(taken) == 22
    assert wrong == {
        "E2": Why.WRONG_UNIT,
        "C3": Why.WRONG_PERIOD,
        "D4": Why.NOT_A_NUMBER,
        "D5": Why.NOT_A_NUMBER,
        "G6": Why.NO_SOURCE,
        "F7": Why.WRONG_DATE,
        "A8": Why.UNKNOWN_TARGET,
        "C9": Why.WRONG_PERIOD,
        "I10": Why.WRONG_SOURCE,
        "K11": Why.NOTHING_TO_CORRECT,
        "C12": Why.NOTHING_TO_CORRECT,
        "J13": Why.WRONG_SOURCE,
        "C39": Why.DUPLICATE,
        **dict.fromkeys(("A36", "A37", "A38"), Why.MEASURED),
    }


def test_rows_of_the_template_that_are_left_empty_are_passed_over() -> None:
    assert read(template(PLAN.indicator)) == ([], {})


def test_a_table_without_its_columns_says_which() -> None:
    with pytest.raises(NoSheet, match=r"数值 \(value\)"):
        read([[*(naming.zh for key, naming in COLUMNS.items() if key != "value")]])
    with pytest.raises(NoSheet):
        read([])


def test_columns_are_named_as_a_sheet_names_them() -> None:
    assert [letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize(
    ("told", "period"),
    [
        (2024, (date(2024, 1, 1), date(2024, 12, 31))),
        ("２０２４年", (date(2024, 1, 1), date(2024, 12, 31))),
        ("2024年上半年", (date(2024, 1, 1), date(2024, 6, 30))),
        ("2024H2", (date(2024, 7, 1), date(2024, 12, 31))),
        ("2024年第一季度", (date(2024, 1, 1), date(2024, 3, 31))),
        ("2024Q4", (date(2024, 10, 1), date(2024, 12, 31))),
        ("2024-02", (date(2024, 2, 1), date(2024, 2, 29))),
        ("2021..2023", (date(2021, 1, 1), date(2023, 12, 31))),
        ("2021-01-01至2021-06-30", (date(2021, 1, 1), date(2021, 6, 30))),
        (datetime(2024, 12, 31), (date(2024, 12, 31), date(2024, 12, 31))),  # noqa: DTZ001 - as a sheet has it
        ("2024-13", None),
        ("十四五", None),
        ("", None),
    ],
)
def test_periods_as_offices_write_them(told: Cell, period: object) -> None:
    assert period_of(told) == period


@pytest.mark.parametrize(
    ("told", "value"),
    [("1,234.5", 1234.5), ("１２", 12), (7, 7), ("12%", None), (True, None), ("1,23", None), ("1e999", None)],
)
def test_numbers_as_offices_write_them(told: Cell, value: float | None) -> None:
    assert number_of(told) == value
