"""Each contract of the architecture fails when it is violated, and names what violates it.

A copy of our sources is linted with one violation planted in it; the copy without one is clean.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("schemas", "services", "simulators", "deploy")
TOOLS = Path(sys.executable).parent
VERDICTS = re.compile(r"(.+?) (KEPT|BROKEN)")

ENGINE = "services/stream_processors/engine/core.py"
RULES = "services/stream_processors/water/rules.py"
CONTRACT = "schemas/fields.py"
PURE = "contracts and judging reach no clock"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our sources and their lint settings."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in OURS:
        for source in (ROOT / name).rglob("*.py"):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


@contextmanager
def planted(copy: Path, file: str, line: str) -> Iterator[None]:
    """One more line at the end of a file, for a while; a file that is not there comes and goes with its folder."""
    path = copy / file
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        yield
    finally:
        if before is not None:
            path.write_text(before, encoding="utf-8")
        else:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


def lint_imports(copy: Path) -> tuple[int, str]:
    done = subprocess.run([TOOLS / "lint-imports", "--no-logo"], cwd=copy, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def ruff(copy: Path, file: str) -> tuple[int, str]:
    command = [TOOLS / "ruff", "check", "--no-cache", "--select", "TID251", "--output-format", "concise", file]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_our_sources_keep_the_contracts(copy: Path) -> None:
    assert lint_imports(copy)[0] == 0
    assert ruff(copy, ".")[0] == 0


@pytest.mark.parametrize(
    ("file", "imported", "contract"),
    [
        (CONTRACT, "services.runtime.errors", "schemas imports nothing of ours"),
        ("services/timescale_sink/rows.py", "services.ingest_bridge.wire", "no service imports another"),
        ("services/runtime/errors.py", "services.dashboards.words", "no service imports another"),
        ("services/district/words.py", "services.stream_processors.registry", "the command line asks the bridge"),
        ("services/ingest_bridge/wire.py", "deploy.local.paths", "services do not know how they are run"),
        ("services/dashboards/words.py", "simulators.wire", "services do not know how they are run"),
        ("simulators/wire.py", "services.runtime.errors", "simulators import only schemas"),
        ("deploy/local/paths.py", "services.runtime.errors", "deploy starts processes"),
        ("services/stream_processors/ev/figures.py", "services.stream_processors.tax.pace", "feeds do not know"),
        (ENGINE, "services.stream_processors.water.rules", "hosts drive the engine"),
        (ENGINE, "services.stream_processors.kafka_host.host", "hosts drive the engine"),
        (RULES, "services.stream_processors.registry", "hosts drive the engine"),
        ("services/district/words.py", "services.dashboards.__main__", "nobody imports an entry point"),
        (CONTRACT, "asyncpg", PURE),
        (CONTRACT, "os", PURE),
        (ENGINE, "asyncio", PURE),
        (ENGINE, "structlog", PURE),
        (RULES, "time", PURE),
        (RULES, "random", PURE),
        (RULES, "socket", PURE),
        (RULES, "aiokafka", PURE),
    ],
)
def test_an_import_that_the_architecture_forbids_is_named(copy: Path, file: str, imported: str, contract: str) -> None:
    importer = file.removesuffix(".py").replace("/", ".")
    with planted(copy, file, f"import {imported}"):
        status, said = lint_imports(copy)
    assert status == 1
    assert any(contract in name for name, verdict in VERDICTS.findall(said) if verdict == "BROKEN"), said
    assert f"{importer} -> {imported}" in said


def test_what_is_pure_does_not_reach_a_file_by_a_detour(copy: Path) -> None:
    with planted(copy, ENGINE, "import services.stream_processors.settings"):
        status, said = lint_imports(copy)
    assert status == 1
    assert "services.stream_processors.engine is not allowed to import pathlib" in said
    assert "services.stream_processors.settings -> pathlib" in said


@pytest.mark.parametrize("file", ["services/newcomer/__init__.py", "services/stream_processors/newcomer/__init__.py"])
def test_a_new_package_has_to_be_given_its_place(copy: Path, file: str) -> None:
    with planted(copy, file, '"""New."""'):
        status, said = lint_imports(copy)
    assert status == 1
    assert "newcomer" in said


@pytest.mark.parametrize("file", [CONTRACT, ENGINE, RULES])
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from datetime import UTC, datetime\nNOW = datetime.now(UTC)", "datetime.datetime.now"),
        ("import datetime as dt\nNOW = dt.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import date\nTODAY = date.today()", "datetime.date.today"),
        ("from time import monotonic", "time"),
        ("import random", "random"),
        ("from uuid import uuid4", "uuid.uuid4"),
        ("import os\nHOME = os.environ['HOME']", "os.environ"),
    ],
)
def test_a_clock_chance_or_environment_where_there_is_none_is_named(
    copy: Path, file: str, line: str, name: str
) -> None:
    with planted(copy, file, line):
        status, said = ruff(copy, file)
    assert status == 1
    assert f"{file}:" in said
    assert f"TID251 `{name}` is banned" in said
