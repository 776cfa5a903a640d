"""How people come in: keys and login links as the commands give them, and HTTPS by files."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.files import make_folder
from deploy.local.ports import pick_free
from deploy.local.stack import Stack
from tests.certificates import certificate
from tests.integration.operations_api_site import API, Site, eventually, operations_api
from tests.integration.test_plan_and_queries import district


@pytest.fixture(scope="module")
def pem(state_folder: Path) -> tuple[Path, Path]:
    """Certificate and key, where the API's own user can read them."""
    files = certificate(make_folder(state_folder / "tls"), "localhost", "127.0.0.1")
    for file in files:
        file.chmod(0o644)
    return files


@pytest.fixture(scope="module")
async def site(stack: Stack, pem: tuple[Path, Path]) -> AsyncIterator[Site]:
    """An API that speaks HTTPS."""
    chain, key = map(str, pem)
    more = {"OPERATIONS_API_TLS_CERTIFICATE": chain, "OPERATIONS_API_TLS_KEY": key}
    async with operations_api(stack, tls=ssl.create_default_context(cafile=chain), **more) as running:
        yield running


async def test_with_a_certificate_it_speaks_https_and_nothing_else(site: Site) -> None:
    reply = await site.operator.ask(f"{API}/me")
    assert reply.status == 200
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    with pytest.raises((OSError, EOFError, ValueError)):
        await replace(site.operator, tls=None).ask(f"{API}/me")
    with pytest.raises(ssl.SSLCertVerificationError):
        await replace(site.operator, tls=ssl.create_default_context()).ask(f"{API}/me")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert (await replace(site.operator, tls=context).ask(f"{API}/me")).status == 200
    assert (await site.operator.ask(f"{API}/me")).status == 200, "a plain request has broken nothing"


@pytest.mark.parametrize("broken", ["absent", "no certificate", "the key of another", "alone"])
async def test_files_that_cannot_be_used_end_the_start_with_a_sentence(
    site: Site, pem: tuple[Path, Path], tmp_path: Path, broken: str
) -> None:
    chain, key = map(str, pem)
    if broken == "absent":
        chain = str(tmp_path / "nothing.pem")
    elif broken == "no certificate":
        chain = __file__
    elif broken == "the key of another":
        key = str(certificate(tmp_path, "other", "127.0.0.1")[1])
    files = {"OPERATIONS_API_TLS_CERTIFICATE": chain, "OPERATIONS_API_TLS_KEY": key}
    if broken == "alone":
        del files["OPERATIONS_API_TLS_KEY"]
    plain = {name: value for name, value in site.service.extra.items() if "_TLS_" not in name}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.operations_api"],
        env={**os.environ, **site.stack.environment("api"), **plain, **files, "METRICS_PORT": str(pick_free())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    said = "belong together" if broken == "alone" else "certificate or key cannot be used: "
    assert said in done.stdout + done.stderr


async def test_a_key_of_the_command_is_shown_once_and_counts_until_it_is_revoked(site: Site) -> None:
    environment, name = dict(site.stack.environment("operator")), f"guest-{uuid.uuid4().hex[:6]}"
    options = ("--name", "Guest", "--days", "3", "--json")
    code, out, _ = await district(environment, "keys", "add", name, "viewer", *options)
    made = json.loads(out)
    assert (code, made["id"], made["role"]) == (0, name, "viewer")
    assert made["key"] not in site.stack.settings.keys_file.read_text(encoding="utf-8"), "it is stored hashed"
    guest = site.anybody.with_key(made["key"])
    reply = await eventually(lambda: guest.ask(f"{API}/me"), lambda reply: reply.status == 200, seconds=10)
    assert (reply.json()["id"], reply.json()["role"], reply.json()["name"]) == (name, "viewer", "Guest")
    code, out, _ = await district(environment, "keys", "list", "--json")
    (listed,) = [each for each in json.loads(out) if each["id"] == name]
    assert made["key"] not in out
    assert "sha256" not in listed
    again = await district(environment, "keys", "add", name, "admin")
    assert again[0] == 1
    assert name in again[2]
    code, out, _ = await district(environment, "keys", "revoke", name)
    assert (code, out) == (0, f"key {name} is revoked\n")
    await eventually(lambda: guest.ask(f"{API}/me"), lambda reply: reply.status == 401, seconds=10)
    assert name not in (await district(environment, "keys", "list"))[1]
    assert (await district(environment, "keys", "revoke", "nobody"))[0] == 1


async def test_a_link_of_the_command_logs_in_once(site: Site) -> None:
    environment = dict(site.stack.environment("operator"))
    code, out, err = await district(environment, "map", "login", "--address", "https://map.example")
    assert code == 0
    assert "once, until" in err
    address, _, token = out.strip().partition("#login=")
    assert address == "https://map.example/map/"
    reply = await site.anybody.post(f"{API}/session", {"token": token})
    assert reply.status == 201
    cookie = reply.headers["set-cookie"]
    assert {"httponly", "secure", "samesite=strict"} <= {part.strip().lower() for part in cookie.split(";")}
    page = site.anybody.with_headers(Cookie=cookie.partition(";")[0])
    assert (await page.ask(f"{API}/me")).status == 200
    assert (await site.anybody.post(f"{API}/session", {"token": token})).status == 401
    unknown = await district(environment, "map", "login", "--as", "nobody", "--address", "https://map.example")
    assert (unknown[0] != 0, unknown[1]) == (True, "")
    assert "there is no key nobody that counts" in unknown[2]
