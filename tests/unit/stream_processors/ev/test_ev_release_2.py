"""A site as the previous release left it is read, and goes on to the same alerts and figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from msgspec.structs import astuple

from schemas.ev import ConnectorState, ErrorCode, EvContext, EvReading
from schemas.fields import Feed
from schemas.plan.book import PlanBook
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.ev.figures import UPTIME_12_MONTHS
from services.stream_processors.ev.processor import EvRules
from tests.unit.stream_processors.ev.test_ev_rules import policy
from tests.unit.stream_processors.in_order import Recorder, wake_until

SAVED = Path(__file__).with_name("release_2_site.json")
"""The state that release 2 wrote at 22:00 on 30 November of the site below, and what it said until 01:00."""
START = datetime(2026, 11, 29, 12, tzinfo=UTC)
SAVED_AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
END = datetime(2026, 11, 30, 17, tzinfo=UTC)
SITE = "key"


def reading(at: datetime, connector: str, seq: int, status: str, **fields: object) -> EvReading:
    return EvReading(
        feed=Feed.EV,
        device_id=connector,
        group_id=SITE,
        boot_id="b",
        seq=seq,
        observed_at=at,
        context=EvContext.PERIODIC,
        status=ConnectorState(status),
        **fields,  # type: ignore[arg-type]
    )


def site(begin: datetime, end: datetime) -> list[EvReading]:
    """c1 charges beyond its rating and the transformer's, c2 has faults, c3 falls silent before the state was saved."""
    pace = timedelta(minutes=2)
    n = (begin - START) // pace
    at, found = START + n * pace, []
    while at < end:
        phase = n // 20 % 4
        found.append(
            reading(
                at,
                "c1",
                n,
                ["idle", "charging", "charging", "plugged"][phase],
                power_kw=[0.0, 40.0, 80.0, 0.0][phase],
                rated_power_kw=60.0,
                energy_register_kwh=100.0 + n,
                session_id=f"s{n // 40}",
                site_name="站",
            )
        )
        error = ErrorCode.GROUND_FAILURE if n % 50 > 40 else ErrorCode.NO_ERROR
        status = "fault" if n % 100 > 60 else "idle"
        found.append(reading(at + pace / 8, "c2", n, status, rated_power_kw=120.0, error_code=error))
        at += pace
        n += 1
    return found


def _known_then(details: dict[str, object]) -> dict[str, object]:
    """Without what release 2 did not say: that a day runs."""
    return {name: value for name, value in details.items() if name != "so_far"}


def test_a_site_of_release_2_goes_on_to_the_same_alerts_and_figures() -> None:
    saved = orjson.loads(SAVED.read_bytes())
    by, recorder = EvRules(PlanBook([policy(site_limit_kw={SITE: 70.0})])), Recorder()
    state = by.load(saved["state"], SITE, "live")
    recorder.wakes = saved["wakes"]
    entries = []
    for offset, one in enumerate(site(SAVED_AT, END), saved["offset"]):
        told = by.entry(one)
        assert told is not None
        entries.append(Entry(to_us(one.observed_at), one.device_id, one.boot_id, one.seq, told[0], offset, told[1]))
    for entry in sorted(entries):
        wake_until(by, state, recorder, entry.at_us)
        by.apply(state, entry, recorder)
    wake_until(by, state, recorder, to_us(END))

    figures = {
        name: [*astuple(one)[:5], one.status.value, one.n, one.completeness, _known_then(one.details)]
        for name, one in recorder.figures.items()
        if one.id != UPTIME_12_MONTHS
    }
    expected = {tuple(one[:4]): [*one[:6], *one[7:]] for one in saved["figures"] if one[0] != UPTIME_12_MONTHS}
    assert figures == expected
    assert len(expected) > 10
    years = {one.subject: one for one in recorder.figures.values() if one.id == UPTIME_12_MONTHS}
    assert years.keys() == {one[1] for one in saved["figures"] if one[0] == UPTIME_12_MONTHS}
    # 28 hours of the year are known, and no more; release 2 took the days before the first reading for known
    assert round(years["c1"].completeness * 365 * 24, 1) == 28.0
    episodes = [
        [rule, asset, e.started_us, e.raised_us, e.level, e.ended_us, e.cleared_us, list(e.offsets)]
        for (rule, asset, _), e in sorted(recorder.episodes.items())
    ]
    assert episodes == saved["episodes"]
