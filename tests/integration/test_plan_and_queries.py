"""The operator's commands against real servers: plan, alerts, indicators, explain."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, AlertText, Severity, Suppression, SuppressionKind, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import Feed
from schemas.indicator import Indicator, IndicatorStatus
from schemas.topics import ALERT_ACTIONS, ALERTS, INDICATORS, readings_topic
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource
from services.district.plan_files import PLAN_FOLDER
from services.district.run import SINK
from services.runtime.settings import KafkaSettings

WATER = (PLAN_FOLDER / "policies" / "water.toml").read_text(encoding="utf-8")
FLAT_LINE = re.compile(r'(id = "water.flat_line"\nname = .*\nname_zh = .*\nvalue = )\d+')


async def district(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def operator(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The operator's environment with a state folder for which no district runs."""
    return dict(stack.environment("operator")) | {"DISTRICT_STATE": str(tmp_path / "state")}


async def test_a_version_is_published_once_and_shown_from_its_day_on(stack: Stack, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path)
    file = tmp_path / "water.toml"
    day = ("--effective", "2024-07-01", "--as", "me")

    async def publish(version: str, flat_line: int) -> tuple[int, str, str]:
        text = FLAT_LINE.sub(rf"\g<1>{flat_line}", WATER.replace('version = "2"', f'version = "{version}"', 1))
        file.write_text(text, encoding="utf-8")
        return await district(environment, "plan", "publish", str(file), *day)

    async def flat_line_on(date: str) -> tuple[float, str]:
        code, out, _ = await district(environment, "plan", "show", "--at", date, "--feed", "water", "--json")
        rows = {row["id"]: row for row in json.loads(out)}
        assert code == 0
        assert rows["water.class"]["source"] == "plan jianghan-14fyp, page 31"
        return rows["water.flat_line"]["value"], rows["water.flat_line"]["version"]

    code, out, err = await publish("it-1", 8)
    assert (code, err) == (0, "")
    assert "published policy/water-operations/it-1, in force from 2024-07-01" in out
    assert "~ water.flat_line: < 6 readings → < 8 readings" in out
    code, out, _ = await publish("it-1", 8)
    assert code == 0
    assert "nothing was written" in out
    assert [await flat_line_on(date) for date in ("2024-06-30", "2024-07-01")] == [(6, "2"), (8, "it-1")]

    code, _, err = await publish("it-1", 9)
    assert code == 1
    assert "give the changed document a new version" in err
    code, _, err = await publish("it-2", -9)
    assert code == 1
    assert "water.flat_line: -9 readings cannot be" in err

    assert (await publish("it-2", 9))[0] == 0
    assert await flat_line_on("2024-07-01") == (9, "it-2")
    code, out, _ = await publish("it-1", 8)
    assert code == 0
    assert "published policy/water-operations/it-1 again, in force from 2024-07-01" in out
    assert await flat_line_on("2024-07-01") == (8, "it-1")
    code, out, _ = await district(environment, "plan", "history", "--json")
    ours = [row for row in json.loads(out) if row["key"].startswith("policy/water-operations/")]
    published = [(row["key"].removeprefix("policy/water-operations/"), row["published_by"]) for row in ours]
    assert published == [("it-1", "me"), ("it-2", "me"), ("it-1", "me")]


async def test_a_broker_that_is_down_is_one_sentence(stack: Stack, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path) | {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    code, out, err = await district(environment, "plan", "show")
    assert (code, out) == (1, "")
    assert err.startswith("district: A server does not answer: Kafka at 127.0.0.1:1")
    assert "district logs kafka" in err
    assert "Traceback" not in err


NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 28, 16, tzinfo=UTC)
TARGET = Threshold(
    id="parking.nearly_full",
    value=0.95,
    unit="1",
    comparator=Comparator.LT,
    source=ThresholdSource(
        kind=SourceKind.POLICY, id="parking-operations", version="7", where="parking desk", valid_from=NOON.date()
    ),
)


@pytest.fixture
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    await stack.start_service(SINK)
    environment = stack.environment("operator")
    names = ("bootstrap", "security_protocol", "username", "password")
    settings = KafkaSettings.model_validate({name: environment[f"KAFKA_{name.upper()}"] for name in names})
    async with AIOKafkaProducer(**settings.client_options("test")) as client:
        yield client
    await stack.stop(SINK.name)


def an_alert(lane: str, revision: int, evidence: Evidence, suppression: Suppression | None) -> Alert:
    return Alert(
        alert_id=alert_id("parking.lot_full", "lot-9", lane, "1"),
        revision=revision,
        event=AlertEventType.UPDATED if revision else AlertEventType.RAISED,
        rule="parking.lot_full",
        feed=Feed.PARKING,
        lane=lane,
        asset="lot-9",
        place="江汉路",
        severity=Severity.BLUE,
        started_at=NOON,
        raised_at=NOON,
        observed_value=0.97,
        observed_unit="1",
        threshold=TARGET,
        suppression=suppression,
        evidence=evidence,
        text=AlertText(zh="满位", en="full"),
    )


def a_figure(lane: str, days: int, value: float) -> Indicator:
    return Indicator(
        id="parking.occupancy",
        feed=Feed.PARKING,
        lane=lane,
        subject="lot-9",
        period_start=MIDNIGHT,
        period_end=MIDNIGHT + timedelta(days=days),
        value=value,
        unit="1",
        status=IndicatorStatus.NOT_MET,
        status_reason="too full",
        status_reason_zh="太满",
        n=3,
        completeness=0.5,
        threshold=TARGET,
    )


async def until_listed(environment: dict[str, str], *command: str) -> list[dict[str, object]]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        code, out, err = await district(environment, *command, "--json")
        assert (code, err) == (0, "")
        if rows := json.loads(out):
            return list(rows)
    pytest.fail(f"nothing was listed: {command}")


async def test_alerts_figures_and_what_led_to_them(stack: Stack, producer: AIOKafkaProducer, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path)
    name = uuid.uuid4().hex[:8]
    lane, figures_lane = f"replay:{name}", f"replay:f{name}"
    reading = (
        f'{{"feed":"parking","device_id":"lot-9","group_id":"cbd","boot_id":"{name}","seq":1,"lane":"{lane}",'
        '"observed_at":"2026-03-01T04:00:00Z","total_spaces":100,"free_spaces":3}'
    ).encode()
    place = await producer.send_and_wait(readings_topic(Feed.PARKING, live=False), reading, key=b"cbd")
    evidence = Evidence(topic=place.topic, partition=place.partition, offsets=(place.offset,))
    suppression = Suppression(kind=SuppressionKind.MAINTENANCE, by="window-1")
    for revision, why in ((0, None), (1, suppression)):
        alert = an_alert(lane, revision, evidence, why)
        await producer.send_and_wait(ALERTS, alert.model_dump_json().encode(), key=b"a", headers=alert.to_headers())
    figure = a_figure(figures_lane, 1, 0.97)
    await producer.send_and_wait(INDICATORS, figure.model_dump_json().encode(), key=figure.kafka_key())

    deadline = time.monotonic() + 30
    while (row := (await until_listed(environment, "alerts", "--lane", lane, "--open"))[0])["revision"] != 1:
        assert time.monotonic() < deadline
    assert (row["suppressed"], row["source_version"]) == (True, "7")
    code, out, _ = await district(environment, "alerts", "--lane", lane, "--feed", "ev", "--json")
    assert (code, json.loads(out)) == (0, [])

    listed = await until_listed(environment, "indicators", "--lane", figures_lane, "--period", "day")
    assert [(r["value"], r["status"], r["n"], r["source_version"]) for r in listed] == [(0.97, "not_met", 3, "7")]
    code, out, _ = await district(environment, "indicators", "--lane", figures_lane, "--period", "month")
    assert (code, out) == (0, "no such figures\n")

    code, out, err = await district(environment, "explain", alert.alert_id[:12])
    assert (code, err) == (0, "")
    assert "policy parking-operations, parking desk, version 7, in force from 2026-03-01" in out
    assert "1 of 1" in out
    assert "free_spaces 3" in out
    assert out.index("  0 raised") < out.index("  1 updated")
    assert "maintenance by window-1" in out
    assert "Nobody has done anything about it" in out
    taken = AlertAction(
        action_id=action_id_of(name),
        kind=ActionKind.ACKNOWLEDGE,
        at=NOON + timedelta(minutes=1),
        actor=Actor.PERSON,
        by="wang",
        by_name="王",
        lane=lane,
        asset=alert.asset,
        alert=AlertSummary.of(alert),
        seen=0,
    )
    for _ in range(2):
        await producer.send_and_wait(ALERT_ACTIONS, taken.model_dump_json().encode(), key=b"a")
    while not (told := json.loads((await district(environment, "explain", alert.alert_id, "--json"))[1]))["actions"]:
        assert time.monotonic() < deadline + 30
    assert [(each["kind"], each["by"], each["fate"]) for each in told["actions"]] == [("acknowledge", "wang", "counts")]
    assert (
        "2026-03-01T04:01:00Z acknowledge by 王 (person)" in (await district(environment, "explain", alert.alert_id))[1]
    )
    assert (await district(environment, "alerts", "--lane", lane))[0] == 0
    assert (await district(environment, "indicators", "--lane", figures_lane))[0] == 0


async def test_a_day_and_its_month_stand_beside_each_other_as_reported_and_as_known(
    stack: Stack, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    environment = operator(stack, tmp_path)
    lane = f"replay:{uuid.uuid4().hex[:8]}"
    first, later = MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=3)
    for days, revision, value, known_at in ((1, 0, 0.5, first), (31, 0, 0.6, first), (1, 1, 0.7, later)):
        figure = a_figure(lane, days, value).model_copy(update={"revision": revision, "known_at": known_at})
        await producer.send_and_wait(INDICATORS, figure.model_dump_json().encode(), key=figure.kafka_key())

    async def values(*options: str) -> list[float]:
        _, out, _ = await district(environment, "indicators", "--lane", lane, "--json", *options)
        return sorted(row["value"] for row in json.loads(out))

    deadline = time.monotonic() + 30
    while await values() != [0.6, 0.7]:
        assert time.monotonic() < deadline
    assert await values("--period", "day") == [0.7]
    reported = f"{first.astimezone(timezone(timedelta(hours=8))):%Y-%m-%dT%H:%M}"
    assert await values("--as-of", reported) == [0.5, 0.6]
    assert await values("--as-of", "2026-01-01") == []
    for day in ("9999-12-31", "0001-01-01", "-0044-03-15"):
        code, out, err = await district(environment, "indicators", f"--as-of={day}")
        assert (code != 0, out) == (True, ""), day
        assert "Traceback" not in err, day
        assert day in err or "times from 1989-12-31 to 2110-01-02 are known" in err, "it says what can be used"


async def test_an_unknown_alert_and_a_silent_database_are_one_sentence(stack: Stack, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path)
    code, _, err = await district(environment, "explain", "nothing")
    assert (code, err) == (
        1, "district: There is no such alert: none begins with 'nothing'; `district alerts` lists them.\n",
    )  # fmt: skip
    down = environment | {"DATABASE_READER_URL": "postgresql://nobody@127.0.0.1:1/none"}
    for command in (("alerts",), ("indicators",), ("explain", "a")):
        code, out, err = await district(down, *command)
        assert (code, out) == (1, "")
        assert err.startswith("district: A server does not answer: the database")
        assert "Traceback" not in err


async def test_a_list_is_whole_as_json_and_says_where_it_is_cut_for_people(stack: Stack, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path)
    lane = f"exercise:{uuid.uuid4().hex[:8]}"
    limit = an_alert(lane, 0, Evidence(topic=readings_topic(Feed.EV), partition=0, offsets=(1,)), None).threshold
    owner = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    try:
        await owner.execute(
            "INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at,"
            " raised_at, observed_unit, threshold, text_zh, text_en)"
            " SELECT md5($1 || n), 0, 'raised', 'ev.fault', 'ev', $1, 'a-' || n, '', 'I', now(), now(), 'n', $2, '', ''"
            " FROM generate_series(1, 1203) AS n",
            *(lane, limit.model_dump_json()),
        )
        for options, count in (((), 1_203), (("--limit", "7"), 7), (("--limit", "1100"), 1_100)):
            _, out, _ = await district(environment, "alerts", "--lane", lane, "--json", *options)
            assert len({row["alert_id"] for row in json.loads(out)}) == count
        _, out, _ = await district(environment, "alerts", "--lane", lane)
        assert out.splitlines()[-1] == "these are the first 50; --limit shows more of them, --json all"
        _, out, _ = await district(environment, "alerts", "--lane", lane, "--limit", "1203")
        assert "these are the first" not in out
    finally:
        await owner.execute("DELETE FROM alerts WHERE lane = $1", lane)
        await owner.close()


HOSTILE = "[red]x[/red] \x1b[2J\x1b]0;t\x07\x9b1m\r\nforged\u202e\u200b"


async def test_text_of_devices_cannot_drive_the_terminal_in_any_command(stack: Stack, tmp_path: Path) -> None:
    """The database holds what a device could say; each command shows it and obeys none of it."""
    lane, number = f"exercise:{uuid.uuid4().hex[:8]}", alert_id("ev.fault", uuid.uuid4().hex, "live", "1")
    said = an_alert(lane, 0, Evidence(topic=readings_topic(Feed.EV), partition=0, offsets=(1,)), None)
    data = said.model_dump(mode="json") | {"place": HOSTILE, "text": {"zh": HOSTILE, "en": HOSTILE}, "rule": HOSTILE}
    owner = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    try:
        await owner.execute(
            "INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at,"
            " raised_at, observed_unit, threshold, text_zh, text_en)"
            " VALUES ($1, 0, 'raised', $2, 'ev', $3, $2, $2, 'I', $4, $4, $2, $5, $2, $2)",
            *(number, HOSTILE, lane, datetime.now(UTC), json.dumps(data["threshold"])),
        )
        await owner.execute(
            "INSERT INTO alert_events (event_id, alert_id, revision, event, lane, data)"
            " VALUES ($1, $1, 0, 'raised', $2, $3)",
            *(number, lane, json.dumps(data | {"feed": "ev", "lane": lane, "evidence": None})),
        )
        await owner.execute(
            "INSERT INTO indicators (lane, id, feed, subject, subject_name, period_start, period_end, unit, status,"
            " status_reason, n, completeness, revision, details)"
            " VALUES ($1, $2, 'ev', $2, $2, $3, $4, $2, $2, $2, 1, 1.0, 0, '{}')",
            *(lane, HOSTILE, NOON, NOON + timedelta(hours=1)),
        )
        # `status` names the worst few: what tests of other files have left open is nobody's any more.
        await owner.execute("UPDATE alerts SET ended_at = started_at WHERE ended_at IS NULL AND lane <> $1", lane)
        environment = operator(stack, tmp_path)
        query = f"SELECT place, rule FROM v_alerts WHERE lane = '{lane}'"
        for command in (
            ("alerts", "--lane", lane), ("explain", number), ("indicators", "--lane", lane), ("sql", query),
            ("status",), ("sql", f"SELECT '{HOSTILE}'::int"), ("explain", HOSTILE),
            ("lane", "close", "ev", HOSTILE), ("logs", HOSTILE),
        ):  # fmt: skip
            for form in ((), ("--json",)) if command[0] in {"alerts", "explain", "indicators", "status"} else ((),):
                _, out, err = await district(environment, *command, *form)
                shown = (out + err).replace("\r\n", "\n")
                assert "[red]" in shown, command
                assert [mark for mark in shown if not mark.isprintable() and mark != "\n"] == [], command
                assert not any(line.startswith("forged") for line in shown.splitlines()), command
        _, out, _ = await district(environment, "sql", query, "--json")
        assert json.loads(out) == [{"place": HOSTILE, "rule": HOSTILE}], "JSON keeps every value"
    finally:
        for table in ("alerts", "alert_events", "indicators"):
            await owner.execute(f"DELETE FROM {table} WHERE lane = $1", lane)
        await owner.close()
