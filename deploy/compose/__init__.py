"""The platform in containers: three Kafka brokers, official images, one image of ours. See README.md there."""
