"""What may be chosen about the reference consumer; the only module of it that reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulators.citybrain.webhook import keys_of
from simulators.errors import SettingRefused

_SEVERITIES: Final = frozenset({"I", "II", "III", "IV"})


class CityBrainSettings(BaseSettings):
    """`CITYBRAIN_<FIELD>`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, env_prefix="citybrain_", populate_by_name=True
    )

    secrets: SecretStr
    """The signing secret of the subscription, `whsec_…`; during a rotation both, with a space between."""
    file: Path
    """Where the books are kept; made when it is not there."""
    host: str = "127.0.0.1"
    port: int = Field(
        default=8700, ge=0, le=65_535, validation_alias=AliasChoices("citybrain_port", "metrics_port", "port")
    )
    """0 takes a free one; the first line of the log says which. Where it is supervised: `METRICS_PORT`."""
    api_url: str | None = None
    """Address of the platform's operations API, as `https://district.example`; with it and a key receipts go back."""
    api_key: SecretStr | None = None
    """A key of the role `integrator` whose id is that of the subscription (`district keys add`)."""
    takes: str = ""
    """Severities of alerts that the duty desk takes at once, as `I,II`; empty: none."""
    log_format: str = Field(default="json", validation_alias="log_format")
    """`json` or `console`."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingRefused: a variable is missing or malformed; the message names it.
        """
        try:
            settings = cls()
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)
            lines = [f"CITYBRAIN_{str(each['loc'][0]).upper()}: {each['msg']}" for each in wrong]
            raise SettingRefused("set these environment variables: " + "; ".join(lines)) from error
        settings.keys()
        settings.severities()
        if (settings.api_url is None) is not (settings.api_key is None):
            raise SettingRefused("CITYBRAIN_API_URL and CITYBRAIN_API_KEY are set together or not at all")
        if settings.api_url is not None and not settings.api_url.startswith(("https://", "http://")):
            raise SettingRefused("CITYBRAIN_API_URL begins with https:// or http://")
        return settings

    def severities(self) -> frozenset[str]:
        """The severities in `takes`.

        Raises:
            SettingRefused: CITYBRAIN_TAKES names what is no severity.
        """
        found = frozenset(each.strip() for each in self.takes.split(",") if each.strip())
        if found - _SEVERITIES:
            raise SettingRefused(f"CITYBRAIN_TAKES: {min(found - _SEVERITIES)} is none of I, II, III, IV")
        return found

    def keys(self) -> tuple[bytes, ...]:
        """The keys in the secrets.

        Raises:
            SettingRefused: CITYBRAIN_SECRETS holds none, or one of another form.
        """
        found = keys_of(self.secrets.get_secret_value().split())
        if not found:
            raise SettingRefused("CITYBRAIN_SECRETS names no secret")
        return found
