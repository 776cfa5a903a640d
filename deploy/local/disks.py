"""How much room the servers' disks have, and what follows from it for the operator. Pure: time is an argument.

A disk is foretold to be full: from its level, or from how fast it has been filling. Every server rides a full disk out
and goes on by itself when there is room again; until then nothing is stored, so the operator must know before.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.alert import Severity

GIB = 1024**3
MIB = 1024**2
FEW_FILES = 0.10
"""Share of the files that may still be made below which their number is said."""


@dataclass(frozen=True, slots=True)
class DiskPolicy:
    """When a disk is said to be nearly full; shares and bytes of what an ordinary user may still write."""

    low_share: float = 0.10
    """Orange below this share of the disk…"""
    low_bytes: int = 5 * GIB
    """…or below so many bytes, whichever is less."""
    full_share: float = 0.03
    """Red, in the same way."""
    full_bytes: int = 512 * MIB
    soon: timedelta = timedelta(hours=4)
    """Orange when it is full within this time if it goes on filling as it has."""
    foreseen: timedelta = timedelta(hours=36)
    """Yellow, in the same way."""
    window: timedelta = timedelta(hours=1)
    """How far back the filling is measured."""
    window_at_least: timedelta = timedelta(minutes=5)
    """Nothing is foretold from less."""
    filled_at_least: float = 0.005
    """Nor from less than this share of the disk: small files come and go."""
    relief: float = 1.2
    """A level is left only when there is so much more room, or time, than what led into it: no alert flickers."""


@dataclass(frozen=True, slots=True)
class Room:
    """One look at a file system."""

    free_bytes: int
    """What an ordinary user may still write."""
    total_bytes: int
    """Room of ordinary users, used and free."""
    free_files: int = 1
    """How many files may still be made."""
    total_files: int = 1


class DiskAlert(BaseModel):
    """A disk that is full or will be."""

    model_config = ConfigDict(frozen=True)

    kind: str = "disk"
    severity: Severity
    """I: full, or as good as full; II: little room, or full within hours; III: full within a day or so."""
    folders: Annotated[tuple[str, ...], Field(min_length=1)]
    """What lies on this disk, by server: `kafka`, `postgres`, …"""
    path: str
    """A folder on it."""
    free_bytes: int
    total_bytes: int
    full_in_seconds: float | None
    """If it goes on filling as it has; None when it does not fill."""
    text_zh: str
    text_en: str


class Disk:
    """Remembers how much room a file system had."""

    def __init__(self, policy: DiskPolicy) -> None:
        self._policy = policy
        self._seen: deque[tuple[float, Room]] = deque()
        self._severity: Severity | None = None

    def look(self, room: Room, now: float) -> tuple[Severity | None, timedelta | None]:
        """Take in one look, at monotonic seconds; return the level, and in what time the disk is full."""
        self._seen.append((now, room))
        while len(self._seen) > 1 and now - self._seen[0][0] > self._policy.window.total_seconds():
            self._seen.popleft()
        full_in = self._full_in()
        severity = self._level(room, full_in, 1.0)
        if severity != self._severity:
            kept = self._level(room, full_in, self._policy.relief)
            # Up at once; down only as far as it would come with some room to spare.
            severity = severity if _rank(severity) > _rank(self._severity) else min(kept, self._severity, key=_rank)
        self._severity = severity
        return severity, full_in

    def _full_in(self) -> timedelta | None:
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        filled = first.free_bytes - last.free_bytes
        policy = self._policy
        if ended - began < policy.window_at_least.total_seconds() or first.total_bytes != last.total_bytes:
            return None
        if filled <= 0 or filled < policy.filled_at_least * last.total_bytes:
            return None
        return timedelta(seconds=last.free_bytes * (ended - began) / filled)

    def _level(self, room: Room, full_in: timedelta | None, factor: float) -> Severity | None:
        policy = self._policy
        files = room.free_files / room.total_files if room.total_files else 1.0

        def below(share: float, count: int) -> bool:
            return room.free_bytes < factor * min(share * room.total_bytes, count) or files < factor * share

        if below(policy.full_share, policy.full_bytes):
            return Severity.RED
        if below(policy.low_share, policy.low_bytes) or (full_in is not None and full_in < factor * policy.soon):
            return Severity.ORANGE
        if full_in is not None and full_in < factor * policy.foreseen:
            return Severity.YELLOW
        return None


def _rank(severity: Severity | None) -> int:
    return 0 if severity is None else 1 + list(reversed(Severity)).index(severity)


WHAT_STOPS: Mapping[str, tuple[str, str]] = {
    "kafka": (
        "Kafka ends and is started again until there is room: nothing is judged or stored, devices keep their readings",
        "Kafka 会退出并不断重启，直到有空间：期间不判定、不入库，设备自行保留读数",
    ),
    "postgres": (
        "nothing is stored; alerts still go out, and storing catches up later",
        "数据停止入库；告警照常发出，恢复后自动补入",
    ),
    "mosquitto": (
        "what waits for the bridge is kept in memory only",
        "等待桥接的消息只保留在内存中",
    ),
    "state": ("logs have gaps", "日志会有缺失"),
}
"""What a full disk does to what lies on it."""


def alert_of(
    severity: Severity, folders: tuple[str, ...], path: str, room: Room, full_in: timedelta | None
) -> DiskAlert:
    """Say it in words: which disk, how much room, by when it is full, what stops, what to do."""
    free, total = _size(room.free_bytes), _size(room.total_bytes)
    when_en, when_zh = "", ""
    if full_in is not None and room.free_bytes:
        hours = full_in.total_seconds() / 3600
        when_en = f", full in about {hours:.1f} h if it goes on like this"
        when_zh = f"，照此速度约 {hours:.1f} 小时后写满"
    files_en, files_zh = "", ""
    if room.total_files and room.free_files / room.total_files < FEW_FILES:
        files_en, files_zh = f", {room.free_files} files", f"、{room.free_files} 个文件"
    stops = [WHAT_STOPS[each] for each in folders if each in WHAT_STOPS]
    return DiskAlert(
        severity=severity,
        folders=folders,
        path=path,
        free_bytes=room.free_bytes,
        total_bytes=room.total_bytes,
        full_in_seconds=full_in.total_seconds() if full_in is not None else None,
        text_en=(
            f"The disk of {', '.join(folders)} ({path}) has {free}{files_en} of {total} left{when_en}. When it is "
            f"full: {'; '.join(en for en, _ in stops)}. Make room or a larger disk (docs/operations.md, Full disk); "
            "everything goes on by itself then."
        ),
        text_zh=(
            f"{'、'.join(folders)} 所在磁盘（{path}）剩余 {free}{files_zh}，共 {total}{when_zh}。写满后："
            f"{'；'.join(zh for _, zh in stops)}。请清理或扩容（见 docs/operations.md），随后一切自动恢复。"
        ),
    )


def _size(count: int) -> str:
    for unit, size in (("GiB", GIB), ("MiB", MIB)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"
