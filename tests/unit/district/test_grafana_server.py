"""Which Grafana shows the boards of a running district, and how one is started."""

from __future__ import annotations

import json
from pathlib import Path

from services.dashboards.files import FOLDERS, boards
from services.dashboards.kit import MAP_ADDRESS
from services.dashboards.plan_files import read_documents
from services.dashboards.words import Language
from services.district import grafana_server

CHECKED_IN = grafana_server.BOARDS / "dashboards"


def make(folder: Path) -> Path:
    executable = folder / "bin" / "grafana"
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/bin/sh\n", encoding="utf-8")
    executable.chmod(0o755)
    return executable


def test_a_grafana_is_found_with_its_files(tmp_path: Path) -> None:
    executable = make(tmp_path)
    defaults = tmp_path / "share" / "grafana" / "conf" / "defaults.ini"
    defaults.parent.mkdir(parents=True)
    defaults.touch()
    found = grafana_server.find(str(executable.parent))
    assert found == grafana_server.Installed(executable, tmp_path / "share" / "grafana")


def test_no_grafana_is_none(tmp_path: Path) -> None:
    assert grafana_server.find(str(tmp_path)) is None
    assert "GRAFANA_URL" in grafana_server.HOW_TO_GET_ONE


def test_it_is_started_on_loopback_read_only_and_provisioned() -> None:
    installed = grafana_server.Installed(Path("/g/bin/grafana"), Path("/g/share/grafana"))
    reader = "postgresql://district_reader:p%40ss@127.0.0.1:5432/district"
    spec = grafana_server.spec(installed, Path("/state"), 3210, reader, "admin-word", boards=CHECKED_IN)
    assert spec.argv == ("/g/bin/grafana", "server", "--homepath=/g/share/grafana")
    given = spec.extra
    assert given["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert given["GF_SERVER_HTTP_PORT"] == "3210"
    assert given["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert given["GRAFANA_DATABASE_USER"] == "district_reader"
    assert given["GRAFANA_DATABASE_PASSWORD"] == "p@ss"
    assert given["GRAFANA_DATABASE_HOST"] == "127.0.0.1:5432"
    assert json.loads(Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).read_text(encoding="utf-8"))["uid"] == (
        "jianghan-today"
    )


def test_every_variable_of_the_provisioning_files_is_given() -> None:
    installed = grafana_server.Installed(Path("/g/bin/grafana"), Path("/g"))
    given = grafana_server.spec(installed, Path("/state"), 3210, "postgresql://r:p@h/d", "a", boards=CHECKED_IN).extra
    for name in ("datasources", "dashboards"):
        text = (Path(given["GF_PATHS_PROVISIONING"]) / name / "jianghan.yaml").read_text(encoding="utf-8")
        names = {part.split('"')[0].split("/")[0] for part in text.split("$")[1:]}
        assert names <= given.keys()
        if name == "dashboards":
            assert names == {"GRAFANA_BOARDS"}
            for language in FOLDERS:
                assert (Path(given["GRAFANA_BOARDS"]) / language / "today.json").is_file()


def test_its_boards_lead_to_the_one_map_where_that_is(tmp_path: Path) -> None:
    assert grafana_server.boards_folder(tmp_path, MAP_ADDRESS) == CHECKED_IN
    folder = grafana_server.boards_folder(tmp_path, "https://map.example/map/")
    made = {file.relative_to(folder): file.read_text(encoding="utf-8") for file in folder.glob("*/*.json")}
    assert made.keys() == {file.relative_to(CHECKED_IN) for file in CHECKED_IN.glob("*/*.json")}
    for text in made.values():
        (address,) = [each["query"] for each in json.loads(text)["templating"]["list"] if each["name"] == "one_map"]
        assert address == "https://map.example/map/"
    pushed = boards(read_documents(CHECKED_IN.parents[1] / "plan"), "https://map.example/map/")
    assert {name: json.loads(made[Path("zh") / f"{name}.json"]) for name in pushed[Language.ZH]} == pushed[Language.ZH]


def test_the_operators_own_needs_address_and_token() -> None:
    assert grafana_server.address({"GRAFANA_URL": "http://g"}) is None
    assert grafana_server.address({"GRAFANA_URL": "http://g", "GRAFANA_TOKEN": "t"}) == ("http://g", "t")
