"""The whole district, started as an operator starts it: `district run` in a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil
import pytest
from pydantic import SecretStr

from deploy.local import run_record
from deploy.local.paths import cache_dir
from deploy.local.supervisor import State
from services.district import sql
from tests.full_disk import small_file_system

ROOT = Path(__file__).resolve().parents[2]
DISTRICT = str(Path(sys.executable).with_name("district"))
DATA = ROOT.parent / "shared" / "data"
START_SECONDS = 240
"""Room for the first start on a bare machine, which fetches the servers."""

QUERY_SECONDS: Final = 60.0
PORTS: Final = {
    "mosquitto": "DISTRICT_MQTT_PORT",
    "kafka": "DISTRICT_KAFKA_PORT",
    "postgres": "DISTRICT_POSTGRES_PORT",
    "operations_api": "DISTRICT_API_PORT",
}
"""Which variable names the port of a process."""
PROCESSES: Final = 6
"""A district has at least so many servers and services."""

T = TypeVar("T")


def wait_until(ask: Callable[[], T | None], what: str, seconds: float, *, every: float = 0.25) -> T:
    """Ask again and again until something comes back; fails the test with `what` when nothing does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(every)
    pytest.fail(f"waited {seconds:g} s in vain: {what}")


@dataclass
class District:
    """A running district and what an operator would do with it."""

    state: Path
    process: subprocess.Popen[bytes]
    output: Path
    environment: dict[str, str] = field(repr=False)
    simulators: bool = False
    """The devices are simulated."""

    def run(self, *arguments: str, check: bool = True, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a `district` command against it."""
        done = subprocess.run(
            [DISTRICT, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"district {arguments}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def status(self) -> dict[str, Any]:
        """`district status --json`."""
        answer: dict[str, Any] = json.loads(self.run("status", "--json", check=False).stdout or "{}")
        return answer

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Rows of a read-only query, by what `district sql --json` runs, without a process for each look."""
        out = io.StringIO()
        url = SecretStr(self.role("operator")["DATABASE_READER_URL"])
        answer = sql._run(url, query, as_json=True, seconds=QUERY_SECONDS, out=sql.Output(out))
        with ThreadPoolExecutor(1) as beside:  # a test may have a loop of its own
            beside.submit(asyncio.run, answer).result()
        rows: list[dict[str, Any]] = json.loads(out.getvalue())
        return rows

    def number(self, query: str) -> int:
        """The single number a query answers with."""
        (row,) = self.sql(query)
        (value,) = row.values()
        return int(value)

    def role(self, name: str) -> dict[str, str]:
        """Environment of a process in that role."""
        known = json.loads((self.state / "environment.json").read_text(encoding="utf-8"))
        return self.environment | known["common"] | known[name]

    def pid(self, name: str) -> int | None:
        """Process id of a server or service, None while it is not running."""
        known = json.loads((self.state / "run.json").read_text(encoding="utf-8"))
        entry = known["processes"].get(name, {})
        pid = entry.get("pid")
        return int(pid) if pid else None

    def metric(self, process: str, name: str) -> list[float]:
        """Values of a metric of one process, one for each combination of its labels; none while it does not answer."""
        known = json.loads((self.state / "run.json").read_text(encoding="utf-8"))
        port = known["processes"].get(process, {}).get("metrics_port")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return []
        return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} "))]

    def kill(self, name: str) -> int:
        """Kill -9; returns the process id it had."""
        pid = self.pid(name)
        assert pid is not None, f"{name} is not running"
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, name: str, old: int, seconds: float = 60) -> int:
        """Wait for the supervisor to start it again."""

        def new_pid() -> int | None:
            pid = self.pid(name)
            return pid if pid not in (None, old) else None

        return wait_until(new_pid, f"{name} to be started again", seconds)

    def start_again(self) -> None:
        """Start a supervisor for the same data on the same ports, in place of the one that ended."""
        known = json.loads((self.state / "run.json").read_text(encoding="utf-8"))
        ends = {name: entry["endpoint"].rpartition(":")[2] for name, entry in known["processes"].items()}
        ports = {variable: ends[name] for name, variable in PORTS.items() if ends.get(name)}
        self.process = _supervisor(self.environment | ports, self.output, simulators=self.simulators)

    def start_load(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the load generator; its standard output is one JSON object."""
        return subprocess.Popen(
            [sys.executable, "-m", "simulators.load", *arguments, "--json"],
            cwd=ROOT,
            env=self.role("operator"),
            stdout=subprocess.PIPE,
            text=True,
        )


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A server with all its children that answers nothing."""
    parent = psutil.Process(pid)
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def start_district(state: Path, *, simulators: bool = False) -> District:
    """`district run` on free ports with its data in `state`: a new folder, or one with data to go on from."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "MQTT_", "DATABASE_", "DISTRICT_"))
    }
    environment |= {
        "DISTRICT_STATE": str(state),
        "DISTRICT_MQTT_PORT": "0",
        "DISTRICT_KAFKA_PORT": "0",
        "DISTRICT_KAFKA_CONTROLLER_PORT": "0",
        "DISTRICT_POSTGRES_PORT": "0",
        "DISTRICT_GRAFANA_PORT": "0",
        "DISTRICT_API_PORT": "0",
        "SINK_MISSING_LOOK_SECONDS": "5",
    }
    if chosen := os.environ.get("DISTRICT_CACHE"):
        environment["DISTRICT_CACHE"] = chosen
    output = state / "screen.txt"
    state.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    process = _supervisor(environment, output, simulators=simulators)
    return District(state, process, output, environment, simulators)


def _supervisor(environment: Mapping[str, str], output: Path, *, simulators: bool) -> subprocess.Popen[bytes]:
    with output.open("ab") as screen:
        return subprocess.Popen(
            [DISTRICT, "run", "--plain", "--simulators" if simulators else "--no-simulators"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def all_running(district: District) -> bool | None:
    """True when each server and service says that it runs; None while it does not."""
    if district.process.poll() is not None:
        pytest.fail(f"district run ended:\n{district.output.read_text(encoding='utf-8')[-4000:]}")
    record = run_record.read(district.state)
    processes = () if record is None else record.processes.values()
    if len(processes) < PROCESSES or any(each.state != State.READY for each in processes):
        return None  # the command costs what a starting district needs: it is asked when there is something to say
    status = district.status()
    states = {**status.get("servers", {}), **status.get("services", {})}
    return True if len(states) >= PROCESSES and set(states.values()) == {"running"} else None


@contextmanager
def running_district(
    state: Path | None = None, *, simulators: bool = False, disk_megabytes: Mapping[str, int] | None = None
) -> Iterator[District]:
    """A whole district; at the end it is stopped and its data removed.

    Args:
        state: With data to go on from; a new folder when absent.
        disk_megabytes: Servers whose folders are small file systems of this size.
    """
    state = state or cache_dir() / "tests" / uuid.uuid4().hex[:12]
    try:
        with ExitStack() as disks:
            for name, size in (disk_megabytes or {}).items():
                disks.enter_context(small_file_system(state / name, size))
            yield from _running_district(state, simulators=simulators)
    finally:
        shutil.rmtree(state, ignore_errors=True)  # where file systems were mounted until now, too


def _running_district(state: Path, *, simulators: bool) -> Iterator[District]:
    running = start_district(state, simulators=simulators)
    try:
        wait_until(lambda: all_running(running), "the district to be live", START_SECONDS)
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        try:
            running.process.wait(60)
        finally:
            running.process.kill()
            running.process.wait()
