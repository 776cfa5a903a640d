"""The operations API on real servers: look, act, hear; two at once; killed; without the database; dropped streams."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, AlertText
from schemas.alert_action import ActionKind
from schemas.api_key import Role
from schemas.fields import Feed
from schemas.indicator import Indicator, IndicatorStatus
from schemas.topics import INDICATORS
from services.alert_life.life import NOTHING_KNOWN, Fate, with_action, with_event
from services.district import map_server
from services.district.run import SINK
from tests import api_samples
from tests.cloudevents_reading import parse_structured
from tests.http_client import Client, Reply
from tests.integration.operations_api_site import API, Site, eventually, fresh, operations_api


@pytest.fixture(scope="module")
async def site(sink: Stack) -> AsyncIterator[Site]:
    async with operations_api(sink) as running:
        yield running


def act_path(alert: Alert) -> str:
    return f"{API}/alerts/{alert.alert_id}/actions"


async def session_of(site: Site) -> tuple[Client, str]:
    """A page that was logged in by the link that `district map login` prints."""
    secret = site.stack.environment("operator")["MAP_LOGIN_SECRET"]
    link = map_server.link(site.service.endpoint, secret, datetime.now(UTC))
    reply = await site.anybody.post(f"{API}/session", {"token": link.partition("login=")[2]})
    assert reply.status == 201, reply.body
    cookie = reply.headers["set-cookie"].split(";")[0]
    return site.anybody.with_headers(Cookie=cookie), reply.json()["csrf"]


async def test_an_alert_is_seen_taken_and_known_everywhere(site: Site) -> None:
    alert = fresh()
    async with site.as_role(Role.VIEWER).listen(f"{API}/stream") as other:
        await other.next("health")
        await site.publish(alert)
        row = await other.until("alert", lambda data: data["alert_id"] == alert.alert_id, seconds=5)
        assert (row["standing"], row["seen"]) == ("open", 0)
        page, csrf = await session_of(site)
        taken = await page.post(act_path(alert), {"kind": "acknowledge", "seen": 0}, X_CSRF_Token=csrf)
        assert taken.status == 201, taken.body
        assert taken.json()["alert"]["acknowledged"]["by"] == "operator"
        row = await other.until("alert", lambda data: data["standing"] == "acknowledged", seconds=5)
        assert row["alert_id"] == alert.alert_id
    (action,) = await site.actions_in_log(alert)
    assert (action.kind, action.by, action.by_name) == (ActionKind.ACKNOWLEDGE, "operator", "Operator")
    audited = (await site.as_role(Role.ADMIN).ask(f"{API}/audit?actor=operator&limit=5")).json()["items"]
    assert ("act", alert.alert_id, "done") in [
        (each["operation"], each["subject"], each["outcome"]) for each in audited
    ]
    assert await stored_life(site, alert) == ("acknowledged", 1, "operator")


async def stored_life(site: Site, alert: Alert) -> tuple[str, int, str | None]:
    """What Grafana's view says, once the sink has stored alert and actions."""
    connection = await asyncpg.connect(site.stack.environment("api")["DATABASE_READER_URL"])
    try:
        async with asyncio.timeout(20):
            while True:
                row = await connection.fetchrow(
                    "SELECT standing, seen, acknowledged_by FROM v_alert_lives WHERE alert_id = $1", alert.alert_id
                )
                if row is not None and row["seen"] > 0:
                    return row["standing"], row["seen"], row["acknowledged_by"]
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(site: Site) -> None:
    for _ in range(5):
        alert = fresh()
        await site.publish(alert)
        await site.shown(alert)
        admin = site.as_role(Role.ADMIN)
        replies = await asyncio.gather(
            site.operator.post(act_path(alert), {"kind": "acknowledge", "seen": 0}),
            admin.post(act_path(alert), {"kind": "assign", "assignee": "队 2", "seen": 0}),
        )
        assert sorted(reply.status for reply in replies) == [201, 409]
        loser = next(reply for reply in replies if reply.status == 409)
        assert loser.headers["content-type"] == "application/problem+json"
        assert loser.json()["alert"]["seen"] == 1
        assert "before" in loser.json()["detail"]
        late = await site.operator.post(act_path(alert), {"kind": "close", "words": "late", "seen": 0})
        assert late.status == 409
        again = await site.operator.post(act_path(alert), {"kind": "close", "words": "seen", "seen": 1})
        assert again.status == 201
        assert again.json()["alert"]["standing"] == "closed"


async def test_the_same_key_is_the_same_action(site: Site) -> None:
    alert = fresh()
    await site.publish(alert)
    await site.shown(alert)
    wish = {"kind": "comment", "words": "once"}
    first = await site.operator.post(act_path(alert), wish, Idempotency_Key="k-1")
    replies = await asyncio.gather(
        *(site.operator.post(act_path(alert), wish, Idempotency_Key="k-1") for _ in range(5))
    )
    assert {reply.status for reply in (first, *replies)} == {201}
    assert {reply.json()["action"]["action_id"] for reply in replies} == {first.json()["action"]["action_id"]}
    assert len((await site.shown(alert))["actions"]) == 1
    other = await site.operator.post(act_path(alert), {"kind": "comment", "words": "twice"}, Idempotency_Key="k-1")
    assert (other.status, other.json()["type"]) == (422, "/problems/another-use")
    admin = await site.as_role(Role.ADMIN).post(act_path(alert), wish, Idempotency_Key="k-1")
    assert admin.json()["action"]["action_id"] != first.json()["action"]["action_id"], "a key is somebody's"


async def comment_at_last(site: Site, alert: Alert, number: int) -> None:
    """Ask as a client should: with the same key until there is an answer that says what happened."""
    wish = {"kind": "comment", "words": f"number {number}"}
    while True:
        try:
            reply: Reply | None = await site.operator.post(act_path(alert), wish, Idempotency_Key=f"kill-{number}")
        except (OSError, EOFError):
            reply = None
        if reply is not None and reply.status == 201:
            return
        assert reply is None or reply.status == 503, reply
        await asyncio.sleep(0.1)


async def test_killed_amid_two_hundred_actions_none_is_lost_or_doubled(site: Site) -> None:
    alerts = [fresh() for _ in range(4)]
    await site.publish(*alerts)
    await asyncio.gather(*(site.shown(alert) for alert in alerts))
    gate, done = asyncio.Semaphore(8), []

    async def in_turn(number: int) -> None:
        async with gate:
            await comment_at_last(site, alerts[number % 4], number)
            done.append(number)
            if len(done) in {30, 110}:
                await site.stack.kill(site.service.name, signal.SIGKILL)

    async with asyncio.timeout(150):
        await asyncio.gather(*(in_turn(number) for number in range(200)))
    for place, alert in enumerate(alerts):
        life = with_event(NOTHING_KNOWN, alert)
        fates: Counter[Fate] = Counter()
        for action in await site.actions_in_log(alert):
            life, fate = with_action(life, action)
            fates[fate] += 1
        said = Counter(action.words for action in life.actions)
        assert said == Counter(f"number {number}" for number in range(200) if number % 4 == place)
        assert set(fates) <= {Fate.COUNTS, Fate.REPEATED}
        shown = await site.shown(alert)
        assert [each["words"] for each in shown["actions"]] == [action.words for action in life.actions]


async def test_without_the_database_alerts_come_and_people_act(site: Site) -> None:
    before, alert = fresh(), fresh()
    await site.publish(before)
    await site.shown(before)
    await site.stack.stop("postgres")
    try:
        async with site.operator.listen(f"{API}/stream") as ear:
            await ear.until("health", lambda data: not _well(data, "database"), seconds=30)
            await site.publish(alert)
            await ear.until("alert", lambda data: data["alert_id"] == alert.alert_id, seconds=10)
            reply = await site.operator.post(act_path(alert), {"kind": "acknowledge", "seen": 0})
            assert reply.status == 201
        shown = await site.shown(alert)
        assert (shown["standing"], shown["history_complete"]) == ("acknowledged", False)
        assert (await site.operator.ask(f"{API}/targets")).status == 503
        over = await site.operator.ask(f"{API}/alerts?standing=open,resolved&limit=500")
        assert (over.status, over.json()["complete"]) == (200, False)
        # One that starts meanwhile reads the log from its beginning, and knows the same.
        await site.begin_anew()
        await site.shown(before, lambda row: row["standing"] == "open")
        await site.shown(alert, lambda row: row["standing"] == "acknowledged")
        reply = await site.operator.post(act_path(alert), {"kind": "close", "words": "done", "seen": 1})
        assert reply.status == 201
    finally:
        await site.stack.start("postgres")
    assert (await stored_life(site, alert))[0] == "closed"
    async with site.operator.listen(f"{API}/stream") as ear:
        await ear.until("health", lambda data: _well(data, "database"), seconds=30)
    assert (await site.shown(alert, lambda row: row["history_complete"]))["standing"] == "closed"


def _well(health: dict[str, list[dict[str, object]]], name: str) -> bool:
    return next(bool(part["well"]) for part in health["parts"] if part["name"] == name)


async def test_fifty_drops_of_the_events_lose_nothing_and_repeat_nothing(site: Site) -> None:
    integrator = site.as_role(Role.INTEGRATOR)
    async with integrator.listen(f"{API}/events") as ear:
        first = await anext(ear.parts)
        ear.reader.feed(first)
        place = ear.reader.last_id
    alerts = [fresh() for _ in range(60)]
    saying = asyncio.create_task(_say(site, alerts))
    heard: list[str] = []
    for drop in range(50):
        async with integrator.listen(f"{API}/events", place) as ear:
            for _ in range(drop % 3 + 1):
                if len(heard) < len(alerts):
                    frame = await ear.next("cloudevent")
                    heard.append(parse_structured(frame.data.encode()).id)
                    place = frame.id or place
    async with integrator.listen(f"{API}/events", place) as ear:
        while len(heard) < len(alerts):
            heard.append(parse_structured((await ear.next("cloudevent")).data.encode()).id)
    await saying
    assert sorted(heard) == sorted(alert.event_id for alert in alerts)


async def _say(site: Site, alerts: list[Alert]) -> None:
    for alert in alerts:
        await site.publish(alert)
        await asyncio.sleep(0.01)


async def test_events_that_are_not_kept_are_named_as_a_gap(site: Site) -> None:
    integrator = site.as_role(Role.INTEGRATOR)
    beyond = "a0:9000000,a1:9000000,a2:9000000,x0:9000000,x1:9000000,x2:9000000"
    async with integrator.listen(f"{API}/events", beyond) as ear:
        gap = json.loads((await ear.next("gap")).data)
    assert gap["topic"] == "alerts"
    refused = await integrator.ask(f"{API}/events?last=a0:1")
    assert (refused.status, refused.json()["type"]) == (422, "/problems/not-usable")


async def test_a_silence_is_told_and_ends(site: Site) -> None:
    listed = await eventually(
        lambda: site.operator.ask(f"{API}/assets?feed=parking"), lambda reply: bool(reply.json().get("items"))
    )
    lots = listed.json()["items"]
    lot = next(each for each in lots if each["kind"] == "lot")
    alert = fresh(asset=lot["asset_id"], alert_id=uuid.uuid4().hex)
    await site.publish(alert)
    await site.shown(alert, lambda row: row["zone"] == lot["zone"] and row["longitude"] == lot["longitude"])
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    wish = {"scope": "zone", "place": lot["zone"], "until": until, "words": "<b>works</b>"}
    async with site.operator.listen(f"{API}/stream") as ear:
        await ear.next("health")
        assert (await site.operator.post(f"{API}/silences", wish)).status == 201
        mine = await ear.until("alert", lambda data: data["alert_id"] == alert.alert_id)
        assert mine["silenced_until"] is not None
        gone = await site.operator.ask(f"{API}/silences/zone/{lot['zone']}", method="DELETE")
        assert gone.status == 200
        mine = await ear.until("alert", lambda data: data["alert_id"] == alert.alert_id)
        assert mine["silenced_until"] is None
    assert (await site.operator.ask(f"{API}/silences/zone/{lot['zone']}", method="DELETE")).status == 404
    assert (await site.operator.post(f"{API}/silences", wish | {"place": "nowhere"})).status == 404
    late = (datetime.now(UTC) + timedelta(days=90)).isoformat().replace("+00:00", "Z")
    assert (await site.operator.post(f"{API}/silences", wish | {"until": late})).status == 422


async def test_a_receipt_comes_back_to_the_alert_once(site: Site) -> None:
    alert = fresh()
    await site.publish(alert)
    await site.shown(alert)
    integrator = site.as_role(Role.INTEGRATOR)
    replies = [await integrator.post(f"{API}/receipts", {"event_id": alert.event_id}) for _ in range(3)]
    assert {reply.status for reply in replies} == {201}
    shown = await site.shown(alert, lambda row: bool(row["received_by"]))
    assert len(shown["received_by"]) == len(shown["actions"]) == 1
    action = shown["actions"][0]["action_id"]
    assert (await integrator.post(f"{API}/receipts", {"event_id": action})).status == 201
    for unknown in (f"{alert.alert_id}-7", uuid.uuid4().hex, f"{uuid.uuid4().hex}-0"):
        assert (await integrator.post(f"{API}/receipts", {"event_id": unknown})).status == 404


async def test_scripts_in_every_text_come_back_as_text(site: Site) -> None:
    script = api_samples.SCRIPT
    alert = fresh(text=AlertText(zh=script, en=script), place=script)
    await site.publish(alert)
    await site.shown(alert)
    for wish in (
        {"kind": "comment", "words": script},
        {"kind": "assign", "assignee": script},
        {"kind": "close", "words": script},
    ):
        assert (await site.operator.post(act_path(alert), wish)).status == 201
    for path in (f"{API}/alerts/{alert.alert_id}", f"{API}/alerts?q=%3Cscript%3E", f"{API}/audit"):
        reply = await site.as_role(Role.ADMIN).ask(path)
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in reply.headers["content-security-policy"]
    cap = await site.operator.ask(f"{API}/alerts/{alert.alert_id}.cap")
    assert cap.headers["content-type"] == "application/cap+xml"
    assert b"<script" not in cap.body
    assert b"&lt;script&gt;" in cap.body


async def test_history_is_paged_and_joined_with_what_is_known_now(site: Site) -> None:
    alerts = [fresh() for _ in range(5)]
    ended_at = datetime.now(UTC).replace(microsecond=0)
    over = [
        alert.model_copy(update={"revision": 1, "event": AlertEventType.RESOLVED, "ended_at": ended_at})
        for alert in alerts
    ]
    await site.publish(*alerts, *over)
    await asyncio.gather(*(site.shown(alert, lambda row: row["standing"] == "resolved") for alert in alerts))
    wanted = {alert.alert_id for alert in alerts}
    found = await eventually(
        lambda: _all_ids(site, "standing=resolved&q=Car%20park&limit=2"), lambda ids: wanted <= set(ids)
    )
    assert len(found) == len(set(found))
    assert not wanted & set(await _all_ids(site, "standing=open&limit=3"))


async def _all_ids(site: Site, query: str) -> list[str]:
    found, cursor = [], ""
    while True:
        reply = (await site.operator.ask(f"{API}/alerts?{query}{cursor}")).json()
        found += [row["alert_id"] for row in reply["items"]]
        if reply["next_cursor"] is None:
            return found
        cursor = f"&cursor={reply['next_cursor']}"


READS = (
    "alerts",
    "alerts?standing=open,acknowledged,closed,resolved,retracted",
    "alerts?as_of={now}",
    "silences",
    "assets",
    "assets?as_of={now}&feed=ev,water&bbox=114,30,115,31",
    "assets/lake/{lake}",
    "assets/lake/{lake}/day",
    "assets/lake/{lake}/alerts",
    "indicators",
    "indicators?as_of={now}",
    "targets",
    "targets?as_of={now}",
    "plan",
    "maintenance-windows",
    "feeds",
    "ledger",
    "ledger?device=none",
    "deliveries",
    "audit",
    "layers/coverage",
    "layers/parking",
    "layers/charging",
    "layers/lakes?as_of={now}",
)


@pytest.mark.parametrize("path", READS)
async def test_every_read_is_answered(site: Site, path: str) -> None:
    admin = site.as_role(Role.ADMIN)
    listed = await eventually(lambda: admin.ask(f"{API}/assets"), lambda reply: bool(reply.json().get("items")))
    found = listed.json()["items"]
    lake = next(each["asset_id"] for each in found if each["kind"] == "lake")
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    reply = await admin.ask(f"{API}/{path.format(now=now, lake=lake)}")
    assert reply.status == 200, reply.body


async def test_a_target_leads_to_the_figures_that_it_rests_on(site: Site) -> None:
    """By the path that the API says, which the page follows; also as it was known at a moment."""
    admin, subject = site.as_role(Role.ADMIN), f"lake-{uuid.uuid4().hex[:6]}"
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    figure = Indicator(
        id="water.class",
        feed=Feed.WATER,
        lane="live",
        subject=subject,
        period_start=today - timedelta(days=1),
        period_end=today,
        value=4.0,
        unit="class",
        status=IndicatorStatus.NOT_MET,
        status_reason="class IV",
        n=6,
        completeness=1.0,
        threshold=None,
        known_at=today,
    )
    later = figure.model_copy(update={"revision": 1, "value": 3.0, "known_at": today + timedelta(milliseconds=1)})
    for each in (figure, later):
        await site.producer.send_and_wait(INDICATORS, each.model_dump_json().encode(), key=each.kafka_key())

    async def target(query: str, value: float) -> Any:
        found = await eventually(
            lambda: admin.ask(f"{API}/targets{query}"),
            lambda reply: any((row["subject"], row["value"]) == (subject, value) for row in reply.json()["items"]),
        )
        return next(row for row in found.json()["items"] if row["subject"] == subject)

    moment = today.isoformat().replace("+00:00", "Z")
    for query, value in (("", 3.0), (f"?as_of={moment}", 4.0)):
        path = (await target(query, value))["indicator"]
        page = (await admin.ask(path)).json()
        assert [(row["id"], row["subject"], row["value"]) for row in page["items"]] == [("water.class", subject, value)]
        assert (page["as_of"] is None) is (query == "")
    for row in (await admin.ask(f"{API}/targets")).json()["items"]:
        measured = row["period_start"] is not None
        assert (row["indicator"] is not None) is measured
        # A value without a period is one that people entered; nothing was measured for it.
        assert measured or row["value"] is None or row["checked_by"] == "reported"


async def test_a_window_that_is_planned_is_in_the_next_version_of_the_policy(site: Site) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    times = {
        name: (now + timedelta(hours=h)).isoformat().replace("+00:00", "Z") for name, h in (("starts", 1), ("ends", 2))
    }
    window = {"feed": "tax", "id": f"w-{uuid.uuid4().hex[:6]}", "reason": "meters are changed", **times}
    planned = await site.operator.post(f"{API}/maintenance-windows", window)
    assert planned.status == 201, planned.body
    await eventually(
        lambda: site.operator.ask(f"{API}/maintenance-windows"),
        lambda reply: any(each["id"] == window["id"] for each in reply.json()["items"]),
    )
    again = await site.operator.post(f"{API}/maintenance-windows", window)
    assert again.status == 422
    assert (await site.operator.post(f"{API}/maintenance-windows", window | {"ends": times["starts"]})).status == 422


async def test_a_revoked_key_is_refused_and_its_streams_end_within_seconds(site: Site) -> None:
    now = datetime.now(UTC)
    name = f"guest-{uuid.uuid4().hex[:6]}"
    guest = site.anybody.with_key(site.book.add(name, "Guest", Role.VIEWER, now))
    await eventually(lambda: guest.ask(f"{API}/me"), lambda reply: reply.status == 200, seconds=10)
    async with guest.listen(f"{API}/stream") as ear:
        await ear.next("health")
        site.book.revoke(name, datetime.now(UTC))
        async with asyncio.timeout(10):
            async for part in ear.parts:
                ear.reader.feed(part)
    assert (await guest.ask(f"{API}/me")).status == 401


async def test_a_sink_that_comes_later_knows_the_same(site: Site) -> None:
    """Alerts that the sink has not stored are there, and stay when the API begins from the database."""
    await site.stack.stop(SINK.name)
    alert = fresh()
    await site.publish(alert)
    await site.shown(alert)
    assert (await site.operator.post(act_path(alert), {"kind": "acknowledge"})).status == 201
    await site.begin_anew()
    await site.shown(alert, lambda row: row["standing"] == "acknowledged")
    await site.stack.start(SINK.name)
    assert (await stored_life(site, alert))[1] == 1
    await site.begin_anew()
    await site.shown(alert, lambda row: row["seen"] == 1)
