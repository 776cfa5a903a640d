"""What the operator may choose about the local servers; the only module that reads it from the environment.

Variables are `DISTRICT_<FIELD>`, such as `DISTRICT_KAFKA_PORT`. A server that already runs is used instead of a local
one when `KAFKA_BOOTSTRAP`, `MQTT_URL` or `DATABASE_URL` names it.
"""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.local.device_book import DEVICES, REGISTER
from deploy.local.key_book import KEYS, KEYS_FILE
from deploy.local.paths import state_dir

SUBSCRIBERS = "subscribers"
"""Folder of the register of subscribers in a state folder, and the file's name."""


class LocalSettings(BaseSettings):
    """The operator's choices, frozen."""

    model_config = SettingsConfigDict(env_prefix="DISTRICT_", frozen=True, extra="ignore", populate_by_name=True)

    state: Path = Field(default_factory=state_dir)
    """Folder of data, credentials and logs; one supervisor at a time holds it."""
    mqtt_port: int = Field(default=21883, ge=0, le=65535)
    """Port of Mosquitto on loopback; 0 takes a free one, here and below."""
    kafka_port: int = Field(default=29092, ge=0, le=65535)
    """Port of Kafka for clients."""
    kafka_controller_port: int = Field(default=29093, ge=0, le=65535)
    """Port of Kafka's controller."""
    postgres_port: int = Field(default=25432, ge=0, le=65535)
    """Port of PostgreSQL."""
    grafana_port: int = Field(default=23000, ge=0, le=65535)
    """Port of Grafana, where one is installed; another one if it is taken, so that boards never keep the rest from
    starting."""
    api_port: int = Field(default=8600, ge=0, le=65535)
    """Port of the operations API and the one map."""
    kafka_heap: str = Field(default="512m", pattern=r"^[1-9]\d*[mg]$")
    """Upper bound of the Kafka heap, as Java writes it."""
    start_timeout: timedelta = timedelta(seconds=90)
    """How long a server may take until it answers."""
    stop_timeout: timedelta = timedelta(seconds=10)
    """How long a process may take to stop before it is killed."""
    log_bytes: int = Field(default=8 * 1024 * 1024, gt=0)
    """Size at which a log is set aside, while its process runs."""
    log_files: int = Field(default=3, ge=1, le=100)
    """How many logs that were set aside are kept of each process."""
    disk_look_seconds: float = Field(default=10.0, gt=0, le=3600)
    """Time between two looks at the room on the disks."""
    log_format: str = Field(default="json", validation_alias="LOG_FORMAT")
    """`json` or `console`: how services write their logs."""

    kafka_bootstrap: str | None = Field(default=None, validation_alias="KAFKA_BOOTSTRAP")
    """Brokers of your own, `host:port[,host:port]`."""
    kafka_security_protocol: str | None = Field(default=None, validation_alias="KAFKA_SECURITY_PROTOCOL")
    """How your brokers are spoken to."""
    kafka_username: str | None = Field(default=None, validation_alias="KAFKA_USERNAME")
    """Our user on your brokers."""
    kafka_password: SecretStr | None = Field(default=None, validation_alias="KAFKA_PASSWORD")
    """Its password."""
    mqtt_url: SecretStr | None = Field(default=None, validation_alias="MQTT_URL")
    """An MQTT broker of your own, `mqtt://user:password@host:port`."""
    device_secret: SecretStr | None = Field(default=None, validation_alias="DEVICE_SECRET")
    """The secret behind the devices' passwords on an MQTT broker of your own."""
    device_register: Path | None = Field(default=None, validation_alias="DEVICE_REGISTER")
    """File of the register of devices, where it is not in the state folder; its folder is for it alone."""
    subscribers_file: Path | None = Field(default=None, validation_alias="SUBSCRIBERS_FILE")
    """File of the register of subscribers, where it is not in the state folder; its folder is the service's alone."""
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    """A TimescaleDB of your own, as its writer."""
    database_owner_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_OWNER_URL")
    """The same as the owner of the tables; the writer when absent."""
    database_reader_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_READER_URL")
    """The same as a reader; the writer when absent."""
    database_grafana_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_GRAFANA_URL")
    """The same as Grafana's own role; the reader when absent."""

    api_keys_file: Path | None = Field(default=None, validation_alias="API_KEYS_FILE")
    """File of the register of API keys, where it is not in the state folder; its folder is for it alone."""

    @property
    def keys_file(self) -> Path:
        """Where the register of API keys is."""
        return self.api_keys_file or self.state / KEYS / KEYS_FILE

    @property
    def register_file(self) -> Path:
        """Where the register of devices is."""
        return self.device_register or self.state / DEVICES / REGISTER

    @property
    def subscribers_register(self) -> Path:
        """Where the register of subscribers is."""
        return self.subscribers_file or self.state / SUBSCRIBERS / f"{SUBSCRIBERS}.json"
