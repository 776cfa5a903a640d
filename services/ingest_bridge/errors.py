"""What can go wrong in the bridge.

TransientError
└── MqttConnectionLostError   connect again
FatalError
├── MqttRefusedError          the operator must change something at the broker
├── KafkaRefusedError         start again: the MQTT broker still has what was not acknowledged
├── RegisterUnreadableError   put the register back; until then nobody's readings could be told from a stranger's
└── TopicDoesNotFitError      make the Kafka topics first
PoisonError
└── MalformedPacketError      the broker's bytes are not MQTT; connect again
"""

from __future__ import annotations

from services.runtime.errors import FatalError, PoisonError, TransientError


class MqttConnectionLostError(TransientError):
    """The connection to the MQTT broker ended or could not be made; connect again, its session keeps everything."""


class MqttRefusedError(FatalError):
    """The MQTT broker refused our user or our subscription; check MQTT_URL and the broker's access rules."""


class KafkaRefusedError(FatalError):
    """Kafka refused records for good; nothing was acknowledged, so a new start takes the same messages again."""


class RegisterUnreadableError(FatalError):
    """The register of devices is missing or damaged; a bridge that runs goes on by the one it has read before."""


class TopicDoesNotFitError(FatalError):
    """A Kafka topic is missing or has another number of partitions than the table; run the topics step first."""


class MalformedPacketError(PoisonError):
    """The MQTT broker sent bytes that are no MQTT 5 packet; connect again."""
