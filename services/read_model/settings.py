"""Where the database is for those who read it, and how long they wait; the only module that reads the environment."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from services.runtime.settings import EnvironmentSettings


class ReadModelSettings(EnvironmentSettings):
    """How the read model reaches the database, `DATABASE_READER_URL` and `READ_MODEL_*`."""

    database_reader_url: SecretStr
    """Address as the role that sees the views and nothing else."""
    read_model_connections: int = Field(default=4, ge=1, le=20)
    """So many questions are asked at the same time; the role may have twenty connections in all."""
    read_model_connect_seconds: float = Field(default=3.0, gt=0, le=60)
    read_model_answer_seconds: float = Field(default=10.0, gt=0, le=60)

    @property
    def connect_within(self) -> timedelta:
        """How long a connection may take."""
        return timedelta(seconds=self.read_model_connect_seconds)

    @property
    def answer_within(self) -> timedelta:
        """How long one answer may take, waiting for a free connection included."""
        return timedelta(seconds=self.read_model_answer_seconds)
