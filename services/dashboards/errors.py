"""What can go wrong with the boards.

PlatformError
└── FatalError
    ├── BoardRefused        a board refers to what does not exist
    └── GrafanaRefused      a Grafana does not answer, does not let us in, or does not take what we send
"""

from __future__ import annotations

from services.runtime.errors import FatalError


class BoardRefused(FatalError):
    """A board cannot be made; the message names what it refers to."""


class GrafanaRefused(FatalError):
    """A Grafana cannot be used; the message says what it answered and what to do."""
