"""The events that the kit sends: one made-up car park, alerts with ids of their own for each check. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import LIVE, Feed
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource

RULE: Final = "parking.lot_full"
ASSET: Final = "citybrain-check"
HOSTILE: Final = "<script>alert(1)</script> ]]> \u202egnp.exe\u202c \U0001f6a8 \U00020bb7 & \"'"
_ZH: Final = "这是对接检查的样例，请勿处置"
_EN: Final = "A sample of the conformance check; nothing is to be done"


@dataclass(frozen=True, slots=True)
class Samples:
    """Makes the events of one run."""

    run: str
    """Tells this run from others: its alerts have ids of their own."""
    now: datetime
    live: bool = False
    """Whether plain samples are of real life; else of an exercise, so that nobody acts on them."""

    @property
    def exercise_lane(self) -> str:
        """The lane of exercises of this run."""
        return f"exercise:check-{self.run}"

    def lane(self) -> str:
        """The lane of plain samples."""
        return LIVE if self.live else self.exercise_lane

    def alert_id(self, check: str) -> str:
        """Id of the alert that a check is about."""
        return alert_id(RULE, ASSET, self.lane(), f"{self.run}/{check}")

    def alert(
        self,
        check: str,
        revision: int = 0,
        event: AlertEventType = AlertEventType.RAISED,
        *,
        ago: timedelta = timedelta(minutes=1),
        **more: Any,
    ) -> Alert:
        """An event of a check's alert.

        Args:
            ago: How long ago it was raised.
        """
        raised_at = (self.now - ago).replace(microsecond=0)
        limit = Threshold(id=RULE, value=0.0, unit="spaces", comparator=Comparator.GT, source=_source(raised_at))
        fields: dict[str, Any] = {
            "alert_id": self.alert_id(check),
            "revision": revision,
            "event": event,
            "rule": RULE,
            "feed": Feed.PARKING,
            "lane": self.lane(),
            "asset": ASSET,
            "place": "对接检查停车场 Conformance check car park",
            "severity": Severity.BLUE,
            "started_at": raised_at - timedelta(minutes=5),
            "raised_at": raised_at,
            "ended_at": None,
            "previous_at": raised_at if revision else None,
            "observed_value": 0.0,
            "observed_unit": "spaces",
            "threshold": limit,
            "evidence": Evidence(topic="readings.parking", partition=0, offsets=(1, 2, 3)),
            "text": AlertText(zh=_ZH, en=_EN),
        }
        return Alert.model_validate(fields | more)

    def resolved(self, check: str, revision: int) -> Alert:
        """The end of a check's alert."""
        ended_at = self.now.replace(microsecond=0)
        return self.alert(check, revision, AlertEventType.RESOLVED, ended_at=ended_at)

    def large(self, check: str) -> Alert:
        """An event of about 170 KiB: the most evidence and a long text."""
        offsets = tuple(range(2**52, 2**52 + 1_000))
        text = AlertText(zh=_ZH * 2_000, en=f"{_EN}. " * 1_000)
        return self.alert(check, evidence=Evidence(topic="readings.parking", partition=0, offsets=offsets), text=text)

    def hostile(self, check: str) -> Alert:
        """An event with texts as an attacker would have a device report them."""
        return self.alert(check, place=HOSTILE, text=AlertText(zh=HOSTILE, en=HOSTILE))

    def acknowledgement(self, check: str) -> AlertAction:
        """Somebody takes a check's alert."""
        alert = self.alert(check)
        return AlertAction(
            action_id=action_id_of(self.run, check, "acknowledge"),
            kind=ActionKind.ACKNOWLEDGE,
            at=self.now,
            actor=Actor.PERSON,
            by="conformance-check",
            by_name="对接检查",
            lane=self.lane(),
            asset=ASSET,
            alert=AlertSummary.of(alert),
            seen=0,
        )


def _source(at: datetime) -> ThresholdSource:
    return ThresholdSource(
        kind=SourceKind.POLICY, id="conformance-check", version="1", where="docs/citybrain.md", valid_from=at.date()
    )
