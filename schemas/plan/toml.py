"""Read a document from TOML text; every fault is named by key and reason. Pure: the text is an argument."""

from __future__ import annotations

import tomllib
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.errors import PlanFileError, problems_of
from schemas.plan.policy import PolicyDocument

D = TypeVar("D", bound=BaseModel)

_KINDS: Final[dict[str, type[PlanDocument | StandardDocument | PolicyDocument]]] = {
    "plan": PlanDocument,
    "standard": StandardDocument,
    "policy": PolicyDocument,
}


def parse_document(text: str, model: type[D], *, file: str) -> D:
    """The document in this text.

    Args:
        file: Name for the error message.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong.
    """
    return _validated(tables_of(text, file=file), model, file)


def parse_any(text: str, *, file: str) -> PlanDocument | StandardDocument | PolicyDocument:
    """The document in this text, of the kind that its head table names.

    Raises:
        PlanFileError: the text is not TOML, says of no kind that it is, or a key is missing, unknown or wrong.
    """
    tables = tables_of(text, file=file)
    heads = [name for name in _KINDS if isinstance(tables.get(name), dict)]
    if len(heads) != 1:
        found = f"has {' and '.join(f'[{name}]' for name in heads)}" if heads else "has none of them"
        reason = f"exactly one of the tables [plan], [standard] and [policy] says what it is; it {found}"
        raise PlanFileError(file, [("document", reason)])
    return _validated(tables, _KINDS[heads[0]], file)


def tables_of(text: str, *, file: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        PlanFileError: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        raise PlanFileError(file, [("document", f"not TOML: {error}")]) from error


def _validated(tables: dict[str, Any], model: type[D], file: str) -> D:
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        raise PlanFileError(file, problems_of(error)) from error
