"""What the page shows: the map, assets, targets, layers, the past, in both languages, for everybody."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.web.build import workshop
from tests.browser.district_rows import Row, figure_row, many_assets
from tests.browser.opened import MAP_READY, opened
from tests.browser.stand_in import StandIn
from tests.browser.task_times import task_times
from tests.browser.watched import watched_page

SERIOUS = {"serious", "critical"}


COLOURS = """async (picture) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [image.width, image.height];
  const pen = copy.getContext('2d');
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, copy.width, copy.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  return [...seen].map((colour) => `#${colour.toString(16).padStart(6, '0')}`);
}"""


async def drawn_map(page: Page) -> None:
    """Wait until the map stands still with everything drawn."""
    await expect(page.locator(MAP_READY)).to_be_visible(timeout=20_000)
    await page.wait_for_selector(".map-canvas[data-idle]", timeout=20_000)


async def test_map_is_drawn_without_anything_from_elsewhere(page: Page, api: StandIn) -> None:
    api.add_alerts(*range(6))
    await opened(page, api)
    await drawn_map(page)
    picture = base64.b64encode(await page.locator(".map-pane").screenshot()).decode()
    colours = await page.evaluate(COLOURS, picture)
    assert {"#b9dcf3", "#fbfcfd", "#be1634", "#63c58a"} <= set(colours), "water, ground, an alert, no alert"


async def test_asset_shows_its_last_day_with_limits(page: Page, api: StandIn) -> None:
    await opened(page, api, "#asset=lake/houxiang")
    panel = page.locator(".panel")
    await expect(panel.locator("h2")).to_have_text("后襄河")
    await expect(panel.locator("figcaption")).to_contain_text("≤ 6 (GB 3838-2002, table 1)")
    await expect(panel.locator(".plot canvas")).to_be_visible()
    await panel.get_by_text("数据表").click()
    await expect(panel.locator("tbody tr").first).to_be_visible()
    await expect(panel.get_by_role("link", name="在 Grafana 中打开看板")).to_have_attribute(
        "href", "http://127.0.0.1:23000/d/jianghan-water"
    )


async def test_targets_stand_worst_first_and_lead_to_their_evidence(page: Page, api: StandIn) -> None:
    await opened(page, api)
    chips = page.locator(".target-strip [data-standing]")
    standings = [await chips.nth(n).get_attribute("data-standing") for n in range(await chips.count())]
    assert standings == ["behind", "behind", "cannot_say", "on_track"]
    await expect(chips.first).to_contain_text("落后于进度")
    await chips.first.click()
    await expect(page.locator(".panel")).to_contain_text("规划第 31 页")
    await expect(page.locator(".panel .status-line")).to_have_text("↓落后于进度")
    await expect(page.locator(".panel")).to_contain_text("时段结论: 未达标 · 最近一期的测量结果")
    await expect(page.locator(".panel")).to_contain_text("暂无")
    (asked,) = api.sent("GET", "indicators")
    paths = [each["indicator"] for each in api.targets]
    words = {name: value for name, value in asked.items() if name != "limit"}
    assert f"/api/v1/indicators?{urlencode(words)}" in paths, (
        "the page follows what the API says, with no query of its own"
    )


async def test_a_target_that_nothing_measures_asks_for_no_evidence(page: Page, api: StandIn) -> None:
    api.targets = [{**each, "indicator": None} for each in api.targets]
    await opened(page, api)
    await page.locator(".target-strip [data-standing]").first.click()
    await expect(page.locator(".panel")).to_contain_text("暂无")
    assert not api.sent("GET", "indicators")


async def test_a_target_that_people_answer_for_shows_every_revision_of_its_figures(page: Page, api: StandIn) -> None:
    api.targets[0] |= {"indicator": None, "checked_by": "reported", "feed": None, "subject": None}
    target = api.targets[0]["id"]
    first = figure_row(target, 0, api.now, confirmed=True)
    api.figures = [first, figure_row(target, 1, api.now, confirmed=False), figure_row("another", 0, api.now)]
    await opened(page, api)
    await page.get_by_role("link", name="全部目标").click()
    await page.locator(".all-targets .target").last.click()
    rows = page.locator(".panel .figures > li")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("待他人确认，尚不计入")
    await expect(rows.nth(1)).to_contain_text("确认：王")
    await expect(rows.nth(1)).to_contain_text("2024年统计公报 · 江统〔2025〕3号 · 第 12 页 · SHA-256 abababababab…")
    assert not api.sent("GET", "indicators")


async def test_the_past_is_shown_as_it_was_known_and_nothing_can_be_done_there(page: Page, api: StandIn) -> None:
    api.add_alerts(1)
    await opened(page, api)
    slider = page.get_by_label("回看时刻")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.locator(".banner.past")).to_contain_text("按当时所知")
    await expect(page.locator(".card")).to_have_count(0)
    asked = [query for query in api.sent("GET", "alerts") if "as_of" in query]
    assert asked
    assert api.sent("GET", "targets")[-1].get("as_of") == asked[-1]["as_of"]
    await page.locator(".banner.past").get_by_role("button", name="回到现在").click()
    await expect(page.locator(".card")).to_have_count(1)
    await expect(page.locator(".banner.past")).to_have_count(0)


async def test_layers_are_drawn_and_said(page: Page, api: StandIn) -> None:
    await opened(page, api)
    await page.get_by_text("图层", exact=True).click()
    for label in ("十分钟急救覆盖", "停车引导", "充电负荷", "湖泊水质类别"):
        await page.get_by_label(label).check()
    box = page.locator(".layers")
    await expect(box).to_contain_text("95.7% 的居民在十分钟内可达")
    await expect(box).to_contain_text("建议：amb-redcross-2 移至 Hanxing post".replace("Hanxing post", "汉兴急救站"))
    await expect(box).to_contain_text("12 辆，步行 410 米，余 55 位")
    await expect(box).to_contain_text("1,012 / 1,000 kW（101.2%）")
    await expect(box).to_contain_text("机器荡子：Ⅴ类")
    await page.reload()
    await page.get_by_text("图层", exact=True).click()
    await expect(page.get_by_label("停车引导")).to_be_checked()


async def test_keyboard_steps_through_assets_on_the_map(page: Page, api: StandIn) -> None:
    api.add_alerts(1)
    await opened(page, api)
    await drawn_map(page)
    await page.locator(MAP_READY).focus()
    await page.keyboard.press("n")
    await expect(page.locator(".tooltip")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel h2")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(MAP_READY)).to_be_focused()


async def test_language_is_changed_without_losing_the_map(page: Page, api: StandIn) -> None:
    api.add_alerts(1)
    await opened(page, api)
    await drawn_map(page)
    await page.get_by_role("button", name="设置").click()
    await page.get_by_label("语言").select_option("en")
    await expect(page.locator("h1")).to_have_text("Jianghan: the one map")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator(".card .text")).not_to_have_text("负荷")
    await expect(page.locator(MAP_READY)).to_have_count(1)


async def violations(page: Page) -> list[str]:
    """What axe finds that is serious."""
    with workshop() as folder:
        await page.evaluate((folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = (await page.evaluate("axe.run()"))["violations"]
    return [
        f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']][:3])}"
        for each in found
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["desk", "phone"])
async def test_axe_finds_nothing_serious(browser: Browser, api: StandIn, look: str, size: tuple[int, int]) -> None:
    width, height = size
    (row, *_) = api.add_alerts(*range(5))
    api.add_alerts(6, standing="acknowledged", escalated_at=row["raised_at"], silenced_until=row["raised_at"])
    options = {"viewport": {"width": width, "height": height}, "color_scheme": look, "locale": "en-GB"}
    async with watched_page(browser, bypass_csp=True, **options) as page:
        await page.goto(f"{api.url}/map/#alert={row['alert_id']}")
        await expect(page.locator(".card[data-open] .story-lines")).to_be_visible()
        assert await violations(page) == []
        await page.goto(f"{api.url}/map/#asset=lake/houxiang")
        await expect(page.locator(".panel .plot canvas")).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_login_page_is_fit_for_everybody(browser: Browser, api: StandIn) -> None:
    api.signed_in = False
    async with watched_page(browser, bypass_csp=True, locale="en-GB") as page:
        await page.goto(api.url)
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert await violations(page) == []


async def test_phone_has_list_map_and_assets_one_at_a_time(browser: Browser, api: StandIn) -> None:
    api.add_alerts(1)
    async with watched_page(browser, viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True) as page:
        await opened(page, api)
        bottom = page.locator(".bottom-tabs")
        await expect(page.locator(".card")).to_be_visible()
        await bottom.get_by_role("button", name="地图").click()
        await expect(page.locator(".card")).not_to_be_visible()
        await expect(page.locator(".map-pane")).to_be_visible()
        await bottom.get_by_role("button", name="设施").click()
        await page.locator(".asset-line", has_text="后襄河").first.click()
        await expect(page.locator(".panel h2")).to_have_text("后襄河")
        await page.get_by_role("button", name="关闭", exact=True).click()
        await expect(page.locator(".panel")).not_to_be_visible()


async def test_many_assets_and_changes_leave_the_page_quick(browser: Browser, page: Page, api: StandIn) -> None:
    """3,000 assets, 500 changes a second for 6 s: no task of the page's takes 100 ms."""
    api.assets = many_assets(3_000, datetime.now(UTC))
    await opened(page, api)
    await drawn_map(page)
    async with task_times(browser, page) as times:
        begun = asyncio.get_running_loop().time()
        for tick in range(60):
            api.push("asset", {"items": changed_assets(api.assets, tick)})
            await asyncio.sleep(max(0.0, begun + (tick + 1) / 10 - asyncio.get_running_loop().time()))
    print(f"longest tasks: busy {times.busy[:3]}, wall {times.wall[:3]} ms")
    assert len(times.busy) > 100
    assert times.busy[0] < 100


def changed_assets(assets: list[Row], tick: int) -> list[Row]:
    """Fifty of them somewhere else, some of them not heard of: each has to be drawn anew."""
    known = [assets[(tick * 50 + n) % len(assets)] for n in range(50)]
    return [
        row | {"longitude": row["longitude"] + tick / 100_000, "state": "unseen" if (tick + n) % 5 == 0 else "free"}
        for n, row in enumerate(known)
    ]
