"""Two courses of one history under two versions of a document."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.fields import Feed
from schemas.plan.book import dump_document
from schemas.plan.toml import parse_any
from services.stream_processors.settings import ProcessorSettings
from services.stream_processors.whatif.__main__ import run

POLICY = Path(__file__).resolve().parents[3] / "deploy" / "plan" / "policies" / "parking.toml"
BEGIN = datetime(2026, 11, 1, 16, tzinfo=UTC)
SINCE, UNTIL = BEGIN + timedelta(hours=24), BEGIN + timedelta(hours=48)
LANE = "whatif:x"


def us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def question(silence: float | None = None, version: str = "2") -> bytes:
    dumped: dict[str, Any] = dump_document(parse_any(POLICY.read_text(encoding="utf-8"), file="parking"))
    dumped["document"]["policy"]["version"] = version
    for limit in dumped["document"]["limit"]:
        if limit["id"] == "parking.silence" and silence is not None:
            limit["value"] = silence
    asked = {
        "feed": Feed.PARKING, "lane": LANE, "published": [], "alternative": dumped,
        "read_from": BEGIN, "since": SINCE, "until": UNTIL,
    }  # fmt: skip
    return orjson.dumps(asked, option=orjson.OPT_APPEND_NEWLINE)


def counts(silent_from: float, silent_to: float) -> list[bytes]:
    """A car park that says its count every ten minutes and is silent for some hours."""
    lines = []
    for seq in range(6 * 48):
        at = BEGIN + timedelta(minutes=10 * seq)
        if silent_from <= seq / 6 < silent_to:
            continue
        reading = {
            "feed": "parking", "device_id": "lot-1", "group_id": "cbd", "boot_id": "b", "seq": seq, "observed_at": at,
            "lane": LANE, "total_spaces": 100, "free_spaces": 50 + seq % 7, "out_of_service_spaces": 0,
        }  # fmt: skip
        lines.append(b"%d %b\n" % (us(at), orjson.dumps(reading, option=orjson.OPT_UTC_Z)))
    return lines


def answers(lines: list[bytes]) -> tuple[bool, list[dict[str, Any]]]:
    out = io.BytesIO()
    whole = run(lines, out, ProcessorSettings.model_construct())
    return whole, [orjson.loads(line) for line in out.getvalue().splitlines()]


def end() -> bytes:
    return b"end %d\n" % us(UNTIL + timedelta(hours=2))


def test_a_shorter_silence_raises_an_alert_besides_and_nothing_else_differs() -> None:
    #  silent for half an hour on the second day: as long as the policy that ships allows
    whole, said = answers([question(900), *counts(30, 30.3), end()])
    assert whole
    began = (BEGIN + timedelta(hours=31)).isoformat()  # it falls silent once more at the end, for both
    alerts = [one for one in said if one["kind"] == "alert" and one["alert"]["started_at"] < began]
    assert [(one["course"], one["alert"]["rule"]) for one in alerts] == [("alternative", "parking.lot_silent")]
    assert alerts[0]["alert"]["lane"] == LANE
    assert alerts[0]["alert"]["threshold"]["source"]["version"] == "2"
    summary = said[-1]
    assert summary["readings"] == len(counts(30, 30.3))
    assert summary["failed"] == {"in_force": 0, "alternative": 0}
    assert sum(summary["figures"].values()) > 0


def test_the_same_figures_under_another_version_are_the_same() -> None:
    whole, said = answers([question(), *counts(99, 99), end()])
    assert whole
    alerts = [(one["course"], one["alert"]["started_at"]) for one in said if one["kind"] == "alert"]
    assert {at for course, at in alerts if course == "in_force"} == {
        at for course, at in alerts if course == "alternative"
    }
    for one in (each for each in said if each["kind"] == "figure"):
        assert one["in_force"]["value"] == one["alternative"]["value"]


def test_figures_of_periods_that_began_before_what_was_read_are_left_out() -> None:
    _, said = answers([question(), *counts(99, 99), end()])
    assert all(one["in_force"]["period_start"] >= "2026-11-01T16" for one in said if one["kind"] == "figure")
    # the month began before the first reading
    assert said[-1]["partly_read"]


def test_what_is_no_reading_is_counted_and_named() -> None:
    _, said = answers([question(), b"%d {}\n" % us(BEGIN), *counts(99, 99), end()])
    assert said[-1]["failed"] == {"in_force": 1, "alternative": 1}
    assert "Field required" in said[-1]["failures"][0]


def test_half_a_history_is_no_answer() -> None:
    whole, said = answers([question(), *counts(99, 99)])
    assert not whole
    assert all(one["kind"] != "end" for one in said)


@pytest.mark.parametrize("line", [b"", b"{}\n", b'{"feed": "trams"}\n'])
def test_a_question_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        answers([line])
