"""What an operator does with the page: sees alerts come, takes them, is overtaken, loses the connection."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.async_api import Page, expect

from tests.browser.district_rows import alert_row, iso
from tests.browser.opened import MAP_READY, opened
from tests.browser.stand_in import StandIn
from tests.browser.stand_in_http import TOKEN


async def test_one_time_link_signs_in_and_leaves_the_address(page: Page, api: StandIn) -> None:
    api.signed_in = False
    api.add_alerts(1)
    await page.goto(f"{api.url}/map/#login={TOKEN}")
    await expect(page.locator(".card")).to_have_count(1)
    assert TOKEN not in page.url
    assert api.sent("POST", "session") == [{"token": TOKEN}]


async def test_wrong_key_is_refused_in_words(page: Page, api: StandIn) -> None:
    api.signed_in = False
    await page.goto(api.url)
    await page.get_by_label("访问密钥或一次性口令").fill("wrong")
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("alert")).to_have_text("密钥或链接无效、已用过或已过期。")


async def test_new_alert_comes_in_without_reload_and_is_said(page: Page, api: StandIn) -> None:
    api.add_alerts(0)
    await opened(page, api)
    api.push_alert(alert_row(3, datetime.now(UTC), asset="call-1", place="民族街"))  # severity I
    await expect(page.locator(".card").first.locator(".place")).to_have_text("民族街")
    await expect(page.locator("[aria-live=polite]").last).to_contain_text("新预警，I 级（红）：民族街")


async def test_acknowledged_is_shown_once_the_api_has_said_so(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    await page.locator("[data-action=acknowledge]").click()
    await expect(page.locator(".card[data-standing=acknowledged]")).to_be_visible()
    await expect(page.locator(".facts")).to_contain_text("Li Wei 于")
    assert api.sent("POST", f"alerts/{row['alert_id']}") == [{"kind": "acknowledge", "seen": 0}]


async def test_who_was_overtaken_is_told_what_happened(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    mark = {"at": iso(datetime.now(UTC)), "by": "wang", "by_name": "Wang Fang"}
    api.overtake = row | {"standing": "acknowledged", "seen": 1, "acknowledged": mark}
    await page.locator("[data-action=acknowledge]").click()
    await expect(page.locator(".progress")).to_contain_text("他人已先一步操作")
    await expect(page.locator(".progress")).to_contain_text("Wang Fang 于")
    await expect(page.locator(".card[data-standing=acknowledged]")).to_be_visible()


async def test_action_whose_answer_was_lost_is_not_shown_as_done_and_counts_once(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    await page.locator("[data-action=comment]").click()
    await page.get_by_label("备注内容").fill("已派人")
    api.actions_lost = 1
    await page.get_by_role("button", name="提交").click()
    await expect(page.locator(".progress")).to_contain_text("没有得到应答")
    await page.get_by_role("button", name="再试一次").click()
    await expect(page.locator(".progress")).to_be_empty()
    assert len(api.keys) == 1
    assert len(api.sent("POST", f"alerts/{row['alert_id']}")) == 2


async def test_what_is_being_written_outlives_changes_of_the_alert(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    await page.locator("[data-action=close]").click()
    field = page.get_by_label("关闭理由")
    await field.fill("现场已处理")
    api.push_alert(row | {"revision": 1, "severity": "I", "text_zh": "更严重了"})
    await expect(page.locator(".full-text")).to_have_text("更严重了")
    await expect(field).to_have_value("现场已处理")
    await expect(field).to_be_focused()


async def test_stream_that_drops_is_said_and_caught_up(page: Page, api: StandIn) -> None:
    api.add_alerts(0)
    await opened(page, api)
    api.away = True
    api.drop()
    await expect(page.locator(".stream")).to_have_attribute("data-state", "lost")
    await expect(page.locator(".banner.bad")).to_contain_text("与平台的连接已中断", timeout=10_000)
    api.add_alerts(1)
    api.away = False
    await expect(page.locator(".stream")).to_have_attribute("data-state", "live", timeout=20_000)
    await expect(page.locator(".card")).to_have_count(2)
    await expect(page.locator(".banner.bad")).to_have_count(0)


async def test_session_that_has_ended_leads_to_the_login(page: Page, api: StandIn) -> None:
    api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    api.signed_in = False
    await page.reload()
    await expect(page.get_by_role("button", name="登录")).to_be_visible()


async def test_silence_names_asset_time_and_reason(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    await page.locator("[data-action=silence]").click()
    await page.get_by_role("button", name="4 小时", exact=True).click()
    await page.get_by_label("静默理由").fill("计划检修")
    await page.get_by_role("button", name="提交").click()
    await expect(page.locator(".small-form")).to_have_count(0)
    (body,) = api.sent("POST", "silences")
    until = datetime.fromisoformat(body.pop("until"))
    assert body == {"scope": "asset", "place": row["asset"], "words": "计划检修"}
    assert 3.9 < (until - datetime.now(UTC)).total_seconds() / 3600 < 4.1


async def test_viewer_is_offered_nothing_to_do(page: Page, api: StandIn) -> None:
    api.may, api.role = ("read",), "viewer"
    api.add_alerts(1)
    await opened(page, api)
    await page.locator(".card-head").click()
    await expect(page.locator(".actions")).to_contain_text("您的角色只能查看。")
    await expect(page.locator(".actions").get_by_role("button")).to_have_count(0)


async def test_filters_join_and_say_how_many(page: Page, api: StandIn) -> None:
    api.add_alerts(*range(8))
    await opened(page, api)
    await page.get_by_role("button", name="筛选").first.click()
    await page.get_by_role("button", name="I 级（红）", exact=True).click()
    await expect(page.locator(".card")).to_have_count(2)
    await expect(page.get_by_role("button", name="筛选（1）")).to_be_visible()
    await page.get_by_placeholder("搜索地点").fill("没有这样的地点")
    await expect(page.locator(".alert-pane")).to_contain_text("没有符合筛选条件的预警。")


async def test_everything_that_others_write_stays_text(page: Page, api: StandIn) -> None:
    nasty = '<img src=x onerror="document.title=`taken`"><script>document.title="taken"</script>'
    (row,) = api.add_alerts(1, place=nasty, text_zh=nasty, rule="ev.x", asset="site-cbd-east", assignee=nasty)
    for asset in api.assets:
        asset["name_zh"] = nasty
    api.targets[0]["name_zh"] = nasty
    mark = {"at": iso(datetime.now(UTC)), "by": "x", "by_name": nasty, "words": nasty}
    api.alerts[row["alert_id"]] = row | {"closed": mark, "acknowledged": mark}
    await opened(page, api, f"#alert={row['alert_id']}&asset=site/site-cbd-east")
    await expect(page.locator(".panel h2")).to_have_text(nasty)
    await expect(page.locator(".card .place")).to_have_text(nasty)
    await expect(page.locator(MAP_READY)).to_be_visible()
    assert await page.locator("img, .page script").count() == 0
    await expect(page).to_have_title("江汉一张图")


async def test_keyboard_alone_takes_an_alert(page: Page, api: StandIn) -> None:
    api.add_alerts(1, 3)
    await opened(page, api)
    await page.keyboard.press("j")
    await expect(page.locator(".card[data-open]")).to_have_attribute("data-severity", "I")
    await page.keyboard.press("a")
    await expect(page.locator(".card[data-open][data-standing=acknowledged]")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".card[data-open]")).to_have_count(0)
    await page.keyboard.press("/")
    await expect(page.get_by_placeholder("搜索地点")).to_be_focused()


async def test_link_to_an_alert_that_is_over_shows_it(page: Page, api: StandIn) -> None:
    (row,) = api.add_alerts(1, standing="resolved", ended_at=iso(datetime.now(UTC)))
    await opened(page, api, f"#alert={row['alert_id']}")
    await expect(page.locator(".card[data-open]")).to_contain_text("已解除")
    await expect(page.locator(".age")).to_have_text(re.compile("历时"))
