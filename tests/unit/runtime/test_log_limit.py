"""An outage is logged at a bounded rate, and nothing is held back without a word."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deploy.local.paths import CHECKOUT
from services.runtime.log_limit import LogLimit, LogLimiter

LIMIT = LogLimit(burst=3, every_seconds=10, kinds=2)


def test_the_first_of_a_kind_are_logged_then_one_in_some_seconds_with_the_number_of_the_others() -> None:
    limiter = LogLimiter(LIMIT)
    said = [limiter.take("a", float(second)) for second in range(25)]
    assert said[:3] == [0, 0, 0]
    assert [(second, held) for second, held in enumerate(said) if held] == [(10, 7), (20, 9)]
    assert sum(held is not None for held in said) == 5


def test_a_kind_that_was_quiet_may_say_as_much_as_at_first() -> None:
    limiter = LogLimiter(LIMIT)
    for _ in range(10):
        limiter.take("a", 0.0)
    assert [limiter.take("a", 1000.0) for _ in range(4)] == [7, 0, 0, None]


def test_one_kind_takes_nothing_from_another_and_many_kinds_share_one_bound() -> None:
    limiter = LogLimiter(LIMIT)
    for _ in range(10):
        limiter.take("a", 0.0)
    assert limiter.take("b", 0.0) == 0
    said = [limiter.take(f"kind {number}", 0.0) for number in range(100)]
    assert [each for each in said if each is not None] == [0, 0, 0]


def test_what_was_held_back_is_said_once_though_nothing_of_its_kind_follows() -> None:
    limiter = LogLimiter(LIMIT)
    for second in range(8):
        limiter.take("a", float(second))
    assert limiter.overdue(10.0, seconds=60) == []
    (held,) = limiter.overdue(70.0, seconds=60)
    assert (held.what, held.count) == ("a", 5)
    assert limiter.overdue(1000.0, seconds=60) == []


PROGRAM = """
import logging, structlog
from services.runtime.lifecycle import run_service
async def main(lifetime):
    for number in range(5000):
        lifetime.log.warning("no answer", action="retry", attempt=number)
        logging.getLogger("library").error("Unable connect to node with id %s: %s", number, "refused")
        logging.getLogger("library").error(f"Got error {number} in fetch")
        try:
            raise OSError(number)
        except OSError:
            structlog.stdlib.get_logger().exception("failed", action="fail_again")
    logging.getLogger("library").error("something else")
    raise RuntimeError("the end")
run_service("talker", main)
"""


@pytest.fixture(scope="module")
def said() -> list[dict[str, object]]:
    """What a service logs that says four things 5,000 times each, ours and a library's, and then fails."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_service_that_says_the_same_thousands_of_times_logs_tens_of_lines(said: list[dict[str, object]]) -> None:
    assert len(said) < 120
    assert next(line["event"] for line in said if line.get("action") == "retry") == "no answer"
    assert said[-1]["event"] == "service failed"
    assert "something else" in [line["event"] for line in said], "another kind is not held back"


def test_what_was_held_back_is_counted_to_the_last_record(said: list[dict[str, object]]) -> None:
    for kind, action in (("warning retry", "retry"), ("error fail_again", "fail_again")):
        logged = sum(line.get("action") == action for line in said)
        in_passing = sum(int(str(line.get("held_back", 0))) for line in said if line.get("action") == action)
        at_the_end = sum(int(str(line["held_back"])) for line in said if kind in str(line.get("what")))
        assert logged + in_passing + at_the_end == 5000
    kinds = [str(line["what"]) for line in said if line.get("action") == "held_back"]
    assert "library error Unable connect to node with id %s: %s" in kinds
    assert "library error Got error # in fetch" in kinds
