"""What the supervisor does about a process that is silent or not well for long."""

from datetime import timedelta

import pytest

from deploy.local.health import troubles_of
from deploy.local.watch import Condition, Step, Watch, WatchPolicy

POLICY = WatchPolicy(not_well_after=timedelta(seconds=60), silent_at_most=timedelta(seconds=60), silent_looks=3)


def steps(*looks: tuple[float, Condition, str]) -> list[Step]:
    watch = Watch(POLICY)
    return [watch.look(condition, about, now)[0] for now, condition, about in looks]


def test_trouble_is_told_when_it_has_lasted_once_and_again_when_another_part_joins() -> None:
    said = steps(
        (0, Condition.NOT_WELL, "writing"),
        (59, Condition.NOT_WELL, "writing"),
        (60, Condition.NOT_WELL, "writing"),
        (70, Condition.NOT_WELL, "writing"),
        (80, Condition.NOT_WELL, "kafka, writing"),
        (90, Condition.WELL, ""),
        (100, Condition.WELL, ""),
    )
    nothing = Step.NOTHING
    assert said == [nothing, nothing, Step.TELL, nothing, Step.TELL, Step.TELL_WELL, nothing]


def test_short_trouble_is_not_told() -> None:
    assert set(steps((0, Condition.NOT_WELL, "writing"), (30, Condition.WELL, ""), (90, Condition.NOT_WELL, "x"))) == {
        Step.NOTHING
    }


def test_who_says_that_it_is_not_well_is_never_ended() -> None:
    assert Step.END not in steps(*((float(at), Condition.NOT_WELL, "disk") for at in range(0, 100_000, 10)))


def test_who_is_silent_for_long_is_ended() -> None:
    silent = Condition.SILENT
    assert steps((0, silent, ""), (30, silent, ""), (59, silent, ""))[-1] is Step.NOTHING
    assert steps((0, silent, ""), (30, silent, ""), (60, silent, ""))[-1] is Step.END


@pytest.mark.parametrize("heard", [Condition.WELL, Condition.NOT_WELL])
def test_one_answer_of_any_kind_ends_the_silence(heard: Condition) -> None:
    looks = [(0, Condition.SILENT, ""), (30, heard, ""), (60, Condition.SILENT, ""), (90, Condition.SILENT, "")]
    assert Step.END not in steps(*looks)


def test_a_machine_that_slept_ends_nobody_at_the_first_silence() -> None:
    assert steps((0, Condition.SILENT, ""), (3600, Condition.SILENT, ""))[-1] is not Step.END


def test_the_parts_in_trouble_are_read_from_the_answer() -> None:
    detail = '/healthz on port 1: {"state": "degraded", "trouble": {"writing": "disk full"}}'
    assert troubles_of(detail) == {"writing": "disk full"}
    assert troubles_of("/healthz on port 1: 500") == {}
    assert troubles_of('{"trouble": 3}') == {}
