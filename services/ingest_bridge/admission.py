"""Whether a device may speak under a topic, by the register; and how much it may say. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.dead_letter import DeadLetterReason
from schemas.device_register import DeviceRegister, RegisteredDevice
from schemas.mqtt import DeviceTopic

KEPT_SECONDS: Final = 60.0
"""What a device sends is in the order of its times but for so much; what is older was kept, and is sent later."""
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
    readings_of_a_moment: float
    """On top of it by the readings' own times: what a device has to tell of one moment."""
    payload_bytes: int
    """In one message."""


class Bucket:
    """What is left of a rate: fills up with time, up to so many at once. Kept as the time at which it would be full."""

    __slots__ = ("_each", "_full_at", "_longest")

    def __init__(self, each_second: float, at_once: float) -> None:
        self._each = 1.0 / each_second
        self._longest = at_once * self._each
        self._full_at = 0.0

    def take(self, count: int, now: float) -> bool:
        """Take so many at a time in seconds; false, and nothing is taken, when they are too many."""
        full_at = self._full_at
        # It is full; or the clock was set back by more than can be used up.
        if full_at < now or full_at - now > self._longest:
            full_at = now
        full_at += count * self._each
        if full_at - now > self._longest:
            return False
        self._full_at = full_at
        return True


class Allowance:
    """Readings that a device may still send: by when they arrive, and by the times that they carry.

    What a device kept while it was away arrives at once but was read over hours; it is bound by `readings_at_once`
    alone. Of the time that it is now, or of any one moment, there are never so many: a device that runs away is stopped
    long before it has used up what a device that was away may send.
    """

    __slots__ = ("_arrived", "_dated", "_heard_at", "_latest", "_moved", "readings_per_second")

    def __init__(self, limits: Limits) -> None:
        self.readings_per_second = limits.readings_per_second
        """What it fills up with."""
        self._arrived = Bucket(limits.readings_per_second, limits.readings_at_once)
        self._dated = Bucket(limits.readings_per_second, limits.readings_of_a_moment)
        self._latest = self._heard_at = self._moved = 0.0

    def take(self, readings: int, now: float) -> bool:
        """Take so many that arrive at a time in seconds; false, and nothing is taken, when they are too many."""
        return self._arrived.take(readings, now)

    def take_dated(self, at: float, now: float) -> bool:
        """Take one reading that carries a time in seconds; false, and nothing is taken, when there are too many of it.

        What fills up again does so with either clock, so that entries of one day may come over that day. A reading that
        is older than the newest by more than `KEPT_SECONDS` comes out of what the device kept, and is not counted; nor
        is any of a device whose clock was ahead until that time has come: arrival bounds them.

        Args:
            at: The reading's own time.
            now: When it arrives.
        """
        latest = self._latest
        if at <= latest - KEPT_SECONDS:
            return True
        self._moved += max(at - latest, now - self._heard_at, 0.0)
        self._latest, self._heard_at = max(at, latest), now
        return self._dated.take(1, self._moved)


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
