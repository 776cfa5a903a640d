"""Fixtures that every test may use: real servers, started once a session."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis  # noqa: F401 - its pytest plugin would import it at the very end, where CPython 3.11's parser may fail
import pytest
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.settings import LocalSettings
from deploy.local.stack import SetupStep, Stack
from tests.full_disk import small_file_system
from tests.litter import litter
from tests.workers import LongestFirst

STEPS = (
    ("topics", "services.runtime.topics", ()),
    ("migrations", "services.timescale_sink.__main__", ("migrate",)),
    ("register", "services.timescale_sink.__main__", ("register",)),
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Share files out among workers in our own way (`make test`), unless another is asked for."""
    return LongestFirst(config, log) if config.getvalue("dist") == "loadfile" else None


SESSION = SetupStep("session", (sys.executable, "-m", "services.ingest_bridge.session"), "bridge")


@pytest.fixture(scope="session")
def state_folder() -> Iterator[Path]:
    """Return a folder that the servers' user can enter, unlike pytest's own temporary ones when we are root."""
    folder = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    yield folder
    shutil.rmtree(folder)


def local_settings(state: Path) -> LocalSettings:
    """Return settings that share neither ports nor data nor outside servers with anything that runs."""
    return LocalSettings(
        state=state,
        mqtt_port=0,
        kafka_port=0,
        kafka_controller_port=0,
        postgres_port=0,
        api_port=0,
        kafka_heap="384m",
        kafka_bootstrap=None,
        mqtt_url=None,
        database_url=None,
    )


def setup_steps() -> list[SetupStep]:
    """Return the steps that make topics and tables."""
    return [
        SetupStep(name, (sys.executable, "-m", module.removesuffix(".__main__"), *arguments), "operator")
        for name, module, arguments in STEPS
        if _exists(module)
    ]


@pytest.fixture(scope="session")
async def stack(state_folder: Path) -> AsyncIterator[Stack]:
    """Run Mosquitto, Kafka and PostgreSQL with the platform's topics and tables, on free ports, for the session."""
    others = _supervisors()
    async with Stack(local_settings(state_folder), setup=setup_steps(), session=SESSION) as running:
        await litter(running)
        yield running
    assert not _supervisors() - others, "what was started here is gone"


def _supervisors() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task.get_name().startswith("supervise")}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of a megabyte."""
    with small_file_system(tmp_path / "small", 1) as folder:
        yield folder


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
