"""The only plumbing that services share: lifecycle, Kafka clients, dead letters, logs, metrics, health."""
