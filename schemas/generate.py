"""Write the JSON Schemas of all contracts to `schemas/json`; CI regenerates and compares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter

from schemas.alert import Alert
from schemas.clock import Tick
from schemas.dead_letter import DeadLetter
from schemas.indicator import Indicator
from schemas.plan.publication import PlanPublication
from schemas.readings import MODELS
from schemas.receipt import Receipt

FOLDER: Final = Path(__file__).parent / "json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """File name to JSON text for every contract, readings by feed first."""
    models: dict[str, type[BaseModel]] = {
        **{f"{feed}.reading": model for feed, model in MODELS.items()},
        "alert": Alert,
        "indicator": Indicator,
        "dead-letter": DeadLetter,
        "receipt": Receipt,
        "tick": Tick,
        "plan-publication": PlanPublication,
    }
    return {f"{name}.schema.json": _text(model) for name, model in models.items()}


def _text(model: type[BaseModel]) -> str:
    schema = {"$schema": _DIALECT, **TypeAdapter(model).json_schema(mode="validation")}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Rewrite the folder: what is no longer a contract goes."""
    FOLDER.mkdir(exist_ok=True)
    wanted = documents()
    for stale in FOLDER.glob("*.schema.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
