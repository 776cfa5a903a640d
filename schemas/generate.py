"""Write the JSON Schemas to `schemas/json` and the AsyncAPI document to `schemas/asyncapi`; CI compares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.api_key import ApiKeyRegister
from schemas.audit import AuditRecord
from schemas.clock import Tick
from schemas.contract.asyncapi import document
from schemas.contract.page import STYLE, page
from schemas.dead_letter import DeadLetter
from schemas.delivery import DeliveryAttempt
from schemas.device_register import DeviceRegister
from schemas.indicator import Indicator
from schemas.lane import LaneStatus
from schemas.plan.publication import PlanPublication
from schemas.readings import MODELS
from schemas.receipt import Receipt
from schemas.redelivery import RedeliveryRegister
from schemas.subscription import SubscriptionRegister
from schemas.target_figure import TargetFigure

FOLDER: Final = Path(__file__).parent / "json"
ASYNCAPI: Final = Path(__file__).parent / "asyncapi"
OPENAPI: Final = Path(__file__).parent / "openapi" / "openapi.json"
"""Of the operations API, which writes it itself."""
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """File name to JSON text for every contract, readings by feed first."""
    models: dict[str, type[BaseModel]] = {
        **{f"{feed}.reading": model for feed, model in MODELS.items()},
        "alert": Alert,
        "alert-action": AlertAction,
        "delivery": DeliveryAttempt,
        "subscription-register": SubscriptionRegister,
        "redelivery-register": RedeliveryRegister,
        "api-key-register": ApiKeyRegister,
        "api-audit": AuditRecord,
        "target-figure": TargetFigure,
        "indicator": Indicator,
        "dead-letter": DeadLetter,
        "device-register": DeviceRegister,
        "receipt": Receipt,
        "tick": Tick,
        "lane-status": LaneStatus,
        "plan-publication": PlanPublication,
    }
    return {f"{name}.schema.json": _text(model) for name, model in models.items()}


def _text(model: type[BaseModel]) -> str:
    schema = {"$schema": _DIALECT, **TypeAdapter(model).json_schema(mode="validation")}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def asyncapi_text() -> str:
    """The AsyncAPI document as JSON."""
    return json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def asyncapi_files() -> dict[str, str]:
    """The AsyncAPI document, and the page that shows it, by file name."""
    return {"asyncapi.json": asyncapi_text(), "index.html": page(document()), "page.css": STYLE}


def main() -> None:
    """Rewrite the folders: what is no longer a contract goes."""
    ASYNCAPI.mkdir(exist_ok=True)
    for name, text in asyncapi_files().items():
        (ASYNCAPI / name).write_text(text, encoding="utf-8")
    FOLDER.mkdir(exist_ok=True)
    wanted = documents()
    for stale in FOLDER.glob("*.schema.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
