"""The register of devices on disk: who changes it keeps others away, and who reads it never meets a closed file."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.device_book import DeviceBook
from schemas.device_register import DeviceIdentity, DeviceRefused, DeviceRegister
from schemas.fields import Feed
from services.ingest_bridge.errors import RegisterUnreadableError
from services.ingest_bridge.register_file import RegisterFile

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DEVICE = DeviceIdentity("ev-1", Feed.EV, "site-1")


def test_two_who_change_the_register_take_turns(tmp_path: Path) -> None:
    one, other = (DeviceBook(tmp_path / "register.json") for _ in range(2))
    one.add(DEVICE, "secret", NOW)
    revoked = threading.Thread(target=lambda: other.revoke(DEVICE.device_id, NOW))
    with one.held():
        revoked.start()
        revoked.join(0.2)
        assert revoked.is_alive()
        assert one.rotate(DEVICE.device_id, "another", NOW).rotated_at == NOW
    revoked.join(5)
    assert not one.register().active()
    with pytest.raises(DeviceRefused):
        one.rotate(DEVICE.device_id, "a third", NOW)


def test_a_register_that_could_not_be_opened_is_read_as_soon_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "register.json"
    DeviceBook(path).begin()
    file = RegisterFile(path)

    def closed(_path: Path, **_options: object) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", closed)
        with pytest.raises(RegisterUnreadableError, match="Permission denied"):
            file.read()
    assert file.has_changed()
    assert file.read() == DeviceRegister()
    assert not file.has_changed()
