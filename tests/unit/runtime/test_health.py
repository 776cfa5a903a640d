"""Health says in words what is wrong."""

from __future__ import annotations

from services.runtime.health import Health


def test_a_service_is_starting_until_it_says_ready() -> None:
    health = Health()
    assert health.report() == (503, {"state": "starting", "trouble": {}})
    health.ready()
    assert health.report() == (200, {"state": "ok", "trouble": {}})


def test_trouble_is_named_until_it_is_over() -> None:
    health = Health()
    health.ready()
    health.trouble("database", "connection refused; is PostgreSQL running?")
    assert health.report()[0] == 503
    assert health.report()[1]["trouble"] == {"database": "connection refused; is PostgreSQL running?"}
    health.well("database")
    assert health.report()[0] == 200
