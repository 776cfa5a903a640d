"""The containers' files, as far as they can be judged without a container engine."""

import json
import re
import subprocess
import sys
import tomllib
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from deploy.compose import model, prepare
from deploy.compose.__main__ import HEADER
from deploy.compose.yaml_text import to_yaml
from deploy.local.credentials import Credentials
from deploy.local.paths import CHECKOUT
from schemas.device_register import DeviceIdentity, DeviceRegister
from schemas.fields import Feed
from schemas.topics import TOPICS
from services.alert_delivery.settings import DeliverySettings
from services.ingest_bridge.settings import AdmissionSettings, BridgeSettings, MqttSettings
from services.operations_api.settings import ApiSettings
from services.read_model.settings import ReadModelSettings
from services.runtime.errors import SettingsError
from services.runtime.settings import KafkaSettings, ServiceSettings, TopicSettings
from services.runtime.topics import new_topic
from services.stream_processors.settings import ProcessorSettings
from services.timescale_sink.settings import MigrationSettings, SinkSettings

DOCUMENT = model.document()
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == model.OURS}
LONG_RUNNING = {name for name, service in OURS.items() if service["restart"] == "unless-stopped"}
VARIABLE = re.compile(r"\$\{(\w+)(?::[?-][^}]*)?\}")
SETTINGS: dict[str, tuple[type[BaseSettings], ...]] = {
    "services.runtime.topics": (KafkaSettings, TopicSettings),
    "services.timescale_sink": (ServiceSettings, KafkaSettings, SinkSettings),
    "services.timescale_sink migrate": (MigrationSettings,),
    "services.timescale_sink register": (MigrationSettings,),
    "services.stream_processors": (ServiceSettings, KafkaSettings, ProcessorSettings),
    "services.alert_delivery": (KafkaSettings, DeliverySettings, ServiceSettings),
    "services.operations_api": (ServiceSettings, KafkaSettings, ApiSettings, ReadModelSettings),
    "services.ingest_bridge": (ServiceSettings, KafkaSettings, BridgeSettings, MqttSettings, AdmissionSettings),
    "deploy.compose set-up": (),
}
"""What reads the environment of each command."""
VALUES = prepare.variables(Credentials(), {})


def settings_of(service: dict[str, Any]) -> tuple[type[BaseSettings], ...]:
    words = [word for word in service["command"][2:4] if not word.startswith("--")]
    return SETTINGS[" ".join(words)]


def filled_in(text: str) -> str:
    """A value as compose hands it on."""
    return VARIABLE.sub(lambda found: VALUES[found[1]], text)


def test_the_file_is_what_the_model_says() -> None:
    assert (prepare.FOLDER / "compose.yaml").read_text(encoding="utf-8") == HEADER + to_yaml(DOCUMENT)


def test_yaml_is_written_so_that_every_reader_takes_it_the_same_way() -> None:
    text = to_yaml({"a": {"b": [1, "on", {"c": True, "d": []}], "no": "x: y # z"}, "e-f.g": None, "h i": "河\n"})
    assert text == (
        'a:\n  b:\n    - 1\n    - "on"\n    -\n      c: true\n      d: []\n  "no": "x: y # z"\n'
        'e-f.g: null\n"h i": "河\\n"\n'
    )


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_a_module_that_exists(name: str) -> None:
    python, option, module, *_ = OURS[name]["command"]
    assert (python, option) == ("python", "-m")
    found = find_spec(module)
    assert found is not None
    assert not found.submodule_search_locations or find_spec(f"{module}.__main__") is not None


def test_there_is_one_process_a_feed_and_one_for_lanes() -> None:
    judging = {name: service["command"][3:] for name, service in OURS.items() if name.startswith("processor-")}
    assert judging == {f"processor-{feed}": ["--feed", feed.value] for feed in Feed} | {"processor-lanes": ["--lanes"]}
    assert set(OURS) - set(judging) == {
        "set-up",
        "topics",
        "migrations",
        "register",
        "timescale-sink",
        "alert-delivery",
        "operations-api",
        "ingest-bridge",
    }


def test_options_are_those_that_the_processors_take() -> None:
    command = [sys.executable, "-m", "services.stream_processors", "--help"]
    helped = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert helped.returncode == 0
    assert "--feed" in helped.stdout
    assert "--lanes" in helped.stdout


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_the_settings_know_and_none_that_they_need_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = OURS[name]
    readers = settings_of(service)
    known = {
        str(field.validation_alias or f"{reader.model_config.get('env_prefix', '')}{field_name}").upper()
        for reader in readers
        for field_name, field in reader.model_fields.items()
    }
    assert set(service["environment"]) <= known
    for variable, value in service["environment"].items():
        monkeypatch.setenv(variable, filled_in(value))
    loaded = [reader.load() for reader in readers]
    for settings in loaded:
        if isinstance(settings, KafkaSettings):
            options = settings.client_options("test")
            assert options["bootstrap_servers"].count(",") == model.REPLICAS - 1
            assert options["sasl_plain_password"] in VALUES.values()
        if isinstance(settings, MqttSettings):
            assert (settings.endpoint().host, settings.endpoint().port) == ("mosquitto", model.MQTT_PORT)


def test_topics_are_made_with_three_replicas_of_which_two_must_have_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS["topics"]["environment"].items():
        monkeypatch.setenv(variable, filled_in(value))
    settings = TopicSettings.load()
    for spec in TOPICS:
        topic = new_topic(spec, settings)
        assert topic.replication_factor == 3
        assert topic.topic_configs["min.insync.replicas"] == "2"
        assert topic.topic_configs.items() >= spec.config().items()


def test_without_settings_the_broker_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("KAFKA_TOPIC_REPLICAS", "KAFKA_TOPIC_MIN_IN_SYNC"):
        monkeypatch.delenv(variable, raising=False)
    topic = new_topic(TOPICS[0], TopicSettings.load())
    assert topic.replication_factor == -1
    assert "min.insync.replicas" not in topic.topic_configs


def test_more_replicas_in_sync_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_REPLICAS", "1")
    monkeypatch.setenv("KAFKA_TOPIC_MIN_IN_SYNC", "2")
    with pytest.raises(SettingsError, match="nothing could be written"):
        TopicSettings.load()


def test_kafka_s_own_topics_are_as_safe_as_ours() -> None:
    """A later line of a properties file holds."""
    properties: dict[str, str] = {}
    for path in (CHECKOUT / "deploy/kafka/server.properties", prepare.FOLDER / "kafka/cluster.properties"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        properties |= dict(line.split("=", 1) for line in lines)
    factors = {name: value for name, value in properties.items() if name.endswith("replication.factor")}
    in_sync = {name: value for name, value in properties.items() if name.endswith(("min.isr", "min.insync.replicas"))}
    assert len(factors) == 4
    assert len(in_sync) == 3
    assert set(factors.values()) == {"3"}
    assert set(in_sync.values()) == {"2"}
    assert properties["unclean.leader.election.enable"] == "false"
    assert properties["auto.create.topics.enable"] == "false"


def test_each_broker_has_its_own_number_name_and_volume_and_is_among_the_voters() -> None:
    start = (prepare.FOLDER / "kafka/start.sh").read_text()
    for number in model.BROKERS:
        service = SERVICES[f"kafka-{number}"]
        assert service["environment"]["NODE_ID"] == str(number)
        assert service["hostname"] == f"kafka-{number}"
        assert f"{number}@kafka-{number}:9093" in start
        assert f"kafka-{number}:{model.KAFKA_DATA}" in service["volumes"]
        assert f"kafka-{number}:{model.KAFKA_PORT}" in model.BOOTSTRAP.split(",")
    assert f"SASL_PLAINTEXT://:{model.KAFKA_PORT}," in start
    assert f"data=${{DISTRICT_KAFKA_DATA:-{model.KAFKA_DATA}}}" in start


def test_every_variable_and_file_of_the_containers_comes_from_the_preparation(tmp_path: Path) -> None:
    asked = {found[1] for found in VARIABLE.finditer(to_yaml(DOCUMENT))}
    prepare.prepare(tmp_path, [DeviceIdentity("device-1", Feed.EV, "site-1")])
    written = prepare.read_env((tmp_path / ".env").read_text())
    assert asked <= set(written)
    for service in SERVICES.values():
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            if source.startswith("./state"):
                assert (tmp_path / source).exists()
            elif source.startswith("."):
                assert (prepare.FOLDER / source).exists()
            else:
                assert source in DOCUMENT["volumes"]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    accounts = json.loads((tmp_path / "state/mosquitto/data/accounts.json").read_text())
    assert {each["username"] for each in accounts["clients"]} == {"bridge", "operator", "device-1"}
    register = tmp_path / "state/devices/register.json"
    assert list(DeviceRegister.model_validate_json(register.read_text()).active()) == ["device-1"]
    assert register.stat().st_mode & 0o777 == 0o644
    configuration = (tmp_path / "state/mosquitto/mosquitto.conf").read_text()
    assert "allow_anonymous false" in configuration
    assert f"listener {model.MQTT_PORT}\n" in configuration

    assert f"{model.STATE}/devices:{model.DEVICES}:ro" in SERVICES["ingest-bridge"]["volumes"]

    prepare.prepare(tmp_path, [])
    assert list(DeviceRegister.model_validate_json(register.read_text()).active()) == ["device-1"]
    assert prepare.read_env((tmp_path / ".env").read_text()) == written, "a second time changes no password"


def test_an_id_of_a_cluster_never_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([b"\xf8" + bytes(15), b"\xf9" + bytes(15), bytes(16)])
    monkeypatch.setattr(prepare.uuid, "uuid4", lambda: uuid.UUID(bytes=next(made)))
    assert prepare.new_cluster_id() == "A" * 22


def test_images_are_pinned_and_named_without_a_registry() -> None:
    images = {service["image"] for service in SERVICES.values()}
    base = re.search(r"^FROM (\S+)$", (prepare.FOLDER / "Dockerfile").read_text(), re.MULTILINE)
    assert base is not None
    for image in (*images, base[1]):
        assert re.fullmatch(r"([a-z0-9-]+/)?[a-z0-9-]+:\d+\.\d+\.\d+[a-z0-9.-]*", image), image
    assert model.IMAGES["kafka"].split(":")[1] in (CHECKOUT / "deploy/kafka/pom.xml").read_text()


def test_ports_are_published_once_and_on_loopback_and_asked_where_they_are() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len({port.split(":")[1] for port in published}) == len(published)
    assert all(port.startswith("127.0.0.1:") for port in published)
    for name in LONG_RUNNING:
        port = OURS[name]["environment"]["METRICS_PORT"]
        assert f":{port}/readyz" in OURS[name]["healthcheck"]["test"][-1]


def test_everything_that_runs_for_long_is_asked_and_waits_for_what_it_needs() -> None:
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) == (service["restart"] == "unless-stopped"), name
        for needed, how in service.get("depends_on", {}).items():
            assert ("healthcheck" in SERVICES[needed]) == (how["condition"] == "service_healthy")
    assert {"set-up", "topics", "migrations", "register"} == set(OURS) - LONG_RUNNING


def test_logs_of_containers_are_bounded() -> None:
    assert all(service["logging"]["options"] == {"max-size": "8m", "max-file": "4"} for service in SERVICES.values())


def test_the_image_holds_what_the_lock_names_and_all_of_our_packages() -> None:
    text = (prepare.FOLDER / "Dockerfile").read_text()
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert "--require-hashes" in text
    assert "--requirement requirements.lock" in text
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = re.findall(r"^COPY (\S+) ", text, re.MULTILINE)
    assert copied == ["requirements.lock", *sorted(packages, key=copied.index)]
    ignore = (prepare.FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} <= set(ignore)
    assert {"deploy/compose/.env", "deploy/compose/state"} <= set(ignore)
    assert re.search(r"^FROM python:3\.11\.", text, re.MULTILINE)
    assert text.rstrip().endswith("USER district")


def test_the_readme_says_that_it_has_not_been_run() -> None:
    assert "has not been run" in (prepare.FOLDER / "README.md").read_text()
