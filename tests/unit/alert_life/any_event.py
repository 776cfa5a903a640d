"""Any alert event and any action that the contracts allow, hostile texts among them (Hypothesis)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from hypothesis import strategies as st

from schemas.alert import Alert, AlertEventType, AlertText, Severity, Suppression, SuppressionKind
from schemas.alert_action import EXCLUSIVE, ActionKind, Actor, AlertAction, AlertSummary, SilenceScope
from schemas.fields import EARLIEST, LATEST, Feed
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "]]>",
    "&lt;&#x41;&",
    "\u202eevil\u202c",
    "\U0001f6a8\U00020bb7",
    "\"quoted\" 'and' `back`",
    "'; DROP TABLE alerts; --",
    "=HYPERLINK(1)",
    "data: x",
    "\ufffe\uffff",
    "\u2028\u2029",
    " leading and trailing ",
    "",
)
LONG: Final = ("line\r\nline\rline\nline", "\x00\x07\x1b[31m", "\t", "\x85", "retry: 1\n\nevent: evil\ndata: {}\n\n")

_anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
_line = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
texts = st.one_of(st.sampled_from(HOSTILE), _line)
long_texts = st.one_of(st.sampled_from(HOSTILE + LONG), _anything)
spoken = st.one_of(st.sampled_from([*HOSTILE, "two\nlines\r\n\tand a tab"]), _line)
identifiers = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII), fullmatch=True)
ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
lanes = st.sampled_from(["live", "exercise:flood", "replay:2020-10-29", "whatif:x"])
times = st.integers(0, (LATEST - EARLIEST - timedelta(days=10)) // timedelta(microseconds=1)).map(
    lambda passed: EARLIEST + timedelta(microseconds=passed)
)
rules = st.sampled_from(["parking.lot_full", "emergency.response_at_risk", "tax.pace_behind", "platform.log_gap"])
figures = st.floats(-1e30, 1e30, allow_nan=False)
named = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)

thresholds = st.builds(
    Threshold,
    id=long_texts,
    value=figures,
    unit=long_texts,
    comparator=st.sampled_from(Comparator),
    source=st.builds(
        ThresholdSource,
        kind=st.sampled_from(SourceKind),
        id=named,
        version=named,
        where=named,
        valid_from=st.dates(date(2000, 1, 1), date(2099, 1, 1)),
        valid_to=st.none() | st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    ),
)
suppressions = st.builds(Suppression, kind=st.sampled_from(SuppressionKind), by=named, until=st.none() | times)
evidence = st.builds(
    Evidence,
    topic=long_texts,
    partition=st.integers(0, 9),
    offsets=st.sets(st.integers(0, 2**53 - 1), max_size=4).map(lambda found: tuple(sorted(found))),
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    revision = draw(st.integers(0, 2**31 - 1) | st.integers(0, 60))
    later = [each for each in AlertEventType if each is not AlertEventType.RAISED]
    return Alert(
        alert_id=draw(ids),
        revision=revision,
        event=draw(st.sampled_from(later)) if revision else AlertEventType.RAISED,
        rule=draw(rules),
        feed=draw(st.sampled_from(Feed)),
        lane=draw(lanes),
        asset=draw(identifiers),
        place=draw(texts),
        severity=draw(st.sampled_from(Severity)),
        started_at=draw(times),
        raised_at=draw(times),
        ended_at=draw(st.none() | times),
        observed_value=draw(st.none() | figures),
        observed_unit=draw(long_texts),
        threshold=draw(thresholds),
        limits=tuple(draw(st.lists(thresholds, max_size=1))),
        suppression=draw(st.none() | suppressions),
        members=tuple(draw(st.lists(st.tuples(rules, identifiers), max_size=2))),
        evidence=draw(st.none() | evidence),
        text=AlertText(zh=draw(long_texts), en=draw(long_texts)),
    )


@st.composite
def actions(draw: st.DrawFn) -> AlertAction:
    kind = draw(st.sampled_from(ActionKind))
    silence = kind in (ActionKind.SILENCE, ActionKind.UNSILENCE)
    at = draw(times)
    about = draw(alerts())
    zone = draw(st.none() | identifiers)
    return AlertAction(
        action_id=draw(ids),
        kind=kind,
        at=at,
        actor=draw(st.sampled_from(Actor)),
        by=draw(identifiers),
        by_name=draw(texts),
        lane=draw(lanes),
        asset=draw(identifiers),
        alert=None if silence else AlertSummary.of(about, zone),
        seen=draw(st.integers(0, 99)) if kind in EXCLUSIVE else None,
        assignee=draw(texts.filter(bool)) if kind is ActionKind.ASSIGN else None,
        scope=draw(st.sampled_from(SilenceScope)) if silence else None,
        until=at + timedelta(hours=draw(st.integers(1, 99))) if kind is ActionKind.SILENCE else None,
        words=draw(spoken.filter(str.strip)),
    )


events = st.one_of(alerts(), actions())
