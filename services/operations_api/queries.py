"""The API's own SQL by name; each file of `sql` is one statement with its purpose in the first line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.runtime.statements import statements_in

SQL: Final = statements_in(Path(__file__).parent / "sql")
