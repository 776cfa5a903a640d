"""What consumers say back: by HTTP from the reference consumer, and on Kafka; `district deliveries` shows both.

The whole way on real servers: an alert on Kafka, the delivery, the consumer, the API, the log of actions.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import pick_free
from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, Severity
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of, receipt_id
from schemas.api_key import Role
from tests import api_samples
from tests.integration.delivery_service import end_all, ledger, spec, subscribe
from tests.integration.operations_api_site import API, Site, eventually, fresh, operations_api
from tests.unit.alert_delivery.made import SECRET

ROOT = Path(__file__).resolve().parents[2]
RULE = api_samples.alert(0).rule


@pytest.fixture(scope="module")
async def site(sink: Stack) -> AsyncIterator[Site]:
    async with operations_api(sink) as running:
        await sink.start_service(spec(sink))
        try:
            yield running
        finally:
            await sink.stop("alert_delivery")
            end_all(sink)


@asynccontextmanager
async def brain(site: Site, name: str, books: Path, **more: str) -> AsyncIterator[str]:
    """The reference consumer with a key of a subscriber's name, until it is killed; where it takes events."""
    key = site.book.renew(name, "Brain", Role.INTEGRATOR, datetime.now(UTC))
    settings = {
        "CITYBRAIN_SECRETS": SECRET,
        "CITYBRAIN_FILE": str(books),
        "CITYBRAIN_PORT": "0",
        "CITYBRAIN_API_URL": f"http://127.0.0.1:{site.anybody.port}",
        "CITYBRAIN_API_KEY": key,
        "PYTHONPATH": str(ROOT),
    }
    command = (sys.executable, "-m", "simulators.citybrain")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ | settings | more, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stderr.readline(), 60)
        drained = asyncio.create_task(process.stderr.read())
        yield json.loads(line)["url"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await drained


async def shown_by_deliveries(stack: Stack, name: str) -> dict[str, Any]:
    """What `district deliveries --json` says of a subscriber."""
    environment = os.environ | stack.environment("operator") | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", "deliveries", "--json", "--subscriber", name, "--last", "500"),
        cwd=ROOT,
        env=environment | {"SUBSCRIBERS_FILE": str(stack.settings.subscribers_register)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    found: dict[str, Any] = json.loads(out)
    return found


def of(alert: Alert, revision: int, event: AlertEventType, **more: Any) -> Alert:
    return alert.model_copy(update={"revision": revision, "event": event, **more})


async def test_receipts_and_acknowledgements_of_the_reference_consumer_flow_back(site: Site, tmp_path: Path) -> None:
    name = f"brain-{uuid.uuid4().hex[:6]}"
    urgent, calm = fresh(severity=Severity.RED), fresh(severity=Severity.BLUE)
    over = of(calm, 1, AlertEventType.RESOLVED, ended_at=datetime.now(UTC).replace(microsecond=0))
    later = fresh(severity=Severity.RED)
    settings = {"CITYBRAIN_TAKES": "I", "CITYBRAIN_PORT": str(pick_free())}
    async with ledger(site.stack) as book:
        async with brain(site, name, tmp_path / "books", **settings) as url:
            subscribe(site.stack, name, url, RULE)
            await site.publish(urgent, calm, over)
            events = {urgent.event_id, calm.event_id, over.event_id}
            await book.until(lambda _: {each.event_id for each in book.of(name)} >= events)
            taken = await site.shown(urgent, lambda row: row["standing"] == "acknowledged")
            await site.shown(urgent, lambda row: row["received_by"] == [name])
            said = await eventually(
                lambda: shown_by_deliveries(site.stack, name),
                lambda found: (found["subscribers"][0]["receipts"], found["subscribers"][0]["taken"]) == (3, 1),
            )
        (action,) = [each for each in taken["actions"] if each["kind"] == "acknowledge"]
        assert (action["actor"], action["by"], action["by_name"]) == ("consumer", name, "Brain")
        times = {each["event_id"]: each["receipt_at"] for each in said["attempts"]}
        assert all(times[each] is not None for each in events)
        log = await site.actions_in_log(urgent)
        async with brain(site, name, tmp_path / "books", **settings):  # the one before was killed
            await site.publish(later)
            await site.shown(later, lambda row: bool(row["received_by"]) and row["standing"] == "acknowledged")
        assert await site.actions_in_log(urgent) == log, "what was told is not told again"
        assert not [each for each in book.of(name) if each.event == "received"], "no receipt comes back as an event"


async def test_a_receipt_and_an_acknowledgement_on_kafka_count_like_those_by_http(site: Site, tmp_path: Path) -> None:
    name = f"kafka-{uuid.uuid4().hex[:6]}"
    alert = fresh()
    async with ledger(site.stack) as book, brain(site, f"{name}-host", tmp_path / "books") as url:
        subscribe(site.stack, name, url, RULE)
        await site.publish(alert)
        await book.until(lambda _: bool(book.of(name, alert.event_id)))
        await site.shown(alert)
        common = {
            "at": datetime.now(UTC),
            "actor": Actor.CONSUMER,
            "by": name,
            "by_name": "Kafka brain",
            "lane": alert.lane,
            "asset": alert.asset,
            "alert": AlertSummary.of(alert),
        }
        receipt = AlertAction(action_id=receipt_id(name, alert.event_id), kind=ActionKind.RECEIVE, **common)
        taken = AlertAction(
            action_id=action_id_of("acknowledge", name, alert.alert_id), kind=ActionKind.ACKNOWLEDGE, seen=0, **common
        )
        for each in (receipt, receipt, taken, taken):
            await site.publish_action(each)
        shown = await site.shown(alert, lambda row: row["standing"] == "acknowledged")
        assert shown["received_by"].count(name) == 1
        assert [each["action_id"] for each in shown["actions"] if each["by"] == name] == [
            receipt.action_id,
            taken.action_id,
        ]
        said = await shown_by_deliveries(site.stack, name)
    (row,) = said["subscribers"]
    assert (row["receipts"], row["taken"]) == (1, 1)
    assert {each["event_id"] for each in said["attempts"] if each["receipt_at"]} == {alert.event_id}


async def test_an_integrator_may_take_an_alert_and_do_nothing_else_about_it(site: Site) -> None:
    alert = fresh()
    await site.publish(alert)
    await site.shown(alert)
    me, path = site.as_role(Role.INTEGRATOR), f"{API}/alerts/{alert.alert_id}/actions"
    for wish in (
        {"kind": "close", "words": "x"},
        {"kind": "comment", "words": "x"},
        {"kind": "assign", "assignee": "me"},
    ):
        reply = await me.post(path, wish)
        assert reply.status == 403
        assert "may acknowledge alerts" in reply.json()["detail"]
    assert (await me.post(path, {"kind": "acknowledge"})).status == 201
    other = await site.operator.post(path, {"kind": "acknowledge", "seen": 0})
    assert other.status == 409, "of two who saw the same, one counts"
    assert (await site.shown(alert))["standing"] == "acknowledged"


async def test_a_consumer_that_confirms_its_own_receipts_comes_to_an_end(site: Site) -> None:
    alert = fresh()
    await site.publish(alert)
    await site.shown(alert)
    me = site.as_role(Role.INTEGRATOR)
    first = (await me.post(f"{API}/receipts", {"event_id": alert.event_id})).json()["action"]["action_id"]
    confirmed = [await me.post(f"{API}/receipts", {"event_id": first}) for _ in range(3)]
    assert {reply.status for reply in confirmed} == {201}
    assert {reply.json()["action"]["action_id"] for reply in confirmed} == {first}
    assert [each.action_id for each in await site.actions_in_log(alert)] == [first]
