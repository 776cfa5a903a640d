"""The text that each server is configured with."""

import base64
import hashlib
from pathlib import Path

from deploy.local import kafka, kafka_access, mosquitto, postgres
from deploy.local.credentials import Credentials, KafkaPasswords
from schemas.credentials import device_password
from schemas.topics import TOPICS

PASSWORDS = KafkaPasswords(
    bridge="b", sink="s", processor="p", operator="o", broker="broker-secret", controller="controller-secret"
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
        if grant.resource is kafka_access.Resource.TOPIC and grant.name != kafka_access.EVERY:
            prefix = grant.pattern is kafka_access.Pattern.PREFIXED
            assert any(name.startswith(grant.name) if prefix else name == grant.name for name in names), grant


def test_the_bridge_writes_readings_and_reads_none() -> None:
    allowed = {(grant.operation, grant.name) for grant in kafka_access.grants() if grant.user == "bridge"}
    assert (kafka_access.Operation.WRITE, "readings.") in allowed
    assert (kafka_access.Operation.READ, "readings.") not in allowed
    assert (kafka_access.Operation.WRITE, "alerts") not in allowed


def test_kafka_s_heap_is_bounded() -> None:
    assert "-Xmx512m" in kafka.java_options(kafka.Files(Path("/k")), "512m")
    small = kafka.java_options(kafka.Files(Path("/k")), "128m")
    assert {"-Xmx128m", "-Xms128m"} <= set(small)


def test_the_format_gives_a_password_to_each_user_in_a_file_of_java_words() -> None:
    text = kafka.format_arguments(kafka.Files(Path("/k")), "ID", kafka.scram_users(PASSWORDS))
    assert text.startswith('"kafka.tools.StorageTool"\n"format"\n"-t"\n"ID"\n')
    assert text.count('"--add-scram"') == 5
    assert '"SCRAM-SHA-512=[name=sink,password=s]"' in text


def test_mosquitto_listens_on_loopback_and_takes_nobody_without_a_user() -> None:
    files = mosquitto.Files(Path("/m"))
    text = mosquitto.configuration(mosquitto.BASE_CONFIGURATION.read_text(), port=3333, files=files)
    settings = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in settings if line.startswith("listener ")] == ["listener 3333 127.0.0.1"]
    assert "allow_anonymous false" in settings
    assert "persistence true" in settings
    assert "max_queued_messages 0" in settings
    assert "acl_file /m/access-rules" in settings


def test_an_account_line_is_what_mosquitto_checks() -> None:
    salt = b"twelve bytes"
    user, _, kind, rounds, written_salt, digest = (
        mosquitto.account_line("d-1", "secret", salt).replace(":", "$").split("$")
    )
    assert (user, kind, base64.b64decode(written_salt)) == ("d-1", "7", salt)
    assert base64.b64decode(digest) == hashlib.pbkdf2_hmac("sha512", b"secret", salt, int(rounds))


def test_accounts_are_the_devices_and_the_two_of_the_platform() -> None:
    credentials = Credentials()
    users = mosquitto.passwords(credentials, ["d-2", "d-1", "d-1"])
    assert users == {
        "d-1": device_password(credentials.device_secret, "d-1"),
        "d-2": device_password(credentials.device_secret, "d-2"),
        "bridge": credentials.mqtt.bridge,
        "operator": credentials.mqtt.operator,
    }


def test_a_device_cannot_take_the_account_of_the_platform() -> None:
    credentials = Credentials()
    assert mosquitto.passwords(credentials, ["bridge"])["bridge"] == credentials.mqtt.bridge


def test_devices_are_added_to_those_known(tmp_path: Path) -> None:
    files = mosquitto.Files(tmp_path)
    credentials = Credentials()
    assert mosquitto.write_device_accounts(files, credentials, ["d-1"], None)
    assert mosquitto.write_device_accounts(files, credentials, ["d-2"], None)
    assert not mosquitto.write_device_accounts(files, credentials, ["d-1"], None)
    assert mosquitto.known_devices(files) == {"d-1", "d-2"}
    users = {line.split(":")[0] for line in files.accounts.read_text().splitlines()}
    assert users == {"bridge", "operator", "d-1", "d-2"}
    assert files.accounts.stat().st_mode & 0o777 == 0o600


def test_postgres_is_reached_by_password_from_loopback_and_in_no_other_way() -> None:
    text = postgres.configuration(port=4444, files=postgres.Files(Path("/p")))
    assert "listen_addresses = '127.0.0.1'\n" in text
    assert "unix_socket_directories = ''\n" in text
    assert "port = 4444\n" in text
    rules = [line.split() for line in postgres.access_rules().splitlines()]
    assert {rule[-1] for rule in rules} == {"scram-sha-256", "reject"}
    assert all(rule[3] == "127.0.0.1/32" for rule in rules if rule[-1] != "reject")
    assert rules[-1] == ["host", "all", "all", "all", "reject"]
