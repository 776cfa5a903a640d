"""How files are shared out among workers: what is costly is shared, the longest comes first, none is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sharing_out
from tests.sharing_out import SECONDS, TOGETHER, WITHOUT_SERVERS, next_part, part_of, wants_servers

ROOT = Path(__file__).resolve().parents[2]
DISTRICT, BOARDS = "the running district", "the boards' day"
RULES = "tests/unit/stream_processors/test_rules_of_thumb.py"
SINK = "tests/integration/test_a_sink.py"


def test_each_file_that_is_named_is_there_and_belongs_to_one_part() -> None:
    together = [file for files in TOGETHER.values() for file in files]
    named = [*together, *(part for part in SECONDS if part not in TOGETHER), *WITHOUT_SERVERS]
    assert [file for file in named if not (ROOT / file).is_file()] == [], "renamed? tests/sharing_out.py names it"
    assert len(set(together)) == len(together)
    assert SECONDS.keys() & set(together) == set(), "the part has the seconds of its files"


def test_files_go_together_whose_fixture_takes_long_to_make() -> None:
    assert part_of("tests/end_to_end/test_kill9.py::test_the_bridge[2]") == DISTRICT
    assert part_of("tests/integration/test_boards_sql.py::TestPanels::test_all[a::b]") == BOARDS
    assert part_of(f"{RULES}::test_one") == RULES


def test_servers_are_wanted_by_integration_alone() -> None:
    assert wants_servers(BOARDS)
    assert wants_servers(SINK)
    assert not any(map(wants_servers, (DISTRICT, RULES, "tests/integration/test_three_brokers.py")))


def test_the_longest_comes_first_but_only_one_worker_starts_the_servers_while_there_is_other_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing_out, "SECONDS", {SINK: 90, DISTRICT: 60, RULES: 30})
    waiting = [RULES, "tests/unit/test_small.py", DISTRICT, SINK]
    assert next_part(waiting, mine=False, others=False) == SINK
    assert next_part(waiting, mine=True, others=False) == SINK
    assert next_part(waiting, mine=False, others=True) == DISTRICT
    assert next_part([RULES, SINK], mine=False, others=True) == RULES
    assert next_part([SINK], mine=False, others=True) == SINK
