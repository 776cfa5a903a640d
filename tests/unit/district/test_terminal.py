"""What devices, logs and the database say cannot drive the operator's terminal, whichever command shows it."""

from __future__ import annotations

import ast
import io
import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from deploy.local.supervisor import Event, State
from schemas.fields import Feed
from services.district import __main__ as district
from services.district import terminal
from services.district.alerts import alert_table
from services.district.board import event_line
from services.district.errors import QueryFailed
from services.district.explain import action_lines, alert_lines, reading_lines, revision_lines
from services.district.figures import ProcessFigures, ProcessState, rates
from services.district.indicators import indicator_table
from services.district.lane_account import LaneAccount
from services.district.lane_command import OpenLane, lane_table
from services.district.logs import Tail
from services.district.outputs import Lines, LiveTable
from services.district.plan_command import threshold_table
from services.district.plan_thresholds import ThresholdRow
from services.district.replay_account import Account, Comparison, Difference
from services.district.replay_view import ReplayReport, show, step
from services.district.rows import JsonText, csv_line, json_object
from services.district.screen import View, screen
from services.district.words import alert_sentence
from services.read_model.alert_story import ActionRow, AlertEventRow
from services.read_model.alerts import AlertRow
from services.read_model.indicators import IndicatorRow
from services.runtime.printable import escaped, printable, printable_lines
from tests.unit.district.snapshots import AT, alert, snapshot

HOSTILE = (
    "[red]a[/red][link=file:///etc]b[/link] :skull: "  # markup
    "\x1b[2J\x1b]0;title\x07\x1b]8;;http://x\x1b\\c\x9b31m\x1bP1$r\x1b\\"  # escape sequences, 7 and 8 bits
    "\rforged\x08\x7f\x00\nforged line\x0b\x0c\u2028\u2029\x85"  # overwriting, and lines
    "\u202eesrever\u2066x\u2069\u200f\u200b\ufeff\U000e0041\ud800"  # directions, no width, half a pair
)
SHOWN = "[red]a[/red][link=file:///etc]b[/link] :skull: "


def harmless(out: str, *, shown: bool = True) -> None:
    """Only what is printable, in lines; the markup stands there as it was written."""
    assert [mark for mark in out if not mark.isprintable() and mark != "\n"] == []
    assert not any(line.startswith("forged") for line in out.split("\n")), "no line of their own"
    if shown:
        assert SHOWN.rstrip() in out


def careless() -> Console:
    """A console as rich makes them, which obeys markup; so wide that nothing is cut."""
    return Console(file=io.StringIO(), force_terminal=True, color_system=None, width=5_000)


def drawn(what: RenderableType) -> str:
    console = careless()
    console.print(what)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


ROW = AlertRow(
    **dict.fromkeys((field.name for field in fields(AlertRow)), HOSTILE)  # type: ignore[arg-type]
    | {"started_at": AT, "observed_value": 1.0, "threshold_value": 1.0, "suppressed": True}
)
ALERT = {
    "alert_id": HOSTILE, "severity": HOSTILE, "event": HOSTILE, "suppressed": True, "rule": HOSTILE, "place": HOSTILE,
    "asset": HOSTILE, "lane": HOSTILE, "revision": 1, "started_at": AT, "observed_value": 1.0, "observed_unit": HOSTILE,
    "threshold_comparator": HOSTILE, "threshold_value": 1.0, "threshold_unit": HOSTILE,
}  # fmt: skip
SOURCE = dict.fromkeys(("kind", "id", "where", "version", "valid_from", "valid_to"), HOSTILE)
EXPLAINED = ALERT | {
    "text": {"zh": HOSTILE, "en": HOSTILE}, "started_at": HOSTILE, "ended_at": HOSTILE,
    "threshold": {"id": HOSTILE, "comparator": HOSTILE, "value": 1.0, "unit": HOSTILE, "source": SOURCE},
    "suppression": {"kind": HOSTILE, "by": HOSTILE}, "members": [(HOSTILE, HOSTILE)],
    "evidence": {"topic": HOSTILE, "partition": 0, "offsets": [1]},
}  # fmt: skip


def test_alerts() -> None:
    harmless(drawn(alert_table([ROW])))


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    reading = {"observed_at": AT, "device_id": HOSTILE, HOSTILE: HOSTILE}
    said = dict.fromkeys((field.name for field in fields(AlertEventRow)), HOSTILE)
    revision = AlertEventRow(**said | {"revision": 1, "data": EXPLAINED, "stored_at": AT})  # type: ignore[arg-type]
    for line in [*alert_lines(EXPLAINED), *reading_lines(EXPLAINED, [reading]), *revision_lines([revision])]:
        terminal.say(line)
    harmless(capsys.readouterr().out)
    done = dict.fromkeys((field.name for field in fields(ActionRow)), HOSTILE)
    action = ActionRow(**done | {"at": AT, "stored_at": AT})  # type: ignore[arg-type]
    for line in action_lines([action]):
        terminal.say(line)
    harmless(capsys.readouterr().out)


def test_what_was_done_says_who_and_what_did_not_count() -> None:
    known = {
        "at": AT,
        "kind": "assign",
        "actor": "person",
        "by": "wang",
        "by_name": "Wang",
        "assignee": "Li",
        "words": "",
    }
    rows = [
        ActionRow(**dict.fromkeys((field.name for field in fields(ActionRow)), None) | known | {"fate": fate})  # type: ignore[arg-type]
        for fate in ("counts", "too_many")
    ]
    at = f"{AT:%Y-%m-%dT%H:%M:%SZ}"
    assert action_lines(rows)[1:] == [
        f"  {at} assign by Wang (person): Li",
        f"  {at} assign by Wang (person): Li; too many",
    ]
    assert action_lines([]) == ["Nobody has done anything about it"]


def test_indicators() -> None:
    said = dict.fromkeys((field.name for field in fields(IndicatorRow)), HOSTILE)
    figures = {"period_start": AT, "period_end": AT, "value": 1.0, "n": 1, "completeness": 1.0}
    threshold = {"comparator": HOSTILE, "value": 1.0}
    harmless(drawn(indicator_table([IndicatorRow(**said | figures | {"threshold": threshold})])))  # type: ignore[arg-type]


def test_lanes() -> None:
    harmless(drawn(lane_table([OpenLane(LaneAccount(Feed.EV, HOSTILE), AT, 1)])))


def test_plan() -> None:
    row = ThresholdRow(HOSTILE, 1.0, HOSTILE, HOSTILE, None, HOSTILE, HOSTILE, HOSTILE, date(2026, 1, 1), None)  # type: ignore[arg-type]
    harmless(drawn(threshold_table([row], date(2026, 1, 1))))


@pytest.mark.parametrize("height", [None, 60])
def test_status_and_the_live_table(height: int | None) -> None:
    text = {field.name: HOSTILE for field in fields(alert()) if isinstance(getattr(alert(), field.name), str)}
    figures = ProcessFigures(ProcessState.DOWN, HOSTILE, 1, HOSTILE)
    seen = snapshot(alerts=(replace(alert(), **text),), dead_letters={HOSTILE: 3}, notes={HOSTILE: HOSTILE})
    seen = replace(seen, servers={HOSTILE: figures}, services={HOSTILE: figures}, lag={HOSTILE: 7})
    view = View(rates=rates([seen]), now=AT, width=5_000, height=height, events=[HOSTILE], hint="h")
    harmless(drawn(screen(seen, view)))
    harmless(alert_sentence(replace(alert(), **text), "opened"))


def test_events_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    line = event_line(Event(AT, HOSTILE, State.WAITING, HOSTILE))
    assert line is not None
    harmless(line)
    Lines().event(HOSTILE)
    harmless(capsys.readouterr().out)
    console = careless()
    LiveTable(console).event(HOSTILE)
    harmless(str(console.file.getvalue()))  # type: ignore[attr-defined]


def test_logs(tmp_path: Path) -> None:
    log, out = tmp_path / "kafka.log", io.StringIO()
    log.write_bytes(HOSTILE.encode(errors="surrogatepass") + b"\xff\xfe\ttabbed\n")
    tail = Tail(log, "kafka | ")
    tail.print_last(50, out)
    tail.close()
    harmless(out.getvalue())
    assert all(line.startswith("kafka | ") for line in out.getvalue().splitlines()), "a log's line is said to be one"


def test_a_replay(capsys: pytest.CaptureFixture[str]) -> None:
    difference = Difference(1, (HOSTILE,), None, HOSTILE, HOSTILE, HOSTILE)
    account = Account(sent=1, stored=1, dead_lettered=0, duplicates=0, missing=0)
    counts = {HOSTILE: 1}
    report = ReplayReport(HOSTILE, HOSTILE, 1, account, Comparison(1, (difference,)), counts, counts, counts, 1)
    console = careless()
    show(report, console)
    with step(Console(file=console.file, width=500), HOSTILE, 1) as one:
        one.at(1, HOSTILE)
    harmless(str(console.file.getvalue()))  # type: ignore[attr-defined]
    terminal.say_json(report.to_json())
    harmless(capsys.readouterr().out)


def test_sql() -> None:
    row = [HOSTILE, [HOSTILE], JsonText(json.dumps({HOSTILE: HOSTILE}, ensure_ascii=False))]
    harmless(csv_line([HOSTILE]))
    harmless(csv_line(row))
    said = json_object([HOSTILE, "b", "c"], row)
    harmless(said)
    assert json.loads(said) == {HOSTILE: HOSTILE, "b": [HOSTILE], "c": {HOSTILE: HOSTILE}}, "JSON keeps every value"


def test_json_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    value = {HOSTILE: [HOSTILE, AT]}
    terminal.say_json(value)
    said = capsys.readouterr().out
    harmless(said)
    assert json.loads(said) == {HOSTILE: [HOSTILE, AT.isoformat()]}


def test_why_a_command_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise QueryFailed(HOSTILE)

    monkeypatch.setattr(district, "app", refuse)
    with pytest.raises(SystemExit):
        district.main()
    said = capsys.readouterr().err
    harmless(said)
    assert [line for line in said.splitlines() if not line.startswith("  ")] == [said.splitlines()[0]]


@given(st.text())
def test_a_text_becomes_one_line_of_its_own_length(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert json.loads(escaped(json.dumps(text, ensure_ascii=False))) == text
    assert escaped(text).isprintable()


def test_what_people_write_is_left_alone() -> None:
    said = "东湖\u3000湖心 5\u00a0mg/l — “ok” é e\u0301 👍 \\ [1]"
    assert printable(said) == said.replace("\u3000", " ").replace("\u00a0", " ")
    assert printable_lines("one\ntwo") == "one\n  two"


def _writes(node: ast.AST) -> str | None:
    """What a call writes to the terminal with, when it is one of the ways that obey what they are given."""
    if not isinstance(node, ast.Call):
        return None
    called = ast.unparse(node.func)
    return called if called in {"print", "typer.echo", "Console", "Table", "sys.stderr.write"} else None


def test_no_command_writes_to_the_terminal_by_itself() -> None:
    folder = Path(terminal.__file__).parent
    found = {
        f"{path.name}: {called}"
        for path in folder.glob("*.py")
        if path.name != "terminal.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (called := _writes(node))
    }
    assert found == set(), "use services.district.terminal"


def test_a_value_of_any_kind_is_a_cell() -> None:
    values: list[Any] = [None, 1, 1.5, datetime(2026, 1, 1, tzinfo=UTC)]
    assert [terminal.cell(each).plain for each in values] == [str(each) for each in values]


def test_a_narrow_terminal_breaks_heads_but_no_name_and_no_number() -> None:
    cells = ["emergency", "1,201", "12,345,678", "12,345,678", "12,345", "0", "1,234", "1,234", "12,345"]
    heads = ("Feed", "Devices", "Sent", "Stored", "Dead letters", "Gone", "Missing", "Came again", "In flight")
    made = terminal.table(*heads)
    terminal.add_row(made, cells)
    out = io.StringIO()
    Console(file=out, width=80).print(terminal.whole_cells(made))
    lines = [line for line in out.getvalue().splitlines() if line.strip()]
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1].split() == cells
    assert len(lines) == 4
