"""Make the bridge's session on the MQTT broker: `python -m services.ingest_bridge.session`.

What is published while no session is there is acknowledged to the device (MQTT 5 with reason 0x10, "no matching
subscribers", before that with a plain success) and kept by nobody. So this is done before devices may connect; from
then on what they publish waits for the bridge, whether or not it has ever run. It changes nothing when the session is
there.
"""

from __future__ import annotations

import asyncio
import sys

from services.ingest_bridge.connection import HANDSHAKE_SECONDS, Connection, SessionOptions
from services.ingest_bridge.errors import MqttConnectionLostError
from services.ingest_bridge.settings import BridgeSettings, MqttSettings
from services.ingest_bridge.wire import Arrival
from services.runtime.errors import PlatformError
from services.runtime.settings import MqttEndpoint


async def make_session(endpoint: MqttEndpoint, options: SessionOptions) -> bool:
    """Connect, subscribe and leave; true when the session was there. What waits in it stays in it, unacknowledged.

    Raises:
        MqttConnectionLostError: no broker, or it did not answer in time.
        MqttRefusedError: the broker refused our user or our subscription.
    """
    connection = Connection(endpoint, options, _leave_it)
    try:
        present = await connection.open()
        alive = asyncio.create_task(connection.keep_alive(), name="keep_alive")
        await asyncio.wait({connection.subscribed, alive}, timeout=HANDSHAKE_SECONDS)
        if connection.subscribed.done() and not connection.subscribed.cancelled():
            await connection.close(1.0)
            await alive
            return present
        connection.end("no answer to the subscription")
        await alive
        raise MqttConnectionLostError(f"the MQTT broker did not make our session ({connection.lost.result()})")
    finally:
        connection.end("left")


def _leave_it(connection: Connection, arrivals: list[Arrival], size: int) -> None:
    """Acknowledge nothing: the bridge gets it."""


async def _main() -> None:
    settings = BridgeSettings.load()
    present = await make_session(MqttSettings.load().endpoint(), settings.session())
    sys.stdout.write("the session is there\n" if present else "the session is made\n")


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except PlatformError as error:
        sys.exit(f"session: {error}")
