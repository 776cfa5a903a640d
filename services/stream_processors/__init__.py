"""Judges the readings of each feed against the plan: a pure engine, one folder of rules a feed, a Kafka host."""
