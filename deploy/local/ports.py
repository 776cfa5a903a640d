"""Ports of the local servers: free ones, and who has a taken one."""

import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

from deploy.local.errors import PortTaken

LOOPBACK = "127.0.0.1"
FIRST_UNPRIVILEGED = 1024
FREE_RANGE = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections, so that none of those can take a chosen port meanwhile."""


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The process that listens on a port; unknown when it belongs to another user."""

    pid: int | None
    name: str | None


def is_free(port: int) -> bool:
    """Say whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def pick_free(taken: Iterable[int] = ()) -> int:
    """Return a free loopback port outside `taken`.

    No other program that chooses this way gets it while this one runs: a server may listen only after others have
    started.

    Raises:
        PortTaken: every port of the range is taken.
    """
    avoided = set(taken)
    for port in random.sample(FREE_RANGE, len(FREE_RANGE)):
        if port not in avoided and is_free(port) and _reserve(port):
            return port
    raise PortTaken(f"None is free from {FREE_RANGE.start} to {FREE_RANGE.stop - 1}.")


_RESERVED: dict[int, socket.socket] = {}


def _reserve(port: int) -> bool:
    """Mark a port as chosen, by a name without a file that the kernel frees when this process ends."""
    if port in _RESERVED:
        return True
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0jianghan-district-port-{port}")
    except OSError:
        mark.close()
        return False
    _RESERVED[port] = mark
    return True


def owner_of(port: int) -> PortOwner:
    """Find the process that listens on a port."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.laddr[1] != port:
            continue
        if connection.pid is None:
            break
        try:
            return PortOwner(connection.pid, psutil.Process(connection.pid).name())
        except psutil.NoSuchProcess:
            break
    return PortOwner(None, None)


def taken_message(purpose: str, port: int, owner: PortOwner, variable: str) -> str:
    """Say who has the port and what to do."""
    if owner.pid is not None:
        who = f"process {owner.pid} ({owner.name}) listens"
    else:
        who = "a process of another user listens" if port >= FIRST_UNPRIVILEGED else "only root may listen"
    return f"{purpose} needs port {port}, where {who}: stop that one, or choose another port with {variable}."


def resolve(wanted: Mapping[str, int], variables: Mapping[str, str]) -> dict[str, int]:
    """Return a free port for each purpose: the wanted one, or any where 0 is wanted.

    Raises:
        PortTaken: a wanted port is taken; every such port is named with its owner.
    """
    complaints = [
        taken_message(purpose, port, owner_of(port), variables[purpose])
        for purpose, port in wanted.items()
        if port != 0 and not is_free(port)
    ]
    if complaints:
        raise PortTaken(" ".join(complaints))
    resolved: dict[str, int] = {}
    for purpose, port in wanted.items():
        resolved[purpose] = port or pick_free([*resolved.values(), *wanted.values()])
    return resolved
