"""When a process that died is started again, on virtual time."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.restart import Exit, ExitReason, History, RestartPolicy, decide, describe

POLICY = RestartPolicy()


def exits(*runs_seconds: float) -> list[float]:
    """Return the pauses that follow a process which runs so long each time."""
    history = History()
    pauses = []
    for seconds in runs_seconds:
        decision = decide(POLICY, history, Exit(-9, timedelta(seconds=seconds), wanted=False))
        assert decision.restart_after is not None
        history = decision.history
        pauses.append(decision.restart_after.total_seconds())
    return pauses


def test_pauses_double_up_to_the_bound_while_it_keeps_dying() -> None:
    #      dies at once, again and again
    # pause  0.5  1    2    4    8    16    30    30
    assert exits(0, 0, 0, 0, 0, 0, 0, 0) == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_long_run_makes_the_next_exit_a_first_one() -> None:
    #            x    x    x────── 31 s ──x    x
    # pause      0.5  1    2              0.5  1
    assert exits(0, 0, 0, 31, 0) == [0.5, 1, 2, 0.5, 1]


def test_a_process_that_we_stopped_stays_down() -> None:
    decision = decide(POLICY, History(3), Exit(0, timedelta(0), wanted=True))
    assert (decision.reason, decision.restart_after) == (ExitReason.WANTED, None)


def test_the_reason_tells_a_signal_from_a_failure_and_from_an_unasked_end() -> None:
    reasons = [decide(POLICY, History(), Exit(status, timedelta(0), wanted=False)).reason for status in (-9, 2, 0)]
    assert reasons == [ExitReason.KILLED, ExitReason.FAILED, ExitReason.ENDED]


def test_an_exit_is_described_in_words() -> None:
    assert [describe(-9), describe(-15), describe(1), describe(-200)] == [
        "signal SIGKILL",
        "signal SIGTERM",
        "exit status 1",
        "signal 200",
    ]


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=60), st.integers(min_value=0, max_value=10**9))
def test_every_pause_is_within_the_policy(runs_seconds: list[float], before: int) -> None:
    history = History(before)
    for seconds in runs_seconds:
        decision = decide(POLICY, history, Exit(1, timedelta(seconds=seconds), wanted=False))
        assert decision.restart_after is not None
        assert POLICY.first_delay <= decision.restart_after <= POLICY.longest_delay
        history = decision.history
