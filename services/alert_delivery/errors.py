"""What can go wrong in the delivery of alerts.

PlatformError
├── PoisonError
│   └── UndecodableEvent        pass over this one record: it is no event
└── FatalError
    ├── RegisterUnreadable      put the register back; a service that runs goes on by the one it had
    ├── LedgerRefused           start again: what was not recorded is delivered once more
    ├── PolicyRefused           the policy of escalation or the district file must be corrected first
    └── SubscriptionRefused     the register does not take this; the message says why and what to do

What a subscriber does wrong is no error of ours: it is an `Answer` and stands in the ledger.
"""

from __future__ import annotations

from services.runtime.errors import FatalError, PoisonError


class UndecodableEvent(PoisonError):
    """A record on `alerts` or `alert-actions` is not what the contract says."""


class RegisterUnreadable(FatalError):
    """The register of subscribers is damaged, or may not be read."""


class LedgerRefused(FatalError):
    """Kafka does not take a record of the ledger for good; nothing that it was about counts as delivered."""


class PolicyRefused(FatalError):
    """The policy of escalation, or the district file, cannot be used; the message names the file and the place."""


class SubscriptionRefused(FatalError):
    """The register of subscribers does not take this; the message says why and what to do."""
