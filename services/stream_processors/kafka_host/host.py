"""The Kafka host: feeds the core from a consumer group and keeps its state in a compacted topic.

One round: 1. poll; 2. judge the batch; 3. produce its outputs and wait until Kafka has them; 4. now and then write
what has changed of each partition's state, with the offset it belongs to, in one transaction; 5. commit.

A process that is killed anywhere in it is followed by one that starts from the last state and says the same again
under the same ids. The outputs are outside of the transaction: their ids make a repeat harmless, and an alert does not
wait for a commit. The committed offset only shows the lag.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.runtime.consuming import Positions
from services.runtime.dead_letters import DeadLetterProducer
from services.runtime.health import Health
from services.runtime.lifecycle import Lifetime, run_until_stopped
from services.runtime.log_look import LogLook, OpenReader
from services.runtime.watchdog import Watchdog
from services.stream_processors.engine.judge import Judge
from services.stream_processors.kafka_host.burial import Burial
from services.stream_processors.kafka_host.duty import Duty
from services.stream_processors.kafka_host.holdings import Holding, Holdings
from services.stream_processors.kafka_host.judging import Effects, Judging
from services.stream_processors.kafka_host.lane_reports import LaneReports
from services.stream_processors.kafka_host.log_watch import LogWatch
from services.stream_processors.kafka_host.loss_watch import LossWatch
from services.stream_processors.kafka_host.outbox import Outbox
from services.stream_processors.kafka_host.plan_reader import PlanReader
from services.stream_processors.kafka_host.polling import Poller
from services.stream_processors.kafka_host.standstill import Patience, StandstillWatch
from services.stream_processors.kafka_host.state_topic import StateTopic
from services.stream_processors.kafka_host.storing import Storing
from services.stream_processors.kafka_host.surroundings import Surroundings
from services.stream_processors.kafka_host.takeover import Reach, Rebalance, TakeOver
from services.stream_processors.kafka_host.ticking import Ticking

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class HostClients:
    """Kafka as the host uses it."""

    consumer: AIOKafkaConsumer
    """Of the duty's group, not yet subscribed."""
    state: StateTopic
    producer: AIOKafkaProducer
    """For outputs, ticks and statuses; shared by all hosts of the process, as are the following."""
    dead_letters: DeadLetterProducer
    plan: PlanReader
    open_reader: OpenReader
    """Reads single records of the duty's topic, beside the group."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the host works."""

    store_seconds: float = 1.0
    """Shortest time between two writes of a state."""
    records_max: int = 1_000
    """Records of one batch."""
    gather_seconds: float = 0.1
    """After a batch so long is waited for more, at rest for longer."""
    patience: Patience = field(default_factory=Patience)
    owner: str = ""
    """Name of this process in the state topic."""


class KafkaHost(Generic[S]):
    """Runs one feed's judge over the partitions that the group gives this process.

    Args:
        ready: Called when what the group gave has been taken over.
    """

    def __init__(
        self,
        duty: Duty,
        judge: Judge[S],
        clients: HostClients,
        pace: Pace,
        *,
        health: Health,
        watchdog: Watchdog,
        ready: Callable[[], None],
    ) -> None:
        self._duty = duty
        self._consumer = clients.consumer
        self._watchdog = watchdog
        self._watched = f"judging of {duty.name}"
        self.holdings: Holdings[S] = Holdings()
        around = Surroundings(duty, self.holdings, clients.consumer, health, self._beat)
        self._positions = Positions(clients.consumer)
        self.poller = Poller(
            clients.consumer, self._positions, records_max=pace.records_max, gather_seconds=pace.gather_seconds
        )
        self._losses = LossWatch(around, clients.state)
        self._lanes = LaneReports(around, clients.producer)
        self._storing = Storing(
            around, seconds=pace.store_seconds, bytes_max=clients.state.bytes_max, fenced=self._fenced
        )
        outbox, burial = Outbox(clients.producer, duty.feed), Burial(duty, clients.dead_letters)
        look = LogLook(clients.consumer, clients.open_reader)
        self._logs = LogWatch(around, look, poller=self.poller, losses=self._losses)
        effects = Effects(outbox, burial, self._lanes, self._losses, self._storing, self._logs)
        self._judging = Judging(around, self.poller, effects)
        self._takeover = TakeOver(
            around,
            Reach(judge, clients.state, look, pace.owner),
            poller=self.poller,
            storing=self._storing,
            losses=self._losses,
            faults=self._logs.faults,
            ready=ready,
        )
        self._ticking = Ticking(around, clients.producer, clients.plan, self._judging)
        self._standstill = StandstillWatch(around, self._takeover, self._judging, pace.patience)

    async def run(self, lifetime: Lifetime) -> None:
        """Judge until the service is to stop, then write the last states.

        Raises:
            PlatformError: what ended the host though nobody asked; nothing more is stored then.
        """
        self._consumer.subscribe([self._duty.topic], listener=Rebalance(self._positions, self._takeover))
        try:
            await run_until_stopped(lifetime, self._tasks(), quiet=self.holdings.at_rest())
            async with self.holdings.at_rest():
                ours = self.holdings.all()
                self._storing.collect(ours)
            await self._storing.write(ours)
        finally:
            self._watchdog.forget(self._watched)
            await self._takeover.close()

    def _tasks(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        name = self._duty.name
        lanes = {} if self._duty.live else {f"lanes {name}": self._lanes.run()}
        return lanes | {
            f"poll {name}": self.poller.run(),
            f"judge {name}": self._judging.run(),
            f"take over {name}": self._takeover.run(),
            f"store {name}": self._storing.run(),
            f"tick {name}": self._ticking.run(),
            f"losses {name}": self._losses.run(),
            f"logs {name}": self._logs.run(),
            f"standstill {name}": self._standstill.run(),
        }

    def _fenced(self, holding: Holding[S]) -> None:
        self._takeover.fenced(holding)

    def _beat(self) -> None:
        self._watchdog.beat(self._watched)
