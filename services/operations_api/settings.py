"""What the operator may choose about the operations API; the only module of it that reads the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.operations_api.doorkeeper import Rates
from services.operations_api.rate_limit import Rate
from services.runtime.settings import EnvironmentSettings

STATIC: Final = Path(__file__).parent / "static"
DOCUMENTS: Final = Path(__file__).resolve().parents[2] / "schemas" / "openapi"
"""The contract of HTTP, with its page."""
MESSAGES: Final = DOCUMENTS.with_name("asyncapi")
"""The contract of MQTT and Kafka, with its page."""
DISTRICT: Final = Path(__file__).resolve().parents[2] / "deploy" / "district" / "jianghan.toml"


class ApiSettings(EnvironmentSettings):
    """How the API listens, whom it lets in, and how much it keeps; `OPERATIONS_API_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="operations_api_", populate_by_name=True)

    host: str = "127.0.0.1"
    """Where it listens; loopback unless said otherwise."""
    port: int = Field(default=8600, ge=1, le=65_535)
    host_names: str = ""
    """Names that it may be called by, with commas between; empty on loopback: `localhost` and the address, empty
    elsewhere: any. What a page of another name asks is refused (DNS rebinding)."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM); with `tls_key` it speaks HTTPS."""
    tls_key: Path | None = None
    """Private key (PEM)."""
    keys_file: Path = Field(validation_alias="API_KEYS_FILE")
    """Register of keys; read again when it is replaced."""
    login_secret: SecretStr | None = Field(default=None, validation_alias="MAP_LOGIN_SECRET")
    """Signs one-time tokens of `district map login`; none are taken without it."""
    grafana_url: str | None = Field(default=None, validation_alias="GRAFANA_ADDRESS")
    """Address of Grafana as browsers reach it; links to boards begin with it."""
    public_address: str | None = None
    """Address as browsers and consumers reach it, for links; None: host and port."""
    district_file: Path = Field(default=DISTRICT, validation_alias="DISTRICT_FILE")
    """The district's places: their zones are known without the database."""
    folder: Path | None = None
    """Folder of its own, for login tokens that were used; None: in memory alone."""
    static: Path = STATIC
    """Files of the one map."""
    session_hours: float = Field(default=72.0, gt=0, le=720)
    """A session ends after so long at last."""
    session_idle_hours: float = Field(default=8.0, gt=0, le=720)
    """A session ends after so long without a request."""
    reads_per_second: float = Field(default=50.0, gt=0)
    """Of one key, in the long run."""
    reads_burst: float = Field(default=400.0, ge=1)
    writes_per_second: float = Field(default=10.0, gt=0)
    writes_burst: float = Field(default=200.0, ge=1)
    wrong_keys_per_minute: float = Field(default=10.0, gt=0)
    """Of one address; beyond it right ones have to wait as well."""
    wrong_keys_burst: float = Field(default=20.0, ge=1)
    listeners: int = Field(default=200, ge=1, le=5_000)
    """Most streams of the map."""
    event_listeners: int = Field(default=30, ge=1, le=500)
    """Most streams of integrators; each reads Kafka by itself."""
    assets_seconds: float = Field(default=1.5, gt=0, le=60)
    """Time between two looks at the states of assets while somebody listens."""
    fold_seconds: float = Field(default=10.0, gt=0, le=60)
    """So long whoever acts waits until the action has come back from the log."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("OPERATIONS_API_TLS_CERTIFICATE and OPERATIONS_API_TLS_KEY belong together")
        return self

    @property
    def has_tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return self.tls_certificate is not None

    @property
    def address(self) -> str:
        """Address for links, without a slash at its end."""
        scheme = "https" if self.has_tls else "http"
        return (self.public_address or f"{scheme}://{self.host}:{self.port}").rstrip("/")

    @property
    def names(self) -> frozenset[str] | None:
        """Names that it may be called by; None: any."""
        if self.host_names:
            return frozenset(name.strip().lower() for name in self.host_names.split(",") if name.strip())
        if self.host in {"127.0.0.1", "::1", "localhost"}:
            return frozenset({"127.0.0.1", "[::1]", "localhost"})
        return None

    def rates(self) -> Rates:
        """How often one may ask."""
        return Rates(
            reads=Rate(self.reads_per_second, self.reads_burst),
            writes=Rate(self.writes_per_second, self.writes_burst),
            wrong_keys=Rate(self.wrong_keys_per_minute / 60, self.wrong_keys_burst),
        )

    @property
    def session_idle(self) -> timedelta:
        """See `session_idle_hours`."""
        return timedelta(hours=self.session_idle_hours)

    @property
    def session_length(self) -> timedelta:
        """See `session_hours`."""
        return timedelta(hours=self.session_hours)
