"""What breaks between two releases of a whole document: JSON Schema, AsyncAPI 3 or OpenAPI 3.1. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.compatibility.breaks import Break, Way, breaks
from schemas.compatibility.pointers import followed

Document = Mapping[str, Any]

_WRITTEN_TOO: Final = frozenset({"alert", "alert-action", "delivery", "indicator", "dead-letter", "receipt"})
"""JSON Schemas of what others read; what the others describe is read by the platform alone, now or later."""

_WAYS: Final = MappingProxyType({"receive": Way.READ, "send": Way.WRITTEN})


def breaks_of_json_schema(name: str, old: Document, new: Document | None) -> list[Break]:
    """Of one generated JSON Schema.

    Args:
        new: None: the document is gone.
    """
    if new is None:
        return [Break(name, "", "the document is gone")]
    way = Way.BOTH if name.removesuffix(".schema.json") in _WRITTEN_TOO else Way.READ
    return breaks(name, (old, old), (new, new), way)


def breaks_of_asyncapi(name: str, old: Document, new: Document) -> list[Break]:
    """Of the AsyncAPI document: channels with their topics, keys, partitions and retention, messages and payloads."""
    found: list[Break] = []
    for channel, was in old["channels"].items():
        now = new["channels"].get(channel)
        if now is None:
            found.append(Break(name, channel, "the channel is gone"))
            continue
        found += [Break(name, channel, sentence) for sentence in _of_channel(was, now)]
        found += _of_messages(name, channel, old, new)
    gone = [each for each in old["operations"] if each not in new["operations"]]
    return found + [Break(name, each, "the operation is gone") for each in gone]


def _of_channel(was: Document, now: Document) -> Iterator[str]:
    if was["address"] != now["address"]:
        yield f"the topic was {was['address']}, now it is {now['address']}"
    if was.get("x-key") != now.get("x-key"):
        yield f"the key was {was.get('x-key')}, now it is {now.get('x-key')}: what was in order no longer is"
    kafka, kafka_now = (each.get("bindings", {}).get("kafka", {}) for each in (was, now))
    if kafka.get("partitions") != kafka_now.get("partitions"):
        yield (
            f"there were {kafka.get('partitions')} partitions, now {kafka_now.get('partitions')}: keys move to others "
            "and are no longer in order"
        )
    policy, policy_now = (each.get("topicConfiguration", {}) for each in (kafka, kafka_now))
    if policy.get("cleanup.policy") != policy_now.get("cleanup.policy"):
        yield f"cleanup was {policy.get('cleanup.policy')}, now it is {policy_now.get('cleanup.policy')}"
    kept, kept_now = (each.get("x-retention-days") for each in (was, now))
    if kept_now is not None and (kept is None or kept_now < kept):
        yield f"records were kept for {'ever' if kept is None else f'{kept:g} days'}, now for {kept_now:g} days"


def _of_messages(name: str, channel: str, old: Document, new: Document) -> Iterator[Break]:
    was, now = old["channels"][channel]["messages"], new["channels"][channel]["messages"]
    way = _way_of(channel, old)
    for message, pointer in was.items():
        if message not in now:
            yield Break(name, channel, f"the message {message} is gone")
            continue
        one, other = followed(pointer, old), followed(now[message], new)
        if one.get("contentType") != other.get("contentType"):
            yield Break(name, channel, f"{message} was {one.get('contentType')}, now it is {other.get('contentType')}")
        for part in ("payload", "headers"):
            where = f"{channel}: {message}" if part == "payload" else f"{channel}: {message} headers"
            yield from breaks(name, (one.get(part, {}), old), (other.get(part, {}), new), way, where)
    for message in now:
        if message not in was and way is not Way.READ:
            yield Break(
                name, channel, f"the message {message} is new: readers who look at no header take it for another"
            )


def _way_of(channel: str, document: Document) -> Way:
    """What the platform alone reads back may gain values; what others read may not."""
    if document["channels"][channel].get("x-audience") == "platform":
        return Way.READ
    pointer = f"#/channels/{channel}"
    operations = document["operations"].values()
    ways = {_WAYS[each["action"]] for each in operations if each["channel"]["$ref"] == pointer}
    log = channel.startswith("kafka.")
    return Way.BOTH if len(ways) > 1 or (log and Way.WRITTEN in ways) else (ways or {Way.BOTH}).pop()
