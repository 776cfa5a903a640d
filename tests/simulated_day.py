"""A day of the whole district in a minute: simulators' models, processors' rules, the sink's own writer, no broker.

Real readings, judged by the real engine in a plain loop, written by the real writer. Only Kafka is left out: records
have the places that they would have had there. What a board must be able to show at any hour of any day, and the models
bring only by chance, happens for certain: a connector at fault, a full car park, a call that nobody has reached,
refused readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from heapq import merge
from typing import Any

import orjson

from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.dead_letter import DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.emergency import Step
from schemas.ev import ConnectorState, ErrorCode, EvContext
from schemas.fields import LIVE, Feed
from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS, readings_topic
from services.runtime.dead_letters import DeadLetterProducer
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from services.timescale_sink.progress import LogEnd
from services.timescale_sink.writer import Writer
from simulators.emergency.model import EmergencyModel
from simulators.ev.model import EvModel
from simulators.parking.model import ParkingModel
from simulators.reading import reading_bytes
from simulators.tax.model import TaxModel
from simulators.water.model import WaterModel
from simulators.world.district import District, Site, load_district

SEED = 7
CHINA = timezone(timedelta(hours=8))
BATCH = 5_000
TICK = timedelta(minutes=1)
CLUSTER = "simulated-day"
FAULT_AGO, FAULT_LASTS = timedelta(hours=2), timedelta(minutes=30)
"""When the first connector fails, before the end of the day, and for how long."""
FULL_AGO, FULL_LASTS = timedelta(hours=1), timedelta(minutes=40)
"""When the first car park is full: drivers are sent elsewhere."""
CALL_AGO = timedelta(minutes=4)
"""When a call comes that no unit has been sent to."""
REFUSED_AGO = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as Kafka would give it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Log:
    """Records of one topic with one partition."""

    topic: str
    records: list[Record] = field(default_factory=list)

    def add(self, value: bytes, at: datetime, headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
        record = Record(self.topic, 0, len(self.records), int(at.timestamp() * 1000), value, headers)
        self.records.append(record)
        return record


@dataclass(slots=True)
class Day:
    """What a simulated day came to."""

    logs: dict[str, Log]
    since: datetime
    until: datetime


Said = tuple[datetime, str, dict[str, Any]]
"""When, which device, its own fields."""


def simulated_day(until: datetime, *, ev_step: timedelta = timedelta(minutes=5), share: int = 1) -> Day:
    """From the beginning of yesterday (local) until a moment.

    Args:
        share: One in so many connectors and car parks takes part; 1: all.
    """
    district = load_district()
    local = until.astimezone(CHINA)
    since = (local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)).astimezone(UTC)
    streams: dict[Feed, Iterable[Said]] = {
        Feed.WATER: _water(district, since, until),
        Feed.EV: _ev(district, since, until, ev_step, share),
        Feed.PARKING: _parking(district, since, until, share),
        Feed.EMERGENCY: _emergency(district, since, until),
        Feed.TAX: _tax(district, until),
    }
    logs = {name: Log(name) for name in (ALERTS, INDICATORS, DEAD_LETTERS)}
    judges = {judge.feed: judge for judge in build_judges([], ProcessorSettings.model_construct())}
    for feed, stream in streams.items():
        log = logs[readings_topic(feed)] = _log(feed, stream, since, until)
        _judge(judges[feed], log, logs)
    _refuse(logs[DEAD_LETTERS], until - REFUSED_AGO)
    return Day(logs, since, until)


def _log(feed: Feed, stream: Iterable[Said], since: datetime, until: datetime) -> Log:
    """A feed's log; time goes by the minute in the day, and by the hour where nothing is said and before the day."""
    log, seqs = Log(readings_topic(feed)), dict[str, int]()
    due: datetime | None = None
    for at, device, fields in stream:
        due = at if due is None else due
        while due <= at:
            _tick(log, due)
            is_quick = due >= since and due > at - timedelta(hours=2)
            due += TICK if is_quick else timedelta(hours=1)
        seq = seqs[device] = seqs.get(device, -1) + 1
        log.add(reading_bytes(fields, boot_id="day", seq=seq, at=at), at + timedelta(seconds=0.2))
    _tick(log, until)
    return log


def _tick(log: Log, at: datetime) -> None:
    log.add(Tick(lane=LIVE, at=at).model_dump_json().encode(), at, ((KIND_HEADER, KIND_TICK),))


def _judge(judge: Any, log: Log, logs: Mapping[str, Log]) -> None:
    worker: Worker[Any] = Worker(judge, log.topic, 0)
    for record in log.records:
        said, refused = worker.judge([record])
        assert not refused, refused
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        for output in said:
            if isinstance(output, AlertOutput):
                logs[ALERTS].add(output.alert.model_dump_json().encode(), at)
            elif isinstance(output, IndicatorOutput):
                logs[INDICATORS].add(output.encode(), at)


def _refuse(log: Log, at: datetime) -> None:
    """What the bridge keeps of readings that it refused."""
    for reason, payload in ((DeadLetterReason.NOT_JSON, b"{"), (DeadLetterReason.INVALID, b'{"feed": "parking"}')):
        letter = DeadLetter(
            source=DeadLetterSource.INGEST_BRIDGE,
            reason=reason,
            detail="a simulated day's refused reading",
            received_at=at,
            feed=Feed.PARKING,
            lane=LIVE,
        )
        log.add(payload, at, tuple(letter.to_headers()))


async def write(day: Day, pool: Any) -> None:
    """Write the day as the sink does."""
    writer = Writer(pool, CLUSTER, _NoDeadLetters(), 0.0)
    for topic, log in day.logs.items():
        for start in range(0, len(log.records), BATCH):
            await writer.write(
                {(topic, 0): log.records[start : start + BATCH]}, logs={(topic, 0): LogEnd(len(log.records))}
            )


class _NoDeadLetters(DeadLetterProducer):
    """A simulated day refuses nothing."""

    def __init__(self) -> None:
        pass

    async def send(self, *given: Any) -> Any:
        raise AssertionError(given)


def _times(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    at = since
    while at < until:
        yield at
        at += step


def _water(district: District, since: datetime, until: datetime) -> Iterator[Said]:
    models = [WaterModel(SEED, lake, point, 1.0) for lake in district.lake for point in lake.points]
    for at in _times(since, until, timedelta(hours=1)):
        for number, model in enumerate(models):
            when = at + timedelta(seconds=number)
            yield when, model.point.id, model.observe(when)


def _ev(district: District, since: datetime, until: datetime, step: timedelta, share: int) -> Iterator[Said]:
    connectors = [(site, each) for site in district.site for each in site.connector_ids()][::share]
    models = [(each, EvModel(SEED, site, each)) for site, each in connectors]
    site_of = {each: site for site, each in connectors}
    for at in _times(since, until, step):
        for connector, model in models:
            fields = model.observe(at, at - step)
            if model is models[0][1] and until - FAULT_AGO <= at < until - FAULT_AGO + FAULT_LASTS:
                fields = _failed(site_of[connector], connector)
            if fields is not None:
                yield at, connector, fields


def _failed(site: Site, connector: str) -> dict[str, Any]:
    return {
        "feed": Feed.EV,
        "device_id": connector,
        "group_id": site.id,
        "context": EvContext.STATUS,
        "status": ConnectorState.FAULT,
        "error_code": ErrorCode.GROUND_FAILURE,
        "rated_power_kw": site.rated_power_kw,
        "power_kw": 0.0,
        "site_name": site.name_zh,
    }


def _parking(district: District, since: datetime, until: datetime, share: int) -> Iterator[Said]:
    models = [(lot, ParkingModel(SEED, lot)) for lot in district.lot[::share]]
    states = {lot.id: model.begin(since) for lot, model in models}
    for at in _times(since, until, timedelta(minutes=5)):
        for lot, model in models:
            states[lot.id] = model.advance(states[lot.id], at)
            fields = model.observe(states[lot.id])
            if lot is models[0][0] and until - FULL_AGO <= at < until - FULL_AGO + FULL_LASTS:
                fields = {**fields, "free_spaces": 0}
            yield at, lot.id, fields


def _emergency(district: District, since: datetime, until: datetime) -> list[Said]:
    """In the order of event time; units report a little after one another, as they do."""
    model = EmergencyModel(SEED, district, since)
    called = until - CALL_AGO
    said: list[Said] = [(called, district.dispatch.id, _unanswered(district, called))]
    for at in _times(since, until, timedelta(minutes=1)):
        said += [(each.at, each.device_id, each.fields) for each in model.advance(at)]
        if at.minute % 5 == 0:
            reports = enumerate(model.positions(at))
            said += [(at + timedelta(seconds=n), each.device_id, each.fields) for n, each in reports]
    return sorted((each for each in said if each[0] < until), key=lambda each: each[0])


def _unanswered(district: District, at: datetime) -> dict[str, Any]:
    street = district.street[0]
    return {
        "feed": Feed.EMERGENCY,
        "device_id": district.dispatch.id,
        "group_id": district.district.id,
        "incident_id": "day-unanswered",
        "step": Step.CALL_RECEIVED,
        "call_type": "medical",
        "priority": "A",
        "street": street.name_zh,
        "longitude": street.longitude,
        "latitude": street.latitude,
        "call_received_at": at,
    }


def _tax(district: District, until: datetime) -> Iterator[Said]:
    """The year so far and the December before it, so that there is a ledger on New Year's Day too."""
    year = until.astimezone(CHINA).year

    def ledger(building: Any) -> Iterator[Said]:
        model = TaxModel(SEED, building, district.district.id)
        for month in ((year - 1, 12), *((year, number) for number in range(1, 13))):
            for entry in model.month(*month):
                if entry.at < until:
                    yield entry.at.astimezone(UTC), building.office_id, entry.fields

    yield from merge(*(ledger(building) for building in district.building), key=lambda said: said[0])


def counts(day: Day) -> dict[str, int]:
    """Records of each topic but for ticks."""
    return {topic: sum(not record.headers for record in log.records) for topic, log in day.logs.items()}


def alerts(day: Day) -> list[dict[str, Any]]:
    """Alert events of the day."""
    return [orjson.loads(record.value) for record in day.logs[ALERTS].records]
