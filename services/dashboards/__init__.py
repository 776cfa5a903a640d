"""Grafana as code: boards, data source and provisioning, written to `deploy/grafana` and pushed to a Grafana."""
