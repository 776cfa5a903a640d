"""`python -m deploy.local`: the servers alone, for development and tests."""

import argparse
import asyncio
import contextlib
import json
import shlex
import shutil
import signal
import sys

from deploy.local import environment, prefix, run_record
from deploy.local.errors import LocalError, NotRunning
from deploy.local.settings import LocalSettings
from deploy.local.stack import ENVIRONMENT_FILE, Stack
from deploy.local.stop import clean, stop_running

GIBIBYTE = 1024**3
NEEDED_GIBIBYTES = 2


def main() -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="fetch the servers into the cache")
    commands.add_parser("up", help="run the servers until ctrl-C")
    commands.add_parser("stop", help="stop what runs for this state folder")
    commands.add_parser("status", help="print the state of each process")
    commands.add_parser("clean", help="delete data, credentials and logs of this state folder")
    commands.add_parser("doctor", help="say what is missing, with the command that gets it")
    commands.add_parser("env", help="print a role's environment for a shell").add_argument(
        "role", choices=environment.ROLES
    )
    arguments = parser.parse_args()
    settings = LocalSettings()
    try:
        match arguments.command:
            case "prepare":
                print(f"The servers are in {prefix.ensure().root}")
            case "up":
                asyncio.run(_up(settings))
            case "stop":
                stop_running(settings.state)
                print("Stopped.")
            case "clean":
                clean(settings.state)
                print(f"Deleted {settings.state}")
            case "status":
                _print_status(settings)
            case "env":
                _print_environment(settings, arguments.role)
            case _:
                return _doctor(settings)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _up(settings: LocalSettings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: task.cancel() if task is not None else None)
    try:
        async with Stack(settings) as stack:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stopping.set)
            if stack.orphans_ended:
                print(f"Ended what a crashed run left behind: {', '.join(map(str, stack.orphans_ended))}")
            _print_status(settings)
            print("Ready; ctrl-C stops.", flush=True)
            watching = asyncio.create_task(_print_events(stack))
            await stopping.wait()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    except asyncio.CancelledError:
        print("Stopped before everything was ready.")
        return
    print("Stopped.")


async def _print_events(stack: Stack) -> None:
    async for event in stack.events():
        # Nobody may be reading, or the file be on a full disk; it stands in the supervisor's log as well.
        with contextlib.suppress(OSError):
            print(f"{event.at:%H:%M:%S} {event.name}: {event.state} ({event.detail})", flush=True)


def _print_status(settings: LocalSettings) -> None:
    record = run_record.read(settings.state)
    if record is None or not run_record.is_held(settings.state):
        raise NotRunning(f"State folder: {settings.state}.")
    for name, process in record.processes.items():
        print(f"{name:<18} {process.state:<9} {process.endpoint:<16} pid {process.pid}  restarts {process.restarts}")
    for name in record.external:
        print(f"{name:<18} your own")


def _print_environment(settings: LocalSettings, role: str) -> None:
    path = settings.state / ENVIRONMENT_FILE
    if not path.exists():
        raise NotRunning(f"There is no {path}.")
    for name, value in environment.of_role(json.loads(path.read_text()), role).items():
        print(f"export {name}={shlex.quote(value)}")


def _doctor(settings: LocalSettings) -> int:
    complaints = [f"{program} is missing: {command}" for program, command in prefix.missing_prerequisites().items()]
    root = prefix.location()
    if not prefix.is_complete(root):
        complaints.append(f"The servers are not fetched yet: make prepare (into {root})")
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / GIBIBYTE
    if free < NEEDED_GIBIBYTES:
        complaints.append(f"{existing} has {free:.1f} GiB free, {NEEDED_GIBIBYTES} are needed")
    print("\n".join(complaints) or f"Nothing is missing. Servers: {root}. State: {settings.state}.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
