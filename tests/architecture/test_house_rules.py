"""What the architecture forbids, a machine forbids; import contracts are checked by lint-imports beside this."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("schemas", "services", "simulators", "deploy")
PROJECT = "jianghan-district-platform"

PURE = (
    "schemas",
    "services/plan_office",
    *(f"services/stream_processors/{n}" for n in ("engine", "emergency", "ev", "parking", "tax", "water")),
)
ENTRY_POINTS = (
    "schemas/generate.py",
    "schemas/compatibility/__main__.py",
    "services/stream_processors/emergency/__main__.py",
)
"""They read and write files (`make generate`, the gate of the contract)."""
CALCULATES = {
    *("__future__", "abc", "array", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime"),
    *("decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator"),
    *("re", "statistics", "string", "struct", "textwrap", "tomllib", "types", "typing", "unicodedata", "weakref"),
    *("html", "zlib", "annotated_types", "lz4", "msgspec", "orjson", "pydantic", "pydantic_core", "typing_extensions"),
}
"""What only turns values into values: all that contracts and judging may import beside one another."""


def sources() -> list[Path]:
    return sorted(p for name in OURS for p in (ROOT / name).rglob("*.py"))


def test_no_installed_distribution_ships_a_package_of_our_name() -> None:
    owners = importlib.metadata.packages_distributions()
    foreign = {name: owners[name] for name in OURS if set(owners.get(name, [])) - {PROJECT}}
    assert foreign == {}


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common.py"])
def test_a_file_bears_the_name_of_its_concept(name: str) -> None:
    assert [p for p in sources() if p.name == name] == []


def imported(source: Path) -> set[str]:
    """Top-level names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_contracts_and_judging_import_only_what_turns_values_into_values() -> None:
    strangers = {
        (source.relative_to(ROOT).as_posix(), name)
        for folder in PURE
        for source in (ROOT / folder).rglob("*.py")
        if source.relative_to(ROOT).as_posix() not in ENTRY_POINTS
        for name in imported(source) - CALCULATES - {"schemas", "services"}
    }
    assert strangers == set()


def test_every_package_of_ours_is_under_the_import_contracts() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert packages == set(settings["root_packages"]) == set(OURS)


def test_requirements_are_pinned_with_hashes_and_name_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==\S+.*$", text, re.MULTILINE)
    assert pins
    assert all(line.rstrip().endswith("\\") for line in pins)
    assert "://" not in text


def test_no_tracked_file_carries_a_download_address_of_a_registry() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "maven" + ".org", "deb." + "debian.org")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    found = [
        (name, host)
        for name in listed
        if name and (ROOT / name).is_file()
        for host in hosts
        if host in (ROOT / name).read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_sql_buckets_by_a_fixed_offset_never_by_a_zone_name() -> None:
    named = [p for p in ROOT.glob("services/**/*.sql") if re.search(r"Asia/|PRC", p.read_text(encoding="utf-8"))]
    assert named == []
