"""The same figures where there is no terminal: a status line now and then. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.fields import LIVE, Feed
from services.district.figures import ProcessState, Snapshot
from services.district.lag import shown
from services.district.words import UNKNOWN, clock, count, rate, total


def status_line(snapshot: Snapshot, rates: Mapping[Feed, float | None]) -> str:
    """Everything that matters in one line."""
    feeds = " ".join(f"{feed} {rate(rates[feed])}" for feed in Feed)
    lag = " ".join(f"{group} {count(behind)}" for group, behind in shown(snapshot.lag).items())
    parts = [
        _states(snapshot),
        f"devices {count(total([each.devices for each in snapshot.feeds.values()]))}",
        f"readings/s {rate(total(list(rates.values())))} ({feeds})",
        f"lag {lag}",
        f"stored {count(total([each.stored for each in snapshot.feeds.values()]))}",
        f"dead letters {_dead_letters(snapshot.dead_letters)}",
        f"open alerts {_alerts(snapshot.open_alerts_by_lane)}",
    ]
    if snapshot.citybrain is not None:
        parts.append(f"city brain {count(snapshot.citybrain)} events")
    return f"{clock(snapshot.at)} " + " | ".join(parts)


def _states(snapshot: Snapshot) -> str:
    processes = {**snapshot.servers, **snapshot.services}
    others = [f"{name} {each.state}" for name, each in processes.items() if each.state is not ProcessState.RUNNING]
    return ", ".join(others) if others else f"all {len(processes)} running"


def _dead_letters(by_reason: Mapping[str, int] | None) -> str:
    if by_reason is None:
        return UNKNOWN
    named = ", ".join(f"{reason} {count(number)}" for reason, number in by_reason.items())
    return count(sum(by_reason.values())) + (f" ({named})" if named else "")


def _alerts(by_lane: Mapping[str, int] | None) -> str:
    if by_lane is None:
        return UNKNOWN
    others = sum(by_lane.values()) - by_lane.get(LIVE, 0)
    return count(by_lane.get(LIVE, 0)) + (f" (+{count(others)} in other lanes)" if others else "")
