"""Kafka to TimescaleDB: idempotent, by the batch, quick when quiet; offsets follow the commit."""
