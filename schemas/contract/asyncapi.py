"""The AsyncAPI 3.0 document of MQTT and Kafka, seen from the platform: it receives readings and sends alerts."""

from __future__ import annotations

from typing import Final

from schemas.contract.channels import Channel, Flow, every_channel
from schemas.contract.json_types import Json, definitions
from schemas.contract.messages import RECEIVED, SENT

VERSION: Final = "1.0.0"
"""Of the contract: the first number grows with a change that breaks a reader or a writer."""

_SERVERS: Final[Json] = {
    "mqtt": {
        "host": "{host}:{port}",
        "protocol": "mqtt",
        "protocolVersion": "5.0",
        "description": "Devices and gateways; an account, a client id and a topic for each registered device.",
        "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "21883"}},
        "security": [{"$ref": "#/components/securitySchemes/mqttAccount"}],
    },
    "kafka": {
        "host": "{host}:{port}",
        "protocol": "kafka",
        "description": "Consumers and the platform's own services.",
        "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "29092"}},
        "security": [{"$ref": "#/components/securitySchemes/kafkaAccount"}],
    },
}

_SECURITY: Final[Json] = {
    "mqttAccount": {"type": "userPassword", "description": "The device's id and its password."},
    "kafkaAccount": {"type": "scramSha512", "description": "SASL/SCRAM; a user for each service and each consumer."},
}

_DESCRIPTION: Final = (
    "What devices publish and what consumers read. Times are RFC 3339 in UTC; a value that is not known is null. "
    "Readers pass over fields, headers and kinds of records that they do not know. docs/contracts.md says the rest."
)


def document() -> Json:
    """The whole document."""
    channels = every_channel()
    messages = {message.name: message.document() for channel in channels for message in channel.messages}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:cn:jianghan:district-platform",
        "info": {
            "title": "Jianghan district platform: MQTT and Kafka",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
            "x-title-zh": "江汉区城市运行平台：MQTT 与 Kafka",
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {channel.id: channel.document() for channel in channels},
        "operations": {
            f"{flow}.{channel.id}": _operation(channel, flow) for channel in channels for flow in channel.flows
        },
        "components": {
            "messages": messages,
            "schemas": definitions(SENT, RECEIVED),
            "securitySchemes": _SECURITY,
        },
    }


def _operation(channel: Channel, flow: Flow) -> Json:
    where = f"#/channels/{channel.id}"
    found: Json = {
        "action": flow.value,
        "channel": {"$ref": where},
        "summary": channel.en,
        "messages": [{"$ref": f"{where}/messages/{message.name}"} for message in channel.messages],
        "x-summary-zh": channel.zh,
    }
    if channel.server == "mqtt":
        found["bindings"] = {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}}
    return found
