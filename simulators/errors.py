"""What can go wrong on the devices' side.

SimulatorError
├── SettingRefused      a variable is missing or malformed; the message names it
├── GatewayRefused      the MQTT broker does not let us in, or refuses what we publish
├── GatewayUnreachable  no MQTT broker answers
├── MalformedAnswer     what the MQTT broker sent is not MQTT 5
├── WorldDamaged        the district file is not what it should be
├── ScenarioRefused     a scenario does not load, or names what is not there (`simulators.world.errors`)
├── OutputRefused       nothing can be written there (`simulators.world.errors`)
└── SourceRefused       a file cannot be replayed; the message says why and what can
"""

from __future__ import annotations


class SimulatorError(Exception):
    """Base of all errors on the devices' side; the message says what happened and what to do."""


class SettingRefused(SimulatorError):
    """A setting is missing or wrong; the message names the environment variable."""


class GatewayRefused(SimulatorError):
    """The MQTT broker refuses us or what we publish; trying again changes nothing."""


class GatewayUnreachable(SimulatorError):
    """No MQTT broker answers; start it, or look at the address."""


class MalformedAnswer(SimulatorError):
    """What the MQTT broker sent is not MQTT 5; the connection is made anew."""


class WorldDamaged(SimulatorError):
    """The district file is not what it should be; the message names the place."""


class SourceRefused(SimulatorError):
    """A file cannot be replayed; the message says why, and what can be."""
