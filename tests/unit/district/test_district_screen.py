from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from schemas.fields import Feed
from services.dashboards.words import Language
from services.district.figures import ProcessFigures, ProcessState, Snapshot, Sources, combine
from services.district.language import language_of
from services.district.plain import status_line
from services.district.screen import View, screen
from tests.unit.district.snapshots import AT, RUNNING, alert, snapshot

MANY = tuple(alert(n, severity=("I", "II", "III", "IV")[n % 4]) for n in range(40))


def view(width: int, height: int | None, **changed: object) -> View:
    known = View(rates=dict.fromkeys(Feed, 12.34), now=AT, width=width, height=height)
    return replace(known, **changed)  # type: ignore[arg-type]


def drawn(shown: Snapshot, seen: View) -> list[str]:
    console = Console(width=seen.width, height=seen.height or 500, file=io.StringIO(), record=True)
    console.print(screen(shown, seen))
    return console.export_text(styles=False).splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("height", [24, 30, 40, 60])
@pytest.mark.parametrize("alerts", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("events", [0, 10])
def test_the_table_fits_the_terminal(width: int, height: int, alerts: int, events: int) -> None:
    shown = snapshot(
        alerts=MANY[:alerts],
        dead_letters={f"reason_{n}": 10 - n for n in range(9)},
        services={
            "ingest_bridge": ProcessFigures(ProcessState.DEGRADED, trouble="a long story " * 20),
            "timescale_sink": ProcessFigures(ProcessState.RESTARTING, restarts=3, trouble="signal SIGKILL"),
            "processor-ev": RUNNING,
            "processor-tax": ProcessFigures(ProcessState.RESTARTING, restarts=3, trouble="exit status 1"),
            **dict.fromkeys(
                ("processor-water", "processor-parking", "processor-emergency", "processor-lanes"), RUNNING
            ),
            "simulators": RUNNING,
        },
    )
    lines = drawn(shown, view(width, height, events=tuple(f"event {n} " * 20 for n in range(events))))
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert sum("reason" in line for line in lines) >= 2
    if alerts:
        assert any("limit ≤ 3" in line for line in lines)


def test_nothing_of_importance_is_cut_at_80_columns() -> None:
    lines = drawn(snapshot(alerts=(alert(),)), view(80, 24, uptime=timedelta(seconds=3_723), hint="ctrl-C stops"))
    text = "\n".join(lines)
    assert "2026-11-24 10:30:15 +08:00 · up 1:02:03 · ctrl-C stops" in lines[0]
    assert re.search(r"● kafka +running +:29092 +● timescale_sink +running", text)
    assert re.search(r"Feed +devices +readings/s +received +stored +repeats +dead letters", text)
    assert re.search(r"water +60 +12\.3 +1,000 +985 +5 +10", text)
    assert re.search(r"all +300 +61\.7 +5,000 +4,925 +25 +50", text)
    assert re.search(r"sink +12 +none", text)
    assert re.search(r"III +东湖湖心 East Lake: clas.* limit ≤ 3 class +since 11-24 10:30 +0 s", text)


def test_processors_that_are_well_share_a_line_and_one_that_is_not_has_its_own() -> None:
    names = [f"processor-{name}" for name in ("ev", "water", "parking", "emergency", "tax", "lanes")]
    well = dict.fromkeys(names, RUNNING)
    text = "\n".join(drawn(snapshot(services=well), view(80, 24)))
    assert re.search(r"● 6 processors +running", text)
    ill = well | {"processor-tax": ProcessFigures(ProcessState.RESTARTING, restarts=2)}
    text = "\n".join(drawn(snapshot(services=ill), view(80, 24)))
    assert re.search(r"● 5 processors +running", text)
    assert re.search(r"● processor-tax +restarting", text)


def test_large_counts_are_whole_at_80_columns() -> None:
    text = "\n".join(drawn(snapshot(received=199_999_999), view(80, 24, rates=dict.fromkeys(Feed, 24_999.0))))
    assert re.search(r"water +60 +24,999 +199,999,999", text)
    assert re.search(r"all +300 +124,995 +999,999,995", text)


def test_too_many_alerts_are_counted_not_dropped_in_silence() -> None:
    lines = drawn(snapshot(alerts=MANY), view(80, 24))
    shown = sum("limit ≤ 3" in line for line in lines)
    assert 1 <= shown < len(MANY)
    assert any(f"and {len(MANY) - shown} more" in line for line in lines)
    assert any(line.startswith("Open alerts 40") for line in lines)


def test_alerts_of_other_lanes_come_last_and_are_marked() -> None:
    alerts = (alert(1), alert(2, lane="replay:water-2020"))
    text = "\n".join(drawn(snapshot(alerts=alerts), view(120, 60)))
    assert "Open alerts 1, and 1 in other lanes" in text
    assert "[replay:water-2020]" in text
    assert re.search(r"since 11-24 09:30 +1 h 0 min", text)


def test_an_alert_is_one_line_in_the_readers_language() -> None:
    lines = drawn(snapshot(alerts=(alert(30),)), view(120, None))
    (said,) = [line for line in lines if "limit" in line]
    assert re.fullmatch(r"III +东湖湖心 East Lake: class IV +limit ≤ 3 class +since 11-23 04:30 +1 d 6 h", said.strip())
    lines = drawn(snapshot(alerts=(alert(0),)), view(120, None, language=Language.ZH))
    assert any("东湖湖心 East Lake：水质为IV类  " in line for line in lines)
    assert not any("请核查" in line for line in lines), "what to do is for `explain`"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, Language.EN),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_GB.UTF-8"}, Language.ZH),
        ({"LC_ALL": "", "LANG": "de_DE"}, Language.EN),
        ({}, Language.EN),
    ],
)
def test_the_locale_says_the_language(environment: dict[str, str], language: Language) -> None:
    assert language_of(environment) is language


def test_what_comes_from_devices_cannot_drive_the_terminal() -> None:
    lines = drawn(snapshot(alerts=(alert(place="\x1b[2J[bold]x\r\n"),)), view(80, 24))
    assert any("·[2J[bold]x··" in line for line in lines)


def test_a_district_whose_servers_are_all_away_still_has_a_table() -> None:
    down = {"kafka": ProcessFigures(ProcessState.SILENT, trouble="no answer in time")}
    lines = drawn(combine(Sources(servers=down), at=AT, seconds=0), view(80, 24, rates=dict.fromkeys(Feed)))
    assert any(re.fullmatch(r"water( +–){6}", line.rstrip()) for line in lines)
    assert any("kafka: no answer in time" in line for line in lines)
    assert any(line.startswith("Open alerts –") for line in lines)


def test_what_the_simulated_city_brain_has_received_stands_beside_it() -> None:
    services = {"alert_delivery": RUNNING, "citybrain": RUNNING}
    with_count = replace(snapshot(services=services), citybrain=1_234)
    text = "\n".join(drawn(with_count, view(120, None)))
    assert re.search(r"citybrain +running +1,234 events received", text)
    assert "events received" not in "\n".join(drawn(snapshot(services=services), view(120, None)))
    assert re.search(r"citybrain +running +1,234 e", "\n".join(drawn(with_count, view(80, None))))
    assert status_line(with_count, dict.fromkeys(Feed, 2.0)).endswith(" | city brain 1,234 events")


def test_a_plain_line_says_the_same() -> None:
    shown = snapshot(alerts=(alert(1), alert(2, lane="replay:a")), dead_letters={"invalid": 3, "not_json": 1})
    assert status_line(shown, dict.fromkeys(Feed, 2.0)) == (
        "10:30:15 all 8 running | devices 300 | readings/s 10.0 (ev 2.0 water 2.0 parking 2.0 emergency 2.0 tax 2.0)"
        " | lag sink 12 processor.water 0 | stored 4,925 | dead letters 4 (invalid 3, not_json 1)"
        " | open alerts 1 (+1 in other lanes)"
    )


def test_a_plain_line_names_what_does_not_run_and_what_is_unknown() -> None:
    down = {"sink": ProcessFigures(ProcessState.RESTARTING)}
    shown = combine(Sources(services=down), at=AT, seconds=0)
    line = status_line(shown, dict.fromkeys(Feed))
    assert line.startswith("10:30:15 sink restarting | devices – | readings/s – (ev –")
    assert line.endswith("| lag sink – processor.water – | stored – | dead letters – | open alerts –")
