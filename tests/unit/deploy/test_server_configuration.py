"""The text that each server is configured with."""

import base64
import hashlib
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local import first_session, kafka, kafka_access, mosquitto, postgres
from deploy.local.broker_accounts import refusals
from deploy.local.credentials import Credentials, KafkaPasswords
from deploy.local.device_book import DeviceBook
from deploy.local.errors import DevicesUnreadable, NotYet
from deploy.local.ports import LOOPBACK
from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from schemas.mqtt import BRIDGE_CLIENT_ID
from schemas.topics import TOPICS
from services.alert_delivery.groups import GROUP
from services.stream_processors.kafka_host.duty import Duty
from services.timescale_sink.settings import SinkSettings

PASSWORDS = KafkaPasswords(
    bridge="b",
    sink="s",
    processor="p",
    delivery="d",
    operator="o",
    broker="broker-secret",
    controller="controller-secret",
)


def properties(text: str) -> dict[str, str]:
    """Read a properties file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def kafka_properties() -> dict[str, str]:
    return properties(
        kafka.configuration(
            kafka.BASE_CONFIGURATION.read_text(), port=1111, controller_port=2222, data=Path("/d"), passwords=PASSWORDS
        )
    )


def test_every_kafka_listener_asks_for_a_user_on_loopback() -> None:
    found = kafka_properties()
    assert found["listeners"] == "SASL_PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222"
    protocols = dict(pair.split(":") for pair in found["listener.security.protocol.map"].split(","))
    assert set(protocols.values()) == {"SASL_PLAINTEXT"}
    assert "controller-secret" in found["listener.name.controller.plain.sasl.jaas.config"]
    assert "broker-secret" in found["listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config"]
    assert found["auto.create.topics.enable"] == "false"


def test_who_is_no_super_user_may_do_only_what_is_granted() -> None:
    found = kafka_properties()
    assert found["authorizer.class.name"].endswith("StandardAuthorizer")
    assert "allow.everyone.if.no.acl.found" not in found
    assert set(found["super.users"].split(";")) == {"User:controller", "User:broker", "User:operator"}


def test_grants_name_only_topics_that_exist() -> None:
    names = [topic.name for topic in TOPICS]
    for grant in kafka_access.grants():
        if grant.resource is kafka_access.Resource.TOPIC:
            prefix = grant.pattern is kafka_access.Pattern.PREFIXED
            assert any(name.startswith(grant.name) if prefix else name == grant.name for name in names), grant


def test_the_bridge_writes_readings_and_reads_none() -> None:
    allowed = {(grant.operation, grant.name) for grant in kafka_access.grants() if grant.user == "bridge"}
    assert (kafka_access.Operation.WRITE, "readings.") in allowed
    assert (kafka_access.Operation.READ, "readings.") not in allowed
    assert (kafka_access.Operation.WRITE, "alerts") not in allowed


def test_no_grant_is_for_everything_and_groups_and_transactions_are_those_of_the_user_s_own_work() -> None:
    grants = list(kafka_access.grants())
    assert not [grant for grant in grants if grant.name in {"", "*"}]
    granted = {
        user: [grant for grant in grants if grant.user == user and grant.resource is not kafka_access.Resource.TOPIC]
        for user in ("bridge", "sink", "processor", "delivery")
    }
    assert granted["bridge"] == []
    assert {grant.name for grant in granted["delivery"]} == {GROUP}
    assert {grant.name for grant in granted["sink"]} == {SinkSettings.model_fields["group"].default}
    duties = [Duty(feed, live=live) for feed in Feed for live in (True, False)]
    needed = {(kafka_access.Resource.GROUP, duty.group) for duty in duties}
    needed |= {(kafka_access.Resource.TRANSACTION, duty.transactional_id(2)) for duty in duties}
    for resource, name in needed:
        assert [
            grant for grant in granted["processor"] if grant.resource is resource and name.startswith(grant.name)
        ], name
    for grant in granted["processor"]:
        assert grant.pattern is kafka_access.Pattern.PREFIXED
        assert any(grant.resource is resource and name.startswith(grant.name) for resource, name in needed), grant


def test_kafka_s_heap_is_bounded() -> None:
    assert "-Xmx512m" in kafka.java_options(kafka.Files(Path("/k")), "512m")
    small = kafka.java_options(kafka.Files(Path("/k")), "128m")
    assert {"-Xmx128m", "-Xms128m"} <= set(small)


def test_the_format_gives_a_password_to_each_user_in_a_file_of_java_words() -> None:
    text = kafka.format_arguments(kafka.Files(Path("/k")), "ID", kafka.scram_users(PASSWORDS))
    assert text.startswith('"kafka.tools.StorageTool"\n"format"\n"-t"\n"ID"\n')
    assert text.count('"--add-scram"') == len(kafka.USERS)
    assert '"SCRAM-SHA-512=[name=sink,password=s]"' in text


def test_mosquitto_s_queue_is_bounded_below_two_gigabytes_and_the_broker_does_not_end_at_the_bound() -> None:
    """354 bytes a queued message were measured; at a `memory_limit` Mosquitto ends and cannot start again."""
    lines = [line.split() for line in mosquitto.BASE_CONFIGURATION.read_text().splitlines() if " " in line]
    found = {line[0]: line[1] for line in lines if line[0] != "#"}
    messages, payload_bytes = int(found["max_queued_messages"]), int(found["max_queued_bytes"])
    assert min(messages, payload_bytes) > 0  # 0 is no bound
    assert messages * 354 + payload_bytes < 10**9
    assert "memory_limit" not in found


def test_the_first_session_is_made_on_another_port_and_as_configured_otherwise() -> None:
    usual = mosquitto.configuration(
        mosquitto.BASE_CONFIGURATION.read_text(), listener="3333 127.0.0.1", data=Path("/m"), plugin=Path("/p.so")
    )
    private = first_session.on_port(usual, 4444)
    changed = [pair for pair in zip(usual.splitlines(), private.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [("listener 3333 127.0.0.1", "listener 4444 127.0.0.1")]


NOW = datetime(2026, 7, 1, tzinfo=UTC)
EV_1 = DeviceIdentity("ev-1", Feed.EV, "site-1")


def test_mosquitto_listens_on_loopback_and_takes_nobody_without_a_user() -> None:
    files = mosquitto.Files(Path("/m"))
    base = mosquitto.BASE_CONFIGURATION.read_text()
    text = mosquitto.configuration(base, listener="3333 127.0.0.1", data=files.data, plugin=Path("/p.so"))
    settings = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in settings if line.startswith("listener ")] == ["listener 3333 127.0.0.1"]
    assert "allow_anonymous false" in settings
    assert "persistence true" in settings
    assert "retain_available false" in settings
    assert settings[-1] == "max_qos 1"
    assert settings[settings.index("plugin /p.so") + 1] == "plugin_opt_config_file /m/data/accounts.json"


def broker_of(book: DeviceBook, credentials: Credentials) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mosquitto.accounts_text(credentials, book))
    return found


def lets_in(client: dict[str, Any], password: str) -> bool:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(client["salt"]), client["iterations"])
    return base64.b64encode(digest).decode() == client["password"]


def test_every_account_but_the_operators_is_tied_to_one_client_id(tmp_path: Path) -> None:
    book, credentials = DeviceBook(tmp_path / "register.json"), Credentials()
    book.add(EV_1, "secret", NOW)
    clients = {each["username"]: each for each in broker_of(book, credentials)["clients"]}
    assert {user: each.get("clientid") for user, each in clients.items()} == {
        "operator": None,
        "bridge": BRIDGE_CLIENT_ID,
        "ev-1": "ev-1",
    }
    assert lets_in(clients["ev-1"], "secret")
    assert lets_in(clients["bridge"], credentials.mqtt.bridge)
    assert lets_in(clients["operator"], credentials.mqtt.operator)


def test_a_device_may_send_under_its_own_topic_and_hear_its_receipts(tmp_path: Path) -> None:
    book = DeviceBook(tmp_path / "register.json")
    book.add(EV_1, "secret", NOW)
    found = broker_of(book, Credentials())
    assert set(found["defaultACLAccess"].items()) == {
        ("publishClientSend", False), ("publishClientReceive", False), ("subscribe", False), ("unsubscribe", True)
    }  # fmt: skip
    (client,) = [each for each in found["clients"] if each["username"] == "ev-1"]
    (role,) = [each for each in found["roles"] if {"rolename": each["rolename"]} in client["roles"]]
    assert {(each["acltype"], each["topic"]) for each in role["acls"]} == {
        ("publishClientSend", "jianghan/ev/site-1/ev-1/reading"),
        ("subscribeLiteral", "jianghan/ev/site-1/ev-1/receipt"),
        ("publishClientReceive", "jianghan/ev/site-1/ev-1/receipt"),
    }


def test_what_is_kept_of_a_credential_is_hashed_and_for_its_owner_alone(tmp_path: Path) -> None:
    book = DeviceBook(tmp_path / "devices" / "register.json")
    book.add(EV_1, "hunter2", NOW)
    assert "hunter2" not in "".join(path.read_text() for path in (tmp_path / "devices").iterdir())
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "devices").iterdir()} == {
        "register.json": 0o644,
        "credentials.json": 0o600,
    }


def test_a_revoked_device_has_no_account_and_a_rotated_one_another_password(tmp_path: Path) -> None:
    book, credentials = DeviceBook(tmp_path / "register.json"), Credentials()
    book.add(EV_1, "first", NOW)
    book.rotate("ev-1", "second", NOW)
    (client,) = [each for each in broker_of(book, credentials)["clients"] if each["username"] == "ev-1"]
    assert not lets_in(client, "first")
    assert lets_in(client, "second")
    book.revoke("ev-1", NOW)
    assert {each["username"] for each in broker_of(book, credentials)["clients"]} == {"operator", "bridge"}
    assert {each["rolename"] for each in broker_of(book, credentials)["roles"]} == {"operator", "bridge"}
    assert book.credentials() == {}


def test_simulated_devices_know_their_passwords_unless_the_operator_made_another(tmp_path: Path) -> None:
    book, two = DeviceBook(tmp_path / "register.json"), DeviceIdentity("ev-2", Feed.EV, "site-1")
    book.take_simulated([EV_1, two], "of {}".format, NOW)
    book.rotate("ev-2", "another", NOW)
    book.take_simulated([EV_1, two], "of {}".format, NOW)
    clients = {each["username"]: each for each in broker_of(book, Credentials())["clients"]}
    assert lets_in(clients["ev-1"], "of ev-1")
    assert lets_in(clients["ev-2"], "another")
    book.take_simulated([], "of {}".format, NOW)
    assert not book.register().active()


def test_a_damaged_register_starts_no_broker(tmp_path: Path) -> None:
    (tmp_path / "register.json").write_text('{"devices": 3}')
    with pytest.raises(DevicesUnreadable, match="backup"):
        mosquitto.accounts_text(Credentials(), DeviceBook(tmp_path / "register.json"))
    (tmp_path / "register.json").unlink()
    (tmp_path / "credentials.json").write_text("[1]")
    with pytest.raises(DevicesUnreadable):
        mosquitto.accounts_text(Credentials(), DeviceBook(tmp_path / "register.json"))


def test_only_what_was_not_there_to_be_taken_away_is_no_refusal() -> None:
    answers = [
        {"command": "deleteClient", "error": "Client not found"},
        {"command": "deleteRole", "error": "Internal error"},
        {"command": "createClient", "error": "Role not found"},
        {"command": "createRole"},
    ]
    assert refusals(answers) == ["deleteRole: Internal error", "createClient: Role not found"]


def test_postgres_is_reached_by_password_from_loopback_and_in_no_other_way() -> None:
    text = postgres.configuration(port=4444, files=postgres.Files(Path("/p")))
    assert "listen_addresses = '127.0.0.1'\n" in text
    assert "unix_socket_directories = ''\n" in text
    assert "port = 4444\n" in text
    rules = [line.split() for line in postgres.access_rules().splitlines()]
    assert {rule[-1] for rule in rules} == {"scram-sha-256", "reject"}
    assert all(rule[3] == "127.0.0.1/32" for rule in rules if rule[-1] != "reject")
    assert rules[-1] == ["host", "all", "all", "all", "reject"]


@pytest.mark.timeout(20)
def test_a_broker_that_takes_the_connection_and_says_nothing_is_not_waited_for_longer_than_asked() -> None:
    """Not until the keepalive of a minute is over."""
    with (
        socket.create_server((LOOPBACK, 0)) as silent,
        pytest.raises(NotYet, match=r"did not answer 'b' within 0\.2 s"),
    ):
        mosquitto.probe(LOOPBACK, silent.getsockname()[1], "b", "secret", 0.2)
