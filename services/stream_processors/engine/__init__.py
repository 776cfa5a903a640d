"""The engine that judges on event time: a pure core (`core`), and hosts that feed it (`kafka_host`)."""
