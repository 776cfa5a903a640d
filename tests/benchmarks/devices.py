"""What a reading costs when 30,000 devices send it and when 300 do, at the same rate of all of them together.

    python -m tests.benchmarks devices [--rate 3000] [--few 300] [--many 30000] [--seconds 60] [--rounds 2]

One district, by turns: few, many, few, many ... Each turn sends readings of real life in all five feeds; many devices
stand in as many more groups. Devices are known before they are measured: a turn that is not counted goes first. Cost is
the CPU time of every process of the platform for each reading; the generator's own is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import mean

from tests.benchmarks.whole_path import Run, run
from tests.end_to_end.harness import running_district

GENERATOR = "load generator"


def cost_us(one: Run) -> float:
    """CPU of the platform for a reading, microseconds."""
    return sum(cpu for name, cpu in one.cpu_us.items() if name != GENERATOR)


def _line(devices: int, one: Run) -> str:
    verdict = "held" if one.held else f"NOT held ({one.why_not})"
    return (
        f"  {devices:>6} devices, {one.rate}/s: {cost_us(one):6.1f} us a reading, {verdict}; stored p50 "
        f"{one.stored_ms[0]:.0f} p99 {one.stored_ms[2]:.0f} ms, judged p50 {one.judged_ms[0]:.0f} p99 "
        f"{one.judged_ms[2]:.0f} ms"
    )


def report(few: Sequence[Run], many: Sequence[Run]) -> str:
    """Cost by process, both ways, and the ratio."""
    lines = ["  process              few us   many us   ratio    few MB   many MB"]
    for name in few[0].cpu_us:
        before, after = (mean(one.cpu_us.get(name, 0.0) for one in runs) for runs in (few, many))
        resident = "".join(f"{max(one.resident_mb.get(name, 0.0) for one in runs):10.0f}" for runs in (few, many))
        lines.append(f"    {name:<18} {before:7.1f} {after:9.1f} {after / max(before, 0.01):7.2f} {resident}")
    before, after = mean(map(cost_us, few)), mean(map(cost_us, many))
    lines.append(f"    {'the platform':<18} {before:7.1f} {after:9.1f} {after / before:7.2f}")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=3_000, help="readings a second of all devices together")
    parser.add_argument("--few", type=int, default=300)
    parser.add_argument("--many", type=int, default=30_000)
    parser.add_argument("--seconds", type=int, default=60, help="of each turn")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    turns: dict[int, list[Run]] = {given.few: [], given.many: []}
    with running_district() as district:
        for number in range(given.rounds + 1):
            for devices, runs in turns.items():
                one = run(district, given.rate, 1, given.seconds, devices=devices)
                print(_line(devices, one) + (" (not counted)" if number == 0 else ""), flush=True)
                if number:
                    runs.append(one)
    print(report(turns[given.few], turns[given.many]), flush=True)


if __name__ == "__main__":
    main()
