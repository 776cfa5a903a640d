"""`district device` without servers: what it says when something is not named or does not answer."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.local.broker_control import BrokerControl
from deploy.local.device_book import DeviceBook
from deploy.local.errors import BrokerRefused
from deploy.local.ports import LOOPBACK, pick_free
from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from services.district import device_command
from services.district.device_command import Devices
from services.district.errors import ServerSilent
from services.district.settings import Access, access_from

NOW = datetime(2026, 7, 1, tzinfo=UTC)
CHARGER = DeviceIdentity("ev-1", Feed.EV, "site-cbd-east")


def access(**named: str) -> Access:
    return access_from(named, None)


def test_what_is_not_named_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = Devices(access(), DeviceBook(tmp_path / "register.json"))
    with pytest.raises(ServerSilent, match="set MQTT_URL"):
        devices.add(CHARGER)
    assert devices.show_on_boards() == "set DATABASE_OWNER_URL"
    monkeypatch.setattr(device_command, "find_access", access)
    with pytest.raises(ServerSilent, match="set DEVICE_REGISTER"):
        CliRunner().invoke(device_command.device, ["list"], catch_exceptions=False)


def test_boards_that_cannot_be_told_keep_no_device_out(tmp_path: Path) -> None:
    url = f"postgresql://owner@{LOOPBACK}:{pick_free()}/district"
    devices = Devices(access(DATABASE_OWNER_URL=url), DeviceBook(tmp_path / "register.json"))
    devices.book.add(CHARGER, "secret", NOW)
    assert "Connect" in (devices.show_on_boards() or "")


def test_a_broker_that_is_away_changes_nothing_but_a_revocation(tmp_path: Path) -> None:
    devices = Devices(
        access(MQTT_URL=f"mqtt://operator:o@{LOOPBACK}:{pick_free()}"), DeviceBook(tmp_path / "register.json")
    )
    with pytest.raises(BrokerRefused, match="does not answer"):
        devices.add(CHARGER)
    assert devices.book.register().devices == ()
    devices.book.add(CHARGER, "secret", NOW)
    with pytest.raises(BrokerRefused, match="does not answer"):
        devices.rotate("ev-1")
    assert devices.book.register().active()["ev-1"].rotated_at is None
    with pytest.raises(BrokerRefused, match="does not answer"):
        devices.revoke("ev-1")
    assert not devices.book.register().active()


def test_who_answers_and_is_no_broker_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            server.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with (
            pytest.raises(BrokerRefused, match=f"the MQTT broker at {LOOPBACK}:{port}"),
            BrokerControl(LOOPBACK, port, "operator", "o"),
        ):
            pass
        hanging_up.join()


def test_the_list_shows_who_may_speak_and_obeys_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = DeviceBook(tmp_path / "register.json")
    book.add(CHARGER, "secret", NOW, name="[red]一号[/red]")
    book.add(DeviceIdentity("lot-1", Feed.PARKING, "cbd"), "secret", NOW)
    book.revoke("lot-1", NOW)
    monkeypatch.setattr(device_command, "find_access", lambda: access(DEVICE_REGISTER=str(tmp_path / "register.json")))
    monkeypatch.setenv("COLUMNS", "160")
    said = CliRunner().invoke(device_command.device, ["list"]).output
    assert "ev-1" in said
    assert "[red]一号[/red]" in said
    assert "lot-1" not in said
    assert "lot-1" in CliRunner().invoke(device_command.device, ["list", "--revoked"]).output
    assert "no device is registered" in CliRunner().invoke(device_command.device, ["list", "--feed", "tax"]).output
