"""The documents of `deploy/plan`, whose limits the boards show."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from schemas.plan.book import Document
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_document
from services.dashboards.errors import BoardRefused

_MODELS: Final[dict[str, type[Document]]] = {
    "plan": PlanDocument,
    "standard": StandardDocument,
    "policy": PolicyDocument,
}
LOCAL_VARIANT: Final = "-local.toml"


def read_documents(folder: Path) -> list[Document]:
    """Plan, standards and policies of a folder.

    Raises:
        BoardRefused: a file cannot be read; the message names it.
    """
    found = []
    for file in sorted(folder.rglob("*.toml")):
        if file.name.endswith(LOCAL_VARIANT):
            continue
        try:
            text = file.read_text(encoding="utf-8")
            head = next((word for word in _MODELS if word in tomllib.loads(text)), "plan")
            found.append(parse_document(text, _MODELS[head], file=file.name))
        except (OSError, tomllib.TOMLDecodeError, PlanFileError) as error:
            raise BoardRefused(f"{file.name}: {error}") from error
    return found
