"""Each failure of the driver has its declared error; a database that says nothing is given up within its bound."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from schemas.fields import Feed
from services.read_model.connection import Database, failures_said
from services.read_model.errors import DatabaseSilent, QueryRefused, QueryTooLong
from services.read_model.queries import SQL, of_feed
from services.read_model.settings import ReadModelSettings
from services.runtime.errors import SettingsError, TransientError


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (TimeoutError(), DatabaseSilent),
        (ConnectionRefusedError("refused"), DatabaseSilent),
        (asyncpg.InterfaceError("closed"), DatabaseSilent),
        (asyncpg.InternalClientError("another operation is in progress"), DatabaseSilent),
        (asyncpg.CannotConnectNowError("starting up"), DatabaseSilent),
        (asyncpg.ConnectionDoesNotExistError("went away"), DatabaseSilent),
        (asyncpg.AdminShutdownError("terminated"), DatabaseSilent),
        (asyncpg.CrashShutdownError("another server process crashed"), DatabaseSilent),
        (asyncpg.TooManyConnectionsError("too many"), DatabaseSilent),
        (asyncpg.QueryCanceledError("statement timeout"), QueryTooLong),
        (asyncpg.UndefinedTableError("no view"), QueryRefused),
        (asyncpg.InsufficientPrivilegeError("not yours"), QueryRefused),
    ],
)
def test_each_failure_has_its_error(failure: Exception, said: type[Exception]) -> None:
    with pytest.raises(said) as raised, failures_said():
        raise failure
    assert type(raised.value) is said
    assert str(raised.value).startswith(str(said.__doc__).splitlines()[0].rstrip("."))
    assert isinstance(raised.value, TransientError) is (said is DatabaseSilent)


async def test_who_forgot_to_open_it_is_told() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Database(SecretStr("postgresql://x"), name="test").rows("SELECT 1")


@pytest.mark.parametrize("name", SQL)
def test_each_statement_says_what_it_is_for(name: str) -> None:
    first = SQL[name].splitlines()[0]
    assert first.startswith("-- ")
    assert first.endswith(".")
    assert "OFFSET" not in SQL[name], "pages begin behind a key"


def test_statements_about_readings_are_of_one_feed() -> None:
    assert "v_tax_readings" in of_feed("replay_count", Feed.TAX)


def test_settings_name_the_variable_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_READER_URL", raising=False)
    with pytest.raises(SettingsError, match="DATABASE_READER_URL"):
        ReadModelSettings.load()
    monkeypatch.setenv("DATABASE_READER_URL", "postgresql://reader@db/district")
    monkeypatch.setenv("READ_MODEL_CONNECTIONS", "21")
    with pytest.raises(SettingsError, match="READ_MODEL_CONNECTIONS"):
        ReadModelSettings.load()
    monkeypatch.setenv("READ_MODEL_CONNECTIONS", "2")
    settings = ReadModelSettings.load()
    assert (settings.connect_within, settings.answer_within) == (timedelta(seconds=3), timedelta(seconds=10))
    assert "reader@db" not in repr(settings)
    assert Database.of(settings, name="test") is not None
