"""Each hostile message is refused by the bridge's own judge for the reason that it promises."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from schemas.dead_letter import DeadLetterReason
from services.ingest_bridge.judge import Policy, Refused, judge
from services.ingest_bridge.routes import Routes
from simulators.load.hostile_messages import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, MESSAGES, hostile_messages
from tests.unit.ingest_bridge.registered import admission

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
POLICY = Policy(MAX_PAYLOAD_BYTES, MAX_ELEMENTS, timedelta(minutes=5))


def test_every_message_is_refused_once_for_the_reason_it_promises() -> None:
    routes = Routes(lambda _key, _count: 0, lambda _topic: 1, admission())
    found = {}
    for message in hostile_messages("hostile-test", NOW):
        verdicts = judge(routes.get(message.topic.encode()), message.payload, (), now=NOW, policy=POLICY)
        refused = [verdict.reason for verdict in verdicts if isinstance(verdict, Refused)]
        if refused != [message.expected]:
            found[message.kind] = refused
    assert found == {}


def test_there_are_a_thousand_of_every_reason_that_the_bridge_has() -> None:
    messages = list(hostile_messages("hostile-test", NOW))
    reasons = Counter(message.expected for message in messages)
    assert len(messages) == MESSAGES
    assert set(reasons) == {
        DeadLetterReason.NOT_UTF8,
        DeadLetterReason.NOT_JSON,
        DeadLetterReason.TOO_LARGE,
        DeadLetterReason.WRONG_TOPIC,
        DeadLetterReason.CONTRADICTS_TOPIC,
        DeadLetterReason.NOT_REGISTERED,
        DeadLetterReason.INVALID,
        DeadLetterReason.FUTURE_TIME,
    }
    assert sum(len(message.payload) for message in messages) < 40 * MAX_PAYLOAD_BYTES
