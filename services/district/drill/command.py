"""`district scenario` and `district drill`: what there is to exercise, and an exercise with its score."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.fields import DISTRICT_ZONE, Feed
from services.district.drill.account import DrillAccount, minutes
from services.district.drill.drilling import HowToDrill, Prepared, drill, prepared
from services.district.errors import EXIT_INTERRUPTED, SettingRefused
from services.district.report_kit.file import see_folder, write_page
from services.district.settings import find_access
from services.district.terminal import add_row, console, say, say_json, table
from services.district.terminal import show as draw
from services.district.words import count, day_and_time
from simulators.errors import SimulatorError
from simulators.world.library import load_scenario, scenario_files

EXIT_LIMITS: Final = 1
_NAMED: Final = 10

scenario: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Scenarios of the simulated district: list them, play one in a lane of its own.",
)
_Name = Annotated[str, typer.Argument(metavar="SCENARIO", show_default=False, help="Its name, or a .toml file.")]
_Seed = Annotated[int, typer.Option(min=0, help="Same seed, same readings.")]
_Scale = Annotated[float, typer.Option(min=0.1, max=10, help="Size of the district; 1 is all of it.")]
_Speed = Annotated[float, typer.Option(metavar="N", min=0, help="Times real time; 0 is as fast as live allows.")]
_Short = Annotated[bool, typer.Option("--short", help="Only the hours that are enough to see it.")]
_Day = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; else its own.")]
_Days = Annotated[int | None, typer.Option(min=1, max=62, help="How many; else its own number.")]
_Feeds = Annotated[list[Feed] | None, typer.Option("--feed", help="Only this one; may be repeated.")]
_Lane = Annotated[str | None, typer.Option(metavar="NAME", help="exercise:<name>; else by scenario and time.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]


@scenario.command("list")
def list_scenarios(*, as_json: _Json = False) -> None:
    """Print the scenarios: name, titles, the feeds that each is about, days."""
    known = [load_scenario(path.stem)[0] for path in scenario_files()]
    if as_json:
        say_json(
            [
                {
                    "name": each.scenario.name,
                    "title": each.scenario.title,
                    "title_zh": each.scenario.title_zh,
                    "about": each.scenario.about,
                    "feeds": [feed.value for feed in each.drill.feeds],
                    "days": each.drill.days,
                }
                for each in known
            ]
        )
        return
    made = table("scenario", "title", "", "feeds", "days")
    made.columns[0].no_wrap = made.columns[2].no_wrap = True
    for each in known:
        head = each.scenario
        feeds = "all" if len(each.drill.feeds) == len(Feed) else " ".join(each.drill.feeds)
        add_row(made, (head.name, head.title, head.title_zh, feeds, count(each.drill.days)))
    draw(None, made)


@scenario.command("run")
def run_scenario(
    name: _Name,
    *,
    seed: _Seed = 1,
    scale: _Scale = 0.1,
    speed: _Speed = 0.0,
    short: _Short = False,
    first: _Day = None,
    days: _Days = None,
    feeds: _Feeds = None,
    lane: _Lane = None,
    as_json: _Json = False,
) -> None:
    """Play a scenario through the live pipeline in a lane of its own, and wait until all is judged and stored."""
    day = None if first is None else first.date()
    how = HowToDrill(seed, scale, speed or None, short, 0.0, day, days, tuple(feeds or ()), lane)
    done = _run(name, how, shown_on=console(stderr=as_json))
    if as_json:
        found = done.to_json()
        say_json({key: found[key] for key in ("scenario", "lane", "seed", "from", "to", "seconds", "feeds", "alerts")})
    else:
        _say_readings(done)
        say(f"{len(done.alerts):,} alerts in lane {done.lane}; `district alerts --lane {done.lane}` lists them")
    if not done.is_balanced:
        sys.exit(EXIT_LIMITS)


def drill_command(
    name: _Name,
    *,
    seed: _Seed = 1,
    scale: _Scale = 0.1,
    speed: _Speed = 0.0,
    short: _Short = False,
    first: _Day = None,
    days: _Days = None,
    feeds: _Feeds = None,
    lane: _Lane = None,
    hold: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Leave people so long to acknowledge before it is closed.")
    ] = 0.0,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the report there.")] = None,
    least_recall: Annotated[
        float | None, typer.Option(metavar="SHARE", min=0, max=1, help="Exit status 1 when less was found.")
    ] = None,
    most_false: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Exit status 1 when more alarms were false.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Exercise a scenario through the live pipeline and score what was found against what was so.

    Everything travels in a lane of its own: it is marked as an exercise wherever it goes, official figures do not have
    it, and live readings come first. Exit status 1: a reading is unaccounted for, something of it stands in real life,
    or a limit that was given is missed.
    """
    see_folder(report)
    day = None if first is None else first.date()
    how = HowToDrill(seed, scale, speed or None, short, hold, day, days, tuple(feeds or ()), lane)
    done = _run(name, how, shown_on=console(stderr=as_json))
    if as_json:
        say_json(done.to_json())
    else:
        _say_readings(done)
        _say_results(done)
    if report is not None:
        from services.district.drill.report import drill_page  # noqa: PLC0415 - drawing loads half a second of libraries

        write_page(drill_page(done), report)
        say(f"report: {report}", err=as_json)
    missed = list(limits_missed(done, least_recall, most_false))
    for words in missed:
        say(words, err=True)
    if missed:
        sys.exit(EXIT_LIMITS)


def limits_missed(done: DrillAccount, least_recall: float | None, most_false: int | None) -> Iterable[str]:
    """What is not as it must be, or not as it was asked for, in words."""
    if not done.is_balanced:
        lost = sum(len(each.missing) for each in done.feeds)
        yield f"{lost:,} readings are neither stored nor refused; `district audit --lane {done.lane}` names them"
    if not done.is_apart:
        yield f"real life has readings of the drill, by boots {', '.join(done.boots_in_live[:_NAMED])}"
    if least_recall is not None and (done.recall is None or done.recall < least_recall):
        found = "nothing was to be found" if done.recall is None else f"{done.recall:.2f} was found"
        yield f"{found}, asked for was at least {least_recall:g}"
    if most_false is not None and done.false > most_false:
        yield f"{done.false:,} false alarms, asked for were at most {most_false:,}"


def _run(name: str, how: HowToDrill, *, shown_on: Console) -> DrillAccount:
    access = find_access()
    try:
        what = prepared(name, how, datetime.now(UTC))
        _say_plan(what, how, shown_on)
        return asyncio.run(drill(what, how, access=access, console=shown_on))
    except SimulatorError as error:
        raise SettingRefused(str(error)) from error
    except KeyboardInterrupt:
        draw(shown_on, "interrupted; `district lane list` shows a lane that could not be closed, if there is one")
        sys.exit(EXIT_INTERRUPTED)


def _say_plan(what: Prepared, how: HowToDrill, shown_on: Console) -> None:
    order = what.cast[0].order
    begin, end = (datetime.fromtimestamp(at, DISTRICT_ZONE) for at in (order.begin, order.end))
    devices = sum(sum(each.feed is one.feed for each in one.world.district.devices()) for one in what.cast)
    feeds = ", ".join(one.feed for one in what.cast)
    draw(
        shown_on,
        f"{what.scenario.scenario.title}, {day_and_time(begin)} to {day_and_time(end)}, seed {how.seed}, "
        f"{devices:,} devices ({feeds}); lane {what.lane}",
    )


def _say_readings(done: DrillAccount) -> None:
    made = table("feed", "sent", "stored", "refused", "missing", "garbage", "again", "judged")
    for each in done.feeds:
        refused = sum(each.refused.values())
        numbers = (each.sent, each.stored, refused, len(each.missing), each.garbage, each.repeats, each.judged)
        add_row(made, (each.feed, *map(count, numbers)))
    draw(None, made)
    for each in done.feeds:
        for one in each.missing[:_NAMED]:
            say(f"missing: {each.feed} {one}")


def _say_results(done: DrillAccount) -> None:
    made = table("feed", "what was so", "rule", "times", "found", "cut off", "delay p50, most (min)")
    for one in done.results:
        delays = f"{minutes(one.delay_p50)}, {minutes(one.delay_most)}" if one.found else "–"
        add_row(made, (one.feed, one.what, one.rule, count(one.times), count(one.found), count(one.cut), delays))
    if done.results:
        draw(None, made)
    else:
        say("nothing was so that a rule looks for")
    recall = "–" if done.recall is None else f"{done.recall:.2f}"
    back = sum(one.withdrawn for one in done.alerts)
    say(f"recall {recall}; {len(done.alerts):,} alerts, {back:,} taken back, {done.false:,} false alarms")
    for scores in done.scores.values():
        for alert in scores.false[:_NAMED]:
            say(f"false: {alert.rule} at {alert.asset}, {day_and_time(alert.started_at)}")
    taken = sorted(one.acknowledged_after for one in done.alerts if one.acknowledged_after is not None)
    if taken:
        say(f"acknowledged: {len(taken):,} of {len(done.alerts):,}, half of them within {taken[len(taken) // 2]:.0f} s")
    else:
        say("nobody acknowledged an alert (--hold SECONDS leaves people time)")
    say(f"attempts to deliver, each marked as an exercise: {done.deliveries:,}")
    live = done.live
    if live.is_slowed is None:
        say("live readings: none to compare")
    else:
        words = "slowed" if live.is_slowed else "not slowed"
        before, during = live.before.p99_ms, live.during.p99_ms
        say(f"live readings {words}: stored p99 {before:,.0f} ms before, {during:,.0f} ms during")
    say(f"took {done.seconds:,.0f} s")
