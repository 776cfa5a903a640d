"""The host: feeds the engine from Kafka and keeps its state there."""
