"""Snapshots for the tests of the operator's screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.fields import LIVE, Feed
from services.district.figures import FeedFigures, ProcessFigures, ProcessState, Snapshot
from services.read_model.alerts import OpenAlertRow

AT = datetime(2026, 11, 24, 2, 30, 15, tzinfo=UTC)
CLASS_UNIT = "class (1=I .. 5=V, 6=worse than V)"
RUNNING = ProcessFigures(ProcessState.RUNNING)


def alert(
    number: int = 0, *, lane: str = LIVE, severity: str = "III", place: str = "东湖湖心 East Lake"
) -> OpenAlertRow:
    return OpenAlertRow(
        lane=lane,
        alert_id=f"{number:032x}",
        feed="water",
        rule="water.class",
        asset="east-lake",
        place=place,
        severity=severity,
        started_at=AT - timedelta(hours=number),
        raised_at=AT,
        observed_value=4.0,
        observed_unit=CLASS_UNIT,
        threshold_value=3.0,
        threshold_unit=CLASS_UNIT,
        threshold_comparator="<=",
        source_kind="plan",
        source_id="jianghan-14fyp",
        source_where="page 31",
        text_zh=f"{place}：水质为IV类。限值：III类（规划第31页）。自2026-11-24 10:30（北京时间）起。请核查。",
        text_en=f"{place}: class IV. Limit: class III (plan, page 31). Since 2026-11-24 10:30 (Beijing time). Inspect.",
    )


def snapshot(
    *,
    seconds: float = 0.0,
    received: int | None = 1_000,
    alerts: tuple[OpenAlertRow, ...] | None = (),
    dead_letters: dict[str, int] | None = None,
    services: dict[str, ProcessFigures] | None = None,
    notes: dict[str, str] | None = None,
) -> Snapshot:
    by_lane: dict[str, int] = {}
    for each in alerts or ():
        by_lane[each.lane] = by_lane.get(each.lane, 0) + 1
    return Snapshot(
        at=AT + timedelta(seconds=seconds),
        seconds=seconds,
        servers={
            "mosquitto": ProcessFigures(ProcessState.RUNNING, "127.0.0.1:21883"),
            "kafka": ProcessFigures(ProcessState.RUNNING, "127.0.0.1:29092"),
            "postgres": ProcessFigures(ProcessState.RUNNING, "127.0.0.1:25432"),
        },
        services=services
        or dict.fromkeys(("ingest_bridge", "timescale_sink", "simulators", "processor-ev", "processor-lanes"), RUNNING),
        feeds={feed: FeedFigures(60, received, 985, 10, 5) for feed in Feed},
        lag={"sink": 12, "processor.water": 0},
        dead_letters={} if dead_letters is None else dead_letters,
        open_alerts=alerts,
        open_alerts_by_lane=by_lane if alerts is not None else None,
        notes=notes or {},
    )
