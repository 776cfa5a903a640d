"""What can go wrong in the sink.

PlatformError
├── TransientError
│   ├── DatabaseUnavailable    wait and write the same batch again
│   ├── KafkaUnavailable       wait and write the same batch again
│   ├── LedgerRaced            write the same batch again
│   ├── ProgressWentBack       the database knows less than was read: read again from where it is
│   └── TopicFaulty            one topic cannot be read or written: tried again, seldom; the others go on
│       ├── TopicUnreadable    Kafka does not give its records
│       └── TopicUnwritable    the database has a fault in its tables
└── FatalError
    ├── SchemaMismatch         the tables are not those of this version
    ├── DatabaseRefusesUs      user, password or database name is wrong
    ├── KafkaRefusesUs         user or password is wrong
    ├── KafkaClientEnded       the client's own work has ended by a fault: only a new one helps
    ├── MigrationRefused       a migration cannot be applied
    ├── StorageRefused         the storage settings contradict one another
    ├── RegisterRefused        a file of the register cannot be taken over
    ├── ImportRefused          a file of history cannot be taken over
    └── TooMuchRefused         most rows of most devices are refused: its topic stops, the others go on
"""

from __future__ import annotations

from services.runtime.errors import FatalError, TransientError


class DatabaseUnavailable(TransientError):
    """The database did not take the batch; nothing is lost, the same batch is written again."""


class KafkaUnavailable(TransientError):
    """Kafka did not take a dead letter or did not answer; nothing is lost, the same batch is written again."""


class LedgerRaced(TransientError):
    """Another transaction stored one of the same readings meanwhile; nothing was written, the same batch is again."""


class ProgressWentBack(TransientError):
    """The database is further back than the records in hand (a copy was put back); they are read again from there."""


class TopicFaulty(TransientError):
    """One topic cannot be read or written, and no wait is known to mend it; nothing is lost, other topics go on."""


class TopicUnreadable(TopicFaulty):
    """Kafka does not give the records of a topic: no right to read it, or damaged records."""


class TopicUnwritable(TopicFaulty):
    """The database has a fault that is neither an outage nor a row's, damaged pages of a table for one."""


class SchemaMismatch(FatalError):
    """The tables are not those of this version of the sink; run `python -m services.timescale_sink migrate`."""


class DatabaseRefusesUs(FatalError):
    """The database does not let the sink in; correct user, password or database name in DATABASE_URL."""


class KafkaRefusesUs(FatalError):
    """Kafka does not let the sink in; correct KAFKA_USERNAME and KAFKA_PASSWORD."""


class KafkaClientEnded(FatalError):
    """The Kafka client has ended by a fault of its own; the process begins again with a new one."""


class MigrationRefused(FatalError):
    """A migration cannot be applied; the message names its file and what to do."""


class TooMuchRefused(FatalError):
    """The database refuses most rows of many devices: the topic stops before all of it ends in the dead letters."""


class StorageRefused(FatalError):
    """The storage settings cannot be used; the message names the file and the setting."""


class RegisterRefused(FatalError):
    """The district file or a plan file cannot be taken over; the message names the file and the place."""


class ImportRefused(FatalError):
    """A file of history cannot be taken over; the message names the file, the line and what to do."""
