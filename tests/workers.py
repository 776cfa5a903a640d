"""Hands the parts of `tests.sharing_out` to the workers of pytest-xdist."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.sharing_out import next_part, part_of, wants_servers


class LongestFirst(LoadFileScheduling):
    """As `loadfile`, but files that share what is costly go together, and what takes longest comes first."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._with_servers: set[WorkerController] = set()

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        mine, others = node in self._with_servers, bool(self._with_servers - {node})
        part = next_part(self.workqueue, mine=mine, others=others)
        if wants_servers(part):
            self._with_servers.add(node)
        self.workqueue.move_to_end(part, last=False)
        super()._assign_work_unit(node)
