"""What the processors say to documents before they are published: their own check, run as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from schemas.plan.book import Document, dump_document
from services.district.errors import CheckSilent
from services.district.plan_files import Fault

CHECK: Final = (sys.executable, "-m", "services.stream_processors.check")
ANSWER_SECONDS: Final = 120.0


def refused_files(files: Sequence[str]) -> list[Fault]:
    """Faults that the processors find in files, each by itself.

    Raises:
        CheckSilent: there is no answer.
    """
    return _faults(_asked(files)) if files else []


def refused_document(document: Document, before: Sequence[Document], *, file: str) -> list[Fault]:
    """Faults that the processors would find in a document if it were published after others.

    Args:
        before: What is published, in its order.
        file: Name of the document in the answer.

    Raises:
        CheckSilent: there is no answer.
    """
    told = json.dumps([dump_document(one) for one in (*before, document)])
    return [Fault(file, one.key, one.reason) for one in _faults(_asked(["--published"], told))]


def _asked(arguments: Sequence[str], told: str = "") -> list[dict[str, Any]]:
    try:
        done = subprocess.run(  # noqa: S603 - our own module; what is checked travels as data
            [*CHECK, *arguments], input=told, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckSilent(str(error)) from error
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise CheckSilent(last) from None
    return answers


def _faults(answers: Sequence[dict[str, Any]]) -> list[Fault]:
    return [Fault(one["file"], fault["key"], fault["reason"]) for one in answers for fault in one["faults"]]
