"""The operator's word that a processor may go on without what is lost (`district state accept-loss`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import orjson

ACCEPT_KEY: Final = b'["accept-loss"]'
"""Key of the record in each partition of `processor-state.<feed>`; consumed when the partition's owner sees it."""

ACCEPTED_FOR: Final = timedelta(hours=1)
"""An acceptance that nobody needed must not throw away next year's state."""


def encode_acceptance(at: datetime) -> bytes:
    """Value of the operator's record."""
    return orjson.dumps({"at": at.isoformat()})
