"""The same alerts and indicators stand at the end in whatever order readings arrive, repeated or not, killed or not."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.plan.policy import PolicyDocument
from tests.unit.stream_processors.water_log import Item, Record, log_of, policy, reading, run, tick

CLOSE: Item = tick(47 * 60)
"""All rounds have settled, nothing has left the lateness bound of 48 h."""

DOUBTFUL: list[dict[str, Any]] = [
    {"ph": 3.0},
    {"do_mg_l": 30.0},
    {"do_mg_l": 8.0, "ph": 7.5, "water_temp_c": 20.0},
    {"do_mg_l": 14.0, "ph": 8.6, "water_temp_c": 30.0},
    {"nh3n_mg_l": 1.5, "tn_mg_l": 1.0},
]
"""A spike, what cannot be, what stands still, algae, a contradiction."""

TP = {3: 0.04, 4: 0.08, 5: 0.15, 6: 0.5}


def policies() -> st.SearchStrategy[PolicyDocument]:
    return st.builds(
        lambda up, down, hours: policy(
            rule={"raise_after": up, "clear_after": down},
            limits={"water.flat_line": 3},
            rounds={"length_seconds": hours * 3600, "settle_seconds": 600},
        ),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from([1, 4]),
    )


@st.composite
def samples(draw: st.DrawFn) -> list[Item]:
    """Samples of up to three points, some of bad quality or with items missing, some contradicting another."""
    items: list[Item] = []
    for seq in range(draw(st.integers(1, 16))):
        fields: dict[str, Any] = {"tp_mg_l": TP[draw(st.sampled_from([3, 4, 5, 6]))]}
        if draw(st.integers(0, 9)) == 0:
            fields["quality"] = draw(st.sampled_from(["maintenance", "fault"]))
        if draw(st.integers(0, 4)) == 0:
            fields |= draw(st.sampled_from(DOUBTFUL))
        if draw(st.integers(0, 9)) == 0:
            fields |= {"ph": None, "do_mg_l": None}
        device = f"p{draw(st.integers(1, 3))}"
        items.append(reading(draw(st.integers(0, 20)) * 60, device=device, seq=seq, **fields))
    return items


@settings(deadline=None, max_examples=150)
@given(samples(), st.data(), policies())
def test_any_order_and_any_repeat_end_in_the_same(
    items: list[Item], data: st.DataObject, chosen: PolicyDocument
) -> None:
    in_order = log_of([*sorted(items, key=lambda item: item[0].partition(b"observed_at")[2]), CLOSE])
    repeated = items + data.draw(st.lists(st.sampled_from(items), max_size=6))
    ticks = data.draw(st.lists(st.integers(0, 40 * 60).map(tick), max_size=3).map(sorted))
    shuffled: list[Item] = data.draw(st.permutations(repeated))
    places = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), min_size=len(ticks), max_size=len(ticks))))
    for place, one in reversed(list(zip(places, ticks, strict=True))):
        shuffled = [*shuffled[:place], one, *shuffled[place:]]
    mixed = log_of([*shuffled, CLOSE])
    expected, found = run(in_order, chosen), run(mixed, chosen)
    assert found.final_alerts(mixed) == expected.final_alerts(in_order)
    assert found.final_indicators() == expected.final_indicators()


@settings(deadline=None, max_examples=100)
@given(samples(), st.data(), policies())
def test_crashes_repeat_what_was_said_and_change_nothing(
    items: list[Item], data: st.DataObject, chosen: PolicyDocument
) -> None:
    log = log_of([*items, tick(30 * 60), *items[:3], CLOSE])
    crashes = data.draw(st.lists(st.integers(0, len(log) - 1), max_size=3, unique=True))
    whole, broken = run(log, chosen), run(log, chosen, crash_after=crashes)
    assert list(dict.fromkeys(broken.raw)) == list(dict.fromkeys(whole.raw))


@settings(deadline=None, max_examples=50)
@given(samples(), policies())
def test_the_same_log_says_the_same_bytes(items: list[Item], chosen: PolicyDocument) -> None:
    log: list[Record] = log_of([*items, CLOSE])
    assert run(log, chosen).raw == run(log, chosen).raw


@settings(deadline=None, max_examples=100)
@given(samples(), policies())
def test_an_alert_lasts_as_long_as_its_episode_and_is_open_once(items: list[Item], chosen: PolicyDocument) -> None:
    log = log_of([*items, CLOSE])
    by_asset: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alert in run(log, chosen).final_alerts(log).values():
        assert alert["started_at"] <= alert["raised_at"]
        assert alert["ended_at"] is None or alert["raised_at"] < alert["ended_at"]
        by_asset.setdefault((alert["rule"], alert["asset"]), []).append(alert)
    for alerts in by_asset.values():
        assert sum(alert["ended_at"] is None for alert in alerts) <= 1
        alerts.sort(key=lambda alert: alert["started_at"])
        for earlier, later in pairwise(alerts):
            assert earlier["ended_at"] is not None
            assert earlier["ended_at"] <= later["started_at"]
