"""A thousand hostile messages, each with the reason for which it has to be in the dead letters. Pure.

The list is the same every time but for the boot id and the times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from schemas.dead_letter import DeadLetterReason as Reason
from schemas.fields import Feed
from schemas.mqtt import ROOT, ClockTopic, DeviceTopic, Message

MESSAGES: Final = 1_000
LANE: Final = "exercise:hostile"
MAX_PAYLOAD_BYTES: Final = 1024 * 1024
"""The bridge takes no larger payload (its setting `BRIDGE_MAX_PAYLOAD_BYTES`)."""
MAX_ELEMENTS: Final = 10_000
"""Nor a longer array (`BRIDGE_MAX_ELEMENTS`)."""
_LARGE: Final = 6
"""Messages of each large kind: enough to try it, few enough to keep a log readable."""


class HostileMessage(NamedTuple):
    """One message and what has to become of it."""

    kind: str
    topic: str
    payload: bytes
    expected: Reason


@dataclass(frozen=True, slots=True)
class Victim:
    """A device in whose name hostile messages are sent."""

    number: int
    boot_id: str
    at: datetime

    @property
    def topic(self) -> DeviceTopic:
        """Where the operator's account publishes for it."""
        return DeviceTopic(Feed.EV, "hostile-site", f"hostile-{self.number}", Message.RELAY)

    def reading(self, **changed: Any) -> dict[str, Any]:
        """Return a good reading, with changes."""
        return {
            "feed": "ev",
            "device_id": self.topic.device_id,
            "group_id": self.topic.group_id,
            "boot_id": self.boot_id,
            "seq": self.number,
            "observed_at": _utc(self.at),
            "lane": LANE,
            "context": "status",
            "status": "idle",
            **changed,
        }

    def raw(self, **changed: Any) -> bytes:
        """Return it as bytes."""
        return orjson.dumps(self.reading(**changed))

    def without(self, name: str) -> bytes:
        """Return it with a field missing."""
        reading = self.reading()
        del reading[name]
        return orjson.dumps(reading)

    def patched(self, old: bytes, new: bytes, **changed: Any) -> bytes:
        """Return its bytes with a piece replaced, for what no JSON writer would write."""
        raw = self.raw(**changed)
        if old not in raw:
            raise ValueError(old)
        return raw.replace(old, new, 1)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Payload = Callable[[Victim], bytes]

_MARK: Final = b'"@"'

_NOT_JSON: Final[dict[str, Payload]] = {
    "words": lambda _: b"hello, this is not JSON",
    "empty payload": lambda _: b"",
    "blanks": lambda _: b"   \n ",
    "cut off": lambda v: v.raw()[:-9],
    "more behind the end": lambda v: v.raw() + b"}",
    "single quotes": lambda v: v.raw().replace(b'"', b"'"),
    "XML": lambda _: b"<?xml version='1.0'?><alert/>",
    "HJ 212 frame": lambda _: b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900;CP=&&1C80\r\n",
    "comma before the end": lambda v: v.raw()[:-1] + b",}",
    "comment": lambda v: b"/* now */" + v.raw(),
    "byte order mark": lambda v: b"\xef\xbb\xbf" + v.raw(),
    "deep arrays": lambda _: b"[" * 50_000,
    "deep objects": lambda _: b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep field": lambda v: v.patched(_MARK, b"[" * 3_000 + b"]" * 3_000, extra="@"),
    "half a surrogate": lambda v: v.patched(_MARK, b'"\\ud800"', site_name="@"),
    "integer of 5,000 digits": lambda v: v.patched(_MARK, b"9" * 5_000, seq="@"),
    "raw control character": lambda v: v.patched(_MARK, b'"a\x01b"', site_name="@"),
    "leading zero": lambda v: v.patched(_MARK, b"007", seq="@"),
}

_NOT_UTF8: Final[dict[str, Payload]] = {
    "stray bytes": lambda v: v.patched(_MARK, b'"\xff\xfe"', site_name="@"),
    "GBK text": lambda v: v.patched(_MARK, '"充电站"'.encode("gbk"), site_name="@"),
    "UTF-16": lambda v: v.raw().decode().encode("utf-16"),
    "overlong form": lambda v: v.patched(_MARK, b'"\xc0\xaf"', site_name="@"),
    "gzip": lambda _: b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "random bytes": lambda v: bytes((v.number * 7 + i * 31) % 128 + 128 for i in range(64)),
}

_INVALID: Final[dict[str, Payload]] = {
    "sequence number as text": lambda v: v.raw(seq=str(v.number)),
    "sequence number as fraction": lambda v: v.raw(seq=1.5),
    "sequence number as boolean": lambda v: v.raw(seq=True),
    "negative sequence number": lambda v: v.raw(seq=-1),
    "integer of 400 digits": lambda v: v.patched(_MARK, b"9" * 400, seq="@"),
    "sequence number beyond 2^53": lambda v: v.raw(seq=2**53),
    "naive time": lambda v: v.raw(observed_at=v.at.strftime("%Y-%m-%dT%H:%M:%S")),
    "local time": lambda v: v.raw(observed_at=v.at.strftime("%Y-%m-%dT%H:%M:%S+08:00")),
    "time as number": lambda v: v.raw(observed_at=int(v.at.timestamp())),
    "placeholder for the time": lambda v: v.raw(observed_at="*"),
    "impossible date": lambda v: v.raw(observed_at="2026-02-30T00:00:00Z"),
    "masked year": lambda v: v.raw(observed_at="0014-11-18T15:40:26Z"),
    "the year 1970": lambda v: v.raw(observed_at="1970-01-01T00:00:00Z"),
    "NaN": lambda v: v.patched(_MARK, b"NaN", power_kw="@"),
    "Infinity": lambda v: v.patched(_MARK, b"-Infinity", power_kw="@"),
    "1e999": lambda v: v.patched(_MARK, b"1e999", power_kw="@"),
    "text for a number": lambda v: v.raw(power_kw="7.2"),
    "out of range": lambda v: v.raw(soc_percent=101),
    "unknown field": lambda v: v.raw(colour="green"),
    "unknown state": lambda v: v.raw(status="asleep"),
    "time missing": lambda v: v.without("observed_at"),
    "state missing": lambda v: v.without("status"),
    "boot missing": lambda v: v.without("boot_id"),
    "boot id with blanks": lambda v: v.raw(boot_id="my boot"),
    "boot id too long": lambda v: v.raw(boot_id="b" * 65),
    "lane that is none": lambda v: v.raw(lane="rehearsal"),
    "text too long": lambda v: v.raw(site_name="x" * 201),
    "duplicate key, the last one wrong": lambda v: v.raw()[:-1] + b',"seq":"again"}',
    "unknown version": lambda v: v.raw(schema_version=2),
    "null": lambda _: b"null",
    "a number": lambda _: b"42",
    "a text": lambda _: b'"reading"',
    "empty object": lambda _: b"{}",
    "empty array": lambda _: b"[]",
    "array of a number": lambda _: b"[1]",
    "array in an array": lambda v: b"[[" + v.raw() + b"]]",
    "array with one bad element": lambda v: b"[" + v.raw() + b"," + v.raw(seq=None) + b"]",
    "NUL character in a name": lambda v: v.patched(b"@", b"a\\u0000b", site_name="@"),
    "NUL character in a status word": lambda v: v.patched(b"@", b"\\u0000", status_word="@"),
    "line break in a name": lambda v: v.raw(site_name="a\nb"),
    "terminal command in a name": lambda v: v.raw(site_name="\x1b[2J"),
    "time as number in a text": lambda v: v.raw(observed_at=str(int(v.at.timestamp()))),
    "the year 9999": lambda v: v.raw(observed_at="9999-12-31T23:59:59Z"),
}

_FUTURE: Final[dict[str, Payload]] = {
    "forty days ahead": lambda v: v.raw(observed_at=_utc(v.at + timedelta(days=40))),
    "a year ahead": lambda v: v.raw(observed_at=_utc(v.at + timedelta(days=365))),
    "array with one element ahead": lambda v: (
        b"[" + v.raw() + b"," + v.raw(seq=v.number + 1_000_000, observed_at=_utc(v.at + timedelta(days=40))) + b"]"
    ),
}

_CONTRADICTS: Final[dict[str, Payload]] = {
    "another device": lambda v: v.raw(device_id="somebody-else"),
    "another group": lambda v: v.raw(group_id="elsewhere"),
    "another feed": lambda v: v.raw(feed="water"),
    "array with one stranger": lambda v: b"[" + v.raw() + b"," + v.raw(device_id="somebody-else") + b"]",
}

_LARGE_PAYLOADS: Final[dict[str, Payload]] = {
    "1 MB of text": lambda v: v.raw(site_name="x" * MAX_PAYLOAD_BYTES),
    "1 MB of blanks": lambda v: b" " * MAX_PAYLOAD_BYTES + v.raw(),
    "1 MB that is not JSON": lambda _: b"x" * (MAX_PAYLOAD_BYTES + 1),
    "array of too many elements": lambda _: b"[" + b"1," * MAX_ELEMENTS + b"1]",
}

_TOPICS: Final = {
    "unknown feed": f"{ROOT}/noise/hostile-site/hostile/relay",
    "feed in capitals": f"{ROOT}/EV/hostile-site/hostile/relay",
    "unknown message": f"{ROOT}/ev/hostile-site/hostile/gossip",
    "too few levels": f"{ROOT}/ev/hostile-site",
    "too many levels": f"{ROOT}/ev/hostile-site/hostile/relay/again",
    "the root alone": ROOT,
    "empty levels": f"{ROOT}/ev///relay",
    "group with a blank": f"{ROOT}/ev/my site/hostile/relay",
    "group too long": f"{ROOT}/ev/{'g' * 65}/hostile/relay",
    "device in Chinese": f"{ROOT}/ev/hostile-site/充电桩/relay",
    "clock of an unknown feed": f"{ROOT}/noise/clock/{LANE}",
    "clock of no lane": f"{ROOT}/ev/clock/rehearsal",
    "clock of the lane live": f"{ROOT}/ev/clock/live",
    "group that is called clock": f"{ROOT}/ev/clock/hostile/relay",
    "lane where a device belongs": f"{ROOT}/ev/clock/{LANE}/relay",
}

_CLOCKS: Final[dict[str, tuple[str, dict[str, Any], Reason]]] = {
    "the end of live": ("live", {"lane": "live", "closes": True}, Reason.WRONG_TOPIC),
    "the end of live by another lane's topic": (LANE, {"lane": "live", "closes": True}, Reason.CONTRADICTS_TOPIC),
    "what only processors may say": (LANE, {"spare": 1_000}, Reason.INVALID),
    "more to spare than there is": (LANE, {"spare": 10**7}, Reason.INVALID),
    "an end that is neither true nor false": (LANE, {"closes": "yes"}, Reason.INVALID),
    "a clock in the year 9999": (LANE, {"at": "9999-12-31T23:59:59Z"}, Reason.INVALID),
    "a clock without a time": (LANE, {"at": None}, Reason.INVALID),
}
"""Clock messages: the lane of the topic, what differs from a good one, and what has to become of it."""

_STRANGERS: Final[dict[str, Payload]] = {
    "device that nobody registered": lambda v: v.raw(lane="live"),
    "stranger in a lane": lambda v: v.raw(),
    "stranger with what is no reading": lambda _: b"hello",
}
"""Under a device's own topic, where only a registered device is heard."""

_GROUPS: Final = (
    (_NOT_JSON, Reason.NOT_JSON),
    (_NOT_UTF8, Reason.NOT_UTF8),
    (_INVALID, Reason.INVALID),
    (_FUTURE, Reason.FUTURE_TIME),
    (_CONTRADICTS, Reason.CONTRADICTS_TOPIC),
)


def _one_round(make: Callable[[], Victim], *, large: bool) -> Iterator[HostileMessage]:
    for payloads, reason in _GROUPS:
        for kind, payload in payloads.items():
            victim = make()
            yield HostileMessage(kind, str(victim.topic), payload(victim), reason)
    for kind, payload in _STRANGERS.items():
        victim = make()
        own = replace(victim.topic, message=Message.READING)
        yield HostileMessage(kind, str(own), payload(victim), Reason.NOT_REGISTERED)
    for kind, topic in _TOPICS.items():
        victim = make()
        yield HostileMessage(f"topic: {kind}", topic, victim.raw(), Reason.WRONG_TOPIC)
    for kind, (lane, changed, reason) in _CLOCKS.items():
        tick = orjson.dumps({"lane": LANE, "at": _utc(make().at), **changed})
        yield HostileMessage(f"clock: {kind}", str(ClockTopic(Feed.EV, lane)), tick, reason)
    if large:
        for kind, payload in _LARGE_PAYLOADS.items():
            victim = make()
            yield HostileMessage(kind, str(victim.topic), payload(victim), Reason.TOO_LARGE)


def hostile_messages(boot_id: str, at: datetime, count: int = MESSAGES) -> Iterator[HostileMessage]:
    """Return so many hostile messages, every kind in turn.

    Args:
        at: What the readings say about their time where that is not what is wrong with them.
    """
    made = 0

    def make() -> Victim:
        return Victim(made, boot_id, at)

    rounds = 0
    while made < count:
        rounds += 1
        for message in _one_round(make, large=rounds <= _LARGE):
            yield message
            made += 1
            if made >= count:
                return
