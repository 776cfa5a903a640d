"""How many processors each process of a district that runs here keeps busy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from deploy.local import run_record

CpuTimes = Mapping[str, float]
"""Seconds of processors that each process and its children have used so far, by name."""
BUSY: Final = 0.8
"""So much of a processor is all that one busy loop gets on a machine that others use as well."""


def cpu_times(state: Path | None) -> CpuTimes:
    """Of the processes in the record of a run; empty where none runs here."""
    record = None if state is None else run_record.read(state)
    if record is None:
        return {}
    return {name: _used(each.pid) for name, each in record.processes.items() if each.pid is not None}


def shares(before: CpuTimes, after: CpuTimes, seconds: float) -> dict[str, float]:
    """Processors busy on the average between two looks, the busiest first; a process that is new is left out."""
    busy = {name: (used - before[name]) / seconds for name, used in after.items() if name in before and seconds > 0}
    return dict(sorted(busy.items(), key=lambda one: (-one[1], one[0])))


def saturated(busy: Mapping[str, float], processors: int) -> str:
    """What there was least left of, in words.

    Args:
        busy: Processors that each process kept busy, the generator among them.
        processors: Of this machine.
    """
    if not busy:
        return "not known: the servers do not run here"
    total = sum(busy.values())
    name, most = max(busy.items(), key=lambda one: one[1])
    busiest = f"{name} with {most:.0%} of a processor"
    if total >= BUSY * processors:
        return f"the machine: {total:.1f} of {processors} processors busy, most of it {busiest}"
    return busiest if most >= BUSY else f"no processor: {total:.1f} of {processors} busy, most of it {busiest}"


def _used(pid: int) -> float:
    try:
        parent = psutil.Process(pid)
        processes = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    used = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used
