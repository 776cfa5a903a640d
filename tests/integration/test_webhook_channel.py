"""One POST to a real HTTP server: its bounds, and every way round the guard of addresses that we know of."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from services.alert_delivery.addresses import networks
from services.alert_delivery.answers import Answer
from services.alert_delivery.channel import BODY_MAX, Channel, Post
from tests.certificates import certificate
from tests.integration.webhook_receiver import Receiver, Reply
from tests.unit.alert_delivery.made import START

LOOPBACK = networks(["127.0.0.0/8"])
PUBLIC = "8.8.8.8"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    async with found.listening():
        yield found


@dataclass
class Names(AbstractResolver):
    """A name server that gives other addresses each time."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


async def post(url: str, channel: Channel, seconds: float = 5.0) -> Answer:
    return await channel.post(Post(url, {"webhook-id": "1"}, b"{}", seconds), START)


async def once(url: str, named: Sequence[str] = ("127.0.0.0/8",), *, lookup: Names | None = None) -> Answer:
    channel = Channel(networks(named), 4, lookup=lookup)
    try:
        return await post(url, channel)
    finally:
        await channel.close()


async def test_an_answer_is_its_status_and_connections_are_used_again(receiver: Receiver) -> None:
    channel = Channel(LOOPBACK, 4)
    answers = [await post(receiver.url("/ok"), channel) for _ in range(3)]
    await channel.close()
    assert answers == [Answer(204)] * 3
    request = receiver.requests[0]
    assert (request.body, request.headers["host"]) == (b"{}", f"127.0.0.1:{receiver.port}")
    assert "jianghan" in request.headers["user-agent"]
    assert "cookie" not in request.headers


async def test_a_redirect_is_an_answer_and_is_never_followed(receiver: Receiver) -> None:
    target = receiver.url("/inside")
    receiver.habits["/out"] = lambda _request, _count: Reply(302, {"Location": target})
    answer = await once(receiver.url("/out"))
    assert answer.status == 302
    assert "not followed" in answer.detail
    assert target in answer.detail
    assert receiver.of("/inside") == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, body=b"0123456789" * 50, cut_after=200), "middle of the answer"),
        (Reply(200, body=b"0123456789", cut_after=9), ""),
        (Reply(200, cut_after=0), "without an answer"),
        (Reply(200, seconds=3), "within 0.5 s"),
        (Reply(200, body=b"x" * 60, drips=True), "within 0.5 s"),
        (Reply(200, {"X-Long": "x" * 100_000}), ""),
        (Reply(200, {"Content-Length": "-1"}), ""),
        (Reply(999), "is no status"),
    ],
)
async def test_what_is_no_whole_answer_is_none(receiver: Receiver, reply: Reply, said: str) -> None:
    receiver.habits["/odd"] = lambda _request, _count: reply
    channel = Channel(LOOPBACK, 4)
    answer = await post(receiver.url("/odd"), channel, 0.5)
    await channel.close()
    assert answer.status is None
    assert said in answer.detail
    assert answer.detail


async def test_nobody_listens(receiver: Receiver) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = await once(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert answer.status is None
    assert "refused" in answer.detail.lower() or "connect" in answer.detail.lower()
    assert not receiver.requests


async def test_an_endless_answer_is_read_up_to_a_bound_and_nothing_is_unpacked(receiver: Receiver) -> None:
    receiver.habits["/big"] = lambda _request, _count: Reply(
        200, {"Content-Encoding": "gzip", "Content-Length": str(10**9)}, b"\x1f\x8b" + b"x" * (2 * BODY_MAX)
    )
    assert (await once(receiver.url("/big"))).status == 200


async def test_what_a_subscriber_writes_is_quoted_in_one_bounded_line(receiver: Receiver) -> None:
    receiver.habits["/no"] = lambda _request, _count: Reply(500, body="坏\x1b[31m\r\n".encode() + b"x" * 5_000)
    answer = await once(receiver.url("/no"))
    assert answer.status == 500
    assert answer.detail.startswith("HTTP 500: 坏 [31m x")
    assert len(answer.detail) < 300
    assert answer.detail.isprintable()


async def test_retry_after_is_read(receiver: Receiver) -> None:
    receiver.habits["/busy"] = lambda _request, _count: Reply(429, {"Retry-After": "17"})
    assert (await once(receiver.url("/busy"))).asked == timedelta(seconds=17)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0"],  # noqa: S104 - loopback too
)
async def test_our_own_network_is_not_reached_unless_it_is_named(receiver: Receiver, host: str) -> None:
    answer = await once(receiver.url("/inside", host), ())
    assert answer.status is None
    assert "nothing is sent" in answer.detail
    assert not receiver.requests


async def test_user_information_is_not_sent(receiver: Receiver) -> None:
    answer = await once(f"http://user:secret@127.0.0.1:{receiver.port}/")
    assert "user name or password" in answer.detail
    assert "secret" not in answer.detail
    assert not receiver.requests


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["fe80::1"],
    ],
)
async def test_a_name_that_leads_inside_is_not_followed(receiver: Receiver, addresses: list[str]) -> None:
    answer = await once(f"http://brain.example:{receiver.port}/", (), lookup=Names([addresses]))
    assert answer.status is None
    assert "nothing is sent" in answer.detail
    assert "--allow-network" in answer.detail
    assert not receiver.requests


async def test_a_name_is_looked_up_once_for_a_connection_and_judged_again_for_the_next(receiver: Receiver) -> None:
    """DNS rebinding: the second answer leads inside. The first connection is closed, so that another one is needed."""
    names = Names([["127.0.0.2"], ["127.0.0.1"]])
    channel = Channel(networks(["127.0.0.2/32"]), 4, lookup=names)
    async with Receiver().listening():
        receiver.habits["/"] = lambda _request, _count: Reply(200, cut_after=0)
        first = await post(f"http://brain.example:{receiver.port}/", channel, 0.5)
        second = await post(f"http://brain.example:{receiver.port}/", channel, 0.5)
    await channel.close()
    assert "nothing is sent" not in first.detail
    assert "127.0.0.1 is not a public address" in second.detail
    assert names.asked == ["brain.example", "brain.example"]
    assert not receiver.requests


async def test_the_socket_is_judged_even_if_a_resolver_lets_an_address_through() -> None:
    """The last gate stands where the connection is made."""
    channel = Channel((), 1)
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))
    with pytest.raises(OSError, match=r"10\.0\.0\.1 is not a public address"):
        channel._make_socket(info)
    await channel.close()


@pytest.mark.parametrize(("name", "well"), [("brain.example", True), ("other.example", False)])
async def test_name_and_certificate_are_those_of_the_url_though_the_address_is_what_was_judged(
    tmp_path: Path, name: str, well: bool
) -> None:
    chain, key = certificate(tmp_path, "brain.example", "192.0.2.1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, sni, _context: asked.append(sni)
    receiver = Receiver()
    async with receiver.listening(tls=server):
        trust = ssl.create_default_context(cafile=str(chain))
        channel = Channel(LOOPBACK, 2, lookup=Names([["127.0.0.1"]]), tls=trust)
        answer = await post(receiver.url("/tls", name, "https"), channel)
        await channel.close()
    assert asked == [name]
    assert (answer.status == 204) is well
    assert [each.headers["host"] for each in receiver.requests] == ([f"{name}:{receiver.port}"] if well else [])
    if not well:
        assert "certificate" in answer.detail.lower()


async def test_closing_leaves_no_task_behind(receiver: Receiver) -> None:
    before = asyncio.all_tasks()
    await once(receiver.url("/ok"))
    assert {task for task in asyncio.all_tasks() - before if "_serve" not in str(task)} == set()
