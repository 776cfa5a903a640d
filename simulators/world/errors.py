"""What can go wrong with a world; the tree is in `simulators.errors`."""

from __future__ import annotations

from simulators.errors import SimulatorError


class ScenarioRefused(SimulatorError):
    """A scenario does not load, or names what is not there; the message names file and key."""


class OutputRefused(SimulatorError):
    """Nothing can be written there; the message says why and what to do."""
