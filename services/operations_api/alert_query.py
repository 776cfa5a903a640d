"""Which alerts are asked for, as one value; decides for rows in memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.alert import Severity
from schemas.fields import Feed
from services.alert_life.life import Standing
from services.operations_api.models.alerts import AlertRow

NOT_OVER: Final = frozenset({Standing.OPEN, Standing.ACKNOWLEDGED, Standing.CLOSED})
"""Alerts of these standings are all in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """Filters; an empty one lets everything pass."""

    standings: frozenset[Standing] = frozenset()
    feeds: frozenset[Feed] = frozenset()
    severities: frozenset[Severity] = frozenset()
    zone: str | None = None
    assets: frozenset[str] = frozenset()
    lane: str = "live"
    assignee: str | None = None
    words: str | None = None
    as_of: datetime | None = None
    """As it was known at this moment; None: as known now."""

    @classmethod
    def of(
        cls,
        *,
        standing: str | None,
        feed: str | None,
        severity: str | None,
        zone: str | None,
        asset: str | None,
        lane: str,
        assignee: str | None,
        words: str | None,
        as_of: datetime | None,
    ) -> AlertQuery:
        """Read the arguments of a request; lists have commas between."""
        return cls(
            standings=frozenset(map(Standing, split(standing))),
            feeds=frozenset(map(Feed, split(feed))),
            severities=frozenset(map(Severity, split(severity))),
            zone=zone,
            assets=frozenset() if asset is None else frozenset({asset}),
            lane=lane,
            assignee=assignee,
            words=words,
            as_of=as_of,
        )

    @property
    def needs_history(self) -> bool:
        """Whether alerts are asked for that memory need not have."""
        return self.as_of is not None or not self.standings or bool(self.standings - NOT_OVER)

    def wants(self, row: AlertRow) -> bool:
        """Whether a row passes."""
        return all(
            (
                row.lane == self.lane,
                not self.standings or row.standing in self.standings,
                not self.feeds or row.feed in self.feeds,
                not self.severities or row.severity in self.severities,
                self.zone is None or row.zone == self.zone,
                not self.assets or row.asset in self.assets,
                self.assignee is None or row.assignee == self.assignee,
                self.words is None or self._says(row, self.words.casefold()),
            )
        )

    @staticmethod
    def _says(row: AlertRow, words: str) -> bool:
        return any(words in text.casefold() for text in (row.place, row.text_zh, row.text_en, row.asset, row.rule))


def split(words: str | None) -> tuple[str, ...]:
    """The parts of a list with commas between."""
    return () if words is None else tuple(words.split(","))
