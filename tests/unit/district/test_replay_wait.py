"""A replay that stands still is noticed, whatever else the platform is busy with."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from schemas.fields import Feed
from services.district.errors import ReplayStalled
from services.district.replay_ledger import Standing
from services.district.replay_wait import ReplayPlan, StorageWait
from services.read_model.replays import ReplayScope
from simulators.replay.files import read_recording
from simulators.replay.numbering import Key, Outgoing, boot_id_of, outgoing

LANE = "replay:test"
AT = datetime(2020, 10, 29, tzinfo=UTC)


class Ledger:
    """Stores one reading and no more, while the sink goes on with those of others."""

    def __init__(self) -> None:
        self.asked = 0

    async def standing(self) -> Standing:
        self.asked += 1
        return Standing(stored=1, dead={}, seen=1_000 * self.asked, classed=0)

    async def stored(self) -> set[Key]:
        return {("P1", 0)}


class Publisher:
    def __init__(self) -> None:
        self.sent_again: list[Key] = []

    async def again(self, missing: list[Outgoing]) -> None:
        self.sent_again += [each.key for each in missing]


def plan(folder: Path) -> ReplayPlan:
    file = folder / "lots.csv"
    file.write_text(
        "timestamp,place_id,city,capacity,free\n"
        "2020-10-29T00:00:00+00:00,P1,Ulm,100,40\n2020-10-29T00:05:00+00:00,P1,Ulm,100,41\n",
        encoding="utf-8",
    )
    recording = read_recording(file)
    sent = outgoing(Feed.PARKING, recording.readings, LANE, boot_id_of(Feed.PARKING, recording.readings, LANE))
    scope = ReplayScope(Feed.PARKING, LANE, "boot", AT, AT)
    before = Standing(stored=0, dead={}, seen=0, classed=0)
    return ReplayPlan(recording, scope, sent, frozenset(each.key for each in sent), frozenset(), before)


async def test_readings_of_others_are_no_progress(tmp_path: Path) -> None:
    publisher: Any = Publisher()
    ledger: Any = Ledger()
    wait = StorageWait(plan(tmp_path), ledger, publisher, judging=None, stall_seconds=0.4)
    with pytest.raises(ReplayStalled, match="1 of 2 readings are neither stored nor dead-lettered"):
        await wait.until_settled(Console(file=StringIO()))
    assert publisher.sent_again == [("P1", 1)]
