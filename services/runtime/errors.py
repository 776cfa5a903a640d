"""What can go wrong in the shared plumbing.

    PlatformError
    ├── TransientError     wait and try again; nothing is lost
    ├── FatalError         stop the service; a supervisor starts it again
    └── PoisonError        dead-letter this one item and go on

`SettingsError` is a FatalError: the operator must change something first. So is `TaskEndedError`: a task that was to
run for ever is over.
"""

from __future__ import annotations


class PlatformError(Exception):
    """Base of all errors of the platform; the message says what happened and what to do."""


class TransientError(PlatformError):
    """A server did not answer; wait and try again."""


class PoisonError(PlatformError):
    """One item cannot be used; keep it in the dead letters and go on."""


class FatalError(PlatformError):
    """The service cannot go on; stop it so that its supervisor starts it again."""


class SettingsError(FatalError):
    """A setting is missing or wrong; the message names the environment variable."""


class TaskEndedError(FatalError):
    """A task that was to run for ever has ended; the message names it."""
