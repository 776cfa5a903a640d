"""What the operator's command line can refuse or fail at; each class's docstring begins its message.

PlatformError
└── DistrictError            exit status 1
    ├── NothingRuns          exit status 4
    ├── AnotherRuns          exit status 3
    ├── ServerSilent
    ├── QueryFailed
    ├── WriteRefused
    ├── OutputFailed
    ├── UnknownLog
    ├── LaneRefused          exit status 2
    │   └── ReplayRefused
    ├── ReplayStalled
    ├── PlanRefused
    ├── TargetsRefused
    ├── WhatIfRefused        exit status 2
    ├── JudgingBrokeOff
    ├── DeviceUnchanged      exit status 2
    ├── SubscriberUnchanged  exit status 2
    ├── CheckSilent
    ├── UnknownAlert
    └── SettingRefused       exit status 2
"""

from __future__ import annotations

from typing import ClassVar, Final

from services.runtime.errors import PlatformError

EXIT_INTERRUPTED: Final = 130
"""The shell's convention for ctrl-C."""


class DistrictError(PlatformError):
    """The command could not do what was asked."""

    exit_status: ClassVar[int] = 1

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        summary = (self.__doc__ or type(self).__name__).strip().splitlines()[0]
        super().__init__(f"{summary.removesuffix('.')}: {detail}" if detail else summary)


class NothingRuns(DistrictError):
    """The district is not running; `make run` starts it."""

    exit_status = 4


class AnotherRuns(DistrictError):
    """The district is already running, and one at a time is enough."""

    exit_status = 3


class ServerSilent(DistrictError):
    """A server does not answer."""


class QueryFailed(DistrictError):
    """The database refuses the query."""


class WriteRefused(DistrictError):
    """`district sql` only reads, and this would write."""


class OutputFailed(DistrictError):
    """What was asked for cannot be written out."""


class UnknownLog(DistrictError):
    """There is no such log."""


class SettingRefused(DistrictError):
    """A setting is missing or wrong."""

    exit_status = 2


class LaneRefused(DistrictError):
    """There is no such lane to work with."""

    exit_status = 2


class ReplayRefused(LaneRefused):
    """This cannot be replayed."""


class ReplayStalled(DistrictError):
    """The replay does not come to an end."""


class TargetsRefused(DistrictError):
    """A figure or a table of figures is not taken."""


class PlanRefused(DistrictError):
    """The document is not published."""


class WhatIfRefused(DistrictError):
    """This cannot be asked of history."""

    exit_status = 2


class JudgingBrokeOff(DistrictError):
    """The processors' judging of a what-if ended before its time."""


class DeviceUnchanged(DistrictError):
    """The register of devices stays as it was."""

    exit_status = 2


class SubscriberUnchanged(DistrictError):
    """The register of subscribers stays as it was."""

    exit_status = 2


class CheckSilent(DistrictError):
    """The processors' check of documents does not answer."""


class UnknownAlert(DistrictError):
    """There is no such alert."""
