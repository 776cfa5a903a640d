"""The schema as the database has it: `sql/schema.sql` and the contract of the views, `docs/views.md`."""

from __future__ import annotations

# ruff: noqa: E501 - SQL
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

import asyncpg

_TABLES: Final = """
SELECT c.relname::text AS relation, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
    pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r'
ORDER BY c.relname, a.attnum"""
_CONSTRAINTS: Final = """
SELECT r.conrelid::regclass::text AS relation, r.conname::text AS name, pg_get_constraintdef(r.oid) AS definition
FROM pg_constraint AS r JOIN pg_class AS c ON c.oid = r.conrelid
WHERE r.connamespace = 'public'::regnamespace AND c.relkind = 'r' AND r.contype <> 'n'
ORDER BY 1, 2"""
_INDEXES: Final = """
SELECT pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint AS r WHERE r.conindid = i.indexrelid)
ORDER BY 1"""
_HYPERTABLES: Final = """
SELECT hypertable_name::text AS relation, column_name::text AS by, time_interval::text AS chunk
FROM timescaledb_information.dimensions
WHERE hypertable_schema = 'public'
ORDER BY 1"""
_FUNCTIONS: Final = """
SELECT pg_get_functiondef(p.oid) AS definition
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)"""
_VIEWS: Final = """
SELECT c.relname::text AS relation, obj_description(c.oid, 'pg_class') AS words, pg_get_viewdef(c.oid) AS definition,
    a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND starts_with(c.relname, 'v_')
ORDER BY c.relname, a.attnum"""


_VIEWS_HEAD: Final = """# The views: what dashboards, the API and SQL users may rely on

Made by `make schema` from the database; compared in CI. Both editions of TimescaleDB have the same views with the
same columns. The role `district_reader` sees these and nothing else. Times are UTC; days begin at midnight +08:00;
positions are WGS-84. Names and types of columns do not change without a note in the CHANGELOG; new ones may come.
"""


async def schema_text(owner: asyncpg.Connection) -> str:
    """Tables, constraints, indexes, hypertables, functions and views of the Apache edition, for reading and for comparing."""
    parts = ["-- The schema that the migrations make on the Apache edition. Made by `make schema`; compared in CI.\n"]
    for name, columns in _by_relation(await owner.fetch(_TABLES)):
        listed = ",\n".join(_column(column) for column in columns)
        parts.append(f"CREATE TABLE {name} (\n{listed}\n);\n")
    parts += [
        f"ALTER TABLE {row['relation']} ADD CONSTRAINT {row['name']} {row['definition']};"
        for row in await owner.fetch(_CONSTRAINTS)
    ]
    parts.append("")
    parts += [f"{row['definition']};" for row in await owner.fetch(_INDEXES)]
    parts.append("")
    parts += [
        f"-- hypertable {row['relation']} by {row['by']}, chunks of {row['chunk']}"
        for row in await owner.fetch(_HYPERTABLES)
    ]
    parts.append("")
    parts += [f"{row['definition'].rstrip()};\n" for row in await owner.fetch(_FUNCTIONS)]
    for name, columns in _by_relation(await owner.fetch(_VIEWS)):
        parts.append(f"CREATE VIEW {name} AS\n{columns[0]['definition']}\n")
    return "\n".join(parts).rstrip() + "\n"


async def views_text(owner: asyncpg.Connection) -> str:
    """Every view with what it is for and its columns, as a page."""
    parts = [_VIEWS_HEAD]
    for name, columns in _by_relation(await owner.fetch(_VIEWS)):
        parts.append(f"## {name}\n\n{columns[0]['words'] or ''}\n")
        parts.append("| column | type |\n| --- | --- |")
        parts += [f"| `{column['name']}` | {column['type']} |" for column in columns]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _by_relation(rows: Iterable[Any]) -> Iterable[tuple[str, list[Any]]]:
    return ((name, list(columns)) for name, columns in groupby(rows, key=lambda row: row["relation"]))


def _column(column: Any) -> str:
    default = f" DEFAULT {column['default']}" if column["default"] else ""
    return f"    {column['name']} {column['type']}{' NOT NULL' if column['required'] else ''}{default}"
