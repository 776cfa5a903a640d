"""Pages: files of the map and nothing else, headers of every answer, ETags, problems, the contract."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from schemas.api_key import Role
from services.operations_api import application, openapi
from services.operations_api.generate import DOCUMENT, PAGE
from services.operations_api.openapi_page import page
from services.operations_api.static_files import StaticFiles
from tests.unit.operations_api.conftest import Site, settings_of, site_of

TRICKS = (
    "../api-keys.json",
    "..%2fapi-keys.json",
    "%2e%2e/api-keys.json",
    "..\\api-keys.json",
    "a/../../api-keys.json",
    "/etc/passwd",
    "//etc/passwd",
    "app.js/",
    "app.js%00.css",
    "app.js\0",
    "./app.js",
    ".hidden.js",
    "link.js",
    "folder",
    "folder/",
    "secret.pem",
    "APP.JS",
    "app.js;x",
    "app.js?x",
    "CON",
    "",
)


@pytest.fixture
def map_folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "folder").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>map</title>")
    (static / "app.js").write_text("export {};")
    (static / "folder" / "streets.geojson").write_text("{}")
    (static / ".hidden.js").write_text("hidden")
    (static / "secret.pem").write_text("secret")
    (tmp_path / "api-keys.json").write_text("secret")
    (static / "link.js").symlink_to(tmp_path / "api-keys.json")
    return static


@pytest.mark.parametrize("path", TRICKS)
def test_no_path_leads_out_of_the_folder(map_folder: Path, path: str) -> None:
    assert StaticFiles(map_folder).get(path) is None


@pytest.mark.parametrize("path", TRICKS)
async def test_a_trick_is_answered_as_nothing(map_folder: Path, path: str) -> None:
    site = site_of(settings_of(map_folder.parent))
    answer = await site.ask(f"/static/{path.partition('?')[0]}")
    if path == "app.js?x":
        assert answer.status == 200
    else:
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_map_and_its_files_are_served_with_their_types(map_folder: Path) -> None:
    site = site_of(settings_of(map_folder.parent))
    for path in ("/", "/map/", "/map/anything/below"):
        page = await site.ask(path)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    script = await site.ask("/static/app.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "no-cache"
    again = await site.ask("/static/app.js", headers={"If-None-Match": script.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert (await site.ask("/static/folder/streets.geojson")).headers["content-type"] == "application/geo+json"
    assert (await site.ask("/map")).headers["location"] == "/map/"


async def test_a_map_that_was_not_built_says_so(site: Site) -> None:
    for path in ("/", "/map/", "/static/app.js"):
        answer = await site.ask(path)
        assert answer.status == 404
        assert "not built" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/me", "/nothing", "/static/app.js", "/openapi.json"])
async def test_every_answer_carries_what_a_browser_may_do_with_it(site: Site, path: str) -> None:
    answer = await site.ask(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert len(answer.headers["x-request-id"]) == 32
    assert "server" not in answer.headers


async def test_an_answer_that_is_known_is_not_sent_again(site: Site) -> None:
    key = site.keys[Role.VIEWER]
    first = await site.ask("/api/v1/me", key=key)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await site.ask("/api/v1/me", key=key, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    other = await site.ask("/api/v1/me", key=site.keys[Role.ADMIN], headers={"If-None-Match": first.headers["etag"]})
    assert other.status == 200


async def test_large_answers_are_packed(site: Site) -> None:
    answer = await site.ask("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.body)) == openapi.document(site.app)


async def test_metrics_are_for_this_machine(site: Site) -> None:
    assert (await site.ask("/metrics")).status == 200
    assert (await site.ask("/metrics", client="192.0.2.7")).status == 404


async def test_health_says_that_it_is_starting(site: Site) -> None:
    assert (await site.ask("/readyz")).status == 503
    assert (await site.ask("/healthz")).json()["state"] == "starting"
    site.parts.health.ready()
    assert (await site.ask("/readyz")).status == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/v1/nothing", "GET", 404),
        ("/api/v1/me", "PUT", 405),
        ("/api/v1/me/", "GET", 404),
        ("/api/v1/alerts/ABC", "GET", 422),
        ("/api/v1/layers/none", "GET", 422),
    ],
)
async def test_trouble_is_a_problem_with_a_request_id(site: Site, path: str, method: str, status: int) -> None:
    answer = await site.ask(path, method=method, key=site.keys[Role.ADMIN])
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.json()["status"] == status


async def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    answer = await site.ask("/api/v1/silences", method="POST", key=site.keys[Role.ADMIN], body=b" " * 70_000)
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_fault_of_the_program_shows_nothing_of_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("inner words")

    monkeypatch.setattr(site.parts.alerts, "silences", fail)
    with capture_logs() as said:
        answer = await site.ask("/api/v1/silences", key=site.keys[Role.ADMIN])
    assert [each["action"] for each in said if each["log_level"] == "error"] == ["fail"]
    assert answer.status == 500
    assert b"inner words" not in answer.body
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_the_kept_contract_is_that_of_the_routes() -> None:
    app = application.build()
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.text(app), "run `make generate`"
    assert PAGE.read_text(encoding="utf-8") == page(openapi.document(app)), "run `make generate`"


async def test_the_contract_is_there_to_read(site: Site) -> None:
    shown = await site.ask("/docs/")
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"/api/v1/alerts/{alert_id}/actions" in shown.body
    assert b"<script" not in shown.body
    assert b"style=" not in shown.body
    assert (await site.ask("/docs/page.css")).status == 200
    assert (await site.ask("/docs/openapi.json")).json()["openapi"].startswith("3.1")
    assert (await site.ask("/docs/none.html")).status == 404
    assert (await site.ask("/docs")).headers["location"] == "/docs/"


def test_every_route_of_the_contract_says_who_may() -> None:
    document = openapi.document(application.build())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] != "beginSession":
                assert operation["security"] == [{"key": []}, {"session": []}], (method, path)
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
            assert operation["summary"]
            assert operation["description"]


def test_every_reference_of_the_contract_leads_somewhere() -> None:
    document = openapi.document(application.build())
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
