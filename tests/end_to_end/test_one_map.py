"""The one map in a browser against the whole platform: from a device to an operator's hand, and into every book."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from schemas.alert_action import AlertAction
from schemas.fields import Feed
from schemas.topics import ALERT_ACTIONS
from services.runtime.settings import KafkaSettings
from simulators.device import Device
from simulators.endpoint import parse_endpoint
from simulators.outbox import OutboxPolicy
from tests.benchmarks.whole_path import kafka_fields
from tests.browser.conftest import browser  # noqa: F401 - a fixture
from tests.browser.watched import watched_page
from tests.end_to_end.harness import District, wait_until
from tests.kafka_reading import values_of

LOT, ZONE = "lot-cbd-01", "cbd"
PLACE = "武汉中央商务区写字楼01"
APPEARS_MS = 10_000
"""Room for a machine that does much else; what it took is printed."""


@asynccontextmanager
async def car_park(district: District) -> AsyncIterator[Device]:
    """The counters of one of the district's car parks: a device as an operator registers it."""
    made = json.loads(district.run("device", "add", "parking", ZONE, LOT, "--new-group", "--json").stdout)
    policy = OutboxPolicy(capacity=100, patience_seconds=5.0)
    device = Device(Feed.PARKING, ZONE, LOT, boot_id="one-map", policy=policy, on_refused=pytest.fail)
    endpoint = parse_endpoint(district.role("simulators")["MQTT_URL"])
    staying = asyncio.create_task(device.stay_connected(endpoint, made["password"], 60))
    try:
        await asyncio.to_thread(wait_until, lambda: device.is_connected or None, "the car park to be let in", 30)
        yield device
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)


def count(device: Device, free: int) -> None:
    """The car park, of 180 spaces, says how many are free."""
    fields = {
        "feed": "parking",
        "device_id": LOT,
        "group_id": ZONE,
        "lane": "live",
        "lot_name": PLACE,
        "total_spaces": 180,
        "free_spaces": free,
    }
    assert device.tell(fields, datetime.now(UTC))


def asked(address: str, path: str, key: str) -> Any:
    """What the API answers."""
    request = urllib.request.Request(f"{address}/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def key_of(district: District, name: str, role: str) -> str:
    """A new key of the API."""
    made = json.loads(district.run("keys", "add", name, role, "--name", f"{name} of the test", "--json").stdout)
    return str(made["key"])


async def live(page: Page, address: str) -> None:
    """Open the map and wait until it is live."""
    await page.goto(address)
    await expect(page.locator(".stream")).to_have_attribute("data-state", "live", timeout=30_000)
    await expect(page.locator(".alert-pane")).not_to_contain_text("正在载入…", timeout=30_000)


async def sign_in(page: Page, address: str, key: str) -> None:
    """Log in with a key, as a person would."""
    await page.goto(address)
    await page.get_by_label("访问密钥或一次性口令").fill(key)
    await page.get_by_role("button", name="登录").click()
    await expect(page.locator(".stream")).to_have_attribute("data-state", "live", timeout=30_000)


async def test_an_alert_comes_from_a_device_is_taken_and_stands_in_every_book(
    browser: Browser,  # noqa: F811
    district: District,
) -> None:
    link = district.run("map", "login").stdout.strip().splitlines()[0]
    address = link.split("/map/")[0]
    admin, other = key_of(district, "map-admin", "admin"), key_of(district, "map-operator", "operator")
    await asyncio.to_thread(wait_until, lambda: _admitted(address, other), "the key to be taken", 20)
    async with (
        watched_page(browser, locale="zh-CN") as mine,
        watched_page(browser, locale="zh-CN") as theirs,
        car_park(district) as device,
    ):
        await live(mine, link)
        await sign_in(theirs, address, other)
        count(device, 40)
        begun = time.perf_counter()
        count(device, 999)
        card = mine.locator(".card", has_text=PLACE)
        await expect(card).to_be_visible(timeout=APPEARS_MS)
        appeared = time.perf_counter() - begun
        await expect(theirs.locator(".card", has_text=PLACE)).to_be_visible(timeout=APPEARS_MS)

        alert_id = await card.get_attribute("data-alert")
        assert alert_id is not None
        acknowledged = f".card[data-alert='{alert_id}'][data-standing=acknowledged]"

        await card.locator(".card-head").click()
        begun = time.perf_counter()
        await card.locator("[data-action=acknowledge]").click()
        await expect(mine.locator(acknowledged)).to_be_visible(timeout=APPEARS_MS)
        taken = time.perf_counter() - begun
        await expect(theirs.locator(acknowledged)).to_be_visible(timeout=APPEARS_MS)
        seen = time.perf_counter() - begun
        print(f"alert after {appeared:.2f} s, taken after {taken:.2f} s, seen by the other after {seen:.2f} s")
        await _overtaken(theirs, mine, alert_id)

    detail = asked(address, f"alerts/{alert_id}", admin)
    assert detail["standing"] == "acknowledged"
    me = detail["acknowledged"]["by"]
    kafka = KafkaSettings.model_validate(kafka_fields(district))
    actions = await values_of(kafka, ALERT_ACTIONS, AlertAction, own=alert_id)
    done = [(each.kind, each.by) for each in actions if each.alert is not None and each.alert.alert_id == alert_id]
    assert done[:1] == [("acknowledge", me)]
    wait_until(lambda: _stored(district, alert_id, me), "the acknowledgement in the view of Grafana", 30)
    audited = asked(address, "audit?limit=50", admin)["items"]
    assert any(each["actor"] == me and each["subject"] == alert_id for each in audited), audited


async def _overtaken(theirs: Page, mine: Page, alert_id: str) -> None:
    """Two act on the same state: what arrives later does not count, and who sent it is told what happened."""

    async def after_mine(route: Route) -> None:
        own = mine.locator(f".card[data-alert='{alert_id}']")
        await own.locator("[data-action=assign]").click()
        await own.get_by_role("button", name="交给我").click()
        await expect(own.locator(".chip.assigned")).to_be_visible(timeout=APPEARS_MS)
        await route.continue_()

    await theirs.route("**/actions", after_mine)
    card = theirs.locator(f".card[data-alert='{alert_id}']")
    await card.locator(".card-head").click()
    await card.locator("[data-action=assign]").click()
    await card.get_by_label("交办给").fill("他人")
    await card.get_by_role("button", name="提交").click()
    await expect(card.locator(".progress")).to_contain_text("他人已先一步操作", timeout=3 * APPEARS_MS)


def _admitted(address: str, key: str) -> bool | None:
    try:
        return bool(asked(address, "me", key))
    except OSError:
        return None


def _stored(district: District, alert_id: str, by: str) -> bool | None:
    rows = district.sql(f"SELECT acknowledged_by FROM v_alert_lives WHERE alert_id = '{alert_id}'")
    return True if rows and rows[0]["acknowledged_by"] == by else None
