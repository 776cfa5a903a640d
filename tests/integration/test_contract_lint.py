"""AsyncAPI's own parser and Spectral's rules for OpenAPI find nothing wrong with our documents."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.contract.asyncapi import document
from schemas.generate import OPENAPI
from tests.node_packages import installed, node

SOURCE = Path(__file__).resolve().parents[1] / "contract_lint"
ERROR, WARNING = 0, 1
BROKEN = {
    "asyncapi.mjs": {**document(), "channels": 7},
    "openapi.mjs": {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"x": {}}},
}


async def found_by(script: str, path: Path) -> list[dict[str, Any]]:
    folder = await installed(SOURCE)
    process = await asyncio.create_subprocess_exec(
        *node(script, str(path)), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, trouble = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, trouble.decode()
    found = json.loads(out)
    findings: list[dict[str, Any]] = [each for each in found["findings"] if each["severity"] <= WARNING]
    assert found["parsed"] or findings
    return findings


async def test_nothing_is_wrong_with_the_asyncapi_document(tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document()), encoding="utf-8")
    assert await found_by("asyncapi.mjs", path) == []


@pytest.mark.skipif(not OPENAPI.is_file(), reason="the operations API has not written its document")
async def test_nothing_is_wrong_with_the_openapi_document() -> None:
    assert await found_by("openapi.mjs", OPENAPI) == []


@pytest.mark.parametrize("script", BROKEN)
async def test_what_is_wrong_would_be_found(tmp_path: Path, script: str) -> None:
    path = tmp_path / "document.json"
    path.write_text(json.dumps(BROKEN[script]), encoding="utf-8")
    assert any(each["severity"] == ERROR for each in await found_by(script, path))
