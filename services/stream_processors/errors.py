"""What can go wrong in the stream processors.

PlatformError
├── FatalError
│   ├── UnusablePlanError       a plan, standard or policy file does not load: correct the file
│   ├── OutputRefusedError      Kafka refused an output: the supervisor starts the processor again
│   └── UnknownFeedError        no rules are registered for a feed that was asked for
└── PoisonError
    └── UnreadableSnapshotError a snapshot cannot be used: the log is judged again from its beginning

A FatalError stops the process; its supervisor starts it again.
"""

from __future__ import annotations

from services.runtime.errors import FatalError, PoisonError


class UnusablePlanError(FatalError):
    """A plan, standard or policy file does not load; the message names the file, the key and the reason."""


class OutputRefusedError(FatalError):
    """Kafka did not take an output; nothing was committed, so a restart judges the same readings again."""


class UnknownFeedError(FatalError):
    """There are no rules for this feed; leave it out or add a folder for it."""


class UnreadableSnapshotError(PoisonError):
    """A snapshot cannot be read; the log is judged again from its beginning, which repeats ids and changes none."""
