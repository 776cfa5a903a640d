"""The one list of metrics: name, kind, unit and meaning. Dashboards use only these."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

MESSAGES_RECEIVED: Final = Counter("district_mqtt_messages", "MQTT messages taken from the broker.")
READINGS_ACCEPTED: Final = Counter("district_readings_accepted", "Readings that are in Kafka.", ["feed"])
DEAD_LETTERS: Final = Counter("district_dead_letters", "Items refused, by service and reason.", ["source", "reason"])
RECEIPTS_SENT: Final = Counter("district_receipts", "Receipts published to devices.")
MESSAGES_IN_FLIGHT: Final = Gauge("district_mqtt_in_flight", "MQTT messages taken and not yet acknowledged.")
BYTES_IN_FLIGHT: Final = Gauge("district_mqtt_in_flight_bytes", "Their bytes, and those of their dead letters.")
READINGS_STORED: Final = Counter("district_readings_stored", "Rows written to the database.", ["feed"])
READINGS_REPEATED: Final = Counter(
    "district_readings_repeated", "Readings that were in the database already.", ["feed"]
)
RECORDS_UNSTORED: Final = Counter(
    "district_records_unstored", "Records that were gone from Kafka before they were stored.", ["topic"]
)
WRITE_SECONDS: Final = Histogram(
    "district_write_seconds", "Time of one round of bulk writes.", buckets=_LATENCY_BUCKETS
)
STALE_HOURS: Final = Gauge(
    "district_stale_hours", "Hours of readings that are over and not folded yet; views read them from raw.", ["feed"]
)
OLDEST_STALE_HOUR: Final = Gauge(
    "district_oldest_stale_hour_timestamp_seconds", "Beginning of the oldest of them, 0 when there is none.", ["feed"]
)
DATABASE_RETRIES: Final = Counter("district_database_retries", "Bulk writes tried again after an outage.")
READINGS_JUDGED: Final = Counter("district_readings_judged", "Readings that went through a rule.", ["feed"])
READING_FATES: Final = Counter(
    "district_reading_fates",
    "What became of readings in the engine: in order, late, repeated.",
    ["feed", "fate"],
)
INDICATORS_PUBLISHED: Final = Counter("district_indicators_published", "Indicator records produced.", ["feed"])
ALERT_EVENTS: Final = Counter("district_alert_events", "Alert events produced.", ["feed", "event"])
STATE_BYTES: Final = Counter("district_state_bytes", "Bytes of state written.", ["judging", "partition"])
RECORDS_LOST: Final = Counter(
    "district_records_lost", "Records of the log that were gone before they were judged.", ["judging", "partition"]
)
PROCESSOR_LOG_FAULTS: Final = Counter(
    "district_processor_log_faults", "Partitions that were made anew under the judging.", ["judging", "topic"]
)
DELIVERY_ATTEMPTS: Final = Counter(
    "district_delivery_attempts",
    "Attempts to hand an event over, by outcome.",
    ["subscriber", "outcome"],
)
DELIVERY_SECONDS: Final = Histogram(
    "district_delivery_seconds", "From an event's record on Kafka until a subscriber has it.", buckets=_LATENCY_BUCKETS
)
DELIVERY_IN_HAND: Final = Gauge(
    "district_delivery_in_hand", "Events taken from Kafka that a subscriber does not have yet.", ["subscriber"]
)
DELIVERY_BREAKER: Final = Gauge(
    "district_delivery_breaker_open", "1 while a subscriber is not spoken to because it fails.", ["subscriber"]
)
DELIVERY_LOG_FAULTS: Final = Counter(
    "district_delivery_log_faults",
    "Partitions that were made anew under a subscriber, a redelivery or the watch, or whose place was lost.",
    ["reader", "topic"],
)
ESCALATIONS: Final = Counter("district_escalations", "Alerts escalated because nobody had taken them.")
API_REQUESTS: Final = Counter(
    "district_api_requests", "Requests by operation and class of status.", ["operation", "status"]
)
API_REQUEST_SECONDS: Final = Histogram(
    "district_api_request_seconds", "Time until a request's answer begins.", ["operation"], buckets=_LATENCY_BUCKETS
)
API_REFUSED: Final = Counter("district_api_refused", "Requests refused at the door, by reason.", ["reason"])
API_ACTIONS: Final = Counter("district_api_actions", "Actions written, by kind and their fate.", ["kind", "fate"])
API_LISTENERS: Final = Gauge("district_api_listeners", "Open streams.", ["stream"])
API_LISTENERS_DROPPED: Final = Counter("district_api_listeners_dropped", "Streams that were too slow.", ["stream"])
API_RECORDS_FOLDED: Final = Counter("district_api_records", "Records of the log folded.", ["topic"])
API_RECORDS_UNUSABLE: Final = Counter(
    "district_api_records_unusable", "Records that are not what they should be.", ["topic"]
)
API_LOG_FAULTS: Final = Counter(
    "district_api_log_faults", "Partitions that were made anew while the API read them.", ["topic"]
)
API_AUDIT_WAITING: Final = Gauge("district_api_audit_waiting", "Audit records that Kafka does not have yet.")
