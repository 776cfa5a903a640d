"""The books: feeds, ledger, deliveries, audit."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from schemas.api_key import Role
from services.operations_api.access import Auditor, DeliveryReader, Reader
from services.operations_api.errors import NotAllowed
from services.operations_api.models.books import AuditPage, DeliveryPage, FeedList, Ledger
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import Cursor, FeedAsked, IdAsked, Limit, Moment

router: Final = APIRouter(tags=["books"])


@router.get("/feeds", operation_id="listFeeds", responses=documented(), summary="How the feeds come in")
async def feeds(*, _: Reader, given: Given) -> FeedList:
    """List the feeds with their devices and how complete they are."""
    return await given.archive.feeds(given.board.platform_alerts())


@router.get("/ledger", operation_id="getLedger", responses=documented(), summary="What became of every record")
async def ledger(
    *,
    _: Reader,
    given: Given,
    feed: FeedAsked = None,
    device: IdAsked = None,
    since: Moment = None,
    until: Moment = None,
) -> Ledger:
    """Show the books of the feeds, those of one device by the hour, and what was gone from Kafka."""
    return await given.archive.ledger(feed=feed, device=device, since=since, until=until)


@router.get("/deliveries", operation_id="listDeliveries", responses=documented(), summary="What became of events")
async def deliveries(
    *,
    asker: DeliveryReader,
    given: Given,
    subscriber: IdAsked = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DeliveryPage:
    """List attempts, the newest first; an integrator sees those of the subscriber that has its key's id."""
    if asker.role is Role.INTEGRATOR:
        if subscriber not in (None, asker.id):
            raise NotAllowed(f"{asker.id} sees its own deliveries alone: leave `subscriber` out.")
        subscriber = asker.id
    return await given.archive.deliveries(subscriber=subscriber, since=since, until=until, limit=limit, cursor=cursor)


@router.get("/audit", operation_id="listAudit", responses=documented(), summary="Who changed what")
async def audit(
    *, _: Auditor, given: Given, actor: IdAsked = None, limit: Limit = 100, cursor: Cursor = None
) -> AuditPage:
    """List writes and refused writes, the newest first."""
    return await given.audit.page(actor, limit, cursor)
