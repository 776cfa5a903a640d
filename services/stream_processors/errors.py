"""What can go wrong in the stream processors.

PlatformError
├── FatalError
│   ├── UnusablePlanError       a plan, standard or policy file does not load: correct the file
│   ├── OutputRefusedError      Kafka refused an output: the supervisor starts the processor again
│   ├── StandstillError         nothing is judged though the log goes on: the supervisor starts the processor again
│   ├── UnknownFeedError        no rules are registered for a feed that was asked for
│   ├── UnreadableStateError    the state of a partition cannot be used by this release
│   ├── StateLostError          the same, and its log is gone: the operator says how to go on
│   └── TooManyFailuresError    so many records in a row cannot be judged that the fault is ours
└── TransientError
    └── FencedError             a partition's state is written by another process: stop judging the partition

A FatalError stops the process; its supervisor starts it again.
"""

from __future__ import annotations

from services.runtime.errors import FatalError, TransientError


class UnusablePlanError(FatalError):
    """A plan, standard or policy file does not load; the message names the file, the key and the reason."""


class OutputRefusedError(FatalError):
    """Kafka did not take an output; nothing was committed, so a restart judges the same readings again."""


class UnknownFeedError(FatalError):
    """There are no rules for this feed; leave it out or add a folder for it."""


class StandstillError(FatalError):
    """Nothing is judged though the log goes on; a new process takes the partitions over."""


class StateLostError(FatalError):
    """A state cannot be read and the beginning of its log is gone; the message says what the operator can do."""


class FencedError(TransientError):
    """Another process has taken the partition over; what we would write into its state is refused."""


class UnreadableStateError(FatalError):
    """The state of a partition is not one that this release reads; the message says which and what to do.

    Where the log still reaches back to its beginning it can be judged again from there: ids repeat and none changes.
    """


class TooManyFailuresError(FatalError):
    """Record after record could not be judged: the feed stops, nothing since its last stored state is lost."""
