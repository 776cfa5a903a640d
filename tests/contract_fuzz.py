"""Asks an API what its contract allows and what it does not, and holds the answers against it, by Schemathesis.

The cases are sent one by one and not by its engine: that counts connections in a way that niquests' urllib3 lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from services.runtime.lifecycle import leaves

CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
)
SECONDS = 20


def complaints(
    document: dict[str, Any], base_url: str, key: str, *, without: Collection[str], examples: int
) -> tuple[int, list[str]]:
    """How many cases were asked, and what is wrong with answers.

    Args:
        without: Operations that are left out.
        examples: Cases of each operation that are right, and as many that are wrong.
    """
    found: list[str] = []
    asked = 0
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name in without:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            def ask(case: Case) -> None:
                nonlocal asked
                asked += 1
                _ask(case, base_url, key)

            try:
                _each(ask, operation.as_strategy(generation_mode=mode), examples)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
                found += [f"{name}, {mode}: {type(each).__name__} {each}" for each in leaves(error)]
    return asked, found


def _each(ask: Callable[[Case], None], cases: Any, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=cases)
    def each(case: Case) -> None:
        ask(case)

    each()


def _ask(case: Case, base_url: str, key: str) -> None:
    arguments = case.as_transport_kwargs(base_url=base_url)
    arguments["headers"] = {**arguments.get("headers", {}), "Authorization": f"Bearer {key}"}
    response = requests.request(**arguments, timeout=SECONDS, allow_redirects=False)
    case.validate_response(response, checks=CHECKS)
