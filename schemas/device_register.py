"""The register of devices: who may speak, for which feed and group. The one list that broker, bridge and boards share.

It holds no secret: what a device proves itself with is kept apart, hashed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, model_validator

from schemas.fields import CONTRACT, Feed, Identifier, Text, UtcTime
from schemas.mqtt import BRIDGE_CLIENT_ID, DeviceTopic, Message, NotATopic, parse_topic

MAX_DEVICES: Final = 20_000
"""Most devices of a district, revoked ones included: what bridge and broker hold in memory for them stays bounded."""

RESERVED: Final = frozenset(("bridge", "operator", BRIDGE_CLIENT_ID))
"""Accounts and sessions of the platform itself; no device is called so."""


class DeviceRefused(ValueError):
    """The register does not take this; the message says why and what to do."""


class DeviceIdentity(NamedTuple):
    """A device and what it may speak for."""

    device_id: str
    feed: Feed
    group_id: str


class Origin(StrEnum):
    """Who registered a device."""

    OPERATOR = "operator"
    """`district device add`."""
    SIMULATED = "simulated"
    """The simulators' district; such a device leaves the register when it leaves that district."""


class RegisteredDevice(BaseModel):
    """One device."""

    model_config = CONTRACT

    device_id: Identifier
    """Its id, its account and its MQTT client id."""
    feed: Feed
    group_id: Identifier
    """Lake, district, zone or site; it speaks for no other."""
    name: Text | None = None
    """For people."""
    origin: Origin = Origin.OPERATOR
    added_at: UtcTime
    rotated_at: UtcTime | None = None
    """When its credential was last made anew."""
    revoked_at: UtcTime | None = None
    """Since when it may not speak any more; kept, so that it does not come back by itself."""

    @property
    def is_active(self) -> bool:
        """Whether it may speak."""
        return self.revoked_at is None

    @property
    def identity(self) -> DeviceIdentity:
        """The device and what it may speak for."""
        return DeviceIdentity(self.device_id, self.feed, self.group_id)


class DeviceRegister(BaseModel):
    """Every device that was ever registered, each once, in the order of their ids."""

    model_config = CONTRACT

    version: Literal[1] = 1
    devices: Annotated[tuple[RegisteredDevice, ...], Field(max_length=MAX_DEVICES)] = ()

    @model_validator(mode="after")
    def _each_once_and_well_named(self) -> Self:
        if len({each.device_id for each in self.devices}) < len(self.devices):
            raise ValueError("a device stands there twice")
        for each in self.devices:
            why = why_no_device(each.identity)
            if why is not None:
                raise ValueError(why)
        return self

    def active(self) -> dict[str, RegisteredDevice]:
        """The devices that may speak, by id."""
        return {each.device_id: each for each in self.devices if each.is_active}

    def get(self, device_id: str) -> RegisteredDevice | None:
        """A device by its id, None when it was never registered."""
        return next((each for each in self.devices if each.device_id == device_id), None)

    def with_device(self, identity: DeviceIdentity, now: UtcTime, *, name: str | None = None) -> DeviceRegister:
        """Register a device; one that was revoked may come back, for whatever it is to speak for now.

        Raises:
            DeviceRefused: it is registered already, the register is full, or the name is none for a device.
        """
        known = self.get(identity.device_id)
        if known is not None and known.is_active:
            raise DeviceRefused(
                f"device {known.device_id} is registered already, for {known.feed}/{known.group_id}; "
                "revoke it first, or make its credential anew with `district device rotate`"
            )
        why = why_no_device(identity)
        if why is not None:
            raise DeviceRefused(why)
        if known is None and len(self.devices) >= MAX_DEVICES:
            raise DeviceRefused(f"the register holds {MAX_DEVICES:,} devices, the most it takes")
        return self._with(
            RegisteredDevice(
                device_id=identity.device_id,
                feed=identity.feed,
                group_id=identity.group_id,
                name=name,
                added_at=now,
            )
        )

    def with_rotation(self, device_id: str, now: UtcTime) -> DeviceRegister:
        """Note that a device's credential is made anew.

        Raises:
            DeviceRefused: it is not registered, or revoked.
        """
        return self._with(self._known(device_id).model_copy(update={"rotated_at": now}))

    def without_device(self, device_id: str, now: UtcTime) -> DeviceRegister:
        """Revoke a device; what it has sent stays.

        Raises:
            DeviceRefused: it is not registered.
        """
        known = self._known(device_id, even_revoked=True)
        return self._with(known.model_copy(update={"revoked_at": known.revoked_at or now}))

    def with_simulated(self, devices: Iterable[DeviceIdentity], now: UtcTime) -> DeviceRegister:
        """Take over the simulators' district: its devices and no other simulated ones.

        What the operator added or revoked stays as it is.
        """
        wanted = {each.device_id: each for each in devices}
        kept = {
            each.device_id: each
            for each in self.devices
            if each.origin is Origin.OPERATOR or not each.is_active or wanted.get(each.device_id) == each.identity
        }
        new = {
            each.device_id: RegisteredDevice(
                device_id=each.device_id,
                feed=each.feed,
                group_id=each.group_id,
                origin=Origin.SIMULATED,
                added_at=now,
            )
            for each in wanted.values()
            if each.device_id not in kept
        }
        return DeviceRegister(devices=_in_order({**kept, **new}))

    def _known(self, device_id: str, *, even_revoked: bool = False) -> RegisteredDevice:
        known = self.get(device_id)
        if known is None:
            raise DeviceRefused(f"device {device_id} is not registered; `district device list` shows those that are")
        if known.revoked_at is not None and not even_revoked:
            since = known.revoked_at.isoformat(timespec="seconds")
            raise DeviceRefused(f"device {device_id} is revoked since {since}; register it again with `add`")
        return known

    def _with(self, device: RegisteredDevice) -> DeviceRegister:
        return DeviceRegister(
            devices=_in_order({**{each.device_id: each for each in self.devices}, device.device_id: device})
        )


def _in_order(devices: dict[str, RegisteredDevice]) -> tuple[RegisteredDevice, ...]:
    return tuple(devices[device_id] for device_id in sorted(devices))


def why_no_device(identity: DeviceIdentity) -> str | None:
    """Say why nothing can be registered under these names; None when it can."""
    if identity.device_id in RESERVED:
        return f"'{identity.device_id}' is a name of the platform itself; give the device another"
    topic = parse_topic(str(DeviceTopic(identity.feed, identity.group_id, identity.device_id, Message.READING)))
    return topic.why if isinstance(topic, NotATopic) else None
