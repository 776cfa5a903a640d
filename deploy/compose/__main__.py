"""`python -m deploy.compose`: write `compose.yaml`, prepare this machine for it, set its servers up from within."""

import argparse
import asyncio
import sys

from deploy.compose import prepare
from deploy.compose.model import document
from deploy.compose.yaml_text import to_yaml
from deploy.local.errors import LocalError
from schemas.device_register import DeviceIdentity, DeviceRefused
from schemas.fields import Feed

HEADER = "# Made by `make generate` from deploy/compose/model.py.\n"


def _device(text: str) -> DeviceIdentity:
    feed, group_id, device_id = text.split("/")
    return DeviceIdentity(device_id, Feed(feed), group_id)


def main() -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compose", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate", help="write compose.yaml")
    command = commands.add_parser("prepare", help="write passwords, accounts and Mosquitto's configuration")
    command.add_argument("device", nargs="*", type=_device, metavar="FEED/GROUP/DEVICE", help="devices to register")
    commands.add_parser("set-up", help="in a container: access rules of Kafka, database and roles")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "generate":
                (prepare.FOLDER / "compose.yaml").write_text(HEADER + to_yaml(document()), encoding="utf-8")
            case "prepare":
                prepare.prepare(prepare.FOLDER, arguments.device)
                print(f"Prepared; passwords are in {prepare.ENV_FILE} and {prepare.STATE}.")
            case _:
                asyncio.run(prepare.set_up(prepare.STATE))
                print("Kafka and TimescaleDB are set up.")
    except (LocalError, DeviceRefused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
