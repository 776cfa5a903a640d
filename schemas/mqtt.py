"""MQTT topics of the platform: how they are built and what they say (design, section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.fields import LANE_PATTERN, Feed

ROOT: Final = "jianghan"
SUBSCRIPTION: Final = f"{ROOT}/#"
"""What the bridge subscribes to."""

DEVICE_PROPERTY_BOOT: Final = "boot_id"
DEVICE_PROPERTY_SEQ: Final = "seq"
"""Optional MQTT 5 user properties by which a device can name a message whose payload turns out to be broken."""

DEVICE_PROPERTY_BASE: Final = "base"
"""Optional MQTT 5 user property: the lowest number of the message's boot that the device still keeps. It has a receipt
for what lies below, or has given it up; a bridge that no longer knows the boot counts on from here."""

BRIDGE_CLIENT_ID: Final = "jianghan-ingest-bridge"
"""The bridge's persistent session; the broker lets no other account have it."""

CLOCK: Final = "clock"
"""Level below which the operator drives the clocks of lanes; no group is called so."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANE: Final = re.compile(LANE_PATTERN)
_FEEDS: Final = frozenset(feed.value for feed in Feed)


class Message(StrEnum):
    """Last level of a device's topic."""

    READING = "reading"
    """From the device itself: one live reading as a JSON object, or several as an array."""
    RELAY = "relay"
    """The same from the operator's account, for any device and in any lane."""
    RECEIPT = "receipt"
    """From the bridge to the device: see `schemas.receipt`."""


_MESSAGES: Final = frozenset(message.value for message in Message)


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """`jianghan/<feed>/<group_id>/<device_id>/<message>`."""

    feed: Feed
    group_id: str
    device_id: str
    message: Message

    def __str__(self) -> str:
        return f"{ROOT}/{self.feed}/{self.group_id}/{self.device_id}/{self.message}"


@dataclass(frozen=True, slots=True)
class ClockTopic:
    """`jianghan/<feed>/clock/<lane>`: the operator opens, drives and closes a lane."""

    feed: Feed
    lane: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.feed}/{CLOCK}/{self.lane}"


@dataclass(frozen=True, slots=True)
class NotATopic:
    """A topic outside the contract, and why."""

    topic: str
    why: str


def parse_topic(topic: str) -> DeviceTopic | ClockTopic | NotATopic:
    """Read a topic name; what does not follow the contract comes back as `NotATopic` with the reason."""
    match topic.split("/"):
        case [root, feed, clock, lane] if root == ROOT and clock == CLOCK:
            why = _why_no_clock(feed, lane)
            return NotATopic(topic, why) if why else ClockTopic(Feed(feed), lane)
        case [root, feed, group_id, device_id, message] if root == ROOT:
            why = _why_no_device(feed, group_id, device_id, message)
            return NotATopic(topic, why) if why else DeviceTopic(Feed(feed), group_id, device_id, Message(message))
        case _:
            expected = f"expected {ROOT}/<feed>/<group>/<device>/<message> or {ROOT}/<feed>/{CLOCK}/<lane>"
            return NotATopic(topic, expected)


def _why_no_clock(feed: str, lane: str) -> str | None:
    if feed not in _FEEDS:
        return f"there is no feed '{feed[:80]}'"
    if not _LANE.fullmatch(lane):
        return f"'{lane[:80]}' is not a lane"
    return None


def _why_no_device(feed: str, group_id: str, device_id: str, message: str) -> str | None:
    if feed not in _FEEDS:
        return f"there is no feed '{feed[:80]}'"
    if group_id == CLOCK:
        return f"'{CLOCK}' is no group: what lies below it are the clocks of lanes"
    if not _IDENTIFIER.fullmatch(group_id):
        return f"'{group_id[:80]}' is not a group id"
    if not _IDENTIFIER.fullmatch(device_id):
        return f"'{device_id[:80]}' is not a device id"
    if message not in _MESSAGES:
        return f"'{message[:80]}' is not a message of a device"
    return None
