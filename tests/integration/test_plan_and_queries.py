"""The operator's commands against real servers: plan, alerts, indicators, explain."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import ServiceSpec, Stack
from schemas.alert import Alert, AlertEventType, AlertText, Severity, Suppression, SuppressionKind, alert_id
from schemas.fields import Feed
from schemas.indicator import Indicator, IndicatorStatus
from schemas.topics import ALERTS, INDICATORS, readings_topic
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource
from services.runtime.settings import KafkaSettings
from tests.unit.district.test_plan_files import POLICY


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
    file = tmp_path / "do.toml"
    file.write_text(POLICY, encoding="utf-8")
    code, out, err = await district(
        environment, "plan", "publish", str(file), "--effective", "2024-07-01", "--as", "me"
    )
    assert (code, err) == (0, "")
    assert "published policy/water-do/1, in force from 2024-07-01" in out
    assert "+ water.do_least: >= 5 mg/L" in out
    code, out, _ = await district(environment, "plan", "publish", str(file), "--effective", "2024-07-01")
    assert code == 0
    assert "nothing was written" in out

    for day, there in (("2024-06-30", False), ("2024-07-01", True)):
        code, out, _ = await district(environment, "plan", "show", "--at", day, "--feed", "water", "--json")
        rows = {row["id"]: row for row in json.loads(out)}
        assert code == 0
        assert ("water.do_least" in rows) is there
        assert rows["water.class"]["source"] == "plan jianghan-14fyp, page 31"
    assert rows["water.do_least"]["source"] == "policy water-do, desk"

    file.write_text(POLICY.replace("value = 5", "value = 6"), encoding="utf-8")
    code, _, err = await district(environment, "plan", "publish", str(file))
    assert code == 1
    assert "give the changed document a new version" in err
    code, out, _ = await district(environment, "plan", "history", "--json")
    assert [(row["key"], row["published_by"]) for row in json.loads(out)] == [("policy/water-do/1", "me")]


async def test_a_broker_that_is_down_is_one_sentence(stack: Stack, tmp_path: Path) -> None:
    environment = operator(stack, tmp_path) | {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    code, out, err = await district(environment, "plan", "show")
    assert (code, out) == (1, "")
    assert err.startswith("district: A server does not answer: Kafka at 127.0.0.1:1")
    assert "district logs kafka" in err
    assert "Traceback" not in err


SINK = ServiceSpec("timescale_sink", (sys.executable, "-m", "services.timescale_sink"), "sink")
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
    place = await producer.send_and_wait(readings_topic(Feed.PARKING), reading, key=b"cbd")
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
