"""Sends a check's requests and asks for the books afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from services.alert_life.renderings.signature import signed
from services.district.citybrain.checks import Check, Request, Signing
from services.district.citybrain.judging import Answer, BooksAnswer, Finding, judged

AWAY: Final = timedelta(hours=1)
ASKED_AGAIN: Final = 3
"""So often a 429 or 503 with Retry-After is obeyed before it counts."""
WAIT_MAX_SECONDS: Final = 10.0
BOOKS_BYTES_MAX: Final = 1024 * 1024
_LATER: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Target:
    """An integrator's endpoint."""

    url: str
    secret: str
    read_back: str | None
    """Where it says what is in its books; None: nowhere."""
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Exchange:
    """Requests to a target and what comes back."""

    session: aiohttp.ClientSession
    target: Target

    async def make(self, check: Check) -> Finding:
        """Make a check."""
        if check.together:
            answers = list(await asyncio.gather(*(self._send(each) for each in check.requests)))
        else:
            answers = [await self._send(each) for each in check.requests]
        books = None
        if self.target.read_back is not None and check.alert_id is not None:
            books = await self._books(self.target.read_back, check.alert_id)
        return judged(check, answers, books)

    async def _send(self, request: Request) -> Answer:
        answer, rest = await self._once(request)
        for _ in range(ASKED_AGAIN):
            if answer.status not in _LATER or rest is None:
                break
            await asyncio.sleep(min(rest, WAIT_MAX_SECONDS))
            answer, rest = await self._once(request)
        return answer

    async def _once(self, request: Request) -> tuple[Answer, float | None]:
        headers = {**request.headers, **self._signature(request), "user-agent": "jianghan-citybrain-check"}
        began = time.monotonic()
        try:
            async with self.session.post(
                self.target.url,
                data=request.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.target.timeout.total_seconds()),
            ) as response:
                await response.content.read(BOOKS_BYTES_MAX)
                return Answer(response.status, time.monotonic() - began), _rest(response.headers.get("Retry-After"))
        except TimeoutError:
            said = f"not within {self.target.timeout.total_seconds():g} s"
        except (aiohttp.ClientError, OSError) as error:
            said = str(error) or type(error).__name__
        return Answer(None, time.monotonic() - began, said), None

    def _signature(self, request: Request) -> dict[str, str]:
        now = datetime.now(UTC)

        def of(*by: str, at: datetime = now, body: bytes = request.body) -> dict[str, str]:
            return signed(request.event_id, body, by, at)

        made: dict[Signing, Callable[[], dict[str, str]]] = {
            Signing.GOOD: lambda: of(self.target.secret),
            Signing.ROTATED: lambda: of(_nobodys_secret(), self.target.secret),
            Signing.FORGED: lambda: of(_nobodys_secret()),
            Signing.ALTERED: lambda: of(self.target.secret, body=request.body + b" "),
            Signing.UNSIGNED: dict,
            Signing.STALE: lambda: of(self.target.secret, at=now - AWAY),
            Signing.AHEAD: lambda: of(self.target.secret, at=now + AWAY),
        }
        return made[request.signing]()

    async def _books(self, read_back: str, alert_id: str) -> BooksAnswer:
        url = f"{read_back}{'&' if '?' in read_back else '?'}{urlencode({'alert_id': alert_id})}"
        timeout = aiohttp.ClientTimeout(total=self.target.timeout.total_seconds())
        try:
            async with self.session.get(url, allow_redirects=False, timeout=timeout) as response:
                if response.status == 404:
                    return BooksAnswer(known=False, said={})
                said: Any = json.loads(await response.content.read(BOOKS_BYTES_MAX))
                if response.status != 200 or not isinstance(said, dict):
                    return BooksAnswer(False, {}, f"answered {response.status}, not 200 with a JSON object")
                return BooksAnswer(known=True, said=said)
        except TimeoutError:
            return BooksAnswer(False, {}, f"no answer within {self.target.timeout.total_seconds():g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return BooksAnswer(False, {}, str(error) or type(error).__name__)


def _nobodys_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _rest(retry_after: str | None) -> float | None:
    text = (retry_after or "").strip()
    return float(text[:9]) if text.isascii() and text.isdigit() else None
