"""`district device`: which devices may speak, and how one comes, gets another credential, and goes.

The order of a change: see that the broker can be told, change the register (bridge and boards go by it), tell the
broker; nobody else changes anything meanwhile. So whatever breaks off in between, no device speaks that the register
does not know, and a broker that starts goes by the register.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Final

import typer
from pydantic import SecretStr, ValidationError

from deploy.local.broker_accounts import Command, admission, dismissal
from deploy.local.broker_control import BrokerControl
from deploy.local.device_book import DeviceBook
from schemas.device_register import DeviceIdentity, DeviceRefused, RegisteredDevice
from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message
from services.district.errors import DeviceUnchanged, ServerSilent
from services.district.settings import Access, find_access
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, day_and_time
from services.runtime.database import DATABASE_FAULTS
from services.runtime.errors import PlatformError
from services.runtime.settings import parse_mqtt_url
from services.timescale_sink.assets import groups_of
from services.timescale_sink.register import district_assets, register
from services.timescale_sink.settings import MigrationSettings

PASSWORD_BYTES: Final = 24

device: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The register of devices: add, rotate, revoke, list.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="DEVICE", show_default=False, help="Its id: letters, digits, . _ -")]


@dataclass(frozen=True, slots=True)
class Devices:
    """The register and the broker of a district."""

    access: Access
    book: DeviceBook

    def add(self, identity: DeviceIdentity, name: str | None = None, *, new_group: bool = False) -> str:
        """Register a device; return its password, which nobody can read again.

        Raises:
            DeviceUnchanged: the register does not take it, or nobody knows its group and it is not meant as a new one.
            BrokerRefused: the broker was not told.
        """
        if not new_group:
            self._see_that_group_is_known(identity)
        password = secrets.token_hex(PASSWORD_BYTES)
        with self._control() as control, self.book.held():
            try:
                self.book.add(identity, password, datetime.now(UTC), name=name)
            except (DeviceRefused, ValidationError) as error:
                raise _unchanged(error) from error
            control.apply(admission(identity, password))
        return password

    def rotate(self, device_id: str) -> tuple[RegisteredDevice, str]:
        """Give a device another password and close its session; also what mends an `add` that broke off.

        Raises:
            DeviceUnchanged: it is not registered.
            BrokerRefused: the broker was not told.
        """
        password = secrets.token_hex(PASSWORD_BYTES)
        with self._control() as control, self.book.held():
            try:
                known = self.book.rotate(device_id, password, datetime.now(UTC))
            except DeviceRefused as error:
                raise _unchanged(error) from error
            control.apply(admission(known.identity, password))
        return known, password

    def revoke(self, device_id: str) -> None:
        """Take a device's account away and close its session; again does no harm.

        Raises:
            DeviceUnchanged: it was never registered.
            BrokerRefused: the broker was not told; the register has it, and the bridge takes nothing more from it.
        """
        commands: Sequence[Command] = dismissal(device_id)
        with self.book.held():
            try:
                self.book.revoke(device_id, datetime.now(UTC))
            except DeviceRefused as error:
                raise _unchanged(error) from error
            with self._control() as control:
                control.apply(commands)

    def show_on_boards(self) -> str | None:
        """Bring the assets that boards read in line; what went wrong, None when nothing did."""
        if self.access.owner_url is None:
            return "set DATABASE_OWNER_URL"
        try:
            asyncio.run(register(self._owner_settings()))
        except (PlatformError, *DATABASE_FAULTS) as error:
            return str(error)
        return None

    def _see_that_group_is_known(self, identity: DeviceIdentity) -> None:
        feed, group_id = identity.feed, identity.group_id
        known = groups_of(district_assets(self._owner_settings().district_file), feed)
        known |= {each.group_id for each in self.book.register().active().values() if each.feed is feed}
        if group_id not in known:
            near = get_close_matches(group_id, sorted(known), n=3) or sorted(known)[:3]
            raise DeviceUnchanged(
                f"{feed} has no group '{group_id}' (there are {', '.join(near)} …); say --new-group if it is a new one"
            )

    def _owner_settings(self) -> MigrationSettings:
        url = self.access.owner_url or SecretStr("")
        return MigrationSettings(database_owner_url=url, device_register=self.book.register_file)

    def _control(self) -> BrokerControl:
        if self.access.mqtt_url is None:
            raise ServerSilent("set MQTT_URL, or start the district.")
        endpoint = parse_mqtt_url(self.access.mqtt_url.get_secret_value())
        return BrokerControl(endpoint.host, endpoint.port, endpoint.username, endpoint.password, tls=endpoint.tls)


def _unchanged(error: DeviceRefused | ValidationError) -> DeviceUnchanged:
    if isinstance(error, DeviceRefused):
        return DeviceUnchanged(str(error))
    first = error.errors(include_input=False, include_url=False)[0]
    return DeviceUnchanged(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _devices() -> Devices:
    access = find_access()
    if access.device_register is None:
        raise ServerSilent("set DEVICE_REGISTER to the file of the register, or start the district.")
    return Devices(access, DeviceBook(access.device_register))


@device.command("add")
def add_device(
    feed: Annotated[Feed, typer.Argument(show_default=False, help="The feed that it speaks for.")],
    group: Annotated[
        str, typer.Argument(metavar="GROUP", show_default=False, help="Its lake, zone or site; else the district.")
    ],
    device_id: _Id,
    *,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Its name on boards.")] = None,
    new_group: Annotated[bool, typer.Option("--new-group", help="Its group is a new one.")] = False,
    as_json: _Json = False,
) -> None:
    """Register a device and print its credential, once. It may connect as soon as this returns."""
    devices = _devices()
    identity = DeviceIdentity(device_id, feed, group)
    password = devices.add(identity, name, new_group=new_group)
    _tell(identity, password, f"device {device_id} is registered for {feed}/{group}", as_json=as_json)
    _tell_boards(devices)


@device.command("rotate")
def rotate_device(device_id: _Id, *, as_json: _Json = False) -> None:
    """Make a device's credential anew and print it, once. The old one is worth nothing from now on."""
    known, password = _devices().rotate(device_id)
    _tell(known.identity, password, f"device {device_id} has another credential", as_json=as_json)


@device.command("revoke")
def revoke_device(device_id: _Id) -> None:
    """Take a device out: its session is closed at once, its credential forgotten. What it has sent stays."""
    devices = _devices()
    devices.revoke(device_id)
    say(f"device {device_id} is revoked: its session is closed and its account gone")
    _tell_boards(devices)


@device.command("list")
def list_devices(
    *,
    feed: Annotated[Feed | None, typer.Option(help="Of one feed.")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Those that may not speak any more, too.")] = False,
    as_json: _Json = False,
) -> None:
    """Print the register: who may speak for what, since when."""
    known = _devices().book.register().devices
    shown = [each for each in known if (revoked or each.is_active) and feed in {None, each.feed}]
    if as_json:
        say_json([each.model_dump(mode="json") for each in shown])
        return
    if not shown:
        say("no device is registered")
        return
    found = table("device", "group", "feed", "name", "since", "rotated", "revoked")
    for column in found.columns[:2]:
        column.no_wrap = True  # names in full, whatever the width: they are what one types
    for each in shown:
        times = (each.added_at, each.rotated_at, each.revoked_at)
        names = (each.device_id, each.group_id, each.feed.value, each.name or UNKNOWN)
        add_row(found, [*names, *(UNKNOWN if at is None else day_and_time(at) for at in times)])
    show(None, found)


def _tell(identity: DeviceIdentity, password: str, what: str, *, as_json: bool) -> None:
    device_id, feed, group_id = identity
    topics = {
        message.value: str(DeviceTopic(feed, group_id, device_id, message))
        for message in (Message.READING, Message.RECEIPT)
    }
    if as_json:
        say_json({"user": device_id, "client_id": device_id, "password": password, "topics": topics})
        return
    say(what)
    say(f"  MQTT user and client id  {device_id}")
    say(f"  password, shown once     {password}")
    say(f"  publishes under          {topics[Message.READING]}")
    say(f"  hears its receipts under {topics[Message.RECEIPT]}")


def _tell_boards(devices: Devices) -> None:
    trouble = devices.show_on_boards()
    if trouble is not None:
        say(f"the boards show it after the next start: {trouble}", err=True)
