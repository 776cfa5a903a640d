"""What to say about an invalid reading: the field, what came, what is allowed, what to do."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

SHOWN: Final = 3
"""Problems named one by one; of the rest the number is given."""
WORTH_LISTING: Final = 1_000
"""With more problems than this the object is not a reading at all, and listing them would cost more than it tells."""
MAX_SHOWN_CHARS: Final = 60
HUGE: Final = 10**30

_WHAT_TO_DO: Final = "correct it at the sender and send it again"


def what_is_invalid(error: ValidationError) -> str:
    """Say what is wrong with an object, in one line."""
    count = error.error_count()
    if count > WORTH_LISTING:
        return f"{count:,} fields are missing, unknown or wrong: this is no reading of the feed; {_WHAT_TO_DO}"
    problems = [_problem(each) for each in error.errors(include_url=False, include_context=False)[:SHOWN]]
    more = f"; and {count - SHOWN:,} more" if count > SHOWN else ""
    return f"{'; '.join(problems)}{more}; {_WHAT_TO_DO}"


def _problem(error: ErrorDetails) -> str:
    where = ".".join(str(part)[:64] for part in error["loc"])
    field = f"field {_shown(where)}" if where else "the payload"
    if error["type"] == "missing":
        return f"{field} is missing"
    return f"{field} is {_shown(error['input'])}: {_controlling(error) or error['msg'][:200]}"


def _controlling(error: ErrorDetails) -> str | None:
    """Name the control character in a text; the pattern that forbids it tells nobody anything."""
    if error["type"] != "string_pattern_mismatch":
        return None
    found = next((character for character in str(error["input"]) if unicodedata.category(character) == "Cc"), None)
    return f"it holds the control character U+{ord(found):04X}" if found is not None else None


def _shown(value: Any) -> str:
    """A value as one short line without control characters."""
    match value:
        case dict():
            return f"an object of {len(value)}"
        case list() | tuple():
            return f"an array of {len(value)}"
        case int() if abs(value) > HUGE:
            return "a huge number"
        case str() if len(value) > MAX_SHOWN_CHARS:
            return f"{json.dumps(value[:MAX_SHOWN_CHARS], ensure_ascii=False)} (of {len(value):,} characters)"
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)
            return text if len(text) <= 2 * MAX_SHOWN_CHARS else f"{text[: 2 * MAX_SHOWN_CHARS]} ..."


def too_early(observed_at: datetime, latest: datetime) -> str:
    """Say that a reading claims to come from the future."""
    return (
        f"observed_at is {observed_at.isoformat()}, later than {latest.isoformat(timespec='seconds')} "
        "(our clock and the tolerance); set the device's clock and send the reading again"
    )
