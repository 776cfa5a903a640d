"""Boards as files: `python -m services.dashboards` writes `deploy/grafana` anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from services.dashboards.files import files
from services.dashboards.plan_files import read_documents
from services.runtime.errors import PlatformError

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
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
    print(f"dashboards: {len(made)} files in deploy/grafana")


if __name__ == "__main__":
    main()
