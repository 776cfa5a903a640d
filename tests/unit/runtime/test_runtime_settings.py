"""Settings of the shared plumbing: errors name the variable, secrets stay masked."""

from __future__ import annotations

import pytest

from services.runtime.errors import SettingsError
from services.runtime.settings import KafkaSettings, ServiceSettings, parse_mqtt_url


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP"):
        KafkaSettings.load()


def test_a_malformed_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_PORT", "seventy")
    with pytest.raises(SettingsError, match="METRICS_PORT"):
        ServiceSettings.load()


def test_a_user_switches_scram_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.delenv("KAFKA_USERNAME", raising=False)
    assert KafkaSettings.load().client_options("c")["security_protocol"] == "PLAINTEXT"
    monkeypatch.setenv("KAFKA_USERNAME", "sink")
    monkeypatch.setenv("KAFKA_PASSWORD", "secret")
    settings = KafkaSettings.load()
    options = settings.client_options("c")
    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_plain_password"] == "secret"
    assert "secret" not in repr(settings)


def test_an_mqtt_url_is_read_with_its_escapes() -> None:
    endpoint = parse_mqtt_url("mqtt://bridge:p%40ss@127.0.0.1:1884")
    assert (endpoint.host, endpoint.port, endpoint.username, endpoint.password) == ("127.0.0.1", 1884, "bridge", "p@ss")
    assert not endpoint.tls
    assert parse_mqtt_url("mqtts://broker").port == 8883


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://h:port", "broker:1883"])
def test_what_is_no_mqtt_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="MQTT_URL"):
        parse_mqtt_url(url)
