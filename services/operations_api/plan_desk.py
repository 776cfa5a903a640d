"""What is in force, and maintenance windows: these are part of policies, so planning one publishes a new version.

The new version is the one in force with the window added and the same first day: readings are judged as before, but for
the window. It goes the way of `district plan publish`, over the topic `plan`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.fields import Feed
from schemas.plan.book import PlanBook, dump_document
from schemas.plan.errors import problems_of
from schemas.plan.policy import Maintenance, PolicyDocument
from schemas.plan.publication import PlanPublication, publication_key, publication_of
from schemas.topics import PLAN
from services.operations_api.access import Principal
from services.operations_api.asking import asking
from services.operations_api.errors import NotNow, NotThere, NotUsable
from services.operations_api.models.acting import MaintenanceRequest
from services.operations_api.models.figures import DocumentRow, LimitRow, MaintenanceList, MaintenanceRow, PlanInForce
from services.read_model import plan
from services.read_model.connection import Database
from services.read_model.plan_limits import documents_at

WRITE_SECONDS: Final = 10.0


class PlanDesk:
    """The plan as it stands, and what may be added to it."""

    def __init__(self, database: Database, producer: AIOKafkaProducer) -> None:
        self._database = database
        self._producer = producer
        self._publishing = asyncio.Lock()

    async def in_force(self, now: datetime) -> PlanInForce:
        """Documents that were published and limits in force.

        Raises:
            NotNow: the database does not answer.
        """
        with asking("The plan in force"):
            versions = await plan.plan_versions(self._database)
            found = await plan.plan_in_force(self._database, at=now)
        in_force = {(row.kind, row.document_id, row.version) for row in found.documents}
        return PlanInForce(
            at=now,
            documents=tuple(
                DocumentRow(
                    kind=row.kind,
                    id=row.document_id,
                    version=row.version,
                    name=row.name or row.document_id,
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                    in_force=(row.kind, row.document_id, row.version) in in_force,
                )
                for row in versions
            ),
            limits=tuple(
                LimitRow(feed=row.feed, scope=row.scope, name=row.name_en, name_zh=row.name_zh, threshold=row.threshold)
                for row in found.limits
            ),
        )

    async def maintenance(self, now: datetime) -> MaintenanceList:
        """Windows of the policies in force that have not ended.

        Raises:
            NotNow: the database does not answer.
        """
        with asking("The list of maintenance windows"):
            rows = await plan.maintenance_windows(self._database, at=now)
        return MaintenanceList(
            items=tuple(_row(Feed(row.feed), row.policy_id, row.policy_version, row.window) for row in rows)
        )

    async def add_window(self, body: MaintenanceRequest, asker: Principal, now: datetime) -> MaintenanceRow:
        """Publish the policy in force with one window more.

        Raises:
            NotThere: no policy of the feed is in force.
            NotUsable: the window ends before it begins or has ended, or its id is used.
            NotNow: the database or Kafka does not answer.
        """
        if body.ends <= now:
            raise NotUsable("`ends` lies behind: nobody can plan what is over.")
        async with self._publishing:
            with asking("The policy in force"):
                found = await plan.publications(self._database)
            policy = policy_in_force(found.book, body.feed, now)
            changed = with_window(policy, body, asker, now)
            dumped = str(dump_document(changed)["document"])
            await self._publish(publication_of(changed, text=dumped, published_at=now, published_by=asker.id), changed)
        return _row(body.feed, changed.policy.id, changed.policy.version, changed.maintenance[-1])

    async def _publish(self, publication: PlanPublication, document: PolicyDocument) -> None:
        value, key = publication.model_dump_json().encode(), publication_key(document)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._producer.send_and_wait(PLAN, value, key=key, partition=0)
        except (KafkaError, TimeoutError, OSError):
            raise NotNow(
                "Kafka does not answer. Whether the window is planned is not known yet: see the list, then ask again.",
                headers={"Retry-After": "5"},
            ) from None


def policy_in_force(book: PlanBook, feed: Feed, now: datetime) -> PolicyDocument:
    """The policy of a feed that is in force.

    Raises:
        NotThere: there is none.
    """
    for document in documents_at(book, plan.local_day(now)):
        if isinstance(document, PolicyDocument) and document.feed is feed:
            return document
    raise NotThere(f"No policy of {feed} is in force: publish one with `district plan publish`.")


def with_window(policy: PolicyDocument, body: MaintenanceRequest, asker: Principal, now: datetime) -> PolicyDocument:
    """The next version of a policy, with one window more; windows that are over are left out.

    Raises:
        NotUsable: the id is used, or the window is none.
    """
    if body.id in {window.id for window in policy.maintenance}:
        raise NotUsable(f"`id`: {policy.policy.id} {policy.policy.version} has a window {body.id} already.")
    window = {
        "id": body.id,
        "starts": body.starts,
        "ends": body.ends,
        "reason": body.reason,
        "owner": asker.name,
        "assets": body.assets,
        "groups": body.groups,
    }
    version = f"{policy.policy.version.partition('+')[0]}+{now:%Y%m%dT%H%M%S}{now.microsecond:06}"
    try:
        head = policy.policy.model_copy(update={"version": version})
        kept = tuple(each for each in policy.maintenance if each.ends > now)
        return policy.model_copy(update={"policy": head, "maintenance": (*kept, Maintenance.model_validate(window))})
    except ValidationError as error:
        raise NotUsable("; ".join(_said(problems_of(error)))) from None


def _said(problems: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"`{key}`: {reason}" for key, reason in problems)


def _row(feed: Feed, policy_id: str, version: str, window: Maintenance) -> MaintenanceRow:
    return MaintenanceRow(
        feed=feed,
        policy=policy_id,
        policy_version=version,
        id=window.id,
        starts=window.starts,
        ends=window.ends,
        reason=window.reason,
        owner=window.owner,
        assets=window.assets,
        groups=window.groups,
    )
