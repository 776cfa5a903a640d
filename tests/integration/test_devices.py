"""Devices at a real Mosquitto and a real bridge: whose session, whose topics, and how they come and go."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from deploy.local.broker_accounts import Command, dismissal
from deploy.local.broker_control import BrokerControl
from deploy.local.errors import BrokerRefused
from deploy.local.mosquitto import Files
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK, pick_free
from deploy.local.stack import ServiceSpec, Stack
from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from schemas.mqtt import BRIDGE_CLIENT_ID, NotATopic, parse_topic
from schemas.topics import DEAD_LETTERS
from services.district.device_command import Devices
from services.district.errors import DeviceUnchanged
from services.district.settings import access_from
from tests.integration.test_bridge import EV, NAME, health, records

SECONDS = 20.0
EV_1 = DeviceIdentity("devices-ev-1", Feed.EV, "site-1")
EV_2 = DeviceIdentity("devices-ev-2", Feed.EV, "site-1")
AMBULANCE = DeviceIdentity("devices-amb-1", Feed.EMERGENCY, "jianghan")
PASSWORDS: dict[str, str] = {}
"""Of the devices that these tests have registered."""


class Client:
    """An MQTT client that notes what it is told."""

    def __init__(
        self, stack: Stack, user: str, password: str, client_id: str | None = None, will: str | None = None
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.answers: list[ReasonCode] = []
        self.entered: list[ReasonCode] = []
        self.left: list[str] = []
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or "", protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self.client.username_pw_set(user, password)
        if will is not None:
            self.client.will_set(will, b"will", qos=1)
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        self.client.on_publish = lambda _client, _data, _id, reason, _properties: self.answers.append(reason)
        self.client.on_disconnect = lambda _client, _data, _flags, reason, _properties: self.left.append(str(reason))
        connected, self._subscribed = threading.Event(), threading.Event()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            self.entered.append(reason)
            connected.set()

        self.client.on_connect = on_connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect(LOOPBACK, stack.ports.mqtt or 0)
        self.client.loop_start()
        assert connected.wait(SECONDS)

    @property
    def is_in(self) -> bool:
        return not self.entered[0].is_failure and not self.left

    def subscribe(self, topic: str) -> None:
        self._subscribed.clear()
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(SECONDS)

    def publish(self, topic: str, payload: bytes = b"{}", **options: Any) -> None:
        """Publish, and wait until it is acknowledged or the connection is over."""
        sent = self.client.publish(topic, payload, **{"qos": 1, **options})
        deadline = time.monotonic() + SECONDS
        while not self.left and not sent.is_published() and time.monotonic() < deadline:
            time.sleep(0.01)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def enter(stack: Stack) -> Iterator[Callable[..., Client]]:
    """Connects as a device, or with a user, a password and a client id; everybody leaves after the test."""
    inside: list[Client] = []

    def come(user: str, password: str | None = None, client_id: str | None = None) -> Client:
        made = Client(stack, user, password or PASSWORDS[user], user if client_id is None else client_id)
        inside.append(made)
        return made

    yield come
    for each in inside:
        each.leave()


@pytest.fixture
def operator(stack: Stack) -> Iterator[Client]:
    parts = urlsplit(stack.environment("operator")["MQTT_URL"])
    made = Client(stack, parts.username or "", parts.password or "")
    yield made
    made.leave()


@pytest.fixture(scope="module")
def devices(stack: Stack) -> Devices:
    return Devices(access_from(stack.environment("operator"), stack.settings.state), stack.devices)


def register(devices: Devices, *identities: DeviceIdentity) -> None:
    for identity in identities:
        PASSWORDS[identity.device_id] = devices.add(identity, new_group=True)


@pytest.fixture(scope="module")
def registered(devices: Devices) -> Iterator[None]:
    register(devices, EV_1, EV_2, AMBULANCE)
    yield
    for device_id, _, _ in (EV_1, EV_2, AMBULANCE):
        devices.revoke(device_id)


@pytest.fixture
async def bridge(stack: Stack) -> AsyncIterator[Any]:
    async def start() -> None:
        await stack.start_service(ServiceSpec(NAME, (sys.executable, "-m", "services.ingest_bridge"), "bridge"))

    yield start
    await stack.stop(NAME)


def reading(device: DeviceIdentity, boot: str, seq: int, **changed: Any) -> bytes:
    body = {
        "feed": device.feed,
        "device_id": device.device_id,
        "group_id": device.group_id,
        "boot_id": boot,
        "seq": seq,
        "observed_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "context": "status",
        "status": "idle",
        **changed,
    }
    return json.dumps(body).encode()


def topic(device: DeviceIdentity, message: str = "reading") -> str:
    return f"jianghan/{device.feed}/{device.group_id}/{device.device_id}/{message}"


def a_boot() -> str:
    return f"devices-{uuid.uuid4().hex[:10]}"


async def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within the time: {what}"
        await asyncio.sleep(0.05)


async def district(stack: Stack, *words: str) -> tuple[int, str, str]:
    """Run `district device` beside the running servers: exit status, output, complaints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.district", "device", *words,
        cwd=CHECKOUT,
        env=os.environ | {"DISTRICT_STATE": str(stack.settings.state), "PYTHONPATH": str(CHECKOUT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode(), complained.decode()


# Whose session


@pytest.mark.usefixtures("registered")
async def test_no_account_takes_over_the_session_of_another(
    stack: Stack, enter: Callable[..., Client], bridge: Any
) -> None:
    """A device that connected as the bridge destroyed its queue: of 1,500 acknowledged readings 4 were stored."""
    await bridge()
    await stack.stop(NAME)
    boot, sender = a_boot(), enter(EV_1.device_id)
    for seq in range(300):
        sender.client.publish(topic(EV_1), reading(EV_1, boot, seq), qos=1)
    await until(lambda: len(sender.answers) == 300, "every reading acknowledged")
    assert not any(answer.is_failure for answer in sender.answers)
    for client_id in (BRIDGE_CLIENT_ID, EV_1.device_id, "bridge", "operator", ""):
        assert enter(EV_2.device_id, client_id=client_id).entered[0].is_failure, client_id
    assert sender.is_in
    await stack.start(NAME)
    found = await records(stack, EV, [boot], 300)
    assert {json.loads(record.value)["seq"] for record in found} == set(range(300))


async def test_the_bridge_s_account_has_its_one_session(stack: Stack) -> None:
    parts = urlsplit(stack.environment("bridge")["MQTT_URL"])
    other = Client(stack, parts.username or "", parts.password or "", "another")
    assert other.entered[0].is_failure
    other.leave()


@pytest.mark.usefixtures("registered")
async def test_a_device_has_one_connection(enter: Callable[..., Client]) -> None:
    first = enter(EV_1.device_id)
    second = enter(EV_1.device_id)
    await until(lambda: first.left == ["Session taken over"], "the first to be closed")
    assert second.is_in


async def test_the_operator_s_tools_work_side_by_side(stack: Stack, operator: Client) -> None:
    parts = urlsplit(stack.environment("operator")["MQTT_URL"])
    others = [Client(stack, parts.username or "", parts.password or "", f"tool-{number}") for number in range(3)]
    operator.subscribe("jianghan/#")
    for each in others:
        each.publish("jianghan/ev/site/any/relay")
        each.publish("jianghan/ev/clock/replay:x")
    await until(lambda: len(operator.heard) == 6, "what the tools said")
    for each in others:
        assert each.is_in
        each.leave()


# Whose topics


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "wrong",
    [
        "jianghan/tax/jianghan/devices-amb-1/reading",
        "jianghan/emergency/elsewhere/devices-amb-1/reading",
        "jianghan/emergency/jianghan/devices-amb-2/reading",
        "jianghan/emergency/jianghan/devices-amb-1/relay",
        "jianghan/emergency/jianghan/devices-amb-1/receipt",
        "jianghan/emergency/clock/live",
        "jianghan/emergency/clock/replay:x",
        "$CONTROL/dynamic-security/v1",
    ],
)
async def test_a_device_writes_under_its_own_topic_only(
    enter: Callable[..., Client], operator: Client, wrong: str
) -> None:
    operator.subscribe("jianghan/#")
    device = enter(AMBULANCE.device_id)
    device.publish(wrong)
    assert [answer.is_failure for answer in device.answers] == [True]
    sender = enter(AMBULANCE.device_id)
    sender.publish(topic(AMBULANCE))
    await until(lambda: operator.heard, "the device's own reading")
    assert operator.heard == [(topic(AMBULANCE), b"{}")]


async def test_no_name_of_a_device_reaches_the_clock_of_a_lane(
    devices: Devices, enter: Callable[..., Client], operator: Client
) -> None:
    clock = DeviceIdentity("clock", Feed.EV, "ev")
    register(devices, clock)
    operator.subscribe("jianghan/#")
    for wrong in ("jianghan/ev/clock/replay:x", "jianghan/ev/clock/clock", "jianghan/ev/clock/clock/reading"):
        trespasser = enter("clock")
        trespasser.publish(wrong)
        assert [answer.is_failure for answer in trespasser.answers] == [True]
    enter("clock").publish(topic(clock))
    await until(lambda: operator.heard, "the device's own reading")
    assert [name for name, _ in operator.heard] == ["jianghan/ev/ev/clock/reading"]
    assert not isinstance(parse_topic(operator.heard[0][0]), NotATopic)


@pytest.mark.usefixtures("registered")
async def test_a_device_s_will_speaks_for_the_device_alone(
    stack: Stack, enter: Callable[..., Client], operator: Client
) -> None:
    operator.subscribe("jianghan/#")
    password = PASSWORDS[EV_1.device_id]
    for will in (topic(EV_2), "jianghan/ev/clock/replay:x", topic(EV_1)):
        Client(stack, EV_1.device_id, password, EV_1.device_id, will)
        leaver = enter(EV_1.device_id)  # takes the session over, which is an end without a goodbye
        assert leaver.is_in
    await until(lambda: operator.heard, "the device's own will")
    assert operator.heard == [(topic(EV_1), b"will")]


@pytest.mark.usefixtures("registered")
async def test_a_device_hears_its_own_receipts_only(enter: Callable[..., Client], operator: Client) -> None:
    hearer = enter(EV_1.device_id)
    for name in ("jianghan/#", topic(EV_2, "receipt"), "$share/x/jianghan/#", topic(EV_1, "receipt")):
        hearer.subscribe(name)
    operator.publish(topic(EV_2, "receipt"))
    operator.publish(topic(EV_1))
    operator.publish(topic(EV_1, "receipt"))
    await until(lambda: hearer.heard, "the receipt")
    assert hearer.heard == [(topic(EV_1, "receipt"), b"{}")]


@pytest.mark.usefixtures("registered")
async def test_no_device_leaves_a_retained_message_or_one_half_sent(
    enter: Callable[..., Client], operator: Client
) -> None:
    for options, why in (({"retain": True}, "Retain not supported"), ({"qos": 2}, "QoS not supported")):
        device = enter(EV_1.device_id)
        device.publish(topic(EV_1), **options)
        await until(lambda device=device: device.left, why)
        assert device.left == [why]
    operator.subscribe("jianghan/#")
    enter(EV_1.device_id).publish(topic(EV_1), b"news")
    await until(lambda: operator.heard, "what was sent properly")
    assert operator.heard == [(topic(EV_1), b"news")]


@pytest.mark.usefixtures("registered")
async def test_the_bridge_keeps_and_explains_what_a_broker_without_rules_lets_through(
    stack: Stack, operator: Client, bridge: Any
) -> None:
    """The operator's account may write anywhere; it stands for a broker that binds nobody."""
    await bridge()
    boot = a_boot()
    as_tax = AMBULANCE._replace(feed=Feed.TAX)
    stranger = DeviceIdentity("devices-nobody", Feed.EV, "site-1")
    fields = {"context": None, "status": None}
    sent = {
        DeadLetterReason.NOT_REGISTERED: [
            (topic(as_tax), reading(as_tax, boot, 0, **fields)),
            (topic(stranger), reading(stranger, boot, 1)),
            (topic(EV_1._replace(group_id="site-2")), reading(EV_1._replace(group_id="site-2"), boot, 2)),
        ],
        DeadLetterReason.LANE_NOT_ALLOWED: [(topic(EV_1), reading(EV_1, boot, 3, lane="exercise:devices"))],
        DeadLetterReason.TOO_LARGE: [(topic(EV_1), b" " * 300_000 + reading(EV_1, boot, 4))],
    }
    for messages in sent.values():
        for name, payload in messages:
            operator.publish(name, payload)
    operator.publish(topic(EV_1), reading(EV_1, boot, 5))
    letters = await records(stack, DEAD_LETTERS, [boot], 5)
    found = [DeadLetter.from_headers(record.headers) for record in letters]
    expected = [reason for reason, messages in sent.items() for _ in messages]
    assert {letter.seq: letter.reason for letter in found} == dict(enumerate(expected))
    assert all(
        letter.device_id is not None and letter.device_id in letter.detail for letter in found if letter.seq != 4
    )
    payloads = {payload for messages in sent.values() for _, payload in messages}
    assert {record.value for record in letters} == payloads
    (stored,) = await records(stack, EV, [boot], 1)
    assert json.loads(stored.value)["seq"] == 5


@pytest.mark.usefixtures("registered")
async def test_a_device_that_runs_away_is_refused_and_one_that_was_away_is_not(
    stack: Stack, enter: Callable[..., Client], bridge: Any
) -> None:
    """Both send 12,000 readings at once: one of this moment, one what it kept, a reading a second."""
    await bridge()
    n, each = 12_000, 600
    boots = {EV_1: a_boot(), EV_2: a_boot()}
    now = datetime.now(UTC)
    for device, boot in boots.items():
        ages = [0 if device is EV_1 else n - seq for seq in range(n)]
        texts = [
            reading(device, boot, seq, observed_at=(now - timedelta(seconds=age)).isoformat().replace("+00:00", "Z"))
            for seq, age in enumerate(ages)
        ]
        sender = enter(device.device_id)
        for first in range(0, n, each):
            sender.publish(topic(device), b"[" + b",".join(texts[first : first + each]) + b"]")
    stored = await records(stack, EV, boots.values(), n + 10_000)
    letters = await records(stack, DEAD_LETTERS, boots.values(), 1)
    kept = [DeadLetter.from_headers(record.headers) for record in letters]
    assert {(letter.reason, letter.device_id) for letter in kept} == {(DeadLetterReason.TOO_FAST, EV_1.device_id)}
    numbers: dict[str, list[int]] = {boot: [] for boot in boots.values()}
    for record in stored:
        told = json.loads(record.value)
        numbers[told["boot_id"]].append(told["seq"])
    assert numbers[boots[EV_2]] == list(range(n))
    assert len(numbers[boots[EV_1]]) < 11_500
    refused = [letter.seq for letter in kept]
    assert sorted([*numbers[boots[EV_1]], *refused]) == list(range(n)), "each is stored or kept apart, and once"


# Coming and going


async def test_a_device_comes_gets_another_credential_and_goes_while_everything_runs(
    stack: Stack, enter: Callable[..., Client], operator: Client, bridge: Any
) -> None:
    await bridge()
    name, boot = f"devices-cli-{uuid.uuid4().hex[:6]}", a_boot()
    device = DeviceIdentity(name, Feed.EV, "site-cbd-east")
    pids = {each: stack.pid(each) for each in ("mosquitto", NAME)}

    status, said, complained = await district(stack, "add", "ev", device.group_id, name, "--name", "新桩", "--json")
    assert (status, complained) == (0, "")
    first = json.loads(said)
    assert first["topics"]["reading"] == topic(device)
    inside = enter(name, first["password"])
    inside.subscribe(topic(device, "receipt"))
    inside.publish(topic(device), reading(device, boot, 0))
    await until(lambda: inside.heard, "the receipt")
    assert json.loads(inside.heard[-1][1]) == {"boot_id": boot, "seq": 0}
    assert (await boards_name(stack, name)) == "新桩"

    kept = "".join(path.read_text() for path in (stack.settings.state / "devices").iterdir())
    assert first["password"] not in kept

    status, said, _ = await district(stack, "rotate", name, "--json")
    second = json.loads(said)["password"]
    assert (status, inside.left) == (0, ["Administrative action"])
    assert enter(name, first["password"]).entered[0].is_failure
    again = enter(name, second)
    again.publish(topic(device), reading(device, boot, 1))
    assert again.is_in

    status, said, _ = await district(stack, "revoke", name)
    assert (status, again.left) == (0, ["Administrative action"])
    assert enter(name, second).entered[0].is_failure
    await until(lambda: devices_of_the_bridge(stack) == len(stack.devices.register().active()), "the bridge to know")
    operator.publish(topic(device), reading(device, boot, 2))
    (letter,) = await records(stack, DEAD_LETTERS, [boot], 1)
    assert "was revoked at" in DeadLetter.from_headers(letter.headers).detail
    stored = await records(stack, EV, [boot], 2)
    assert [json.loads(record.value)["seq"] for record in stored] == [0, 1]
    assert await boards_name(stack, name) is None
    assert {each: stack.pid(each) for each in pids} == pids

    listed = json.loads((await district(stack, "list", "--revoked", "--json"))[1])
    assert [each["revoked_at"] is not None for each in listed if each["device_id"] == name] == [True]
    assert name not in (await district(stack, "list"))[1]


def devices_of_the_bridge(stack: Stack) -> int | None:
    """How many devices were in the register that the bridge has read last."""
    lines = (stack.settings.state / "logs" / f"{NAME}.log").read_text().splitlines()
    read = [json.loads(line)["devices"] for line in lines if '"read_register"' in line]
    return read[-1] if read else None


async def boards_name(stack: Stack, device_id: str) -> str | None:
    reader = await asyncpg.connect(stack.environment("operator")["DATABASE_READER_URL"])
    try:
        found: str | None = await reader.fetchval("SELECT name_zh FROM v_assets WHERE asset_id = $1", device_id)
    finally:
        await reader.close()
    return found


@pytest.mark.usefixtures("registered")
async def test_what_the_register_does_not_take_changes_nothing(stack: Stack, devices: Devices) -> None:
    before = devices.book.register()
    for change, why in (
        (lambda: devices.add(AMBULANCE._replace(feed=Feed.TAX)), "registered already, for emergency/jianghan"),
        (lambda: devices.add(DeviceIdentity("devices-x", Feed.EV, "clock"), new_group=True), "no group"),
        (lambda: devices.add(DeviceIdentity("devices-x", Feed.EV, "site-cbd-eats")), "there are site-cbd-east, "),
        (lambda: devices.add(DeviceIdentity(BRIDGE_CLIENT_ID, Feed.EV, "site-1")), "name of the platform"),
        (lambda: devices.add(DeviceIdentity("devices-x", Feed.EV, "site-1"), "a\x1b[2Jb"), "name: "),
        (lambda: devices.rotate("devices-never"), "devices-never is not registered"),
        (lambda: devices.revoke("devices-never"), "devices-never is not registered"),
    ):
        with pytest.raises(DeviceUnchanged, match=why):
            await asyncio.to_thread(change)
    assert devices.book.register() == before
    status, said, complained = await district(stack, "rotate", "devices-never")
    assert (status, said) == (2, "")
    assert "district device list" in complained


async def test_a_device_is_revoked_even_while_the_broker_is_away(
    stack: Stack, devices: Devices, enter: Callable[..., Client]
) -> None:
    name = f"devices-away-{uuid.uuid4().hex[:6]}"
    register(devices, DeviceIdentity(name, Feed.EV, "site-1"))
    await stack.stop("mosquitto")
    try:
        status, _, complained = await district(stack, "revoke", name)
        assert status == 1
        assert "does not answer" in complained
        assert name not in stack.devices.register().active()
        status, _, complained = await district(stack, "add", "ev", "site-cbd-east", "devices-not-now")
        assert status == 1
        assert stack.devices.register().get("devices-not-now") is None
    finally:
        await stack.start("mosquitto")
    assert enter(name).entered[0].is_failure  # the broker starts by the register
    assert (await district(stack, "revoke", name))[0] == 0


@pytest.mark.usefixtures("registered")
async def test_a_change_loses_nothing_of_a_session_that_waits_after_a_restart(
    stack: Stack, devices: Devices, enter: Callable[..., Client], bridge: Any
) -> None:
    """Reloading files of accounts takes such a session its rules: what devices then send is acknowledged and gone."""
    await bridge()
    await stack.stop(NAME)
    await stack.stop("mosquitto")
    await stack.start("mosquitto")
    boot, sender = a_boot(), enter(EV_1.device_id)
    sender.publish(topic(EV_1), reading(EV_1, boot, 0))
    name = f"devices-other-{uuid.uuid4().hex[:6]}"
    register(devices, DeviceIdentity(name, Feed.EV, "site-1"))
    sender.publish(topic(EV_1), reading(EV_1, boot, 1))
    assert (await district(stack, "revoke", name))[0] == 0
    sender.publish(topic(EV_1), reading(EV_1, boot, 2))
    assert not any(answer.is_failure for answer in sender.answers)
    await stack.start(NAME)
    found = await records(stack, EV, [boot], 3)
    assert {json.loads(record.value)["seq"] for record in found} == {0, 1, 2}


async def test_accounts_outlive_a_killed_broker(stack: Stack, devices: Devices, enter: Callable[..., Client]) -> None:
    """Even where its file of accounts was cut short, as on a full disk."""
    name = f"devices-kill-{uuid.uuid4().hex[:6]}"
    register(devices, DeviceIdentity(name, Feed.EV, "site-1"))
    old = stack.pid("mosquitto")
    Files(stack.settings.state / "mosquitto").accounts.write_text("{")
    await stack.kill("mosquitto")
    await until(lambda: stack.pid("mosquitto") not in {None, old}, "the broker to be started again")

    def is_in() -> bool:
        try:
            return enter(name).is_in
        except OSError:
            return False

    await until(is_in, "the device to be let in again")


@pytest.mark.usefixtures("registered")
async def test_a_damaged_register_is_said_and_the_one_before_stays_in_force(
    stack: Stack, operator: Client, bridge: Any
) -> None:
    await bridge()
    file, boot = stack.devices.register_file, a_boot()
    good = file.read_text()
    file.write_text(good[:-20])
    try:
        await until(lambda: "register" in health(stack)["trouble"], "the trouble to be told")
        operator.publish(topic(EV_1), reading(EV_1, boot, 0))
        (stored,) = await records(stack, EV, [boot], 1)
        assert json.loads(stored.value)["seq"] == 0
    finally:
        file.write_text(good)
    await until(lambda: "register" not in health(stack)["trouble"], "the trouble to be over")


@pytest.mark.usefixtures("registered")
async def test_only_the_operator_keeps_accounts(stack: Stack) -> None:
    port = stack.ports.mqtt or 0

    def command(where: int, user: str | None, password: str | None, *commands: Command) -> None:
        with BrokerControl(LOOPBACK, where, user, password) as control:
            control.apply(commands or dismissal(EV_1.device_id))

    bridge, operator = (urlsplit(stack.environment(role)["MQTT_URL"]) for role in ("bridge", "operator"))
    for where, user, password, why in (
        (port, EV_1.device_id, PASSWORDS[EV_1.device_id], "refuses the operator"),
        (port, bridge.username, bridge.password, "refuses the operator"),
        (port, operator.username, "wrong", "refuses the operator"),
        (pick_free(), operator.username, operator.password, "does not answer"),
    ):
        with pytest.raises(BrokerRefused, match=why):
            await asyncio.to_thread(command, where, user, password)
    bad = {"command": "createClient", "username": "x", "password": "y", "roles": [{"rolename": "no"}]}
    with pytest.raises(BrokerRefused, match="createClient: Role not found"):
        await asyncio.to_thread(command, port, operator.username, operator.password, bad)
