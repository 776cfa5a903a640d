"""JSON Schemas of the models for one document: definitions side by side, in the dialect that AsyncAPI reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Json = dict[str, Any]

_WHERE: Final = "#/components/schemas/"


def definitions(sent: Sequence[type[BaseModel]], received: Sequence[type[BaseModel]]) -> Json:
    """Each model and what it is made of, by name.

    AsyncAPI's own dialect is JSON Schema draft 7: `prefixItems` of later drafts is `items` there.

    Args:
        sent: What the platform says: readers pass over fields that they do not know, so the schema forbids none.
        received: What others say: a field that is not known is refused.
    """
    every, strict = _defined([*sent, *received]), _defined(received)
    return {name: draft_7(schema if name in strict else _opened(schema)) for name, schema in sorted(every.items())}


def _defined(models: Sequence[type[BaseModel]]) -> Json:
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=f"{_WHERE}{{model}}", union_format="any_of"
    )
    defined: Json = found["$defs"]
    return defined


def _opened(schema: Json) -> Json:
    return {**schema, "additionalProperties": True} if schema.get("additionalProperties") is False else schema


def reference(model: type[BaseModel]) -> Json:
    """Where a model's definition stands."""
    return {"$ref": f"{_WHERE}{model.__name__}"}


def draft_7(schema: Any) -> Any:
    """The same schema in the words of draft 7."""
    match schema:
        case Mapping():
            plain = {name: draft_7(value) for name, value in schema.items()}
            if "prefixItems" in plain:
                plain["items"] = plain.pop("prefixItems")
                plain["additionalItems"] = False
            return plain
        case list():
            return [draft_7(each) for each in schema]
        case _:
            return schema


def text(description: str, **more: Any) -> Json:
    """A schema of text."""
    return {"type": "string", "description": description, **more}


def headers(properties: Mapping[str, Json], required: Sequence[str] = ()) -> Json:
    """The schema of a message's headers or user properties: further ones may be there and are passed over."""
    return {"type": "object", "properties": dict(properties), "required": sorted(required)}
