from __future__ import annotations

import io
from pathlib import Path

from services.district.logs import Tail


def test_the_last_lines_and_then_what_comes(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("one\ntwo\nthree\n")
    tail, out = Tail(log, "kafka | "), io.StringIO()
    tail.print_last(2, out)
    assert out.getvalue() == "kafka | two\nkafka | three\n"

    with log.open("a") as more:
        more.write("four\nfi")
    tail.print_new(out)
    assert out.getvalue().endswith("three\nkafka | four\n"), "half a line waits for its other half"
    with log.open("a") as more:
        more.write("ve\n")
    tail.print_new(out)
    tail.print_new(out)
    assert out.getvalue().endswith("four\nkafka | five\n")
    tail.close()


def test_a_log_that_was_set_aside_is_followed_from_its_new_beginning(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("old " * 100 + "\n")
    tail, out = Tail(log, ""), io.StringIO()
    tail.print_last(0, out)
    log.replace(tmp_path / "kafka.log.1")
    tail.print_new(out)
    log.write_text("new\n")
    tail.print_new(out)
    assert out.getvalue() == "new\n"
    tail.close()


def test_what_came_before_a_log_was_set_aside_is_not_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("read\n")
    tail, out = Tail(log, ""), io.StringIO()
    tail.print_last(0, out)
    with log.open("a") as more:
        more.write("last words\n")
    log.replace(tmp_path / "kafka.log.1")
    log.write_text("first words\n")
    tail.print_new(out)
    assert out.getvalue() == "last words\nfirst words\n"
    tail.close()


def test_a_log_that_was_emptied_in_its_place_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("much text\n" * 10)
    tail, out = Tail(log, ""), io.StringIO()
    tail.print_last(0, out)
    log.write_text("new\n")
    tail.print_new(out)
    assert out.getvalue() == "new\n"
    tail.close()
