"""How a device's MQTT password follows from the district's device secret."""

from __future__ import annotations

import hashlib
import hmac


def device_password(secret: str, device_id: str) -> str:
    """Password of a device: HMAC-SHA256 of its id under the district's secret, 64 hex digits."""
    return hmac.new(secret.encode(), device_id.encode(), hashlib.sha256).hexdigest()
