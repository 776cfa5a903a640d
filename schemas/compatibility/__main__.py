"""Compare the contract of today with the one that was released; `release` makes today's the released one.

`python -m schemas.compatibility` fails when a change breaks a reader or a writer, and names the field.
`python -m schemas.compatibility release` refuses breaks, unless `--break` says that they are meant.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from schemas.compatibility.breaks import Break
from schemas.compatibility.documents import breaks_of_asyncapi, breaks_of_json_schema
from schemas.compatibility.openapi import breaks_of_openapi
from schemas.generate import OPENAPI, asyncapi_text, documents

RELEASED: Final = Path(__file__).parents[1] / "released"


def today(openapi: Path = OPENAPI) -> dict[str, str]:
    """Today's documents by their names below `schemas/released`."""
    found = {f"json/{name}": text for name, text in documents().items()}
    found["asyncapi.json"] = asyncapi_text()
    if openapi.is_file():
        found["openapi.json"] = openapi.read_text(encoding="utf-8")
    return found


def released(folder: Path = RELEASED) -> dict[str, str]:
    """The released documents by the same names."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.json"))
    }


def breaks_between(old: dict[str, str], new: dict[str, str]) -> list[Break]:
    """What breaks from one set of documents to the other; a new document breaks nobody."""
    found: list[Break] = []
    for name, text in old.items():
        was: dict[str, Any] = json.loads(text)
        now: dict[str, Any] | None = json.loads(new[name]) if name in new else None
        if name.startswith("json/"):
            found += breaks_of_json_schema(Path(name).name, was, now)
        elif now is None:
            found.append(Break(name, "", "the document is gone"))
        elif name == "asyncapi.json":
            found += breaks_of_asyncapi(name, was, now)
        else:
            found += breaks_of_openapi(name, was, now)
    return found


def release(folder: Path, documents_of_today: dict[str, str]) -> None:
    """Make these documents the released ones: what is no longer among them goes."""
    for stale in sorted(released(folder)):
        if stale not in documents_of_today:
            (folder / stale).unlink()
    for name, text in documents_of_today.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None, folder: Path = RELEASED) -> int:
    """Compare, or release; the exit code is 1 when something breaks."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.compatibility", description="The contract of today against the released one."
    )
    parser.add_argument("what", nargs="?", choices=("check", "release"), default="check")
    parser.add_argument("--break", dest="meant", action="store_true", help="release although it breaks somebody")
    chosen = parser.parse_args(arguments)
    new = today()
    found = breaks_between(released(folder), new)
    for each in found:
        print(each)
    if found and not chosen.meant:
        print(f"{len(found)} changes break readers or writers; change them so that they add, or release them as meant")
        return 1
    if chosen.what == "release":
        release(folder, new)
        print(f"{len(new)} documents are the released contract now")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
