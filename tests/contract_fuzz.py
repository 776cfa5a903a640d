"""Asks an API what its contract allows and what it does not, and holds the answers against it, by Schemathesis.

The cases are sent one by one and not by its engine: that counts connections in a way that niquests' urllib3 lacks.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from services.alert_life.renderings.sse import Reader
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
STREAM = "text/event-stream"
STREAMS = ("/stream", "/events")
"""Ends of the paths of those that answer without end."""
FIRST_BYTES = 2_000


def complaints(
    document: dict[str, Any], base_url: str, key: str, *, examples: int, only: Collection[str] = ()
) -> tuple[int, list[str]]:
    """How many cases were asked, and what is wrong with answers.

    Args:
        examples: Cases of each operation that are right, and as many that are wrong.
        only: Operations that are asked; empty: all.
    """
    found: list[str] = []
    asked = 0
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if only and name not in only:
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
    if case.operation.path.endswith(STREAMS):
        response = _begun(requests.Request(**arguments).prepare())
        case.validate_response(response, checks=CHECKS, excluded_checks=[checks.response_schema_conformance])
        if response.status_code == 200:
            _check_events(case, response.content.decode())
        return
    case.validate_response(requests.request(**arguments, timeout=SECONDS, allow_redirects=False), checks=CHECKS)


def _begun(request: requests.PreparedRequest) -> Response:
    """An answer with the beginning of its body, on a connection that is left then: a stream has no end."""
    url = urlsplit(request.url or "")
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    try:
        connection.request(request.method or "", request.path_url, request.body, dict(request.headers))
        got = connection.getresponse()
        headers = {name: [value] for name, value in got.getheaders()}
        return Response(got.status, headers, got.read1(FIRST_BYTES), request, elapsed=0.0, verify=False)
    finally:
        connection.close()


def _check_events(case: Case, beginning: str) -> None:
    """Hold the events that have come whole against what the contract says of their data.

    OpenAPI 3.1 has no word for a stream's events; `x-data` names the model of their data, for the map one field a name.
    """
    document = case.operation.schema.raw_schema
    named = case.operation.definition.raw["responses"]["200"]["content"][STREAM]["x-data"]["$ref"].rpartition("/")[2]
    models = document["components"]["schemas"]
    frames = Reader("").feed(beginning.encode())
    assert frames or named == "CloudEvent", "the map's stream begins with what is known"
    for frame in frames:
        model = models[named] if frame.event == "cloudevent" else models[named].get("properties", {}).get(frame.event)
        if frame.event == "gap":
            continue
        assert model is not None, f"{named} has no event {frame.event!r}"
        jsonschema.validate(json.loads(frame.data), {**model, "components": document["components"]})
