"""What can go wrong in the stream processors.

PlatformError
├── FatalError
│   ├── PlanFileError           a plan, standard or policy file does not load: correct the file
│   ├── OutputRefusedError      Kafka refused an output: the supervisor starts the processor again
│   └── UnknownFeedError        no rules are registered for a feed that was asked for
└── PoisonError
    └── UnreadableSnapshotError a snapshot cannot be used: the log is judged again from its beginning

A FatalError stops the process; its supervisor starts it again.
"""

from __future__ import annotations

from services.runtime.errors import FatalError, PoisonError


class PlanFileError(FatalError):
    """A plan, standard or policy file does not load; names the file, the key and the reason."""

    def __init__(self, file: str, problems: list[tuple[str, str]]) -> None:
        self.file = file
        self.problems = problems
        """(key, reason) of each fault."""
        lines = "; ".join(f"{key}: {reason}" for key, reason in problems)
        super().__init__(f"{file}: {lines}")


class OutputRefusedError(FatalError):
    """Kafka did not take an output; nothing was committed, so a restart judges the same readings again."""


class UnknownFeedError(FatalError):
    """There are no rules for this feed; leave it out or add a folder for it."""


class UnreadableSnapshotError(PoisonError):
    """A snapshot cannot be read; the log is judged again from its beginning, which repeats ids and changes none."""
