"""SQL in files: statements by name, and what several of them say alike."""

from __future__ import annotations

from pathlib import Path

from services.runtime.statements import statements_in


def test_a_part_stands_in_each_statement_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "rows.sql").write_text("SELECT a\nFROM t\n", encoding="utf-8")
    (tmp_path / "one.sql").write_text("-- One.\n{rows}\nWHERE a = $1\n", encoding="utf-8")
    (tmp_path / "readings.sql").write_text("-- Of a feed.\nSELECT 1 FROM v_{feed}_readings\n", encoding="utf-8")
    assert dict(statements_in(tmp_path)) == {
        "one": "-- One.\nSELECT a\nFROM t\nWHERE a = $1\n",
        "readings": "-- Of a feed.\nSELECT 1 FROM v_{feed}_readings\n",
    }
