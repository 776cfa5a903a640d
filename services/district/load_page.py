"""The report of a load as a page in both languages: figures, latencies as percentile curves, processors."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from schemas.vocabulary import Naming
from services.district.load_cpu import saturated
from services.district.load_limit import Found, Probe
from services.district.load_running import Result
from services.district.report_kit.charts import AMBER, BLUE, GREEN, INK, RED, chart
from services.district.report_kit.parts import Cell, Chart, Head, Part, Tile, page, same
from simulators.load.latency import SHARES

STAGES: Final = MappingProxyType(
    {
        "acknowledged": Naming("MQTT确认", "acknowledged"),
        "stored": Naming("入库", "stored"),
        "judged": Naming("判定（水质）", "judged (water)"),
        "alert": Naming("告警", "alert"),
    }
)
_COLOURS: Final = MappingProxyType({"acknowledged": INK, "stored": BLUE, "judged": GREEN, "alert": AMBER})
_PERCENTS: Final = (1, 5, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.99)
_PROCESSES_MOST: Final = 20
_DEVICES_MOST: Final = 50


def load_page(result: Result, *, processors: int, language: str = "zh") -> str:
    """The page of one run.

    Args:
        processors: Of this machine.
    """
    plan = result.plan
    title = Naming(f"负载报告：每秒{plan.rate:,.0f}条", f"Load: {plan.rate:,.0f} readings/s")
    parts = [_latencies(result), _account(result), _processors(result, processors), _how_to_read()]
    return page(title, _under(result), _tiles(result), parts, language=language)


def limit_page(found: Found, *, processors: int, language: str = "zh") -> str:
    """The page of a search for the highest rate that is held."""
    held, refused = found.held, found.first_not_held
    shown = held or found.probes[-1]
    rate = "–" if held is None else f"{held.result.plan.rate:,.0f}"
    title = Naming(f"极限负载：每秒{rate}条", f"Highest rate held: {rate} readings/s")
    parts = [_probes(found), _latencies(shown.result), _account(shown.result)]
    if refused is not None:
        words = saturated(refused.result.cpu, processors)
        parts.append(
            Part(
                Naming("首先饱和的是", "What was saturated first"),
                [
                    Naming(
                        f"每秒{refused.result.plan.rate:,.0f}条时：{words}",
                        f"at {refused.result.plan.rate:,.0f}/s: {words}",
                    )
                ],
            )
        )
    parts += [_processors(shown.result, processors), _how_to_read()]
    return page(title, _under(shown.result), _tiles(shown.result), parts, language=language)


def _under(result: Result) -> list[Naming]:
    plan = result.plan
    return [
        Naming(
            f"{plan.devices:,}台设备，{plan.connections:,}条连接，每报文{plan.batch:,}条，{plan.seconds:,.0f}秒，"
            f"形状{plan.shape.value}，通道{plan.lane}",
            f"{plan.devices:,} devices on {plan.connections:,} connections, {plan.batch:,} in a message, {plan.seconds:,.0f} s, "
            f"{plan.shape.value}, lane {plan.lane}",
        )
    ]


def _tiles(result: Result) -> list[Tile]:
    lost = None if result.account is None else result.account.lost
    tiles = [
        Tile(Naming("已发", "sent"), same(f"{result.sending['sent']:,}")),
        Tile(
            Naming("丢失", "lost"),
            same("–" if lost is None else f"{lost:,}"),
            "" if lost is None else "bad" if lost else "good",
        ),
    ]
    for name, words in STAGES.items():
        latency = result.latency.get(name)
        value = None if latency is None else latency.percentile_ms(99)
        told = Naming(f"{words.zh} p99", f"{words.en} p99")
        tiles.append(
            Tile(
                told, Naming("未知", "not known") if value is None else Naming(f"{value:,.0f} 毫秒", f"{value:,.0f} ms")
            )
        )
    if result.trouble is not None:
        tiles.append(Tile(Naming("发生器", "generator"), Naming("自身成为瓶颈", "was the bottleneck"), "bad"))
    return tiles


def _latencies(result: Result) -> Part:
    heads = [Head(Naming("应发至", "due time until")), Head(Naming("数量", "count"), number=True)]
    heads += [Head(same("max" if share == 100 else f"p{share:g}"), number=True) for share in SHARES.values()]
    rows = []
    for name, words in STAGES.items():
        latency = result.latency.get(name)
        if latency is None or not latency.count:
            why = result.unknown.get(name, "")
            rows.append([Cell(words), *[Cell.of("–", "quiet")] * (len(heads) - 2), Cell.of(why, "quiet")])
        else:
            figures = [Cell.of(f"{latency.percentile_ms(share):,.1f}") for share in SHARES.values()]
            rows.append([Cell(words), Cell.of(f"{latency.count:,}"), *figures])
    text = [Naming("毫秒，自应发时刻起算；迟发即计迟。", "Milliseconds from the due time: what leaves late is late.")]
    if result.trouble is not None:
        text.append(
            Naming(
                f"数字反映的是发生器而非平台：{result.trouble}", f"The figures tell of the generator: {result.trouble}"
            )
        )
    drawn = _curves(result)
    return Part(Naming("延迟", "Latency"), text, [drawn] if drawn is not None else [], heads, rows)


def _curves(result: Result) -> Chart | None:
    known = {name: one for name, one in result.latency.items() if one is not None and one.count}
    if not known:
        return None

    def draw(axes: Any, say: Callable[[Naming], str]) -> None:
        for name, latency in known.items():
            values = [latency.percentile_ms(percent) or 0.0 for percent in _PERCENTS]
            axes.plot(range(len(_PERCENTS)), values, "-o", color=_COLOURS[name], markersize=4, label=say(STAGES[name]))
        axes.set_xticks(range(len(_PERCENTS)), [f"p{percent:g}" for percent in _PERCENTS])
        axes.set_yscale("log")
        axes.set_ylabel(say(Naming("毫秒", "ms")))
        axes.grid(axis="y", color=INK, alpha=0.2)
        axes.legend(labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(known))

    return chart(draw, about=Naming("各阶段延迟的百分位曲线，毫秒", "percentiles of latency by stage, ms"), height=3.6)


def _probes(found: Found) -> Part:
    def draw(axes: Any, say: Callable[[Naming], str]) -> None:
        for place, one in enumerate(found.probes):
            axes.bar(
                place, one.result.plan.rate, color=GREEN if one.is_held else RED, alpha=1.0 if one.is_long else 0.55
            )
        axes.set_xticks(range(len(found.probes)), [f"{one.result.plan.seconds:g} s" for one in found.probes])
        axes.set_ylabel(say(Naming("条/秒", "readings/s")))
        axes.grid(axis="y", color=INK, alpha=0.2)

    heads = [
        Head(Naming("条/秒", "readings/s"), number=True),
        Head(Naming("秒", "s"), number=True),
        Head(Naming("入库p99（毫秒）", "stored p99 (ms)"), number=True),
        Head(Naming("结论", "verdict")),
    ]
    about = Naming(
        "依次试过的速率：绿色承受住，红色未承受住",
        "rates in the order in which they were tried; green: held, red: not held",
    )
    text = [
        Naming(
            "绿色承受住，红色未承受住；深色为长时运行。",
            "Green: held, red: not held; the solid ones are the long runs.",
        )
    ]
    return Part(
        Naming("试探过程", "Rates that were tried"),
        text,
        [chart(draw, about=about)],
        heads,
        [_probe(one) for one in found.probes],
    )


def _probe(one: Probe) -> list[Cell]:
    stored = one.result.latency.get("stored")
    p99 = None if stored is None else stored.percentile_ms(99)
    verdict = Cell(Naming("承受住", "held"), "good") if one.is_held else Cell.of("; ".join(one.why_not), "bad")
    return [
        Cell.of(f"{one.result.plan.rate:,.0f}"),
        Cell.of(f"{one.result.plan.seconds:g}"),
        Cell.of("–" if p99 is None else f"{p99:,.0f}"),
        verdict,
    ]


def _account(result: Result) -> Part:
    title, found = Naming("账目", "Account"), result.account
    if found is None:
        return Part(title, [Naming("未指定数据库，无法核对。", "No database is named: nobody can say.")])
    text = [
        Naming(
            f"已发{found.sent:,} = 入库{found.stored:,} + 死信{found.dead_lettered:,} + 丢失{found.lost:,}",
            f"sent {found.sent:,} = stored {found.stored:,} + dead letters {found.dead_lettered:,} + lost {found.lost:,}",
        )
    ]
    heads = [
        Head(Naming("领域", "feed")),
        Head(Naming("设备", "device")),
        Head(Naming("丢失", "lost"), number=True),
        Head(Naming("编号", "numbers")),
    ]
    rows = [
        [Cell.of(each.feed), Cell.of(each.device_id), Cell.of(f"{each.n:,}"), Cell.of(each.numbers)]
        for each in found.losses
    ]
    return Part(title, text, heads=heads if rows else (), rows=rows[:_DEVICES_MOST])


def _processors(result: Result, processors: int) -> Part:
    title = Naming("处理器占用", "Processors")
    busy = dict(list(result.cpu.items())[:_PROCESSES_MOST])
    words = saturated(result.cpu, processors)
    heads = [Head(Naming("进程", "process")), Head(Naming("占一个处理器的比例", "share of a processor"), number=True)]
    rows = [[Cell.of(name), Cell.of(f"{share:.0%}")] for name, share in busy.items()]
    return Part(title, [same(words)], heads=heads if rows else (), rows=rows)


def _how_to_read() -> Part:
    return Part(
        Naming("说明", "How it was measured"),
        [
            Naming(
                "开环：每条读数在固定时刻应发并带该时刻，平台快慢不影响发送计划。入库取该行的写入语句时间，判定与告警取其Kafka时间。"
                "非live通道判定优先级较低，其判定延迟不代表实时通道。",
                "Open loop: each reading is due at a fixed time and carries it, whatever the platform does. Stored is the time of the "
                "statement that wrote the row, judged and alert are their times on Kafka. Lanes other than live are judged at "
                "lower priority, so their latency to judged is none of real life.",
            )
        ],
    )
