"""Boards as files: `python -m services.dashboards` writes `deploy/grafana` and the map's table of states anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from services.dashboards import map_states
from services.dashboards.files import files
from services.dashboards.plan_files import read_documents
from services.runtime.errors import PlatformError

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy"
FOLDER: Final = DEPLOY / "grafana"


def main() -> None:
    """Write the generated files; delete boards that are no longer made."""
    try:
        made = files(read_documents(DEPLOY / "plan"))
    except PlatformError as error:
        sys.exit(f"dashboards: {error}")
    for path in FOLDER.rglob("*.json"):
        if path.relative_to(FOLDER).as_posix() not in made:
            path.unlink()
    for name, text in made.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (ROOT / map_states.FILE).write_text(map_states.module(), encoding="utf-8")
    print(f"dashboards: {len(made)} files in deploy/grafana, the states of the one map")


if __name__ == "__main__":
    main()
