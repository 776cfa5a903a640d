"""Who of several workers tests what, and when: files that share what is costly go together, what takes longest first.

Used by `pytest -n 2 --dist loadfile` (`make test`). It proves nothing by itself and leaves no test out: a file that is
not named here is tested like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

TOGETHER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "the running district": (
            "tests/end_to_end/test_audit.py",
            "tests/end_to_end/test_backup_restore.py",
            "tests/end_to_end/test_drills.py",
            "tests/end_to_end/test_hostile_messages.py",
            "tests/end_to_end/test_kill9.py",
            "tests/end_to_end/test_load.py",
            "tests/end_to_end/test_one_map.py",
            "tests/end_to_end/test_replay_files.py",
            "tests/end_to_end/test_webhooks.py",
            "tests/end_to_end/test_world_files.py",
        ),
        "the boards' day": (
            "tests/integration/test_boards_feeds.py",
            "tests/integration/test_boards_language.py",
            "tests/integration/test_boards_plan.py",
            "tests/integration/test_boards_sql.py",
        ),
        "the browser": (
            "tests/browser/test_looking_at_the_district.py",
            "tests/browser/test_working_alerts.py",
        ),
    }
)
"""Files whose fixture of the session takes long to make: on two workers it would be made twice."""
SECONDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "the running district": 800,
        "the boards' day": 300,
        "tests/integration/test_bridge_queue.py": 150,
        "tests/integration/test_topics_made_anew.py": 150,
        "tests/integration/test_whatif.py": 80,
        "tests/integration/test_plan_report.py": 80,
        "tests/integration/test_target_figures.py": 70,
        "tests/integration/test_bridge.py": 110,
        "tests/end_to_end/test_cli_run.py": 110,
        "tests/integration/test_replay_lanes.py": 90,
        "tests/integration/test_citybrain_kit.py": 80,
        "tests/integration/test_devices.py": 80,
        "tests/integration/test_local_stack.py": 75,
        "tests/integration/test_alert_delivery.py": 70,
        "tests/end_to_end/test_disks_full_under_load.py": 70,
        "tests/integration/test_rollups.py": 70,
        "tests/integration/test_room.py": 70,
        "tests/integration/test_full_disk.py": 65,
        "tests/unit/stream_processors/test_same_log_of_workers.py": 60,
        "tests/unit/simulators/world/test_world_shapes.py": 60,
        "tests/integration/test_plan_and_queries.py": 60,
        "tests/integration/test_same_log.py": 60,
        "tests/integration/test_api_doors.py": 50,
        "the browser": 50,
        "tests/integration/test_processor_faults.py": 45,
        "tests/integration/test_operations_api.py": 40,
        "tests/integration/test_sink_progress.py": 40,
        "tests/integration/test_three_brokers.py": 40,
        "tests/unit/simulators/world/test_world_faults.py": 40,
        "tests/unit/stream_processors/test_every_feed.py": 40,
        "tests/unit/simulators/world/test_world_written.py": 40,
        "tests/unit/stream_processors/parking/test_parking_any_order.py": 35,
        "tests/unit/simulators/world/test_world_judged.py": 35,
        "tests/integration/test_sink_faults.py": 30,
        "tests/integration/test_identity.py": 30,
        "tests/integration/test_sink.py": 30,
        "tests/integration/test_upgrade.py": 30,
        "tests/unit/simulators/world/test_world_models.py": 30,
        "tests/unit/stream_processors/kafka_host/test_rebalances.py": 30,
        "tests/unit/stream_processors/emergency/test_sffd_calls.py": 30,
        "tests/integration/test_processor_kafka.py": 25,
        "tests/integration/test_kept_hours.py": 25,
        "tests/unit/stream_processors/test_plan_extremes.py": 25,
        "tests/unit/stream_processors/test_any_order.py": 25,
        "tests/unit/stream_processors/test_late_data.py": 25,
        "tests/integration/test_read_model_database.py": 25,
        "tests/integration/test_receipts.py": 25,
        "tests/integration/test_api_access.py": 20,
        "tests/integration/test_contract_lint.py": 20,
        "tests/unit/simulators/world/test_world_time.py": 20,
        "tests/architecture/test_contracts_bite.py": 20,
        "tests/integration/test_read_model_figures.py": 20,
    }
)
"""About how long they take together, or a file alone, on two slow cores (`--durations=60`): only their order counts."""
OTHERS_SECONDS: Final = 5
WITH_SERVERS: Final = "tests/integration/"
"""Folder of the files that want the servers of the session."""
WITHOUT_SERVERS: Final = frozenset(
    f"{WITH_SERVERS}{name}.py"
    for name in ("test_citybrain_kit", "test_contract_lint", "test_three_brokers", "test_webhook_channel")
)
_PART_OF: Final = MappingProxyType({file: part for part, files in TOGETHER.items() for file in files})


def part_of(nodeid: str) -> str:
    """What one worker tests as a whole: the file of a test, or the name under which files go together."""
    file = nodeid.partition("::")[0]
    return _PART_OF.get(file, file)


def wants_servers(part: str) -> bool:
    """Whether the servers of the session are started for it."""
    return any(file.startswith(WITH_SERVERS) and file not in WITHOUT_SERVERS for file in TOGETHER.get(part, (part,)))


def next_part(waiting: Iterable[str], *, mine: bool, others: bool) -> str:
    """What a worker tests next: the longest, but while another has the servers rather what needs none.

    Args:
        waiting: At least one.
        mine: This worker has started the servers.
        others: Another worker has.
    """

    def rank(part: str) -> tuple[bool, int]:
        return others and not mine and wants_servers(part), -SECONDS.get(part, OTHERS_SECONDS)

    return min(waiting, key=rank)
