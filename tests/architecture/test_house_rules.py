"""What the architecture forbids, a machine forbids; import contracts are checked by lint-imports beside this."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("schemas", "services", "simulators", "deploy")
PROJECT = "jianghan-district-platform"


def sources() -> list[Path]:
    return sorted(p for name in OURS for p in (ROOT / name).rglob("*.py"))


def test_no_installed_distribution_ships_a_package_of_our_name() -> None:
    owners = importlib.metadata.packages_distributions()
    foreign = {name: owners[name] for name in OURS if set(owners.get(name, [])) - {PROJECT}}
    assert foreign == {}


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common.py"])
def test_a_file_bears_the_name_of_its_concept(name: str) -> None:
    assert [p for p in sources() if p.name == name] == []


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
