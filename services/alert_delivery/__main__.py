"""The delivery of alerts: `python -m services.alert_delivery`.

alerts, alert-actions ─▶ a reader for each subscriber ─▶ lines by asset ─▶ HTTP ─▶ deliveries
└▶ the watch: silences, alerts that nobody has taken ─▶ alert-actions (escalate)
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.district import district_of
from schemas.plan.errors import PlanFileError
from services.alert_delivery import book
from services.alert_delivery.endpoint import Surroundings
from services.alert_delivery.errors import PolicyRefused
from services.alert_delivery.escalation import Escalations
from services.alert_delivery.escalation_policy import parse_policy
from services.alert_delivery.events import Shelf
from services.alert_delivery.fleet import Fleet, Register
from services.alert_delivery.ledger import Ledger
from services.alert_delivery.placing import KafkaAccess
from services.alert_delivery.settings import DeliverySettings
from services.alert_delivery.subscriber import Surrounding
from services.alert_delivery.watch import Escalator, Watch
from services.alert_life.renderings.cap import Publisher
from services.runtime import metrics
from services.runtime.kafka import admin, producer
from services.runtime.lifecycle import Lifetime, run_service, run_until_stopped
from services.runtime.log_faults import LogFaults
from services.runtime.settings import KafkaSettings

NAME = "alert_delivery"


async def deliver(lifetime: Lifetime) -> None:
    """Connect everything, run until the stop.

    Raises:
        FatalError: a file cannot be used, or nothing can be put on record.
    """
    kafka, settings = KafkaSettings.load(), DeliverySettings.load()
    around = Surroundings(now=lambda: datetime.now(UTC), chance=random.SystemRandom().random)
    policy = parse_policy(_text(settings.escalation_policy), file=settings.escalation_policy.name)
    try:
        zones = dict(district_of(_text(settings.district_file), file=str(settings.district_file)).zones())
    except PlanFileError as error:
        raise PolicyRefused(str(error)) from error
    register = Register(book.subscribers(settings.subscribers_file), lifetime)
    faults = LogFaults(
        "watch: its log", lifetime.health, lambda topic: metrics.DELIVERY_LOG_FAULTS.labels("watch", topic).inc()
    )
    watch = Watch(kafka, Escalations(zones), timedelta(days=settings.look_back_days), around, faults)
    async with producer(kafka, NAME) as client, admin(kafka, f"{NAME}-admin") as asking:
        shared = Surrounding(
            kafka=KafkaAccess(kafka, asking, settings.instance),
            ledger=Ledger(client, kafka, lifetime),
            shelf=Shelf(Publisher(settings.web_base)),
            silences=watch.escalations.silences,
            zones=zones,
            settings=settings,
            around=around,
            lifetime=lifetime,
            end=register.end,
        )
        fleet = Fleet(shared, book.redeliveries(settings.subscribers_file))

        async def deliver_to_all() -> None:
            await watch.caught_up()  # else what is silenced would be sent
            lifetime.health.ready()
            await fleet.run(register)

        tasks = {
            "watch": watch.follow(),
            "escalate": Escalator(client, watch, policy, around, lifetime).run(),
            "deliver": deliver_to_all(),
        }
        await run_until_stopped(lifetime, tasks)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{file} cannot be read: {error}") from error


if __name__ == "__main__":
    run_service(NAME, deliver)
