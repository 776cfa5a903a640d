"""One subscriber's HTTP: a POST, and what came back of it, within bounds.

What guards our network: a name is looked up once, each address is judged, and the connection goes to the very address
that was judged; the judgement is repeated where the socket is made, which every new connection has to pass, that of an
address without a name too. Redirects are answers, not directions. No proxy, no cookie, nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.alert_delivery.addresses import Network, fault_of_url, why_refused
from services.alert_delivery.answers import Answer, retry_after

BODY_MAX: Final = 64 * 1024
"""So much of an answer is read; a longer one is cut off, and its connection with it."""
QUOTED_CHARACTERS: Final = 200
DETAIL_CHARACTERS: Final = 500
USER_AGENT: Final = "jianghan-district alert_delivery"
_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F-\x9F]+")
_HINT: Final = "; `district subscriber add … --allow-network CIDR` names one, if it is meant"


class AddressRefused(OSError):
    """The subscriber's host is at an address that is not allowed; the message names it."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_seconds: float
    """Until the whole answer is there."""


class GuardedResolver(AbstractResolver):
    """Looks a name up and gives its addresses only if each of them is allowed."""

    def __init__(self, named: Sequence[Network], lookup: AbstractResolver | None = None) -> None:
        """See the class.

        Args:
            lookup: Who knows the names; by default the machine.
        """
        self._named = named
        self._lookup = lookup or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            AddressRefused: one is not allowed.
            OSError: there are none.
        """
        found = await self._lookup.resolve(host, port, family)
        for each in found:
            _refuse(each["host"], self._named)
        return found

    async def close(self) -> None:
        """Nothing is left behind."""
        await self._lookup.close()


class Channel:
    """Connections to one subscriber; made in a running loop, closed by whoever made it."""

    def __init__(
        self,
        named: Sequence[Network],
        connections: int,
        *,
        lookup: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """See the class.

        Args:
            named: Networks that are not public and that the subscription names.
            connections: At most so many at a time.
            lookup: Who knows the names; by default the machine.
            tls: Whom to trust; by default the machine's authorities.
        """
        self._named = named
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(named, lookup),
            socket_factory=self._make_socket,
            use_dns_cache=False,
            limit=connections,
            ssl=tls or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    async def post(self, post: Post, now: datetime) -> Answer:
        """Send once; whatever goes wrong is an answer without a status.

        Args:
            now: For a `Retry-After` that is a date.
        """
        fault = fault_of_url(post.url, self._named)
        if fault is not None:
            return Answer(None, detail=_fit(f"nothing is sent to this address: {fault}{_hint(fault)}"))
        try:
            async with asyncio.timeout(post.timeout_seconds):
                return await self._post(post, now)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return Answer(None, detail=_fit(_what_happened(error, post.timeout_seconds)))

    async def _post(self, post: Post, now: datetime) -> Answer:
        async with self._session.post(
            post.url, data=post.body, headers=post.headers, allow_redirects=False, timeout=_NO_OTHER_TIMEOUT
        ) as response:
            said, is_whole = b"", False
            while len(said) < BODY_MAX:
                piece = await response.content.read(BODY_MAX - len(said))
                if not piece:
                    is_whole = True
                    break
                said += piece
            if not is_whole:
                response.close()
            if not 100 <= response.status <= 599:
                return Answer(None, detail=f"HTTP {response.status} is no status")
            asked = retry_after(response.headers.get("Retry-After"), now)
            return Answer(response.status, asked, _detail(response.status, said, response.headers.get("Location")))

    async def close(self) -> None:
        """End every connection."""
        await self._session.close()

    def _make_socket(self, info: Any) -> socket.socket:
        """The one place where a connection begins: its address is judged, whatever named it."""
        family, kind, protocol, _, address = info
        _refuse(address[0], self._named)
        return socket.socket(family, kind, protocol)


_NO_OTHER_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
"""Ours covers everything, from the lookup of the name to the last byte."""


def _refuse(host: str, named: Sequence[Network]) -> None:
    reason = why_refused(ip_address(host), named)
    if reason is not None:
        raise AddressRefused(reason)


def _what_happened(error: Exception, timeout_seconds: float) -> str:
    refused = next((each for each in _causes(error) if isinstance(each, AddressRefused)), None)
    if refused is not None:
        return f"nothing is sent to this address: {refused}{_HINT}"
    if isinstance(error, TimeoutError):
        return f"no whole answer within {timeout_seconds:g} s"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection was closed in the middle of the answer"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    return f"{type(error).__name__}: {error}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _hint(fault: str) -> str:
    return _HINT if "subscription" in fault else ""


def _detail(status: int, said: bytes, location: str | None) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return _fit(f"HTTP {status} to {location}: redirects are not followed; subscribe the address that it leads to")
    return _fit(f"HTTP {status}: {said[: 4 * QUOTED_CHARACTERS].decode(errors='replace')[:QUOTED_CHARACTERS]}")


def _fit(text: str) -> str:
    """What others wrote, fit for the ledger: one line, bounded."""
    readable = text.encode(errors="replace").decode()  # a header may hold what is no text
    return _CONTROL.sub(" ", readable).strip()[:DETAIL_CHARACTERS]
