"""What the processors would refuse: `python -m services.stream_processors.check FILE...` says it as JSON.

It is the processors' own check: the rules of each feed that a document concerns are built with the document on top of
those that ship with the platform, and of those published before. What a processor would refuse when it meets the
document in its log is a fault here, in the same words; nothing is written and no server is asked.

    check FILE...        each document by itself
    check --published    a JSON array of published documents (`schemas.plan.book.dump_document`) on standard input, in
                         the order of their publication; the answer is about the last

Standard output: `[{"file": ..., "document": "policy/x/1" or null, "faults": [{"key": ..., "reason": ...}]}]`; exit
status 1 when there is a fault, 0 when there is none, 2 when the documents that ship cannot be used themselves.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from schemas.fields import Feed
from schemas.plan.book import Document, identity_of, load_document
from schemas.plan.errors import PlanFileError, problems_of
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_any
from services.runtime.errors import PlatformError
from services.stream_processors.engine.judge import Judge
from services.stream_processors.plan.files import read_text
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings

STANDARD_INPUT: Final = "-"
"""Name of the file in an answer about published documents."""

Problem = tuple[str, str]
"""Key and reason of a fault."""


def refusals(document: Document, judges: Iterable[Judge[Any]], before: Sequence[Document] = ()) -> list[Problem]:
    """Why processors would refuse a document; empty: they would apply it.

    Args:
        judges: Of the feeds that are asked, under the documents that ship.
        before: What was published earlier, in its order; a processor passes over what it refuses.
    """
    found = [problem for judge in judges for problem in _refused_by(_under(judge, before), document)]
    return list(dict.fromkeys(found))


def _refused_by(judge: Judge[Any], document: Document) -> list[Problem]:
    try:
        judge.with_document(document)
    except PlanFileError as error:
        return error.problems
    except Exception as error:  # noqa: BLE001 - whatever it is, a processor could not go on with the document
        return [("document", f"the feed {judge.feed} cannot use it: {error!r}")]
    return []


def _under(judge: Judge[Any], before: Sequence[Document]) -> Judge[Any]:
    for document in before:
        if not _refused_by(judge, document):
            judge = judge.with_document(document)
    return judge


def feeds_of(document: Document) -> list[Feed]:
    """The feeds whose processors a document concerns."""
    return [document.feed] if isinstance(document, PolicyDocument) else list(RULES)


def check_text(text: str, file: str, settings: ProcessorSettings) -> dict[str, Any]:
    """The answer about one file."""
    try:
        document = parse_any(text, file=file)
    except PlanFileError as error:
        return _answer(file, None, error.problems)
    return _answer(file, document, refusals(document, _judges(document, settings)))


def check_published(dumped: Sequence[dict[str, Any]], settings: ProcessorSettings) -> dict[str, Any]:
    """The answer about the last of these documents, the others being published before it."""
    before: list[Document] = []
    for one in dumped[:-1]:
        try:
            before.append(load_document(one))
        except (KeyError, TypeError, ValidationError):
            continue  # a processor passes over it, too
    try:
        document = load_document(dumped[-1])
    except ValidationError as error:
        return _answer(STANDARD_INPUT, None, problems_of(error))
    return _answer(STANDARD_INPUT, document, refusals(document, _judges(document, settings), before))


def _judges(document: Document, settings: ProcessorSettings) -> list[Judge[Any]]:
    return build_judges([feed.value for feed in feeds_of(document)], settings)


def _answer(file: str, document: Document | None, problems: list[Problem]) -> dict[str, Any]:
    return {
        "file": file,
        "document": None if document is None else "/".join(identity_of(document)),
        "faults": [{"key": key, "reason": reason} for key, reason in problems],
    }


def _check_file(file: str, settings: ProcessorSettings) -> dict[str, Any]:
    try:
        text = read_text(Path(file))
    except PlanFileError as error:
        return _answer(file, None, error.problems)
    return check_text(text, file, settings)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="check", description="What the processors would refuse, as JSON.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="plans, standards and policies")
    parser.add_argument("--published", action="store_true", help="published documents on standard input")
    options = parser.parse_args()
    try:
        settings = ProcessorSettings.load()
        answers = [_check_file(file, settings) for file in options.files]
        if options.published:
            answers.append(check_published(json.load(sys.stdin), settings))
    except PlatformError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.stdout.write(json.dumps(answers, ensure_ascii=False) + "\n")
    sys.exit(any(answer["faults"] for answer in answers))


if __name__ == "__main__":
    main()
