"""Figures of a site's days and month against a reckoning of their own: gaps, faults, late and repeated readings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.ev import ConnectorState, EvContext, EvReading
from schemas.fields import Feed, Quality
from tests.unit.stream_processors.ev.test_ev_rules import judge, unhurried
from tests.unit.stream_processors.month import DAY, MONTH, MONTH_END, as_it_arrives, days, final_of, said_of

HOLD = timedelta(seconds=900)
LEFT = timedelta(days=7)
OUT = {"fault", "no_contact", "out_of_service"}
IN_USE = {"plugged", "charging"}
PORTS = ("c1", "c2", "c3")
RATED_KW = 60.0
MINUTE = timedelta(minutes=1)
END_OF_C3 = MONTH + timedelta(days=20, hours=5)


def readings(dice: random.Random) -> Iterator[EvReading]:
    """Each connector every ten minutes; hours without a word, a broken week, a meter that jumps, one that leaves."""
    for number, port in enumerate(PORTS):
        at, seq, register, session = MONTH + timedelta(seconds=17 + number), 0, 1_000.0 * (number + 1), 0
        status, until = "idle", at
        while at < MONTH_END:
            if at >= until:
                status = dice.choices(["idle", "charging", "plugged", "fault", "no_contact"], [8, 6, 1, 1, 1])[0]
                until = at + timedelta(minutes=dice.randrange(8, 240))
                session += status == "charging"
            if port == "c2" and timedelta(days=9) < at - MONTH < timedelta(days=12):
                status = "fault"
            if status == "charging":
                register += dice.uniform(1, 9)
            jump = dice.random() < 0.002
            uncertain = dice.random() < 0.01
            silent = dice.random() < 0.005
            yield EvReading(
                feed=Feed.EV,
                device_id=port,
                group_id="site-x",
                boot_id="b",
                seq=seq,
                observed_at=at,
                context=EvContext.PERIODIC,
                quality=Quality.UNCERTAIN if uncertain else Quality.GOOD,
                status=ConnectorState(status),
                rated_power_kw=RATED_KW,
                power_kw=40.0 if status == "charging" else 0.0,
                energy_register_kwh=round(register + (12_100 if jump else 0), 3),
                session_id=f"{port}-{session}" if status == "charging" else None,
            )
            seq += 1
            at += timedelta(hours=dice.uniform(1, 9)) if silent else 10 * MINUTE
            if port == "c3" and at > END_OF_C3:
                return


def reckoned(told: list[EvReading], start: datetime, end: datetime) -> dict[str, Any]:
    """Sums of a period, from all readings that there are."""
    found: dict[str, Any] = dict.fromkeys(
        ("known", "idle", "use", "out", "unsure", "service"), timedelta()
    ) | dict.fromkeys(("wh", "odd_wh", "odd", "sessions", "n", "uncertain"), 0)
    found["ports"] = 0
    for port in PORTS:
        own = sorted((one for one in told if one.device_id == port), key=lambda one: one.observed_at)
        if own[-1].observed_at + LEFT > start:
            found["ports"] += 1
        for before, one, after in zip([None, *own], own, [*own[1:], None], strict=False):
            until = one.observed_at + HOLD
            until = until if after is None else min(until, after.observed_at)
            held = max(timedelta(), min(until, end) - max(one.observed_at, start))
            if one.quality is Quality.UNCERTAIN:
                found["unsure"] += held
            else:
                found["known"] += held
                found["idle"] += held if one.status == "idle" else timedelta()
                found["use"] += held if one.status in IN_USE else timedelta()
                found["out"] += held if one.status in OUT else timedelta()
                found["service"] += timedelta() if one.status in OUT else held
            if not start <= one.observed_at < end:
                continue
            found["n"] += 1
            found["uncertain"] += one.quality is Quality.UNCERTAIN
            new = one.session_id is not None and (before is None or before.session_id != one.session_id)
            found["sessions"] += new and before is not None
            if before is not None:
                wh = round(one.energy_register_kwh * 1_000) - round(before.energy_register_kwh * 1_000)
                hours = (one.observed_at - before.observed_at) / timedelta(hours=1)
                can_be = wh <= 1_000 + 1.2 * RATED_KW * 1_000 * hours
                found["wh"] += max(0, wh) if can_be else 0
                found["odd_wh"] += 0 if can_be else wh
                found["odd"] += not can_be
    return found


def uptime(sums: dict[str, Any], whole: timedelta) -> tuple[float, str]:
    """Value and verdict by 23 CFR 680.116(b): what is not known is not up."""
    total, out = whole / MINUTE, sums["out"] / MINUTE
    unknown = total - sums["known"] / MINUTE
    worst, best = 100 * (total - out - unknown) / total, 100 * (total - out) / total
    verdict = "met" if worst > 97 else "not_met" if best <= 97 else "cannot_say"
    if sums["known"] / whole < 0.8 and verdict != "not_met":
        verdict = "cannot_say"
    return worst, verdict


def test_the_figures_of_each_day_and_of_the_month_are_what_the_readings_come_to() -> None:
    dice = random.Random(13)
    told = list(readings(dice))
    log = as_it_arrives(told, dice, latest=timedelta(minutes=50), every=10 * MINUTE, until=MONTH_END + DAY)
    result = said_of(judge(unhurried(900)), log)
    final = final_of(result)
    assert len({reading.key for reading in told}) == len(told)
    verdicts = set()
    odd = 0
    for start, end in days():
        sums, near = reckoned(told, start, end), pytest.approx
        whole = (end - start) * sums["ports"]
        known = round(sums["known"] / whole, 6)
        value, verdict = uptime(sums, whole)
        verdicts.add(verdict)
        odd += sums["odd"]
        expected = {
            "ev.availability": sums["idle"] / sums["known"],
            "ev.uptime": value,
            "ev.utilisation": sums["use"] / sums["service"],
            "ev.energy": sums["wh"] / 1_000,
            "ev.energy_utilisation": sums["wh"] / 1_000 / (RATED_KW * (sums["service"] / timedelta(hours=1))),
        }
        for name, figure in expected.items():
            said = final[name, "site-x", start, end]
            assert said.value == near(figure, abs=2e-6), (name, start, end)
            assert said.completeness == near(known, abs=2e-6)
            assert said.n == sums["n"]
            assert said.details["ports"] == sums["ports"]
            assert said.details.get("uncertain_readings", 0) == sums["uncertain"]
            assert said.details.get("uncertain_minutes", 0.0) == near(sums["unsure"] / MINUTE, abs=1e-3)
            assert said.details.get("left_out_readings", 0) == sums["odd"]
            assert said.details.get("left_out_kwh", 0.0) == near(sums["odd_wh"] / 1_000)
            assert "so_far" not in said.details
        said = final["ev.uptime", "site-x", start, end]
        assert said.status == verdict
        assert said.details["outage_minutes"] == near(sums["out"] / MINUTE, abs=1e-3)
        assert said.details["unknown_minutes"] == near((whole - sums["known"]) / MINUTE, abs=1e-3)
        assert final["ev.energy", "site-x", start, end].details["sessions"] == sums["sessions"]
    assert {"not_met", "cannot_say"} <= verdicts
    assert odd > 2, "meters that jumped"


def test_a_period_that_is_not_over_is_never_met() -> None:
    dice = random.Random(3)
    until = MONTH + timedelta(days=4, hours=5)
    told = [one for one in readings(dice) if one.observed_at < until]
    log = as_it_arrives(told, dice, latest=timedelta(minutes=50), every=10 * MINUTE, until=until)
    result = said_of(judge(unhurried(900)), log)
    running = [one for one in result.indicators if one.known_at is not None and one.known_at < one.period_end]
    assert running
    assert all(one.status == "cannot_say" and "so_far" in one.details for one in running)
    over = [one for one in result.indicators if one.known_at is not None and one.known_at >= one.period_end]
    assert any("so_far" not in one.details for one in over)
