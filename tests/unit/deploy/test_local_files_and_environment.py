"""Credentials, ports, folders, pins and the environment of each role."""

import json
import os
import stat
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from deploy.local import credentials, environment, maven, paths, ports
from deploy.local.environment import Ports
from deploy.local.errors import CredentialsUnreadable, FolderUnreachable, NotOurs, PrefixBroken
from deploy.local.files import ServerUser, check_reachable, make_folder, write_private
from deploy.local.health import status_of
from deploy.local.processes import identify, is_alive
from deploy.local.run_record import RunRecord, read, this_process, write
from deploy.local.settings import LocalSettings
from deploy.local.stop import clean
from services.alert_delivery.settings import DeliverySettings
from services.ingest_bridge.settings import BridgeSettings, MqttSettings
from services.runtime.settings import KafkaSettings, ServiceSettings, TopicSettings
from services.stream_processors.settings import ProcessorSettings
from services.timescale_sink.settings import MigrationSettings, SinkSettings
from simulators.settings import SimulatorSettings


def settings(state: Path, **chosen: object) -> LocalSettings:
    return LocalSettings.model_validate(
        {"state": state, "kafka_bootstrap": None, "mqtt_url": None, "database_url": None} | chosen
    )


def test_credentials_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = credentials.load_or_create(tmp_path)
    path = tmp_path / credentials.FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert credentials.load_or_create(tmp_path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    everything = first.model_dump_json()
    passwords = list(first.kafka.model_dump().values())
    assert len(set(passwords)) == len(passwords)
    assert first.device_secret in everything


def test_lost_credentials_are_not_replaced_while_data_needs_them(tmp_path: Path) -> None:
    (tmp_path / "kafka/data").mkdir(parents=True)
    with pytest.raises(CredentialsUnreadable, match="is gone"):
        credentials.load_or_create(tmp_path)


def test_damaged_credentials_say_what_to_do_and_not_what_they_are(tmp_path: Path) -> None:
    (tmp_path / credentials.FILE_NAME).write_text('{"mqtt": {"bridge": "hunter2"')
    with pytest.raises(CredentialsUnreadable, match="make clean") as caught:
        credentials.load_or_create(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_taken_port_names_its_owner_and_the_variable() -> None:
    message = ports.taken_message("Kafka", 29092, ports.PortOwner(4711, "java"), "DISTRICT_KAFKA_PORT")
    assert message == (
        "Kafka needs port 29092, where process 4711 (java) listens: "
        "stop that one, or choose another port with DISTRICT_KAFKA_PORT."
    )
    assert "another user" in ports.taken_message("Kafka", 1024, ports.PortOwner(None, None), "V")
    assert "only root" in ports.taken_message("Kafka", 1023, ports.PortOwner(None, None), "V")


def test_the_servers_user_must_be_able_to_enter_every_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a/b")
    (tmp_path / "a").chmod(0o700)
    stranger = ServerUser("stranger", os.getuid() + 40_000, os.getgid() + 40_000)
    with pytest.raises(FolderUnreachable, match="cannot enter"):
        check_reachable(folder, stranger)
    check_reachable(folder, None)


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o666)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_ours_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    with pytest.raises(NotOurs):
        clean(tmp_path)
    assert (tmp_path / "precious").exists()


def test_each_role_gets_its_own_user_and_nothing_more(tmp_path: Path) -> None:
    secrets = credentials.Credentials()
    found = environment.of_all_roles(settings(tmp_path), Ports(1, 2, 3, 4), secrets)
    assert set(found) == {"common", *environment.ROLES}
    assert environment.of_role(found, "bridge") == {
        "KAFKA_BOOTSTRAP": "127.0.0.1:2",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": "bridge",
        "KAFKA_PASSWORD": secrets.kafka.bridge,
        "MQTT_URL": f"mqtt://bridge:{secrets.mqtt.bridge}@127.0.0.1:1",
        "DEVICE_REGISTER": f"{tmp_path}/devices/register.json",
        "LOG_FORMAT": "json",
    }
    assert found["sink"]["DATABASE_URL"].startswith("postgresql://district_writer:")
    assert "DATABASE_OWNER_URL" not in found["sink"]
    assert found["processor"].keys() == {"KAFKA_USERNAME", "KAFKA_PASSWORD"}
    assert found["delivery"] == {
        "KAFKA_USERNAME": "delivery",
        "KAFKA_PASSWORD": secrets.kafka.delivery,
        "SUBSCRIBERS_FILE": f"{tmp_path}/subscribers/subscribers.json",
    }
    assert found["simulators"] == {"MQTT_URL": "mqtt://127.0.0.1:1", "DEVICE_SECRET": secrets.device_secret}
    assert environment.of_role(found, "grafana").keys() == {*found["common"], "DATABASE_GRAFANA_URL"}
    assert found["grafana"]["DATABASE_GRAFANA_URL"].startswith("postgresql://district_grafana:")
    superuser = secrets.database.superuser
    assert not any(superuser in value for role in found.values() for value in role.values())


def test_servers_of_the_operator_are_passed_on_as_they_are(tmp_path: Path) -> None:
    chosen = settings(
        tmp_path,
        kafka_bootstrap="kafka:9092",
        kafka_username="district",
        kafka_password="k",
        mqtt_url="mqtts://u:p@broker:8883",
        database_url="postgresql://w@db/d",
    )
    found = environment.of_all_roles(chosen, Ports(None, None, None, None), credentials.Credentials())
    assert found["common"]["KAFKA_BOOTSTRAP"] == "kafka:9092"
    assert "KAFKA_SECURITY_PROTOCOL" not in found["common"]
    assert found["processor"] == {"KAFKA_USERNAME": "district", "KAFKA_PASSWORD": "k"}
    assert found["bridge"]["MQTT_URL"] == "mqtts://u:p@broker:8883"
    assert found["operator"]["DATABASE_READER_URL"] == "postgresql://w@db/d"
    assert found["operator"]["DATABASE_GRAFANA_URL"] == "postgresql://w@db/d"


def test_a_service_inherits_the_machine_s_ways_and_what_is_chosen_for_its_role() -> None:
    ours = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "DATABASE_OWNER_URL": "secret",
        "KAFKA_PASSWORD": "secret",
        "GRAFANA_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PROCESSOR_RECORDS_MAX": "7",
        "WATER_POLICY": "/my.toml",
        "WATER_POLICY_OF_MINE": "secret",
        "SINK_BATCH_RECORDS": "9",
    }
    plain = {"PATH": "/bin", "HOME": environment.NO_HOME}
    assert environment.inherited(ours, "bridge") == plain
    assert environment.inherited(ours, "sink") == plain | {"SINK_BATCH_RECORDS": "9"}
    assert environment.inherited(ours, "processor") == plain | {
        "PROCESSOR_RECORDS_MAX": "7",
        "WATER_POLICY": "/my.toml",
    }


@pytest.mark.parametrize(
    ("role", "model"),
    [
        *((role, KafkaSettings) for role in ("bridge", "sink", "processor", "delivery", "operator")),
        *((role, ServiceSettings) for role in ("bridge", "sink", "processor", "delivery")),
        ("bridge", BridgeSettings),
        ("bridge", MqttSettings),
        ("sink", SinkSettings),
        ("processor", ProcessorSettings),
        ("delivery", DeliverySettings),
        ("operator", MigrationSettings),
        ("operator", TopicSettings),
        ("simulators", SimulatorSettings),
    ],
)
def test_each_setting_of_a_service_reaches_it(role: str, model: type[BaseSettings]) -> None:
    """Either by the contract or because it may be chosen; a new setting without a way in fails here."""
    contract = environment.of_role(
        environment.of_all_roles(settings(Path("/s")), Ports(1, 2, 3, 4), credentials.Credentials()), role
    )
    names = {
        str(each.validation_alias or f"{model.model_config.get('env_prefix') or ''}{name}").upper()
        for name, each in model.model_fields.items()
    }
    inherited = environment.inherited(dict.fromkeys(names, "x"), role)
    assert names <= contract.keys() | inherited.keys() | {"METRICS_PORT"}


def test_two_checkouts_of_one_name_have_two_labels() -> None:
    one, other = (paths.checkout_label(Path(folder) / "district") for folder in ("/a", "/b"))
    assert one != other
    assert one.startswith("district-")


def test_a_changed_missing_or_unknown_jar_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.jar").write_bytes(b"")
    (tmp_path / "changed.jar").write_bytes(b"x")
    (tmp_path / "unknown.jar").write_bytes(b"x")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    pins = maven.read_pins(f"{empty}  good.jar\n{empty}  changed.jar\n{empty}  missing.jar\n")
    with pytest.raises(PrefixBroken, match=r"changed\.jar, missing\.jar, unknown\.jar"):
        maven.check_pins(tmp_path, pins)


def test_proxy_variables_are_translated_for_java() -> None:
    assert maven.proxy_options({"https_proxy": "http://proxy:3128", "no_proxy": "localhost,.corp"}) == [
        "-Dhttps.proxyHost=proxy",
        "-Dhttps.proxyPort=3128",
        "-Dhttp.nonProxyHosts=localhost|*.corp",
    ]
    assert maven.proxy_options({}) == []


def test_a_process_is_known_again_by_more_than_its_pid() -> None:
    ours = this_process()
    assert is_alive(ours)
    assert not is_alive(type(ours)(ours.pid, ours.start_ticks + 1, ours.boot_id))
    assert identify(2**22 + 1) is None


def test_the_run_record_survives_its_file_and_a_torn_one_is_no_record(tmp_path: Path) -> None:
    record = RunRecord.model_validate({"supervisor": this_process(), "started_at": "2026-01-01T00:00:00Z"})
    write(tmp_path, record)
    assert read(tmp_path) == record
    (tmp_path / "run.json").write_text('{"supervisor"')
    assert read(tmp_path) is None


def test_health_answers_are_read() -> None:
    assert [status_of("HTTP/1.1 200 OK\r\n\r\n"), status_of("HTTP/1.1 503 x"), status_of(""), status_of("SSH-2.0")] == [
        200,
        503,
        None,
        None,
    ]


def test_credentials_of_an_older_release_get_what_is_new_and_keep_it(tmp_path: Path) -> None:
    known = credentials.Credentials().model_dump()
    del known["database"]["grafana"]
    (tmp_path / credentials.FILE_NAME).write_text(json.dumps(known))
    first = credentials.load_or_create(tmp_path)
    assert first.database.reader == known["database"]["reader"]
    assert credentials.load_or_create(tmp_path) == first, "another process finds the same"
    assert stat.S_IMODE((tmp_path / credentials.FILE_NAME).stat().st_mode) == 0o600
