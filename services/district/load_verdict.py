"""What a load run says: losses by device, limits missed, whether the generator was the bottleneck. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.read_model.audit import AuditRow
from services.runtime.multirange import named

EXIT_MISSED: Final = 1
EXIT_GENERATOR: Final = 5
LATE_P99_MS: Final = 50.0
WAITED_SHARE: Final = 0.05
CPU_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device sent: the numbers from 0 to before `next_seq`."""

    feed: str
    device_id: str
    next_seq: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Numbers of a device that are neither stored nor dead-lettered."""

    feed: str
    device_id: str
    n: int
    numbers: str
    """As people write ranges: `0, 17-19`."""


@dataclass(frozen=True, slots=True)
class Account:
    """sent = stored + dead_lettered + lost, in readings."""

    sent: int
    stored: int
    dead_lettered: int
    losses: tuple[Loss, ...]

    @property
    def lost(self) -> int:
        """Readings that nothing accounts for."""
        return self.sent - self.stored - self.dead_lettered


@dataclass(frozen=True, slots=True)
class Limits:
    """What must hold; None: no such limit. Times are p99 in milliseconds."""

    stored_ms: float | None = None
    judged_ms: float | None = None
    alert_ms: float | None = None
    loss: int = 0


def account(sent: Iterable[Sent], rows: Iterable[AuditRow]) -> Account:
    """Put what was sent beside what the audit knows of this boot; what no row knows of is lost."""
    known = {(row.feed, row.device_id): row for row in rows}
    total = stored = refused = 0
    losses: list[Loss] = []
    for each in sent:
        if not each.next_seq:
            continue
        total += each.next_seq
        row = known.get((each.feed, each.device_id))
        if row is None:
            losses.append(Loss(each.feed, each.device_id, each.next_seq, _span(0, each.next_seq - 1)))
            continue
        stored += row.stored
        refused += row.refused
        lost = each.next_seq - row.stored - row.refused
        if lost:
            losses.append(Loss(each.feed, each.device_id, lost, _lost_numbers(row, each.next_seq)))
    return Account(total, stored, refused, tuple(losses))


def _lost_numbers(row: AuditRow, next_seq: int) -> str:
    """The audit knows holes up to the last number that came; what was sent behind it is lost too."""
    parts = [named(row.missing_numbers)] if row.missing else []
    if row.last_seq < next_seq - 1:
        parts.append(_span(row.last_seq + 1, next_seq - 1))
    return ", ".join(parts)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def generator_trouble(*, late_p99_ms: float, waited_seconds: float, seconds: float, cpu_share: float) -> str | None:
    """Why the figures tell of the generator and not of the platform; None: they tell of the platform.

    Lateness for which the broker was waited for is the platform's.
    """
    if cpu_share >= CPU_SHARE:
        return f"the generator used {cpu_share:.0%} of a processor"
    if late_p99_ms > LATE_P99_MS and waited_seconds < WAITED_SHARE * seconds:
        return f"the generator sent {late_p99_ms:.0f} ms (p99) after the due time, and not for want of the broker"
    return None


def missed(limits: Limits, p99_ms: Mapping[str, float | None], lost: int | None) -> list[str]:
    """Each limit that was not kept; one that cannot be known is not kept.

    Args:
        p99_ms: By `stored`, `judged` and `alert`; None: not known.
        lost: Readings; None: not known, which misses no limit.
    """
    found = [] if lost is None or lost <= limits.loss else [f"{lost} readings lost, {limits.loss} allowed"]
    return found + too_slow(limits, p99_ms)


def too_slow(limits: Limits, p99_ms: Mapping[str, float | None]) -> list[str]:
    """Each limit of a latency that was not kept; see `missed`."""
    found = []
    given = {"stored": limits.stored_ms, "judged": limits.judged_ms, "alert": limits.alert_ms}
    for name, limit in given.items():
        value = p99_ms.get(name)
        if limit is None:
            continue
        if value is None:
            found.append(f"{name} p99 is not known, {limit:g} ms allowed")
        elif value > limit:
            found.append(f"{name} p99 {value:.1f} ms, {limit:g} ms allowed")
    return found


def exit_status(*, unfinished: int, lost: int | None, allowed: int, trouble: str | None, missed: Sequence[str]) -> int:
    """Exit status: a loss is one whoever was slow; then the generator's own trouble; then limits."""
    if unfinished or (lost is not None and lost > allowed):
        return EXIT_MISSED
    if trouble is not None:
        return EXIT_GENERATOR
    return EXIT_MISSED if missed else 0
