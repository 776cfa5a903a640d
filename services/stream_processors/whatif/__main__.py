"""`python -m services.stream_processors.whatif`: the judging of a what-if, asked as data over standard input.

The first line is the question (JSON):

    {"feed": ..., "lane": "whatif:x", "published": [dumped documents, in their order], "alternative": dumped document,
     "read_from": time, "since": time, "until": time}

then one line a reading, `<when it came, microseconds> <JSON>`, in the order in which they came, and at last
`end <microseconds>`: where the lane's clock stops. Answers are JSON lines (`courses`), the last of the kind `end`. It
reads no server and writes to none. It gives way to whatever else wants the processor, as the lanes' process does.

Exit status 0; 2 when the documents cannot be used or what comes is no such line, 3 when the input breaks off before its
end: half a history is no answer. Standard error has the reason.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Any, Final

import orjson

from schemas.fields import Feed
from schemas.plan.book import load_document
from services.runtime.errors import PlatformError
from services.stream_processors.engine.event_time import from_us
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from services.stream_processors.whatif.courses import Courses, Span

NICENESS: Final = 10
EXIT_REFUSED: Final = 2
EXIT_BROKEN_OFF: Final = 3
_END: Final = b"end"


def courses_of(question: dict[str, Any], settings: ProcessorSettings) -> Courses:
    """The two courses that a question asks for.

    Raises:
        UnusablePlanError: the documents that ship cannot be used.
        schemas.plan.errors.PlanFileError: the alternative cannot.
    """
    (judge,) = build_judges([Feed(question["feed"]).value], settings)
    times = (datetime.fromisoformat(question[name]).astimezone(UTC) for name in ("read_from", "since", "until"))
    published = [load_document(each) for each in question["published"]]
    return Courses(judge, published, load_document(question["alternative"]), lane=question["lane"], span=Span(*times))


def run(lines: Iterable[bytes], out: IO[bytes], settings: ProcessorSettings) -> bool:
    """Judge all lines; false when they break off."""
    given = iter(lines)
    courses = courses_of(orjson.loads(next(given, b"")), settings)
    for line in given:
        arrived, _, raw = line.partition(b" ")
        if arrived == _END:
            _say(out, courses.end(from_us(int(raw))))
            _say(out, [courses.summary()])
            return True
        _say(out, courses.take(int(arrived), raw.rstrip(b"\n")))
    return False


def _say(out: IO[bytes], answers: Iterable[dict[str, Any]]) -> None:
    for answer in answers:
        out.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))


def main() -> None:
    """Entry point."""
    os.nice(NICENESS)
    try:
        whole = run(sys.stdin.buffer, sys.stdout.buffer, ProcessorSettings.load())
    except (PlatformError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_REFUSED)
    sys.stdout.buffer.flush()
    if not whole:
        sys.stderr.write("the readings broke off before their end\n")
        sys.exit(EXIT_BROKEN_OFF)


if __name__ == "__main__":
    main()
