"""Everything that is known of alerts from the log: lives, silences, how far both topics are folded. Pure.

    alerts, alert-actions ──▶ Board ──▶ rows, streams, answers of those who acted

A record may come again and changes nothing then. Lives that are over are forgotten after a while, and a board that was
begun from the database never had the old ones: what is unknown is looked up there and `adopt`ed. Actions on alerts that
are unknown are kept for a while, so that what the database had not stored when it was asked is not lost.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.alert_life.life import NOTHING_KNOWN, Fate, Life, Standing, with_action, with_event
from services.alert_life.silences import Silences

OVER: Final = frozenset({Standing.RESOLVED, Standing.RETRACTED})
KEPT_AFTER_END: Final = timedelta(hours=24)
OVER_KEPT: Final = 20_000
"""Most lives that are over and remembered."""
LOOSE_KEPT: Final = 50_000
"""Most actions on alerts that are not known."""
FATES_KEPT: Final = 10_000
"""Of so many actions it is remembered what became of them, for those who wait for it."""
_PLATFORM: Final = "platform."

LogPlace = tuple[int, int]
"""Partition and offset of an action."""
NOWHERE: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What a record changed."""

    alert_ids: tuple[str, ...]
    """The alert in front, behind it those of the same rule and asset that are not over; none of silences."""
    silence: AlertAction | None = None


class Board:
    """All that is known of alerts; changed only by folding records in."""

    def __init__(self, *, complete: bool = True) -> None:
        """Begin with nothing.

        Args:
            complete: The log is folded from its beginning, so an alert that is unknown does not exist.
        """
        self.begin(complete=complete)

    def begin(self, *, complete: bool) -> None:
        """Forget everything and begin anew; see the class."""
        self.complete = complete
        self.silences = Silences()
        self.strange: set[str] = set()
        """Alerts whose beginning is not known: they have to be adopted before anybody may act on them."""
        self._lives: dict[str, Life] = {}
        self._fates: OrderedDict[str, Fate] = OrderedDict()
        self._homes: dict[str, str] = {}
        """Alerts of the actions in `_fates`."""
        self._loose: deque[tuple[LogPlace, AlertAction]] = deque(maxlen=LOOSE_KEPT)
        self._over: OrderedDict[str, datetime] = OrderedDict()
        self._fronts: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        """Alerts that are not over by lane, rule and asset."""

    # ---- what is known --------------------------------------------------------------------------------------------

    def life(self, alert_id: str) -> Life | None:
        """An alert; None when it is unknown or only actions on it are known."""
        life = self._lives.get(alert_id)
        return None if life is None or life.alert is None else life

    def lives(self) -> Iterator[Life]:
        """Every alert that is known, over or not."""
        return (life for life in self._lives.values() if life.alert is not None)

    def fate(self, action_id: str) -> Fate | None:
        """What became of an action that was folded a while ago at most; None: it was not folded."""
        return self._fates.get(action_id)

    def alert_of_action(self, action_id: str) -> str | None:
        """The alert of an action that was folded a while ago at most; None when it is not known."""
        return self._homes.get(action_id)

    def superseded_by(self, life: Life) -> str | None:
        """The next later alert of the same rule and asset that is not over either; such an alert is in no list."""
        alert = life.alert
        if alert is None or life.standing in OVER:
            return None
        later = [
            (other.alert.started_at, other.alert.alert_id)
            for other_id in self._fronts[_front(alert)]
            if (other := self._lives[other_id]).alert is not None
        ]
        return min((each for each in later if each > (alert.started_at, alert.alert_id)), default=(None, None))[1]

    def platform_alerts(self) -> int:
        """How many alerts about the platform itself are not over."""
        return sum(
            life.alert is not None and life.alert.rule.startswith(_PLATFORM) and life.standing not in OVER
            for life in self._lives.values()
        )

    # ---- folding --------------------------------------------------------------------------------------------------

    def take_event(self, alert: Alert, now: datetime) -> Change | None:
        """Follow an event of the processors; None when it changes nothing."""
        known = self._lives.get(alert.alert_id)
        if known is None and not self.complete:
            if alert.revision > 0:
                self.strange.add(alert.alert_id)
            else:
                known = self._with_loose(NOTHING_KNOWN, alert.alert_id, {})
        life = with_event(known or NOTHING_KNOWN, alert)
        if life is known:
            return None
        beside = self._fronts.get(_front(alert), set()) - {alert.alert_id}
        self._keep(alert.alert_id, life, now)
        return Change((alert.alert_id, *sorted(beside)))

    def take_action(self, action: AlertAction, now: datetime, place: LogPlace = NOWHERE) -> Change | None:
        """Follow an action; None when it changes nothing. `fate` says what became of it.

        Args:
            place: Where it stands in the log.
        """
        if action.alert is None:
            fate = self.silences.take(action)
            self._remember(action.action_id, fate)
            return Change((), action) if fate is Fate.COUNTS else None
        alert_id = action.alert.alert_id
        known = self._lives.get(alert_id)
        if alert_id in self.strange or (known is None and not self.complete):
            self._loose.append((place, action))
            return None
        life, fate = with_action(known or NOTHING_KNOWN, action)
        self._remember(action.action_id, fate, alert_id)
        if fate is not Fate.COUNTS:
            return None
        self._keep(alert_id, life, now)
        return Change((alert_id,))

    def adopt(self, alert: Alert, actions: Iterable[AlertAction], stored: Mapping[int, int], now: datetime) -> Life:
        """Take over a life from the database, unless it has come to be known meanwhile.

        What the log has said since is folded on top.

        Args:
            alert: Its newest revision.
            actions: Those that count, in the order of the log.
            stored: Up to which offset of each partition of actions the database has them.
        """
        known = self._lives.get(alert.alert_id)
        if known is not None and known.alert is not None and alert.alert_id not in self.strange:
            return known
        life = with_event(NOTHING_KNOWN, alert)
        for action in actions:
            life, _ = with_action(life, action)
        if known is not None and known.alert is not None:
            life = with_event(life, known.alert)
        life = self._with_loose(life, alert.alert_id, stored)
        self.strange.discard(alert.alert_id)
        self._keep(alert.alert_id, life, now)
        return life

    def _with_loose(self, life: Life, alert_id: str, stored: Mapping[int, int]) -> Life:
        for (partition, offset), action in self._loose:
            if action.alert is not None and action.alert.alert_id == alert_id and offset >= stored.get(partition, 0):
                life, fate = with_action(life, action)
                self._remember(action.action_id, fate, alert_id)
        return life

    def forget_old(self, now: datetime) -> int:
        """Forget lives that have long been over, and return how many."""
        forgotten = 0
        while self._over and (len(self._over) > OVER_KEPT or next(iter(self._over.values())) < now - KEPT_AFTER_END):
            alert_id, _ = self._over.popitem(last=False)
            self._lives.pop(alert_id, None)
            self.strange.discard(alert_id)
            self.complete = False
            forgotten += 1
        return forgotten

    def _remember(self, action_id: str, fate: Fate, alert_id: str | None = None) -> None:
        if fate is Fate.REPEATED and action_id in self._fates:
            return
        self._fates[action_id] = fate
        if alert_id is not None:
            self._homes[action_id] = alert_id
        while len(self._fates) > FATES_KEPT:
            forgotten, _ = self._fates.popitem(last=False)
            self._homes.pop(forgotten, None)

    def _keep(self, alert_id: str, life: Life, now: datetime) -> None:
        self._lives[alert_id] = life
        if life.alert is None:
            return
        front = _front(life.alert)
        if life.standing in OVER:
            self._over.setdefault(alert_id, now)
            self._fronts[front].discard(alert_id)
            if not self._fronts[front]:
                del self._fronts[front]
        else:
            self._over.pop(alert_id, None)
            self._fronts[front].add(alert_id)


def _front(alert: Alert) -> tuple[str, str, str]:
    return alert.lane, alert.rule, alert.asset
