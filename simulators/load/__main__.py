"""`python -m simulators.load`: constant-rate load under the operator's account (`MQTT_URL`).

Readings go into the lane `exercise:load` unless told otherwise, so that they stay out of official indicators; the lane
is opened before and closed after them.
Exit status 0 when everything was acknowledged, 1 when something is unfinished or the MQTT broker refused it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import uuid

import uvloop

from schemas.fields import LANE_PATTERN, Feed
from simulators.endpoint import parse_endpoint
from simulators.errors import SettingRefused, SimulatorError
from simulators.load.generator import LoadPlan, LoadRun, report_json, report_text

DEFAULT_LANE = "exercise:load"


def _feeds(text: str) -> tuple[Feed, ...]:
    return tuple(Feed(part.strip()) for part in text.split(","))


def _lane(text: str) -> str:
    if not re.match(LANE_PATTERN, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a lane: live, exercise:<name>, replay:<name>, whatif:<name>")
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.load", description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="readings a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1, help="readings in one message")
    parser.add_argument("--feeds", type=_feeds, default=tuple(Feed), help="for example water,ev (all five by default)")
    parser.add_argument("--lane", type=_lane, default=DEFAULT_LANE)
    parser.add_argument("--receipts", action="store_true", help="keep each reading until the bridge's receipt")
    parser.add_argument("--troubled", action="store_true", help="car parks raise an alert every few readings")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--window", type=int, default=20_000, help="messages in flight at most")
    parser.add_argument("--drain-seconds", type=float, default=90)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    return parser.parse_args()


def main() -> int:
    """Entry point."""
    arguments = _arguments()
    plan = LoadPlan(
        rate=arguments.rate,
        seconds=arguments.seconds,
        devices=arguments.devices,
        batch=arguments.batch,
        feeds=arguments.feeds,
        lane=arguments.lane,
        boot_id=f"load-{uuid.uuid4().hex[:12]}",
        receipts=arguments.receipts,
        troubled=arguments.troubled,
        connections=min(arguments.connections, arguments.devices),
        window=arguments.window,
        drain_seconds=arguments.drain_seconds,
    )
    try:
        url = os.environ.get("MQTT_URL")
        if not url:
            raise SettingRefused("set MQTT_URL to mqtt://user:password@host:port of the operator")
        report = _run(plan, url)
    except SimulatorError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    print(report_json(report) if arguments.json else report_text(report))
    return 1 if report["unfinished"] else 0


def _run(plan: LoadPlan, url: str) -> dict[str, object]:
    async def run() -> dict[str, object]:
        return await LoadRun(plan, parse_endpoint(url)).run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


if __name__ == "__main__":
    sys.exit(main())
