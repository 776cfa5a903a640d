"""Simulated devices, load and replays: whatever speaks MQTT to the platform, importing only `schemas`."""
