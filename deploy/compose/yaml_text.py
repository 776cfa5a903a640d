"""Write plain data as YAML. Keys are plain words and scalars JSON, which every reader of YAML takes the same way."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TAKEN_OTHERWISE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""Words that readers of YAML 1.1 take for truth values or nothing."""


def to_yaml(value: Mapping[str, Any]) -> str:
    """Return a document in block style."""
    return "\n".join(_lines(value, 0)) + "\n"


def _lines(value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, Mapping) and value:
        return [line for key, each in value.items() for line in _entry(f"{indent}{_key(key)}:", each, depth)]
    if _is_list(value) and value:
        return [line for each in value for line in _entry(f"{indent}-", each, depth)]
    return [f"{indent}{json.dumps(value, ensure_ascii=False)}"]


def _entry(head: str, value: Any, depth: int) -> list[str]:
    if (isinstance(value, Mapping) or _is_list(value)) and value:
        return [head, *_lines(value, depth + 1)]
    return [f"{head} {json.dumps(value, ensure_ascii=False)}"]


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _TAKEN_OTHERWISE else json.dumps(key)
