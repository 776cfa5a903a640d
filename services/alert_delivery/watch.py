"""Follows both topics from far enough back: which assets are silenced, and which alerts nobody has taken.

It stands beside the subscribers' own reading, has no group and commits nothing: each start reads again. Of
`alert-actions` all is read that Kafka has, comments and receipts by their headers alone; of `alerts` the last days. A
topic that is made anew meanwhile is read from its beginning; what was known before stays known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.alert import TYPE_PREFIX, Alert
from schemas.alert_action import AlertAction
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_delivery.endpoint import Surroundings
from services.alert_delivery.errors import UndecodableEvent
from services.alert_delivery.escalation import BY, Escalations
from services.alert_delivery.escalation_policy import EscalationPolicy
from services.alert_delivery.events import event_of
from services.runtime import metrics
from services.runtime.kafka import consumer, partitions_of
from services.runtime.lifecycle import Lifetime
from services.runtime.log_faults import LogFaults
from services.runtime.log_follower import LogFollower
from services.runtime.settings import KafkaSettings

log = structlog.stdlib.get_logger()

CLIENT_ID: Final = "alert_delivery-watch"
LOOK_SECONDS: Final = 1.0
FORGET_SECONDS: Final = 600.0
PART: Final = "escalation"
SOURCE: Final = f"/jianghan/{BY}"
_SAYS_NOTHING: Final = frozenset(f"{TYPE_PREFIX}{event}".encode() for event in ("commented", "received"))


class Watch:
    """Keeps `escalations`, and the silences in it, to the log."""

    def __init__(
        self,
        settings: KafkaSettings,
        escalations: Escalations,
        look_back: timedelta,
        around: Surroundings,
        faults: LogFaults,
    ) -> None:
        self.escalations = escalations
        self._faults = faults
        self._settings = settings
        self._look_back = look_back
        self._around = around
        self._caught_up = asyncio.Event()

    async def caught_up(self) -> None:
        """Wait until everything is read that was there at the start."""
        await self._caught_up.wait()

    async def follow(self) -> None:
        """Read for ever."""
        async with consumer(self._settings, CLIENT_ID, (), None) as records:
            await self._follow(records, LogFollower(records))

    async def _follow(self, records: AIOKafkaConsumer, follower: LogFollower) -> None:
        partitions = partitions_of(ALERTS, ALERT_ACTIONS)
        records.assign(partitions)
        ends: dict[TopicPartition, int] = await records.end_offsets(partitions)
        await self._begin(records, follower, ends)
        while True:
            found = await follower.poll(timeout_ms=500)
            for partition, why in found.anew.items():
                self._faults.made_anew(partition, why)
            self._faults.look()
            for record in (record for batch in found.batches.values() for record in batch):
                self._take(record)
            if not self._caught_up.is_set():
                if found.anew:
                    ends = await records.end_offsets(partitions)
                if await follower.is_through(ends):
                    self._caught_up.set()

    async def _begin(
        self, records: AIOKafkaConsumer, follower: LogFollower, ends: Mapping[TopicPartition, int]
    ) -> None:
        since = int((self._around.now() - self._look_back).timestamp() * 1000)
        begins: dict[TopicPartition, int] = await records.beginning_offsets(list(ends))
        recent = await records.offsets_for_times({each: since for each in ends if each.topic == ALERTS})
        for partition, begin in begins.items():
            start = begin
            if partition.topic == ALERTS:
                known = recent.get(partition)
                start = ends[partition] if known is None else known.offset
            follower.begin(partition, start, first=begin)

    def _take(self, record: Any) -> None:
        if any(name == "ce_type" and value in _SAYS_NOTHING for name, value in record.headers):
            return
        try:
            event = event_of(record.topic, record.value)
        except UndecodableEvent:
            return  # whoever delivers it says so
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        match event:
            case Alert():
                self.escalations.take_alert(event, at)
            case AlertAction():
                self.escalations.take_action(event, at)


class Escalator:
    """Writes an action for each alert that nobody has taken in time."""

    def __init__(
        self, client: AIOKafkaProducer, watch: Watch, policy: EscalationPolicy, around: Surroundings, lifetime: Lifetime
    ) -> None:
        self._client = client
        self._watch = watch
        self._policy = policy
        self._around = around
        self._lifetime = lifetime

    async def run(self) -> None:
        """Look once a second, for ever."""
        await self._watch.caught_up()
        forget_at = self._around.now()
        while True:
            now = self._around.now()
            for action in list(self._watch.escalations.due(self._policy, now)):
                await self._escalate(action)
            if now >= forget_at:
                self._watch.escalations.forget(now)
                forget_at = now + timedelta(seconds=FORGET_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def _escalate(self, action: AlertAction) -> None:
        try:
            await self._client.send_and_wait(
                ALERT_ACTIONS,
                value=action.model_dump_json().encode(),
                key=action.kafka_key(),
                headers=action.to_headers(SOURCE),
            )
        except KafkaError as error:
            self._lifetime.health.trouble(PART, f"Kafka does not take an escalation ({error}); trying again")
            return
        self._lifetime.health.well(PART)
        self._watch.escalations.said(action)
        metrics.ESCALATIONS.inc()
        about = None if action.alert is None else action.alert.alert_id
        log.info("an alert that nobody has taken is escalated", action="escalate", alert=about, asset=action.asset)
