"""What goes back to the platform: receipts of events that are in the books, and that the duty desk has taken an alert.

1. Whatever is owed is told in the order in which it came to be owed, one thing at a time.
2. An answer that may be better later (no answer, 401, 408, 425, 429, 5xx) is waited for; `Retry-After` is obeyed.
3. 404 is asked again on its own for a while, so it holds nothing up: a webhook may be faster than the API.
4. What was told is on disk; what a crash has kept from it is told again, which the platform counts once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import aiohttp
import structlog
from pydantic import SecretStr

from simulators.citybrain.books import Books, Owed, What
from simulators.citybrain.journal import Journal

ANSWER_SECONDS: Final = 20.0
FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
NOT_THERE_MOST: Final = 8
"""So often an event or alert that the API does not know is asked again: some two minutes."""
_LATER: Final = frozenset({401, 408, 425, 429})
"""401: a new key is taken by the platform after a moment, and one that was revoked may come back."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Platform:
    """Where things are told, and as whom."""

    url: str
    """Without a slash at its end."""
    key: SecretStr

    @classmethod
    def of(cls, url: str | None, key: SecretStr | None) -> Platform | None:
        """The platform of the settings; None: nothing is told."""
        return None if url is None or key is None else cls(url.rstrip("/"), key)


class Verdict(StrEnum):
    """What an answer means."""

    SETTLED = "settled"
    LATER = "later"
    """Nothing can be told now."""
    NOT_THERE = "not_there"
    REFUSED = "refused"
    """It will not be taken: whoever runs this has to look."""


def judge(status: int | None) -> Verdict:
    """What an answer means; None: there was none. Pure.

    409 is settled: somebody else has the alert, and the platform knows who.
    """
    if status is None or status in _LATER or status >= 500:
        return Verdict.LATER
    if status == 404:
        return Verdict.NOT_THERE
    return Verdict.SETTLED if 200 <= status < 300 or status == 409 else Verdict.REFUSED


def wait_after(tries: int) -> float:
    """Seconds until it is tried again after so many tries in a row. Pure."""
    return float(min(FIRST_WAIT_SECONDS * 2.0 ** (tries - 1), LONGEST_WAIT_SECONDS))


class Returning:
    """Tells the platform what it is owed."""

    def __init__(self, books: Books, journal: Journal) -> None:
        self._books = books
        self._journal = journal
        self._woken = asyncio.Event()
        self._aside: dict[Owed, tuple[int, float]] = {}
        """Not known to the API: how often it was asked, and when it is asked again by the loop's clock."""

    def wake(self) -> None:
        """Something may have come to be owed."""
        self._woken.set()

    async def run(self, platform: Platform) -> None:
        """Tell what is owed, until cancelled."""
        headers = {"Authorization": f"Bearer {platform.key.get_secret_value()}"}
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        failed = 0
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            while True:
                owed = await self._next()
                status, asked, said = await _tell(session, platform.url, owed)
                verdict = judge(status)
                if verdict is Verdict.LATER:
                    failed += 1
                    wait = max(wait_after(failed), asked)
                    log.warning("the platform cannot be told now", action="wait", status=status, seconds=wait)
                    await asyncio.sleep(wait)
                    continue
                failed = 0
                await self._follow(owed, verdict, status, said)

    async def _next(self) -> Owed:
        while True:
            self._woken.clear()
            now = asyncio.get_running_loop().time()
            for owed in self._books.owed:
                if owed not in self._aside or self._aside[owed][1] <= now:
                    return owed
            soonest = min((at for _, at in self._aside.values()), default=None)
            try:
                await asyncio.wait_for(self._woken.wait(), None if soonest is None else max(0.0, soonest - now))
            except TimeoutError:
                continue

    async def _follow(self, owed: Owed, verdict: Verdict, status: int | None, said: str) -> None:
        if verdict is Verdict.NOT_THERE:
            tries = self._aside.get(owed, (0, 0.0))[0] + 1
            if tries < NOT_THERE_MOST:
                self._aside[owed] = tries, asyncio.get_running_loop().time() + wait_after(tries)
                return
        self._aside.pop(owed, None)
        if verdict is not Verdict.SETTLED:
            log.error("the platform refuses it", action="refused", what=owed.what, id=owed.id, status=status, said=said)
        try:
            await self._journal.keep_settled(owed)
        except OSError as error:
            log.warning("told, but not on disk: told again after a restart", action="not_kept", error=repr(error))
        self._books.settle(owed)


async def _tell(session: aiohttp.ClientSession, url: str, owed: Owed) -> tuple[int | None, float, str]:
    """Status, seconds of `Retry-After`, and the beginning of what was said; None: no answer."""
    body: dict[str, Any] = {"event_id": owed.id}
    path, headers = "/api/v1/receipts", dict[str, str]()
    if owed.what is What.TAKEN:
        body = {"kind": "acknowledge"}
        path, headers = f"/api/v1/alerts/{owed.id}/actions", {"Idempotency-Key": f"taken-{owed.id}"}
    try:
        async with session.post(url + path, json=body, headers=headers, allow_redirects=False) as response:
            said = (await response.content.read(2_000)).decode(errors="replace")[:200]
            after = response.headers.get("Retry-After", "")
            return response.status, float(after) if after.isascii() and after.isdigit() else 0.0, said
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        return None, 0.0, repr(error)
