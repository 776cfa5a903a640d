"""Writes actions to the log and answers when they have come back from it.

1. Read the alert; whoever saw less than has been done since is told at once, and nothing is written.
2. Write the action (all replicas, idempotent producer).
3. Wait until our own reader of the log has folded it: what became of it is what every reader says.

A request that breaks off in between is asked again with the same `Idempotency-Key`: the action counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.alert import Alert
from schemas.alert_action import AlertAction, SilenceScope
from schemas.topics import ALERT_ACTIONS
from services.alert_life.life import Fate, Life, is_receipt
from services.operations_api.access import Principal
from services.operations_api.acts import act_of, check_same, id_for, receipt_of, silence_of, unsilence_of
from services.operations_api.alert_book import AlertBook
from services.operations_api.alert_rows import action_row, silence_row
from services.operations_api.board import Board
from services.operations_api.errors import NotNow, NotThere, NotUsable, Overtaken
from services.operations_api.models.acting import ActRequest, SilenceRequest
from services.operations_api.models.alerts import ActionAnswer, ActionRow, ReceiptAnswer, SilenceRow
from services.operations_api.places import Places
from services.runtime import metrics


class Desk:
    """Where actions are handed in.

    Args:
        make_id: Draws an id for an action that came without a key.
        seconds: So long it is waited for Kafka, and again until the action has been folded.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        board: Board,
        alerts: AlertBook,
        *,
        now: Callable[[], datetime],
        make_id: Callable[[], str],
        places: Callable[[], Places],
        seconds: float,
    ) -> None:
        self._producer = producer
        self._board = board
        self._alerts = alerts
        self._now = now
        self._make_id = make_id
        self._places = places
        self._seconds = seconds
        self._waiting: dict[str, asyncio.Future[Fate]] = {}

    def settled(self, action_id: str, fate: Fate) -> None:
        """Hear from the reader of the log what became of an action."""
        future = self._waiting.get(action_id)
        if future is not None and not future.done():
            future.set_result(fate)

    async def act(self, alert_id: str, body: ActRequest, asker: Principal, key: str | None) -> ActionAnswer:
        """Act on an alert.

        Raises:
            NotAllowed: a consumer wants more than to take it.
            NotThere: there is no such alert.
            Overtaken: somebody else acted first.
            AnotherUse: the key stands for another action.
            NotNow: Kafka or the database does not answer.
        """
        life = await self._alerts.life(alert_id)
        action_id = self._make_id() if key is None else id_for(asker, "act", alert_id, key)
        zone = self._zone_of(life)
        action = act_of(body, life, asker, action_id=action_id, now=self._now(), zone=zone)
        done = _done(life, action_id)
        if done is not None:
            check_same(done, action)
            return self._answer(done, life)
        if action.seen is not None and action.seen < life.seen:
            raise self._overtaken(life)
        fate = await self._write(action)
        life = await self._alerts.life(alert_id)
        if fate is Fate.OVERTAKEN:
            raise self._overtaken(life)
        if fate is Fate.TOO_MANY:
            raise NotUsable(_too_many(action))
        return self._answer(_done(life, action_id) or action, life)

    async def silence(self, body: SilenceRequest, asker: Principal, key: str | None) -> SilenceRow:
        """Silence an asset or zone.

        Raises:
            NotThere: the register has no such asset or zone.
            NotUsable: it ends before now, or too late.
            NotNow: Kafka does not answer.
        """
        self._alerts.check_ready()
        places = self._places()
        if not places.knows(body.scope, body.place):
            raise NotThere(f"The register has no {body.scope} {body.place}.")
        action_id = self._make_id() if key is None else id_for(asker, "silence", f"{body.scope}/{body.place}", key)
        action = silence_of(body, asker, action_id=action_id, now=self._now())
        await self._write(action)
        return silence_row(action)

    async def unsilence(
        self, scope: SilenceScope, place: str, lane: str, asker: Principal, *, key: str | None
    ) -> ActionRow:
        """End a silence before its time.

        Raises:
            NotThere: nothing of the kind is silenced.
            NotNow: Kafka does not answer.
        """
        self._alerts.check_ready()
        open_ones = self._board.silences.open(self._now())
        action_id = self._make_id() if key is None else id_for(asker, "unsilence", f"{lane}/{scope}/{place}", key)
        action = unsilence_of(scope, place, lane, asker, action_id=action_id, now=self._now())
        if self._board.fate(action_id) is None:
            if (lane, scope, place) not in {(each.lane, each.scope, each.asset) for each in open_ones}:
                raise NotThere(f"The {scope} {place} is not silenced in {lane}.")
            await self._write(action)
        return action_row(action)

    async def receive(self, event_id: str, asker: Principal) -> ReceiptAnswer:
        """Take note that a consumer has an event.

        Of an action nothing more is written once the consumer is known to have its alert: a consumer that answers each
        receipt with a receipt comes to an end.

        Raises:
            NotThere: there is no such event.
            NotNow: Kafka or the database does not answer.
        """
        alert_id = await self._alerts.alert_of_event(event_id)
        life = await self._alerts.life(alert_id)
        action = receipt_of(event_id, life, asker, now=self._now(), zone=self._zone_of(life))
        done = _done(life, action.action_id)
        if done is None and _is_of_action(event_id):
            done = next((each for each in life.actions if is_receipt(each) and each.by == asker.id), None)
        if done is None:
            await self._write(action)
        return ReceiptAnswer(action=action_row(done or action))

    async def _write(self, action: AlertAction) -> Fate:
        known = self._board.fate(action.action_id)
        if known is not None:
            return known
        future = self._waiting.get(action.action_id)
        if future is None:
            future = self._waiting[action.action_id] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda _: self._waiting.pop(action.action_id, None))
            try:
                await self._send(action)
            except BaseException:
                future.cancel()
                raise
        try:
            fate = await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except (TimeoutError, asyncio.CancelledError) as error:
            self._waiting.pop(action.action_id, None)
            if isinstance(error, asyncio.CancelledError) and not future.cancelled():
                raise
            raise _unsettled() from None
        metrics.API_ACTIONS.labels(action.kind.value, fate.value).inc()
        return fate

    async def _send(self, action: AlertAction) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._producer.send_and_wait(
                    ALERT_ACTIONS,
                    action.model_dump_json().encode(),
                    key=action.kafka_key(),
                    headers=action.to_headers(),
                )
        except (KafkaError, TimeoutError, OSError):
            raise _unsettled() from None

    def _answer(self, action: AlertAction, life: Life) -> ActionAnswer:
        return ActionAnswer(action=action_row(action), alert=self._alerts.row(life))

    def _overtaken(self, life: Life) -> Overtaken:
        last = [action for action in life.actions if action.seen is not None]
        who = f"{last[-1].by_name or last[-1].by} did `{last[-1].kind}`" if last else "somebody acted"
        row = self._alerts.row(life).model_dump(mode="json")
        return Overtaken(f"{who} before; look at the alert as it now stands, then act again.", more={"alert": row})

    def _zone_of(self, life: Life) -> str | None:
        alert: Alert | None = life.alert
        place = None if alert is None else self._places().of(alert.feed, alert.asset)
        return None if place is None else place.zone


def _too_many(action: AlertAction) -> str:
    if action.seen is None:
        return "The alert has as many comments as anybody reads: close it, or write elsewhere."
    return f"The alert has been taken, assigned and closed {action.seen} times: it stays as it is until its cause ends."


def _is_of_action(event_id: str) -> bool:
    return "-" not in event_id


def _done(life: Life, action_id: str) -> AlertAction | None:
    if action_id not in life.action_ids:
        return None
    return next((action for action in life.actions if action.action_id == action_id), None)


def _unsettled() -> NotNow:
    return NotNow(
        "Kafka does not answer in time. Whether the action stands in the log is not known yet: ask again with the same "
        "`Idempotency-Key`, it counts once.",
        headers={"Retry-After": "2"},
    )
