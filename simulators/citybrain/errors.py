"""What the reference consumer refuses.

SimulatorError
├── BooksDamaged      what is kept on disk is not what it should be
└── Refused           a request is answered with a 4xx; the message says why
"""

from __future__ import annotations

from simulators.errors import SimulatorError


class BooksDamaged(SimulatorError):
    """The file of books is damaged; the message names the line."""


class Refused(SimulatorError):
    """The request is not taken; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
