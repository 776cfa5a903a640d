"""The report of a drill as a page in Chinese and English: what was so, what was found and when, what people did."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import DISTRICT_ZONE
from schemas.vocabulary import VOCABULARY, Naming
from services.district.drill.account import AlertSeen, DrillAccount, Result, minutes
from services.district.drill.scoring import MINUTE, Finding
from services.district.report_kit.charts import AMBER, BLUE, GREEN, INK, RED, chart
from services.district.report_kit.parts import Cell, Chart, Head, Mood, Part, Tile, page, same
from services.district.words import day_and_time

FEEDS: Final = VOCABULARY["feed"]
WHAT: Final = MappingProxyType(
    {
        "spike": Naming("单次突跳", "spike"),
        "drift": Naming("漂移", "drift"),
        "flat_line": Naming("读数不变", "flat line"),
        "sensor_fault": Naming("仪器失准", "broken instrument"),
        "unit_mixup": Naming("单位错误", "wrong unit"),
        "reported_fault": Naming("自报故障", "fault that the station reports"),
        "gap": Naming("停发", "silence"),
        "partition": Naming("网络中断", "no line"),
        "spill": Naming("污染泄漏", "spill"),
        "bloom": Naming("水华", "algal bloom"),
        "clock_skew": Naming("时钟错误", "wrong clock"),
        "lot_full": Naming("停车场满", "car park full"),
        "blackout": Naming("停电", "blackout"),
        "connector_fault": Naming("充电枪故障", "connector broken"),
        "connector_silent": Naming("充电枪失联", "connector silent"),
        "late_response": Naming("到达超时", "late response"),
        "shortage": Naming("救护车短缺", "ambulances out of service"),
    }
)
_ROWS_MOST: Final = 30
_TABLE_MOST: Final = 200
_GOOD_RECALL: Final = 0.95
_SEVERITIES: Final = MappingProxyType({"I": RED, "II": "#e07b39", "III": AMBER, "IV": BLUE})


def drill_page(done: DrillAccount, *, language: str = "zh") -> str:
    """The whole page; the same account, the same bytes."""
    begin, end = day_and_time(done.begin), day_and_time(done.end)
    under = [
        Naming("", done.about),
        Naming(
            f"演练通道 {done.lane}，种子 {done.seed}，场景时间 {begin} 至 {end}（北京时间），实际用时 {done.seconds:,.0f} 秒"
            + ("，短版" if done.is_short else ""),
            f"lane {done.lane}, seed {done.seed}, scenario time {begin} to {end} (Beijing time), took "
            f"{done.seconds:,.0f} s" + (", short form" if done.is_short else ""),
        ),
    ]
    title = Naming(f"演练报告：{done.title_zh}", f"Drill: {done.title_en}")
    parts = [
        _timeline(done),
        _results(done),
        _false(done),
        _readings(done),
        _alerts(done),
        _how_to_read(),
    ]
    return page(title, under, _tiles(done), [part for part in parts if part is not None], language=language)


def _tiles(done: DrillAccount) -> list[Tile]:
    recall = done.recall
    taken = [one.acknowledged_after for one in done.alerts if one.acknowledged_after is not None]
    lost = sum(len(each.missing) for each in done.feeds)
    mood: Mood = "" if recall is None else "good" if recall >= _GOOD_RECALL else "warn"
    times = sum(one.times for one in done.results)
    return [
        Tile(
            Naming("检出率", "found of what was so"),
            same("–" if recall is None else f"{recall:.0%}"),
            mood,
            Naming(f"共{times}件", f"of {times}"),
        ),
        Tile(
            Naming("误报", "false alarms"),
            same(f"{done.false:,}"),
            "good" if not done.false else "bad",
            Naming(f"有因告警{done.right}条", f"{done.right} with a cause"),
        ),
        Tile(
            Naming("确认用时（中位）", "time to acknowledge (median)"),
            Naming(f"{statistics.median(taken):.0f} 秒", f"{statistics.median(taken):.0f} s")
            if taken
            else Naming("无人确认", "nobody did"),
            "" if taken else "quiet",
            Naming(f"{len(taken)}/{len(done.alerts)}条", f"{len(taken)} of {len(done.alerts)} alerts"),
        ),
        Tile(
            Naming("读数账目", "readings"),
            Naming("平衡", "all accounted for") if done.is_balanced else Naming(f"缺{lost}条", f"{lost:,} missing"),
            "good" if done.is_balanced else "bad",
        ),
        Tile(
            Naming("正式指标", "official figures"),
            Naming("未受影响", "untouched") if done.is_apart else Naming("混入演练数据", "contaminated"),
            "good" if done.is_apart else "bad",
        ),
        _live_tile(done),
    ]


def _live_tile(done: DrillAccount) -> Tile:
    name, slowed, live = Naming("实时通道", "live readings"), done.live.is_slowed, done.live
    if slowed is None:
        return Tile(name, Naming("无实时读数可比", "none to compare"), "quiet")
    note = Naming(
        f"入库p99 {live.before.p99_ms:,.0f} → {live.during.p99_ms:,.0f} 毫秒",
        f"stored p99 {live.before.p99_ms:,.0f} → {live.during.p99_ms:,.0f} ms",
    )
    return Tile(
        name, Naming("变慢", "slowed") if slowed else Naming("未变慢", "not slowed"), "bad" if slowed else "good", note
    )


def _timeline(done: DrillAccount) -> Part:
    findings = [one for scores in done.scores.values() for one in scores.findings]
    findings.sort(key=lambda one: (one.wanted.begin, one.wanted.what, sorted(one.wanted.assets)))
    shown, left = findings[:_ROWS_MOST], len(findings) - _ROWS_MOST
    title = Naming("何时发生，何时发现", "What was so, and when it was found")
    if not shown:
        nothing = Naming("场景中没有规则应发现的事件或故障。", "Nothing was so that a rule looks for.")
        return Part(title, [nothing])
    text = [
        Naming(
            "横条为持续时间，圆点为首条告警；绿色已检出，红色漏报，灰色为演练起止所截断。",
            "The bar is how long it lasted, the dot its first alert; green: found, red: missed, grey: cut off by the "
            "begin or the end of the drill.",
        )
    ]
    if left > 0:
        text.append(Naming(f"另有{left}件未画出，见下表。", f"{left} more are not drawn; see the table."))
    names = {alert.asset: Naming(alert.name_zh, alert.name_en) for alert in done.alerts}

    def draw(axes: Any, say: Callable[[Naming], str]) -> None:
        _draw_timeline(axes, say, shown, names, (done.begin, done.end))

    about = Naming(
        "每行一件实际发生的事：横条为持续时间，圆点为首条告警，空条为未检出",
        "a row for each thing that was so: the bar is how long it lasted, the dot its first alert; without a dot it was "
        "not found",
    )
    charts = [chart(draw, about=about, height=1.1 + 0.27 * len(shown))]
    delays = _delays(done)
    return Part(title, text, [*charts, *([delays] if delays is not None else [])])


def _draw_timeline(
    axes: Any,
    say: Callable[[Naming], str],
    shown: Sequence[Finding],
    names: dict[str, Naming],
    span: tuple[datetime, datetime],
) -> None:
    begin, end = (at.timestamp() for at in span)
    labels = []
    for row, one in enumerate(shown):
        since, until = max(one.wanted.begin, begin), min(_lasted_until(one), end)
        colour = GREEN if one.delay is not None else INK if one.is_cut else RED
        axes.barh(row, max(until - since, (end - begin) / 300), left=since, height=0.55, color=colour, alpha=0.45)
        if one.found is not None:
            axes.plot([one.found.raised_at.timestamp()], [row], "o", color=colour, markersize=5)
        asset = min(one.wanted.assets) if one.found is None else one.found.asset
        labels.append(f"{say(_what(one.wanted.what))} · {say(names.get(asset, same(asset)))}")
    axes.set_yticks(range(len(shown)), labels)
    axes.invert_yaxis()
    axes.set_xlim(begin, end)
    ticks = [begin + (end - begin) * part / 6 for part in range(7)]
    form = "%H:%M" if end - begin <= 2 * 86_400 else "%m-%d"
    axes.set_xticks(ticks, [datetime.fromtimestamp(at, DISTRICT_ZONE).strftime(form) for at in ticks])
    axes.grid(axis="x", color=INK, alpha=0.2)


def _lasted_until(one: Finding) -> float:
    return one.wanted.until - one.wanted.grace


def _delays(done: DrillAccount) -> Chart | None:
    by_what: dict[str, list[float]] = {}
    for scores in done.scores.values():
        for one in scores.findings:
            if one.delay is not None:
                by_what.setdefault(one.wanted.what, []).append(one.delay / MINUTE)
    if not by_what:
        return None

    def draw(axes: Any, say: Callable[[Naming], str]) -> None:
        for row, delays in enumerate(by_what.values()):
            axes.plot(sorted(delays), [row] * len(delays), "o", color=BLUE, alpha=0.6, markersize=6)
            axes.plot([statistics.median(delays)], [row], "|", color=RED, markersize=18, markeredgewidth=2)
        axes.set_yticks(range(len(by_what)), [say(_what(what)) for what in by_what])
        axes.set_ylim(len(by_what) - 0.4, -0.6)
        axes.set_xlim(left=-0.02 * max(1.0, axes.get_xlim()[1]))
        axes.set_xlabel(
            say(Naming("从发生到首条告警，分钟（竖线为中位数）", "from begin to first alert, minutes (bar: median)"))
        )
        axes.grid(axis="x", color=INK, alpha=0.2)

    about = Naming("各类事件的检出延迟，分钟", "delay of detection by kind, minutes")
    return chart(draw, about=about, height=1.2 + 0.35 * len(by_what))


def _results(done: DrillAccount) -> Part | None:
    if not done.results:
        return None
    heads = [
        Head(Naming("领域", "feed")),
        Head(Naming("实际情况", "what was so")),
        Head(Naming("规则", "rule")),
        Head(Naming("次数", "times"), number=True),
        Head(Naming("检出", "found"), number=True),
        Head(Naming("不完整", "cut off"), number=True),
        Head(Naming("检出率", "recall"), number=True),
        Head(Naming("延迟中位（分）", "delay, median (min)"), number=True),
        Head(Naming("最长（分）", "longest (min)"), number=True),
    ]
    return Part(Naming("检出情况", "Found and missed"), heads=heads, rows=[_result(one) for one in done.results])


def _result(one: Result) -> list[Cell]:
    recall = one.recall
    mood: Mood = "" if recall is None else "good" if recall >= _GOOD_RECALL else "bad"
    return [
        Cell(FEEDS[one.feed]),
        Cell(_what(one.what)),
        Cell.of(one.rule),
        Cell.of(f"{one.times:,}"),
        Cell.of(f"{one.found:,}"),
        Cell.of(f"{one.cut:,}"),
        Cell.of("–" if recall is None else f"{recall:.2f}", mood),
        Cell.of(minutes(one.delay_p50)),
        Cell.of(minutes(one.delay_most)),
    ]


def _false(done: DrillAccount) -> Part | None:
    false = {alert.alert_id for scores in done.scores.values() for alert in scores.false}
    if not false:
        return None
    title = Naming("误报", "False alarms")
    text = [
        Naming(
            "关于设备、线路或时钟而真值记录中没有原因的告警。",
            "Alerts about devices, lines or clocks that nothing in the truth explains.",
        )
    ]
    return Part(title, text, heads=_ALERT_HEADS, rows=[_alert(one) for one in done.alerts if one.alert_id in false])


_ALERT_HEADS: Final = (
    Head(Naming("开始（北京时间）", "began (Beijing time)")),
    Head(Naming("级别", "severity")),
    Head(Naming("对象", "asset")),
    Head(Naming("内容", "text")),
    Head(Naming("确认", "acknowledged")),
)


def _alerts(done: DrillAccount) -> Part:
    title = Naming("告警", "Alerts")
    n = len(done.alerts)
    back = sum(one.withdrawn for one in done.alerts)
    text = [
        Naming(
            f"本通道共{n}条告警，{back}条由后到数据撤回；投递{done.deliveries}次，均带演练标记。",
            f"{n} alerts in the lane, {back} taken back by late data; {done.deliveries} attempts to deliver, each marked as an "
            "exercise.",
        )
    ]
    if n > _TABLE_MOST:
        text.append(Naming(f"仅列前{_TABLE_MOST}条。", f"The first {_TABLE_MOST} are listed."))
    return Part(title, text, heads=_ALERT_HEADS if n else (), rows=[_alert(one) for one in done.alerts[:_TABLE_MOST]])


def _alert(one: AlertSeen) -> list[Cell]:
    if one.withdrawn:
        who = Cell(Naming("已撤回", "taken back"), "quiet")
    elif one.acknowledged_after is None:
        who = Cell(Naming("无人", "nobody"), "quiet")
    else:
        by, after = one.acknowledged_by or "", one.acknowledged_after
        who = Cell(Naming(f"{by}，{after:.0f} 秒后", f"{by} after {after:.0f} s"))
    return [
        Cell.of(f"{one.started_at.astimezone(DISTRICT_ZONE):%m-%d %H:%M}"),
        Cell.of(one.severity),
        Cell(Naming(one.name_zh, one.name_en)),
        Cell(Naming(one.text_zh, one.text_en)),
        who,
    ]


def _readings(done: DrillAccount) -> Part:
    heads = [
        Head(Naming("领域", "feed")),
        Head(Naming("设备", "devices"), number=True),
        Head(Naming("已发", "sent"), number=True),
        Head(Naming("入库", "stored"), number=True),
        Head(Naming("拒收", "refused"), number=True),
        Head(Naming("缺失", "missing"), number=True),
        Head(Naming("重发", "sent again"), number=True),
        Head(Naming("非读数报文", "no reading at all"), number=True),
        Head(Naming("已判定", "judged"), number=True),
    ]
    rows = [
        [
            Cell(FEEDS[each.feed]),
            Cell.of(f"{each.devices:,}"),
            Cell.of(f"{each.sent:,}"),
            Cell.of(f"{each.stored:,}"),
            Cell.of(f"{sum(each.refused.values()):,}"),
            Cell.of(f"{len(each.missing):,}", "bad" if each.missing else ""),
            Cell.of(f"{each.repeats:,}"),
            Cell.of(f"{each.garbage:,}"),
            Cell.of(f"{each.judged:,}"),
        ]
        for each in done.feeds
    ]
    text = []
    named = [f"{each.feed}: {one}" for each in done.feeds for one in each.missing[:10]]
    if named:
        text.append(Naming(f"缺失：{'；'.join(named)}", f"missing: {'; '.join(named)}"))
    return Part(Naming("读数账目", "Readings: sent = stored + refused + missing"), text, heads=heads, rows=rows)


def _how_to_read() -> Part:
    return Part(
        Naming("说明", "How it is scored"),
        [
            Naming(
                "事件或故障持续期间（或规则所需宽限内）其对象出现相应规则的告警即为检出；演练开始前已发生或结束时尚未结束的不计漏报。"
                "延迟按场景时间计。误报只统计关于设备、线路、时钟的告警。真值记录原因，不记录结论：本来就是IV类的湖泊报警不算误报。",
                "A thing is found when an alert of its rule about its asset began while it lasted, or within the grace that the "
                "rule needs; what had begun before the drill, or was not over when it ended, is not missed. Delays are in "
                "scenario time. False alarms are counted among alerts about devices, lines and clocks. The truth lists causes, not verdicts: a lake that "
                "was of class IV before is no false alarm.",
            ),
            Naming(
                "演练通道中读数在数分钟内放完，“时钟错误”规则（按到达时间判断）不参与评分。",
                "In a lane readings are played within minutes, so the rule about wrong clocks, which goes by arrival, is not "
                "scored.",
            ),
        ],
    )


def _what(what: str) -> Naming:
    return WHAT.get(what, same(what))
