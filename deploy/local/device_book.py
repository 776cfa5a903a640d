"""The register of devices on disk, and beside it the hashed credentials that only the broker needs.

The register may be read by every service, `credentials.json` beside it by its owner only. Whoever changes them holds
the folder's lock; each is replaced whole, so a reader never sees half of one.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from deploy.local.broker_accounts import HashedPassword, hashed
from deploy.local.errors import DevicesUnreadable
from deploy.local.files import locked_folder, write_private
from schemas.device_register import DeviceIdentity, DeviceRegister, Origin, RegisteredDevice

SALT_BYTES: Final = 12
DEVICES: Final = "devices"
"""Its folder in a state folder."""
REGISTER: Final = "register.json"
READABLE: Final = 0o644
CREDENTIALS: Final = "credentials.json"


class DeviceBook:
    """Register and credentials of one folder.

    Args:
        register_file: What `DEVICE_REGISTER` names.
    """

    def __init__(self, register_file: Path) -> None:
        self._folder = register_file.parent
        self.register_file = register_file
        self._credentials_file = register_file.with_name(CREDENTIALS)
        self._is_held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep everybody else from changing the files: what is done meanwhile goes with them as they are."""
        with locked_folder(self._folder):
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False

    def register(self) -> DeviceRegister:
        """Read the register; an empty one when there is none yet.

        Raises:
            DevicesUnreadable: it is damaged.
        """
        try:
            return DeviceRegister.model_validate_json(self.register_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return DeviceRegister()
        except (OSError, ValidationError) as error:
            raise DevicesUnreadable(f"{self.register_file}: {_first_line(error)}") from error

    def credentials(self) -> dict[str, HashedPassword]:
        """Read what is kept of the devices' passwords.

        Raises:
            DevicesUnreadable: the file is damaged.
        """
        try:
            known = json.loads(self._credentials_file.read_text(encoding="utf-8"))
            return {device_id: HashedPassword(**each) for device_id, each in known.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DevicesUnreadable(f"{self._credentials_file}: {_first_line(error)}") from error

    def begin(self) -> None:
        """Have a register from now on, an empty one if there is none yet.

        Raises:
            DevicesUnreadable: the files are damaged.
        """
        self._change(lambda register: register)

    def add(self, identity: DeviceIdentity, password: str, now: datetime, *, name: str | None = None) -> None:
        """Register a device with its password.

        Raises:
            DeviceRefused: the register does not take it.
            DevicesUnreadable: the files are damaged.
        """
        self._change(
            lambda register: register.with_device(identity, now, name=name), {identity.device_id: password}.get
        )

    def rotate(self, device_id: str, password: str, now: datetime) -> RegisteredDevice:
        """Give a registered device another password.

        Raises:
            DeviceRefused: it is not registered.
            DevicesUnreadable: the files are damaged.
        """
        changed = self._change(lambda register: register.with_rotation(device_id, now), {device_id: password}.get)
        return changed.active()[device_id]

    def revoke(self, device_id: str, now: datetime) -> None:
        """Take a device's right to speak; its credential is forgotten.

        Raises:
            DeviceRefused: it was never registered.
            DevicesUnreadable: the files are damaged.
        """
        self._change(lambda register: register.without_device(device_id, now))

    def take_simulated(
        self, devices: Iterable[DeviceIdentity], password_of: Callable[[str], str], now: datetime
    ) -> None:
        """Register the simulators' devices, and no other simulated ones, with the passwords that they work out.

        Raises:
            DevicesUnreadable: the files are damaged.
        """
        wanted = tuple(devices)

        def password(device: RegisteredDevice) -> str | None:
            untouched = device.origin is Origin.SIMULATED and device.rotated_at is None
            return password_of(device.device_id) if untouched else None

        self._change(lambda register: register.with_simulated(wanted, now), each=password)

    def _change(
        self,
        change: Callable[[DeviceRegister], DeviceRegister],
        given: Callable[[str], str | None] = lambda _id: None,
        *,
        each: Callable[[RegisteredDevice], str | None] | None = None,
    ) -> DeviceRegister:
        with nullcontext() if self._is_held else locked_folder(self._folder):
            register, kept = change(self.register()), self.credentials()
            credentials = {}
            for device in register.active().values():
                password = each(device) if each is not None else given(device.device_id)
                if password is not None:
                    credentials[device.device_id] = hashed(password, secrets.token_bytes(SALT_BYTES))
                elif device.device_id in kept:
                    credentials[device.device_id] = kept[device.device_id]
            words = {device_id: asdict(hashed_one) for device_id, hashed_one in credentials.items()}
            write_private(self._credentials_file, json.dumps(words, indent=1))
            write_private(self.register_file, register.model_dump_json(indent=1), mode=READABLE)
        return register


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
