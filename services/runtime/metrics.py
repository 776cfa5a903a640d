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
READINGS_STORED: Final = Counter("district_readings_stored", "Rows written to the database.", ["feed"])
READINGS_REPEATED: Final = Counter(
    "district_readings_repeated", "Readings that were in the database already.", ["feed"]
)
WRITE_SECONDS: Final = Histogram(
    "district_write_seconds", "Time of one round of bulk writes.", buckets=_LATENCY_BUCKETS
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
SNAPSHOT_BYTES: Final = Gauge("district_snapshot_bytes", "Size of the last snapshot.", ["feed", "partition"])
