"""The application as it is put together, without its servers: what needs none of them is asked here."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from schemas.api_key import ApiKey, ApiKeyRegister, Role
from schemas.audit import AuditRecord
from schemas.map_login import Login, write_login
from services.operations_api.application import build
from services.operations_api.composition import Clients, compose
from services.operations_api.parts import Parts
from services.operations_api.settings import ApiSettings
from services.read_model.connection import Database
from services.runtime.health import Health
from tests.api_samples import Answer, ask

LOGIN_SECRET = "login-secret"


@dataclass
class Heard:
    """Takes audit records instead of Kafka."""

    records: list[AuditRecord] = field(default_factory=list)

    async def write(self, record: AuditRecord) -> None:
        self.records.append(record)


@dataclass
class Site:
    """The application with its parts and what was audited."""

    app: Any
    parts: Parts
    heard: Heard
    keys: dict[Role, str]

    async def ask(self, path: str, *, key: str | None = None, **more: Any) -> Answer:
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return await ask(self.app, path, headers=headers, **more)

    def login_token(self, key_id: str = "operator", minutes: float = 5, nonce: str = "n") -> str:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        return write_login(Login(key_id, until, nonce), LOGIN_SECRET.encode())

    async def log_in(self, key_id: str = "operator", nonce: str = "n") -> tuple[dict[str, str], str]:
        """The cookie's header and the token of a new session."""
        answer = await self.ask("/api/v1/session", method="POST", body={"token": self.login_token(key_id, nonce=nonce)})
        assert answer.status == 201, answer.body
        return {"Cookie": answer.headers["set-cookie"].split(";")[0]}, answer.json()["csrf"]


def register_of(keys: dict[Role, str], **more: Any) -> ApiKeyRegister:
    return ApiKeyRegister(
        keys=tuple(
            ApiKey(
                id=role.value,
                name=role.value.title(),
                role=role,
                sha256=hashlib.sha256(key.encode()).hexdigest(),
                added_at=datetime(2026, 1, 1, tzinfo=UTC),
                **more.get(role.value, {}),
            )
            for role, key in keys.items()
        )
    )


def settings_of(folder: Path, **more: Any) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            "API_KEYS_FILE": folder / "api-keys.json",
            "login_secret": SecretStr(LOGIN_SECRET),
            "static": folder / "static",
        }
        | more
    )


def _never_begun(client: Any) -> Any:
    """A client that nobody starts has nothing to close."""
    client._closed = True
    return client


def site_of(settings: ApiSettings) -> Site:
    options = {"bootstrap_servers": "127.0.0.1:1"}
    clients = Clients(
        cluster_id="unit",
        database=Database(SecretStr("postgresql://127.0.0.1:1/none"), name="unit"),
        writer=_never_begun(AIOKafkaProducer(**options)),
        log=_never_begun(AIOKafkaConsumer(**options)),
        audit=_never_begun(AIOKafkaConsumer(**options)),
        figures=_never_begun(AIOKafkaConsumer(**options)),
        events=lambda: _never_begun(AIOKafkaConsumer(**options)),
    )
    heard = Heard()
    made = compose(settings, clients, Health(), {"lot-1": "zone-1", "zone-1": "zone-1"})
    parts = dataclasses.replace(made.parts, audit=heard)  # type: ignore[arg-type]
    keys = {role: f"{role.value}.{'k' * 43}" for role in Role}
    parts.doorkeeper.go_by(register_of(keys))
    return Site(build(parts), parts, heard, keys)


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    return site_of(settings_of(tmp_path))
