"""`schema.sql` and `docs/views.md` are what the migrations make; `make schema` writes them anew."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.timescale_sink.describe import schema_text, views_text

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    ROOT / "services" / "timescale_sink" / "sql" / "schema.sql": schema_text,
    ROOT / "docs" / "views.md": views_text,
}


@pytest.fixture(scope="module")
async def owner(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_the_file_is_what_the_migrations_make(owner: Any, path: Path) -> None:
    await owner.execute("DROP TABLE IF EXISTS local_check")
    made = await FILES[path](owner)
    if os.environ.get("WRITE_SCHEMA"):
        path.write_text(made, encoding="utf-8")  # noqa: ASYNC240
    assert path.read_text(encoding="utf-8") == made, "run `make schema`"  # noqa: ASYNC240


async def test_each_view_says_what_it_is_for(owner: Any) -> None:
    silent = await owner.fetch(
        "SELECT viewname FROM pg_views WHERE schemaname = 'public' AND starts_with(viewname, 'v_')"
        " AND obj_description(format('public.%I', viewname)::regclass, 'pg_class') IS NULL"
    )
    assert [row[0] for row in silent] == []
