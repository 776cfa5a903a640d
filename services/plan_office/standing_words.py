"""Why a target stands where it does, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from schemas.plan.book import Target
from schemas.verdict import Comparator
from schemas.vocabulary import VOCABULARY, Naming
from services.plan_office.figure import Figure

NOTHING_JUDGED: Final = Naming("该指标尚无任何时段得出结论。", "No period of this indicator has been judged yet.")
"""Of a target that telemetry answers for."""
_WHOLE: Final = 1e10
"""From here on a value is written in full and without decimals: none is written as a power of ten."""
_LIMITS: Final = {
    Comparator.GE: Naming("不低于", "at least"),
    Comparator.GT: Naming("高于", "more than"),
    Comparator.LE: Naming("不高于", "at most"),
    Comparator.LT: Naming("低于", "less than"),
}


def amount(value: float, unit: str) -> Naming:
    """A value with its unit, no digit of it rounded away that a person wrote; a class of water by its name."""
    named = VOCABULARY["water_class"].get(f"{value:g}") if _is_class(unit) else None
    if named is None:
        return _measured(value, unit)
    worse, _, numeral = named.en.rpartition(" ")
    return Naming(named.zh, f"{worse} class {numeral}".lstrip())


def limit(op: Comparator, told: Naming, unit: str) -> Naming:
    """What a target asks for, as `不低于32%`: classes of water count upwards as they get worse.

    Args:
        op: How a value is compared with the target's.
        told: The target's value in words.
        unit: Its unit.
    """
    if op is Comparator.LE and _is_class(unit):
        return Naming(f"不劣于{told.zh}", f"{told.en} or better")
    word = _LIMITS[op]
    return Naming(f"{word.zh}{told.zh}", f"{word.en} {told.en}")


def _is_class(unit: str) -> bool:
    return unit.partition(" (")[0] == "class"


def _measured(value: float, unit: str) -> Naming:
    word = unit.partition(" (")[0]
    named = VOCABULARY["unit"].get(unit) or VOCABULARY["unit"].get(word) or Naming(word, word)
    figure = f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:,.10g}"
    return Naming(*(f"{figure}{'' if text == '%' else ' '}{text}".rstrip() for text in named))


def _limit(target: Target) -> Naming:
    entry = target.indicator
    return limit(entry.op, amount(entry.target, entry.unit), entry.unit)


def _of(target: Target, value: float) -> Naming:
    return amount(value, target.indicator.unit)


def period_words(first: date, last: date) -> Naming:
    """A period as people name it: a year, a month, a day, or its first and last day."""
    if first == last:
        return Naming(first.isoformat(), first.isoformat())
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        years = f"{first.year}" if first.year == last.year else f"{first.year}–{last.year}"
        return Naming(f"{years}年", years)
    whole_month = first.day == 1 and (last + timedelta(days=1)).day == 1 and first.replace(day=last.day) == last
    if whole_month:
        return Naming(f"{first.year}年{first.month}月", f"{first:%Y-%m}")
    return Naming(f"{first}至{last}", f"{first} to {last}")


def no_course(target: Target) -> Naming:
    """The plan's version is silent about how it is met."""
    version = target.threshold.source.version
    return Naming(
        f"规划 {version} 版未说明该目标如何计算，无法判断进度。",
        f"Version {version} of the plan does not say how this target is met; publish one that does.",
    )


def no_figure() -> Naming:
    """Nothing is known."""
    return Naming("规划期内尚无数据。", "There is no figure of the planned period yet.")


def no_sum(begin: date) -> Naming:
    """Nothing adds up."""
    return Naming(
        f"尚无自{begin}起的数据，无法累计。", f"No figure begins on {begin}, so that nothing adds up to the target yet."
    )


def sum_reached(target: Target, total: float, begin: date, until: date) -> Naming:
    """The sum is there."""
    goal, found = _limit(target), _of(target, total)
    return Naming(
        f"{begin}至{until}累计{found.zh}，目标{goal.zh}。",
        f"From {begin} to {until} it adds up to {found.en}; the target is {goal.en}.",
    )


def sum_missed(target: Target, total: float, begin: date, until: date) -> Naming:
    """The sum is not there, and the time is over."""
    reached = sum_reached(target, total, begin, until)
    return Naming(f"{reached.zh[:-1]}，已到期。", f"{reached.en[:-1]}, and it is due.")


def sum_ends(target: Target, total: float, begin: date, until: date) -> Naming:
    """What follows the sum is not known."""
    goal, found = _limit(target), _of(target, total)
    return Naming(
        f"{begin}至{until}累计{found.zh}，其后缺数据，目标{goal.zh}。",
        f"From {begin} to {until} it adds up to {found.en}; of the time after that nothing is known. "
        f"The target is {goal.en}.",
    )


def at_due(target: Target, figure: Figure, *, since: date | None) -> Naming:
    """A state on the due date, or since."""
    goal, found = _limit(target), _of(target, figure.value)
    if since is None:
        return Naming(
            f"到期时（{figure.end}）为{found.zh}，目标{goal.zh}。",
            f"When it was due ({figure.end}) it stood at {found.en}; the target is {goal.en}.",
        )
    return Naming(
        f"到期日{since}无数据；其后{figure.end}为{found.zh}，目标{goal.zh}。",
        f"There is no figure of the due date, {since}; since then, on {figure.end}, it stood at {found.en}. "
        f"The target is {goal.en}.",
    )


def not_of_due(target: Target, figure: Figure) -> Naming:
    """The due date is past and has no figure."""
    found, due = _of(target, figure.value), target.indicator.due
    return Naming(
        f"到期日{due}无数据；最近为{figure.end}的{found.zh}。",
        f"There is no figure of the due date, {due}; the newest is {found.en} on {figure.end}.",
    )


def too_old(figure: Figure) -> Naming:
    """The newest figure is too old for a plan that is monitored each year."""
    return Naming(
        f"最近数据截至{figure.end}，已过时；规划要求逐年监测（第46页）。",
        f"The newest figure is of {figure.end}, which is too old: the plan asks for a figure each year (page 46).",
    )


def there_without_path(target: Target, figure: Figure) -> Naming:
    """The target's value is there before it is due, and no path is needed to say so."""
    goal, found = _limit(target), _of(target, figure.value)
    return Naming(
        f"{figure.end}为{found.zh}，已达到目标值（{goal.zh}），须保持到{target.indicator.due}。",
        f"On {figure.end} it stood at {found.en}, which reaches the target ({goal.en}); it must hold on "
        f"{target.indicator.due}.",
    )


def no_path(target: Target, figure: Figure) -> Naming:
    """No base value."""
    goal, found = _limit(target), _of(target, figure.value)
    return Naming(
        f"{figure.end}为{found.zh}，目标{goal.zh}；规划未载基期值，也未填报规划期前的数据，无法确定进度线。",
        f"On {figure.end} it stood at {found.en}, the target is {goal.en}; the plan states no base value and no "
        "figure of the time before it was entered, so that there is no path to compare with.",
    )


def on_path(
    target: Target, value: float, on: date, expected: float, *, kept: bool, straight: bool, rate: float | None
) -> Naming:
    """A figure beside the path."""
    found, due_then = _of(target, value), amount(float(f"{expected:.4g}"), target.indicator.unit)
    how = (
        Naming("规划未载阶段值，按直线推算", "a straight line, as the plan names no milestones")
        if straight
        else Naming("按规划阶段值推算", "through the plan's milestones")
    )
    zh = f"截至{on}为{found.zh}，进度线为{due_then.zh}（{how.zh}）"
    en = f"By {on} it stands at {found.en}; the path is at {due_then.en} then ({how.en})"
    if not kept and rate is not None:
        needed = _measured(float(f"{rate:.4g}"), target.indicator.unit)
        return Naming(
            f"{zh}；至{target.indicator.due}平均每年还需变化{needed.zh}。",
            f"{en}. It would need {needed.en} a year to be there by {target.indicator.due}.",
        )
    return Naming(f"{zh}。", f"{en}.")


def no_year(first: int) -> Naming:
    """No whole year is known."""
    return Naming(f"自{first}年起尚无完整年度数据。", f"No whole year from {first} on has a figure yet.")


def year_missed(target: Target, year: int, figure: Figure) -> Naming:
    """A year that did not keep to it."""
    goal, found = _limit(target), _of(target, figure.value)
    return Naming(
        f"{year}年为{found.zh}，未守住{goal.zh}。", f"In {year} it stood at {found.en}; each year must be {goal.en}."
    )


def years_missing(years: Sequence[int]) -> Naming:
    """Years without a figure."""
    listed = [str(year) for year in years]
    return Naming(f"缺{'、'.join(listed)}年数据。", f"There is no figure of {', '.join(listed)}.")


def every_year_kept(target: Target, years: Sequence[int]) -> Naming:
    """All years did."""
    goal = _limit(target)
    return Naming(
        f"{years[0]}至{years[-1]}年各年均{goal.zh}。", f"Each year from {years[0]} to {years[-1]} was {goal.en}."
    )


def years_kept_so_far(target: Target, years: Sequence[int]) -> Naming:
    """All years that are over did."""
    goal, listed = _limit(target), [str(year) for year in years]
    return Naming(
        f"{'、'.join(listed)}年{goal.zh}，须守到{target.indicator.due}。",
        f"{', '.join(listed)}: {goal.en}. It must be kept to until {target.indicator.due}.",
    )
