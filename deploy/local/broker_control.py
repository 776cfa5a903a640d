"""Commands to the dynamic security plugin of a running Mosquitto, over MQTT 5 under the operator's account."""

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from deploy.local.broker_accounts import ANSWER_TOPIC, CONTROL_TOPIC, Command, refusals
from deploy.local.errors import BrokerRefused

ANSWER_SECONDS: Final = 10.0
STEP_SECONDS: Final = 0.1


class BrokerControl:
    """A connection to the plugin; nothing is changed before `apply`.

    Raises:
        BrokerRefused: on entering: no broker answers, or it does not let this account command it.
    """

    def __init__(self, host: str, port: int, user: str | None, password: str | None, *, tls: bool = False) -> None:
        self._where = f"the MQTT broker at {host}:{port}"
        self._address = host, port
        self._connected: list[ReasonCode] = []
        self._subscribed: list[ReasonCode] = []
        self._answers: dict[str, dict[str, Any]] = {}
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        client.username_pw_set(user, password)
        client.connect_timeout = ANSWER_SECONDS
        if tls:
            client.tls_set()
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._connected.append(reason)
        client.on_subscribe = lambda _client, _data, _id, reasons, _properties: self._subscribed.extend(reasons)
        client.on_message = self._hear
        self._client = client

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise BrokerRefused(f"{self._where} does not answer ({error}).") from error
        self._wait_for(lambda: bool(self._connected), "let us in")
        if self._connected[0].is_failure:
            raise BrokerRefused(f"{self._where} refuses the operator: {self._connected[0]}.")
        self._client.subscribe(ANSWER_TOPIC, qos=1)
        self._wait_for(lambda: bool(self._subscribed), "answer a subscription")
        if self._subscribed[0].is_failure:
            raise BrokerRefused(f"{self._where} lets this account keep no accounts of devices: {self._subscribed[0]}.")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._client.disconnect()

    def apply(self, commands: Sequence[Command]) -> None:
        """Have these carried out, one after the other; return once they are.

        Raises:
            BrokerRefused: one was refused, or no answer came.
        """
        marks = [secrets.token_hex(8) for _ in commands]
        marked = [{**command, "correlationData": mark} for command, mark in zip(commands, marks, strict=True)]
        self._client.publish(CONTROL_TOPIC, json.dumps({"commands": marked}), qos=1)
        self._wait_for(lambda: all(mark in self._answers for mark in marks), "answer what was asked")
        refused = refusals([self._answers.pop(mark) for mark in marks])
        if refused:
            raise BrokerRefused(f"{self._where}: {'; '.join(refused)}.")

    def _hear(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with suppress(ValueError, AttributeError):
            for answer in json.loads(message.payload).get("responses", ()):
                self._answers[str(answer.get("correlationData"))] = answer

    def _wait_for(self, is_done: Any, what: str) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not is_done():
            ended = self._client.loop(timeout=STEP_SECONDS) != mqtt.MQTT_ERR_SUCCESS
            if not is_done() and (ended or time.monotonic() > deadline):
                raise BrokerRefused(f"{self._where} did not {what}.")
