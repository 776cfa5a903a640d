"""Whether a filter of events lets one pass. Pure."""

from __future__ import annotations

from schemas.alert import Alert
from schemas.alert_action import ActionKind, AlertAction
from schemas.subscription import Filter


def wants(wanted: Filter, event: Alert | AlertAction, zone: str | None) -> bool:
    """Whether a filter lets an event pass.

    A receipt is between a consumer and the platform: it passes where it is asked for by name, so that consumers that
    confirm everything do not confirm one another's receipts for ever.

    Args:
        zone: Zone of the event's asset by the register, None when it has none.
    """
    if wanted.events and str(event.event) not in wanted.events:
        return False
    if not wanted.events and isinstance(event, AlertAction) and event.kind is ActionKind.RECEIVE:
        return False
    if event.lane.startswith("exercise:") and not wanted.exercises:
        return False
    if wanted.zones and zone not in wanted.zones:
        return False
    about = event if isinstance(event, Alert) else event.alert
    if about is None:  # a silence: it has neither feed nor rule nor severity
        return not (wanted.feeds or wanted.severities or wanted.rules)
    checks = (
        not wanted.feeds or about.feed in wanted.feeds,
        not wanted.severities or about.severity in wanted.severities,
        not wanted.rules or any(_names(pattern, about.rule) for pattern in wanted.rules),
    )
    return all(checks)


def _names(pattern: str, rule: str) -> bool:
    return rule.startswith(pattern[:-1]) if pattern.endswith("*") else rule == pattern
