"""What can go wrong in the sink.

PlatformError
├── TransientError
│   ├── DatabaseUnavailable    wait and write the same batch again
│   └── KafkaUnavailable       wait and write the same batch again
└── FatalError
    ├── SchemaMismatch         the tables are not those of this version
    ├── DatabaseRefusesUs      user, password or database name is wrong
    ├── MigrationRefused       a migration cannot be applied
    ├── StorageRefused         the storage settings contradict one another
    ├── RegisterRefused        a file of the register cannot be taken over
    ├── ImportRefused          a file of history cannot be taken over
    └── TooMuchRefused         most rows of most devices are refused: the fault is ours
"""

from __future__ import annotations

from services.runtime.errors import FatalError, TransientError


class DatabaseUnavailable(TransientError):
    """The database did not take the batch; nothing is lost, the same batch is written again."""


class KafkaUnavailable(TransientError):
    """Kafka did not take a dead letter or did not answer; nothing is lost, the same batch is written again."""


class SchemaMismatch(FatalError):
    """The tables are not those of this version of the sink; run `python -m services.timescale_sink migrate`."""


class DatabaseRefusesUs(FatalError):
    """The database does not let the sink in; correct user, password or database name in DATABASE_URL."""


class MigrationRefused(FatalError):
    """A migration cannot be applied; the message names its file and what to do."""


class TooMuchRefused(FatalError):
    """The database refuses most rows of many devices: stop before everything ends in the dead letters."""


class StorageRefused(FatalError):
    """The storage settings cannot be used; the message names the file and the setting."""


class RegisterRefused(FatalError):
    """The district file or a plan file cannot be taken over; the message names the file and the place."""


class ImportRefused(FatalError):
    """A file of history cannot be taken over; the message names the file, the line and what to do."""
