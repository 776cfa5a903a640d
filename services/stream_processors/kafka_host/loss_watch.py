"""Says what is gone unjudged, keeps it in the state, and hears when the operator has accepted it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

import structlog

from schemas.loss_acceptance import ACCEPT_KEY
from services.runtime import metrics
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.losses import LOSS_KEY, Loss, encode_losses, is_accepted
from services.stream_processors.kafka_host.state_topic import StateTopic
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()

_LOOK_SECONDS: Final = 10.0


class LossWatch(Generic[S]):
    """The losses of all partitions that are ours."""

    def __init__(self, around: Surroundings[S], state: StateTopic) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._state = state
        self._health = around.health

    async def run(self) -> None:
        """While something is not accepted, look for the operator's word."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            open_ones = [holding for holding in self._holdings.all() if holding.losses]
            records = await self._state.read(holding.partition for holding in open_ones)
            for holding in open_ones:
                if is_accepted(records[holding.partition], datetime.now(UTC)):
                    self._accept(holding)

    def take(self, holding: Holding[S], loss: Loss | None, *, accepted: bool) -> None:
        """A partition was taken over; `loss` is new."""
        if loss is not None and accepted:
            self._count(holding, loss)
            self._health.remark(self._part(holding), loss.sentence(holding.partition) + "; accepted by the operator")
            holding.pending[LOSS_KEY] = None
        elif loss is not None:
            self.add(holding, loss)
        elif accepted:
            holding.pending[LOSS_KEY] = None
        self._show(holding)

    def add(self, holding: Holding[S], loss: Loss) -> None:
        """Readings are gone."""
        self._count(holding, loss)
        holding.losses.append(loss)
        holding.pending[LOSS_KEY] = encode_losses(holding.losses)
        self._show(holding)

    def forget(self, holding: Holding[S]) -> None:
        """The partition is another process's: it says so there."""
        self._health.well(self._part(holding))

    def _accept(self, holding: Holding[S]) -> None:
        log.info("the loss is accepted", action="loss_accepted", topic=self._duty.topic, partition=holding.partition)
        holding.losses.clear()
        holding.pending |= {LOSS_KEY: None, ACCEPT_KEY: None}
        self._show(holding)

    def _count(self, holding: Holding[S], loss: Loss) -> None:
        metrics.RECORDS_LOST.labels(self._duty.name, holding.partition).inc(loss.before - loss.first)
        log.error(
            "readings are gone unjudged",
            action="loss",
            topic=self._duty.topic,
            partition=holding.partition,
            first=loss.first,
            before=loss.before,
            why=loss.why,
        )

    def _show(self, holding: Holding[S]) -> None:
        if not holding.losses:
            self._health.well(self._part(holding))
            return
        said = "; ".join(loss.sentence(holding.partition) for loss in holding.losses)
        self._health.trouble(
            self._part(holding), f"{self._duty.topic} {said}; `district state accept-loss {self._duty.feed}` accepts it"
        )

    def _part(self, holding: Holding[S]) -> str:
        return f"loss.{self._duty.name}.{holding.partition}"
