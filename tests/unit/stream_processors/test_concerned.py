"""Looking only at what hangs together with a change says the same as looking at all alerts of the group."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import pytest

from services.stream_processors.engine import timeline_judge
from services.stream_processors.engine.announcing import Book
from services.stream_processors.engine.concerned import Concerned
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.frame import EpisodeKey
from tests.unit.stream_processors.water_log import Item, Said, log_of, policy, reading, run, tick


def look_at_all(
    touched: Iterable[EpisodeKey], episodes: Mapping[EpisodeKey, Episode], book: Book, *_: object
) -> Concerned:
    return Concerned(dict(episodes), {*touched, *book})


def months_of_trouble(seed: int) -> list[Item]:
    """Four points, each for itself bad or good for some rounds; now and then all; samples late or in another order."""
    dice = random.Random(seed)
    bad = dict.fromkeys(("p1", "p2", "p3", "p4"), False)
    arrivals: list[tuple[float, Item]] = []
    for n in range(28):
        everywhere = dice.random()
        for place, point in enumerate(bad):
            if everywhere < 0.2:
                bad[point] = everywhere < 0.12
            elif dice.random() < 0.3:
                bad[point] = not bad[point]
            minute = 240 * n + 3 * place
            tp = dice.choice([0.15, 0.5]) if bad[point] else 0.02
            late = dice.choice([0, 0, 0, 0, dice.uniform(60, 1_800)])
            arrivals.append((minute + late, reading(minute, device=point, seq=n, tp_mg_l=tp)))
        arrivals += [(240 * n + minute, tick(240 * n + minute)) for minute in (5, 61, 125)]
    return [item for _, item in sorted(arrivals, key=lambda one: one[0])]


def heard(said: Said) -> list[dict[str, object]]:
    return [alert.model_dump() for alert in said.alerts]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("group_min", [None, 3])
def test_the_same_is_said(seed: int, group_min: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    log, chosen = log_of(months_of_trouble(seed)), policy(rule={"group_min": group_min})
    found = run(log, chosen)
    monkeypatch.setattr(timeline_judge, "concerned", look_at_all)
    expected = run(log, chosen)
    assert heard(found) == heard(expected)
    assert any(alert.members for alert in found.alerts)
    assert any(alert.suppression for alert in found.alerts)
