"""All simulated devices in one event loop: who measures what and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from schemas.credentials import device_password
from schemas.fields import DISTRICT_ZONE, Feed
from simulators.chance import draw
from simulators.device import Device
from simulators.emergency.model import EmergencyModel, Happening
from simulators.ev.model import EvModel
from simulators.outbox import OutboxPolicy
from simulators.parking.model import ParkingModel
from simulators.settings import SimulatorSettings
from simulators.tax.model import TaxModel
from simulators.water.model import WaterModel
from simulators.world.district import Building, District, Lake, Lot, Point, Site

LEDGER_PAGE: Final = 25
"""Entries that a tax office sends at once while it has a backlog."""
STEP_SECONDS: Final = 1.0
"""How often the dispatch centre looks what has happened."""
REPORT_SECONDS: Final = 30.0
START_SPREAD_SECONDS: Final = 3.0
"""Devices connect spread over this time."""


class Fleet:
    """The devices of the district and their models."""

    def __init__(
        self, district: District, settings: SimulatorSettings, boot_id: str, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._district = district
        self._settings = settings
        self._boot_id = boot_id
        self._log = log
        self._policy = OutboxPolicy(capacity=settings.outbox)
        self._devices: dict[str, Device] = {}
        self._refused = 0

    async def run(self) -> None:
        """Run all devices until cancelled; the end of one task ends all.

        Raises:
            SettingRefused: the MQTT URL is malformed.
        """
        begin = datetime.now(UTC)
        jobs = self._jobs(begin)
        endpoint = self._settings.endpoint()
        secret = self._settings.device_secret.get_secret_value()
        self._log.info("devices start", action="start", devices=len(self._devices), seed=self._settings.seed)
        async with asyncio.TaskGroup() as group:
            for name, job in jobs:
                group.create_task(job, name=name)
            for device in self._devices.values():
                group.create_task(
                    self._connect_later(
                        device,
                        device.stay_connected(
                            endpoint, device_password(secret, device.id), self._settings.keepalive_seconds
                        ),
                    ),
                    name=f"connection {device.id}",
                )
            group.create_task(self._report(), name="report")

    async def _connect_later(self, device: Device, stay: Coroutine[None, None, None]) -> None:
        await asyncio.sleep(START_SPREAD_SECONDS * draw(device.id, "start"))
        await stay

    def _device(self, feed: Feed, group_id: str, device_id: str, boot_id: str | None = None) -> Device:
        device = Device(
            feed,
            group_id,
            device_id,
            boot_id=boot_id or self._boot_id,
            policy=self._policy,
            on_refused=self._on_refused,
        )
        self._devices[device_id] = device
        return device

    def _on_refused(self, device_id: str, words: str) -> None:
        self._refused += 1
        if self._refused <= 3:
            self._log.error(
                "the MQTT broker does not let a device in; it is not in the register, or has another credential",
                action="refused",
                device_id=device_id,
                reason=words,
            )

    def _jobs(self, begin: datetime) -> list[tuple[str, Coroutine[None, None, None]]]:
        district = self._district
        return [
            *((point.id, self._water(lake, point)) for lake in district.lake for point in lake.points),
            *((each, self._ev(site, each)) for site in district.site for each in site.connector_ids()),
            *((lot.id, self._parking(lot, begin)) for lot in district.lot),
            *((building.office_id, self._tax(building)) for building in district.building),
            *self._emergency(begin),
        ]

    async def _every(self, seconds: float, name: str, act: Callable[[datetime], None]) -> None:
        """Act at a steady interval; devices are spread over it, and none drifts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds * draw(name, "phase")
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            act(datetime.now(UTC))
            due = max(due + seconds, loop.time())

    def _water(self, lake: Lake, point: Point) -> Coroutine[None, None, None]:
        model = WaterModel(self._settings.seed, lake, point, self._settings.pace)
        device = self._device(Feed.WATER, lake.id, point.id)

        def act(at: datetime) -> None:
            device.tell(model.observe(at), at)

        return self._every(self._settings.water_seconds, point.id, act)

    def _ev(self, site: Site, connector: str) -> Coroutine[None, None, None]:
        model = EvModel(self._settings.seed, site, connector)
        device = self._device(Feed.EV, site.id, connector)
        interval = timedelta(seconds=self._settings.ev_seconds)

        def act(at: datetime) -> None:
            fields = model.observe(at, at - interval)
            if fields is not None:
                device.tell(fields, at)

        return self._every(self._settings.ev_seconds, connector, act)

    def _parking(self, lot: Lot, begin: datetime) -> Coroutine[None, None, None]:
        model = ParkingModel(self._settings.seed, lot)
        device = self._device(Feed.PARKING, lot.zone, lot.id)
        state = model.begin(begin)

        def act(at: datetime) -> None:
            nonlocal state
            state = model.advance(state, at)
            device.tell(model.observe(state), at)

        return self._every(self._settings.parking_seconds, lot.id, act)

    def _emergency(self, begin: datetime) -> list[tuple[str, Coroutine[None, None, None]]]:
        district = self._district
        model = EmergencyModel(self._settings.seed, district, begin)
        for device_id in (district.dispatch.id, *(unit for post in district.post for unit in post.unit_ids())):
            self._device(Feed.EMERGENCY, district.district.id, device_id)

        def tell(happened: Happening) -> None:
            self._devices[happened.device_id].tell(happened.fields, happened.at)

        def steps(at: datetime) -> None:
            for happened in model.advance(at):
                tell(happened)

        def positions(at: datetime) -> None:
            steps(at)
            for happened in model.positions(at):
                tell(happened)

        return [
            ("dispatch steps", self._every(STEP_SECONDS, "dispatch", steps)),
            ("positions", self._every(self._settings.emergency_seconds, "positions", positions)),
        ]

    def _tax(self, building: Building) -> Coroutine[None, None, None]:
        device = self._device(Feed.TAX, self._district.district.id, building.office_id, "ledger")
        return self._keep_ledger(building, device)

    async def _keep_ledger(self, building: Building, device: Device) -> None:
        """Send the year's ledger so far, then each entry when it is made.

        The boot is the ledger and the number is the entry's place in it, so that a restarted office repeats what it
        said before, word for word, and nothing counts twice.
        """
        model = TaxModel(self._settings.seed, building, self._district.district.id)
        await asyncio.sleep(self._settings.tax_seconds * draw(building.id, "phase"))
        while True:
            year = datetime.now(DISTRICT_ZONE).year
            device.boot(f"ledger-{year}-{self._settings.seed}")
            for month in range(1, 13):
                for entry in model.month(year, month):
                    await self._wait_until(entry.at)
                    await self._wait_room(device)
                    ready = device.outbox.next_seq % LEDGER_PAGE == LEDGER_PAGE - 1
                    device.tell(entry.fields, entry.at, now=ready)
                    if ready:
                        await asyncio.sleep(self._settings.tax_seconds)
            while datetime.now(DISTRICT_ZONE).year == year or len(device.outbox):  # noqa: ASYNC110 - a year has no event
                await asyncio.sleep(self._settings.tax_seconds)

    @staticmethod
    async def _wait_until(at: datetime) -> None:
        while (left := (at - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - the clock has no event
            await asyncio.sleep(min(left, 60.0))

    async def _wait_room(self, device: Device) -> None:
        while device.outbox.is_full:  # noqa: ASYNC110 - the interval is the answer
            await asyncio.sleep(self._settings.tax_seconds)

    async def _report(self) -> None:
        """Say what went wrong since the last time, and that all is connected once it is."""
        said_away, was_complete = 0, False
        while True:
            await asyncio.sleep(REPORT_SECONDS if was_complete else STEP_SECONDS)
            connected = sum(device.is_connected for device in self._devices.values())
            if (connected == len(self._devices)) != was_complete:
                was_complete = not was_complete
                self._log.info("devices connected", action="connected", connected=connected, devices=len(self._devices))
            away = sum(device.outbox.turned_away for device in self._devices.values())
            if away > said_away:
                self._log.warning(
                    "outboxes are full because receipts stay away: these readings were not taken and have no number",
                    action="turned_away",
                    readings=away - said_away,
                )
                said_away = away
