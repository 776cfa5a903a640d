"""Read a document from TOML text; every fault is named by key and reason. Pure: the text is an argument."""

from __future__ import annotations

import tomllib
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas.plan.errors import PlanFileError

D = TypeVar("D", bound=BaseModel)


def parse_document(text: str, model: type[D], *, file: str) -> D:
    """The document in this text.

    Args:
        file: Name for the error message.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong.
    """
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlanFileError(file, [("document", f"not TOML: {error}")]) from error
    except ValidationError as error:
        faults = [
            (_key(fault["loc"]), _reason(fault["type"], fault["msg"]))
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise PlanFileError(file, faults) from error


def _key(loc: tuple[int | str, ...]) -> str:
    """`indicator[3].page` of a location."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "document"


def _reason(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known key"
        case _:
            return message.removeprefix("Value error, ")
