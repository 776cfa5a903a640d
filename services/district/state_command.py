"""`district state`: what the processors keep, and how to go on when it is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.fields import Feed
from schemas.loss_acceptance import ACCEPT_KEY, ACCEPTED_FOR, encode_acceptance
from schemas.topics import state_topic, topic_spec
from services.district.errors import ServerSilent
from services.district.settings import find_access
from services.district.terminal import say
from services.runtime.settings import KafkaSettings

ANSWER_SECONDS: Final = 10.0
CLIENT_ID: Final = "district-state"

state: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="What the processors keep, and how to go on when it is lost.",
)


@state.callback()
def _state() -> None:
    """Keep the command's name in the command line, though there is only one."""


@state.command("accept-loss")
def accept_loss(feed: Annotated[Feed, typer.Argument(metavar="FEED", help="Whose processor is to go on.")]) -> None:
    """Let a feed's processor go on without what is lost.

    A state that cannot be read is given up: judging begins anew with the first reading that Kafka still has, what was
    known before (open alerts, counts of the year) is forgotten. Readings that Kafka removed before they were judged are
    no longer named as trouble. A processor whose state is well keeps it.
    """
    asyncio.run(_accept(find_access().kafka, feed))
    minutes = int(ACCEPTED_FOR.total_seconds() // 60)
    say(f"{feed}: its processor goes on within a minute; the acceptance holds for {minutes} minutes.")


async def _accept(settings: KafkaSettings | None, feed: Feed) -> None:
    """Write the acceptance into each partition of the feed's states.

    Raises:
        ServerSilent: Kafka does not answer; doing it again is safe.
    """
    if settings is None:
        raise ServerSilent("no Kafka is named; set KAFKA_BOOTSTRAP.")
    value = encode_acceptance(datetime.now(UTC))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            producer = AIOKafkaProducer(**settings.client_options(CLIENT_ID), acks="all", enable_idempotence=True)
            try:
                await producer.start()
                for topic in (state_topic(feed), state_topic(feed, live=False)):
                    for partition in range(topic_spec(topic).partitions):
                        await producer.send_and_wait(topic, value, key=ACCEPT_KEY, partition=partition)
            finally:
                with suppress(KafkaError, OSError):
                    await producer.stop()
    except TimeoutError:
        raise ServerSilent(f"Kafka at {settings.bootstrap}: no answer in time; do it again.") from None
    except (KafkaError, OSError) as error:
        raise ServerSilent(f"Kafka at {settings.bootstrap} ({error}); do it again when it answers.") from error
