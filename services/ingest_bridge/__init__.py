"""MQTT to Kafka: every message is in Kafka, or in the dead letters, before it is acknowledged."""
