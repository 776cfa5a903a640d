"""Alerts by the read model: pages without repeats, what people did, what was known when, what led to them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.alert import Severity, Suppression, SuppressionKind
from schemas.alert_action import ActionKind, Actor
from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from schemas.verdict import Evidence
from services.read_model.alert_story import actions_of, evidence_of, history_of, ids_beginning_with
from services.read_model.alerts import (
    UNENDED,
    AlertFilter,
    AlertRow,
    Standing,
    alert,
    alerts,
    open_alerts,
    open_alerts_as_of,
    open_alerts_by_lane,
)
from services.read_model.assets import asset
from services.read_model.connection import Database
from services.read_model.errors import CursorRefused, QueryRefused
from tests.integration.read_model_world import World
from tests.integration.told_events import E, Tell, an_action, an_alert, move_events


async def test_pages_are_the_list_whole_and_without_repeats_though_alerts_come_and_go(
    world: World, db: Database, told: Tell
) -> None:
    lane = "replay:pages"
    at = world.now - timedelta(hours=3)
    old = [
        an_alert(at + timedelta(minutes=n // 4), lane=lane, name=str(n), event=E.RESOLVED, ended_at=world.now)
        for n in range(23)
    ]
    await told(*old)
    which = AlertFilter(lane=lane)
    whole = await alerts(db, which, limit=1_000)
    assert whole.next_cursor is None
    order = [(row.started_at, row.alert_id) for row in whole.items]
    assert order == sorted(order, key=lambda key: (-key[0].timestamp(), key[1])), "four of them began together"

    seen: list[AlertRow] = []
    cursor: str | None = None
    for n in range(100):
        page = await alerts(db, which, limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        await told(an_alert(world.now, lane=lane, name=f"new-{n}", event=E.RESOLVED, ended_at=world.now))
        await world.owner.execute("DELETE FROM alerts WHERE alert_id = $1", page.items[-1].alert_id)
    assert [row.alert_id for row in seen] == [row.alert_id for row in whole.items]
    with pytest.raises(CursorRefused):
        await alerts(
            db,
            AlertFilter(lane=lane, assignee="me"),
            cursor=page.next_cursor or (await alerts(db, which, limit=1)).next_cursor,
        )


async def test_what_people_did_is_part_of_an_alert_and_can_be_asked_for(world: World, db: Database, told: Tell) -> None:
    lane, at = "exercise:life", world.now - timedelta(hours=2)
    taken, closed, fresh = (an_alert(at, lane=lane, name=name, asset=name) for name in ("xihu", "beihu", "houxiang"))
    over = an_alert(at, lane=lane, name="over", event=E.RESOLVED, ended_at=at + timedelta(minutes=5))
    await told(taken, closed, fresh, over)
    minute = timedelta(minutes=1)
    await told(
        an_action(taken, ActionKind.ACKNOWLEDGE, at + minute, 0),
        an_action(taken, ActionKind.ASSIGN, at + 2 * minute, 1, assignee="李"),
        an_action(taken, ActionKind.ACKNOWLEDGE, at + 3 * minute, 0, by="late"),
        an_action(closed, ActionKind.CLOSE, at + minute, 0, words="<script>done</script>"),
        an_action(taken, ActionKind.RECEIVE, at + minute, actor=Actor.CONSUMER, by="city-brain"),
    )

    async def ids(**parts: Any) -> set[str]:
        return {row.alert_id for row in (await alerts(db, AlertFilter(lane=lane, **parts))).items}

    assert await ids(standing=(Standing.OPEN,)) == {fresh.alert_id}
    assert await ids(standing=(Standing.ACKNOWLEDGED,)) == {taken.alert_id}
    assert await ids(standing=(Standing.CLOSED, Standing.RESOLVED)) == {closed.alert_id, over.alert_id}
    assert await ids(assignee="李") == {taken.alert_id}
    assert await ids(asset="beihu") == {closed.alert_id}
    assert await ids(words="TARGET", severities=(Severity.YELLOW,), feeds=(Feed.WATER,)) == await ids()
    assert await ids(words="%") == set(), "a percent sign is a percent sign"
    assert await ids(rules=("ev.connector_fault",)) == set()
    assert await ids(started_from=at + minute) == await ids(started_until=at) == set()
    row = await alert(db, taken.alert_id)
    assert row is not None
    assert (row.standing, row.seen, row.acknowledged_by, row.assignee) == (Standing.ACKNOWLEDGED, 2, "op-1", "李")
    assert (row.received_by, row.time_to_acknowledge_s) == (("city-brain",), 60.0)
    assert (row.asset_kind, row.longitude is not None) == ("lake", True)
    told_of = await actions_of(db, taken.alert_id)
    assert {(act.kind, act.by, act.fate) for act in told_of} >= {
        ("acknowledge", "late", "overtaken"),
        ("receive", "city-brain", "counts"),
    }
    assert await alert(db, "0" * 32) is None
    assert [event.event for event in await history_of(db, taken.alert_id)] == ["raised"]
    assert await history_of(db, "nothing") == []


async def test_alerts_as_they_were_known_then(world: World, db: Database, told: Tell) -> None:
    """Stored      01:00      02:00      03:00      04:00      05:00
    a           raised                resolved (it had ended at 00:30)
    b                      raised                retracted
    c           raised                           amended: worse
    c'          the same rule and asset, began later: stands for c from 02:00 on
    """  # noqa: D205, D415 - a drawing
    lane = "whatif:then"
    midnight = world.now - timedelta(hours=12)
    hour = timedelta(hours=1)
    a, b = (an_alert(midnight, lane=lane, name=name, asset=name) for name in ("xihu", "beihu"))
    c = an_alert(midnight, lane=lane, name="c", asset="houxiang")
    later = an_alert(midnight + hour, lane=lane, name="c'", asset="houxiang", severity=Severity.RED)
    resolved = a.model_copy(update={"revision": 1, "event": E.RESOLVED, "ended_at": midnight + hour / 2})
    gone = b.model_copy(update={"revision": 1, "event": E.RETRACTED})
    worse = c.model_copy(update={"revision": 1, "event": E.AMENDED, "severity": Severity.ORANGE})
    await told(a, b, c, later, resolved, gone, worse, an_action(a, ActionKind.ACKNOWLEDGE, midnight + 2 * hour, 0))
    stored = {a: 1, b: 2, c: 1, later: 2, resolved: 3, gone: 4, worse: 4}
    await move_events(world.owner, [(event.event_id, midnight + n * hour) for event, n in stored.items()])
    await world.owner.execute("UPDATE alert_actions SET stored_at = at WHERE lane = $1", lane)

    async def known(n: float) -> list[tuple[str, str, str]]:
        rows = await open_alerts_as_of(db, midnight + n * hour, lane=lane)
        return [(row.asset, row.severity, row.standing) for row in rows]

    assert await known(0.5) == []
    assert sorted(await known(1.5)) == [("houxiang", "III", "open"), ("xihu", "III", "open")]
    assert await known(2.5) == [("houxiang", "I", "open"), ("beihu", "III", "open"), ("xihu", "III", "acknowledged")]
    assert await known(3.5) == [("houxiang", "I", "open"), ("beihu", "III", "open")]
    assert await known(4.5) == [("houxiang", "I", "open")]
    now = await open_alerts_as_of(db, world.now + hour, lane=lane)
    assert [replace(row, time_to_resolve_s=None) for row in now] == list(
        (await alerts(db, AlertFilter(lane=lane, standing=UNENDED))).items
    )


async def test_as_of_now_is_what_is_open_now_for_the_bulk_too(world: World, db: Database) -> None:
    then = await open_alerts_as_of(db, world.now + timedelta(days=1))
    now = await alerts(db, AlertFilter(standing=UNENDED))
    assert {row.alert_id for row in then} == {row.alert_id for row in now.items}
    assert len(then) == 5
    a_week_ago = world.now - timedelta(days=7, minutes=1)
    assert len(await open_alerts_as_of(db, a_week_ago)) == 3, "each lasts half an hour, one comes every ten minutes"
    assert {row.alert_id for row in await open_alerts(db)} == {row.alert_id for row in now.items}
    assert (await open_alerts_by_lane(db))[LIVE] == 5


async def test_evidence_is_found_among_its_devices_as_among_all(world: World, db: Database) -> None:
    rows = await world.owner.fetch(
        "SELECT kafka_offset, observed_at FROM ev_readings WHERE device_id = 'ev-x3-4' ORDER BY observed_at DESC"
        " LIMIT 4"
    )
    offsets = tuple(sorted(row["kafka_offset"] for row in rows))
    place = Evidence(topic=readings_topic(Feed.EV), partition=0, offsets=(*offsets, 10**12))
    base = an_alert(rows[-1]["observed_at"], lane=LIVE, asset="ev-x3-4").model_copy(
        update={"feed": Feed.EV, "evidence": place}
    )
    for about in ("ev-x3-4", "site-x3", "no-such-asset"):
        said = json.loads(base.model_copy(update={"asset": about}).model_dump_json())
        near, far = await evidence_of(db, said), await evidence_of(db, said, everywhere=True)
        assert near == far
        assert (near.named, [reading.device_id for reading in near.readings]) == (5, ["ev-x3-4"] * 4)
        assert near.limits[0]["source"]["where"] == "page 31"
        assert near.readings[0].own["status"] in {"idle", "charging", "fault"}
    wrong = said | {"evidence": said["evidence"] | {"topic": "readings.tax"}}
    with pytest.raises(QueryRefused, match="which is not that of feed ev"):
        await evidence_of(db, wrong)
    assert (await evidence_of(db, said | {"evidence": None})).named == 0
    (known,) = await ids_beginning_with(db, (await alerts(db, limit=1)).items[0].alert_id[:20])
    assert len(known) == 32


async def test_suppressed_alerts_are_shown_and_trouble_no_asset(world: World, db: Database, told: Tell) -> None:
    lane = "exercise:quiet"
    quiet = Suppression(kind=SuppressionKind.MAINTENANCE, by="window-1")
    await told(an_alert(world.now, lane=lane, suppression=quiet))
    (row,) = (await alerts(db, AlertFilter(lane=lane))).items
    assert row.suppressed
    assert row.suppression == {"kind": "maintenance", "by": "window-1", "until": None}
    lake = await asset(db, "lake", "xihu", lane=lane)
    assert lake is not None
    assert (lake.alert_severity, lake.open_alerts) == (None, 0)
    (then,) = await open_alerts_as_of(db, datetime.now(UTC) + timedelta(minutes=1), lane=lane)
    assert then.suppressed
