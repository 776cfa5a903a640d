"""What a reading says under the rules of its connector: a fault, a contradiction, an impossible meter. Pure."""

from __future__ import annotations

from typing import Final

from schemas.ev import ConnectorState
from services.stream_processors.engine.counting import CALM, Debounce, Run, Sample, advance
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.ev.connector import Grown, Socket
from services.stream_processors.ev.metering import RATED_MOST_W
from services.stream_processors.ev.policy import CONNECTOR_FAULT, METER_IMPLAUSIBLE, STATUS_MISMATCH, InForce
from services.stream_processors.ev.state import SiteState
from services.stream_processors.ev.told import PLAIN

_FAULT: Final = ConnectorState.FAULT.value
_MINUTE_US: Final = 60_000_000


def judge(
    state: SiteState,
    entry: Entry,
    before: Socket | None,
    socket: Socket,
    *,
    energy: Grown | None,
    policy: InForce,
    say: Say,
) -> None:
    """What a reading says under each rule of its connector."""
    name, (_, error, contradiction, power_w, _, register_wh, _, _) = entry.asset, entry.payload[:PLAIN]
    place = socket.site_name
    level = 0
    if socket.status == _FAULT or error in policy.fault_errors:
        level = 2 if error in policy.grave_errors else 1
    if level or name in state.faults:
        sample = Sample(entry.at_us, level, None, entry.offset, (place, error))
        _count(CONNECTOR_FAULT, state.faults, name, sample, debounce=policy.fault, say=say)
    if contradiction is not None or name in state.mismatches:
        level = 0 if contradiction is None else 1
        sample = Sample(entry.at_us, level, 1.0, entry.offset, (place, contradiction))
        _count(STATUS_MISMATCH, state.mismatches, name, sample, debounce=policy.mismatch, say=say)
    wrong = _meter_fault(register_wh, before, socket, energy, policy)
    if wrong is not None or name in state.meters:
        kilowatts = None if power_w is None else power_w / 1_000
        payload = (place, *(wrong or (None, None)))
        sample = Sample(entry.at_us, 0 if wrong is None else 1, kilowatts, entry.offset, payload)
        _count(METER_IMPLAUSIBLE, state.meters, name, sample, debounce=policy.meter, say=say)


def _count(rule: str, runs: dict[str, Run], name: str, sample: Sample, *, debounce: Debounce, say: Say) -> None:
    """Count a sample towards a rule's episodes; only runs that are not calm are kept."""
    run, episode = advance(runs.get(name, CALM), sample, debounce)
    if episode is not None:
        say.episode(rule, name, episode)
    if run == CALM:
        runs.pop(name, None)
    else:
        runs[name] = run


def _meter_fault(
    register_wh: int | None, before: Socket | None, socket: Socket, energy: Grown | None, policy: InForce
) -> tuple[str, str] | None:
    """Why the meter cannot be right, in both languages.

    Args:
        energy: By how much it has grown since `before`.
    """
    if before is not None and register_wh is not None and before.register_wh is not None:
        fell = before.register_wh - register_wh
        if fell > 0 and before.boot == socket.boot:
            return f"电量读数倒退{fell / 1_000:g} kWh", f"its register fell back by {fell / 1_000:g} kWh"
    power_w, rated_w = socket.power_w, socket.rated_w
    if energy is not None and not energy.can_be:
        kwh, minutes = energy.wh / 1_000, energy.over_us / _MINUTE_US
        kilowatts = (rated_w or RATED_MOST_W) / 1_000
        return (
            f"{minutes:.1f}分钟内电量增加{kwh:g} kWh，超过额定功率{kilowatts:g} kW所能提供",
            f"its energy grew by {kwh:g} kWh in {minutes:.1f} min, more than {kilowatts:g} kW can deliver",
        )
    if power_w is not None and rated_w and abs(power_w) > rated_w * policy.power_over_rated:
        both = f"{power_w / 1_000:g} kW / {rated_w / 1_000:g} kW"
        return f"功率超过额定值（{both}）", f"its power is beyond its rating ({both})"
    return None
