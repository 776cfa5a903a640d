"""Whether a device may speak under a topic, by the register; and how much it may say. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.dead_letter import DeadLetterReason
from schemas.device_register import DeviceRegister, RegisteredDevice
from schemas.mqtt import DeviceTopic

_WHAT_TO_DO: Final = "`district device list` shows who is registered for what"


@dataclass(frozen=True, slots=True)
class Barred:
    """Why nothing is taken from a device under a topic."""

    reason: DeadLetterReason
    detail: str
    is_known: bool
    """A registered device is told by its receipts that we have kept what it sent; a stranger is told nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one device may send."""

    readings_per_second: float
    """In the long run."""
    readings_at_once: float
    """On top of it after a silence: what a device kept while it was away."""
    payload_bytes: int
    """In one message."""


class Allowance:
    """Readings that a device may still send: fills up with time, up to the burst.

    Kept as one number: the time at which it would be full again.
    """

    __slots__ = ("_each", "_full_at", "_longest", "readings_per_second")

    def __init__(self, limits: Limits) -> None:
        self.readings_per_second = limits.readings_per_second
        """What it fills up with."""
        self._each = 1.0 / limits.readings_per_second
        self._longest = limits.readings_at_once * self._each
        self._full_at = 0.0

    def take(self, readings: int, now: float) -> bool:
        """Take so many readings at a time in seconds; false, and nothing is taken, when they are too many."""
        full_at = self._full_at
        # It is full; or the clock was set back by more than can be used up.
        if full_at < now or full_at - now > self._longest:
            full_at = now
        full_at += readings * self._each
        if full_at - now > self._longest:
            return False
        self._full_at = full_at
        return True


class Admission:
    """Who may speak for what, and what is left to each of saying so much."""

    def __init__(self, register: DeviceRegister, limits: Limits) -> None:
        self.limits = limits
        self._allowances: dict[str, Allowance] = {}
        self._devices: dict[str, RegisteredDevice] = {}
        self.change(register)

    def change(self, register: DeviceRegister) -> None:
        """Go by another register from now on."""
        self._devices = {each.device_id: each for each in register.devices}
        self._allowances = {name: each for name, each in self._allowances.items() if name in self._devices}

    def barred(self, topic: DeviceTopic) -> Barred | None:
        """Say why a device may not speak under this topic of its own; None when it may."""
        device = self._devices.get(topic.device_id)
        if device is None:
            detail = f"device {topic.device_id} is not registered; add it with `district device add`, then send again"
            return Barred(DeadLetterReason.NOT_REGISTERED, detail, is_known=False)
        if device.revoked_at is not None:
            since = device.revoked_at.isoformat(timespec="seconds")
            detail = f"device {topic.device_id} was revoked at {since}; {_WHAT_TO_DO}"
            return Barred(DeadLetterReason.NOT_REGISTERED, detail, is_known=False)
        if (device.feed, device.group_id) != (topic.feed, topic.group_id):
            detail = (
                f"device {topic.device_id} is registered for {device.feed}/{device.group_id} and speaks for "
                f"{topic.feed}/{topic.group_id}; {_WHAT_TO_DO}"
            )
            return Barred(DeadLetterReason.NOT_REGISTERED, detail, is_known=True)
        return None

    def allowance(self, device_id: str) -> Allowance:
        """What a registered device may still send."""
        found = self._allowances.get(device_id)
        if found is None:
            found = self._allowances[device_id] = Allowance(self.limits)
        return found
