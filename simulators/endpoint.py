"""Where the MQTT broker is and who we are there. Pure."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from simulators.errors import SettingRefused

_FORM = "expected mqtt://user:password@host:port or mqtts://…"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A parsed `MQTT_URL`."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def tls_context(self) -> ssl.SSLContext | None:
        """How to encrypt; None for plain TCP."""
        return ssl.create_default_context() if self.tls else None


def parse_endpoint(url: str) -> Endpoint:
    """Read `mqtt://user:password@host:port` (`mqtts://` for TLS); user and password may be missing.

    Raises:
        SettingRefused: it is not of that form.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingRefused(f"MQTT_URL: {error}; {_FORM}") from error
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise SettingRefused(f"MQTT_URL: {_FORM}")
    tls = parts.scheme == "mqtts"
    return Endpoint(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
