"""Which assets and zones are silenced, and until when. Pure.

Alerts of a silenced asset are raised, stored and shown as ever; they are not passed on to subscribers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from schemas.alert_action import ActionKind, AlertAction, SilenceScope
from services.alert_life.life import Fate

IDS_KEPT: Final = 10_000
"""Of so many silences and ends of silences it is known that they were counted. By number and not by time: what has been
counted follows from the log alone, and a silence that is over must not come again in place of one that lasts."""


@dataclass(slots=True)
class Silences:
    """All silences of all lanes; the last word on an asset or zone counts."""

    _by_place: dict[tuple[str, SilenceScope, str], AlertAction] = field(default_factory=dict)
    _counted: dict[str, None] = field(default_factory=dict)
    """Ids of those that were followed, the oldest first."""

    def take(self, action: AlertAction) -> Fate:
        """Follow a silence or its end, each once, and say what became of it; other actions change nothing."""
        if action.scope is None:
            return Fate.COUNTS
        if action.action_id in self._counted:
            return Fate.REPEATED
        self._counted[action.action_id] = None
        if len(self._counted) > IDS_KEPT:
            del self._counted[next(iter(self._counted))]
        place = (action.lane, action.scope, action.asset)
        if action.kind is ActionKind.SILENCE:
            self._by_place[place] = action
        else:
            self._by_place.pop(place, None)
        return Fate.COUNTS

    def of(self, lane: str, asset: str, zone: str | None, now: datetime) -> AlertAction | None:
        """The silence that covers an asset now, None when it is heard."""
        places = [(lane, SilenceScope.ASSET, asset)]
        if zone is not None:
            places.append((lane, SilenceScope.ZONE, zone))
        for place in places:
            silence = self._by_place.get(place)
            if silence is not None and silence.until is not None and now < silence.until:
                return silence
        return None

    def open(self, now: datetime) -> list[AlertAction]:
        """Those that last, the one that ends first in front; what is over is forgotten."""
        self._by_place = {
            place: silence
            for place, silence in self._by_place.items()
            if silence.until is not None and now < silence.until
        }
        return sorted(self._by_place.values(), key=lambda silence: (silence.until, silence.asset))
