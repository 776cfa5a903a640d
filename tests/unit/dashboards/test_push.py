"""Pushing twice changes nothing the second time; what is not ours is left alone; each failure says what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.dashboards.boards import BOARDS
from services.dashboards.difference import Action, Change, differing
from services.dashboards.errors import GrafanaRefused
from services.dashboards.files import datasource
from services.dashboards.plan_files import read_documents
from services.dashboards.push import Grafana, Wanted, wanted
from services.dashboards.words import Language
from tests.unit.dashboards.grafana_stand_in import ADMIN, VIEWER, Kept, grafana

DOCUMENTS = read_documents(Path(__file__).resolve().parents[3] / "deploy" / "plan")
SOURCE = datasource(host="db:5432", database="district", user="district_reader", password="first", tls="require")


@pytest.fixture
def server() -> Iterator[tuple[str, Kept]]:
    with grafana() as running:
        yield running


@pytest.fixture(scope="module")
def target() -> Wanted:
    return wanted(DOCUMENTS, SOURCE, list(Language))


def push(url: str, target: Wanted, token: str = ADMIN) -> list[Change]:
    client = Grafana(url, token)
    changes = client.changes(target)
    client.apply(target, changes)
    return changes


def test_the_first_push_makes_everything_and_the_second_changes_nothing(
    server: tuple[str, Kept], target: Wanted
) -> None:
    url, kept = server
    first = push(url, target)
    assert {change.action for change in first} == {Action.CREATE}
    assert [len(each) for each in (kept.datasources, kept.folders, kept.boards)] == [1, 2, 2 * len(BOARDS)]
    assert kept.writes[0] == "POST /api/datasources"
    assert kept.passwords == ["first"]
    kept.writes.clear()
    assert push(url, target) == []
    assert kept.writes == []


def test_what_somebody_changed_by_hand_is_shown_and_put_back(server: tuple[str, Kept], target: Wanted) -> None:
    url, kept = server
    push(url, target)
    board = kept.boards["jianghan-water"]["dashboard"]
    board["title"] = "mine"
    board["panels"][2]["targets"][0]["rawSql"] = "SELECT 1"
    kept.datasources["jianghan-timescaledb"]["jsonData"]["sslmode"] = "disable"
    changes = push(url, target)
    assert [(change.action, change.uid) for change in changes] == [
        (Action.UPDATE, "jianghan-timescaledb"),
        (Action.UPDATE, "jianghan-water"),
    ]
    assert changes[0].line() == "~ datasource jianghan-timescaledb (Jianghan TimescaleDB): jsonData.sslmode"
    assert set(changes[1].where) == {"dashboard.panels[2].targets[0].rawSql", "dashboard.title"}
    assert push(url, target) == []


def test_what_we_no_longer_make_goes_and_what_is_not_ours_stays(server: tuple[str, Kept], target: Wanted) -> None:
    url, kept = server
    push(url, target)
    old = {"dashboard": {"uid": "jianghan-old", "title": "Old"}, "folderUid": "jianghan-district"}
    theirs = {"dashboard": {"uid": "their-own", "title": "Theirs"}, "folderUid": "jianghan-district"}
    elsewhere = {"dashboard": {"uid": "jianghan-copy", "title": "A copy"}, "folderUid": "somewhere"}
    kept.boards |= {each["dashboard"]["uid"]: each for each in (old, theirs, elsewhere)}  # type: ignore[index]
    (change,) = push(url, target)
    assert change.line() == "- board jianghan-old (Old)"
    assert "jianghan-old" not in kept.boards
    assert {"their-own", "jianghan-copy"} <= kept.boards.keys()


def test_a_new_password_is_sent_only_when_asked_for(server: tuple[str, Kept]) -> None:
    url, kept = server
    push(url, wanted(DOCUMENTS, SOURCE, [Language.EN]))
    second = wanted(DOCUMENTS, SOURCE | {"secureJsonData": {"password": "second"}}, [Language.EN])
    client = Grafana(url, ADMIN)
    assert client.changes(second) == []
    client.apply(second, [], renew_password=True)
    assert kept.passwords == ["first", "second"]


def test_a_wrong_token_is_named(server: tuple[str, Kept], target: Wanted) -> None:
    with pytest.raises(GrafanaRefused, match=r"refuses the token .* GRAFANA_TOKEN"):
        push(server[0], target, "wrong")


def test_a_token_that_may_only_read_is_named_and_nothing_is_written(server: tuple[str, Kept], target: Wanted) -> None:
    url, kept = server
    with pytest.raises(
        GrafanaRefused, match=r"does not let the token create datasource jianghan-timescaledb: it is read-only"
    ):
        push(url, target, VIEWER)
    assert kept.writes == []


def test_a_grafana_in_trouble_is_named(server: tuple[str, Kept], target: Wanted) -> None:
    server[1].broken = True
    with pytest.raises(GrafanaRefused, match=r"in trouble .* 500"):
        push(server[0], target)


def test_a_grafana_that_is_down_is_named(target: Wanted) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(GrafanaRefused, match="does not answer"):
        push(url, target)


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(GrafanaRefused, match="not an address"):
        Grafana("grafana:3000", ADMIN)


def test_what_a_server_adds_of_its_own_is_no_difference() -> None:
    assert list(differing({"a": {"b": 1}}, {"a": {"b": 1, "id": 5}, "version": 2})) == []
    assert list(differing({"a": [1, 2]}, {"a": [1]})) == ["a"]
    assert list(differing({"a": [{"b": 1}]}, {"a": [{"b": 2}]})) == ["a[0].b"]
