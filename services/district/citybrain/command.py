"""`district citybrain check URL`: makes every check, says what must be fixed; exit status 1 when something must."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import aiohttp
import typer

from schemas.subscription import Rendering
from services.alert_life.renderings.signature import signed
from services.district.citybrain.checks import checks
from services.district.citybrain.exchange import Exchange, Target
from services.district.citybrain.judging import Finding, Outcome
from services.district.citybrain.samples import Samples
from services.district.errors import SettingRefused
from services.district.terminal import say, say_json

EXIT_TO_FIX: Final = 1

citybrain: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="For those who connect the city brain.",
)


@citybrain.callback()
def _citybrain() -> None:
    """For those who connect the city brain."""


@citybrain.command()
def check(
    *,
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False, help="Your endpoint for events.")],
    secret: Annotated[
        str,
        typer.Option(
            envvar="CITYBRAIN_SECRET", prompt="Signing secret", hide_input=True, help="whsec_…; asked for if not given."
        ),
    ],
    read_back: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where your endpoint says what is in its books; see docs/citybrain.md."),
    ] = None,
    rendering: Annotated[Rendering, typer.Option(help="Form of the events.")] = Rendering.CLOUDEVENTS,
    live: Annotated[
        bool, typer.Option("--live", help="Send samples as of real life; for endpoints that nobody acts on.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds to wait for each answer.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Send good, bad and odd events to an endpoint and say what it must do otherwise."""
    _see_that(url, secret, read_back)
    samples = Samples(secrets.token_hex(4), datetime.now(UTC), live)
    target = Target(url, secret, read_back, timedelta(seconds=timeout))
    findings = asyncio.run(_all(target, samples, rendering, quiet=as_json))
    failed = [each for each in findings if each.outcome is Outcome.FAILED]
    if as_json:
        say_json({"url": url, "passed": not failed, "findings": [asdict(each) for each in findings]})
    elif failed:
        say(f"{len(failed)} of {len(findings)} checks found something to fix.")
    else:
        asked = "answers and books" if read_back else "answers (books were not asked: no --read-back)"
        say(f"All {len(findings)} checks passed: {asked}.")
    if failed:
        raise typer.Exit(EXIT_TO_FIX)


def _see_that(url: str, secret: str, read_back: str | None) -> None:
    for each in (url, read_back):
        if each is not None and not each.startswith(("http://", "https://")):
            raise SettingRefused(f"{each[:200]} is no http:// or https:// address")
    try:
        signed("event", b"", [secret], datetime.now(UTC))
    except ValueError as error:
        raise SettingRefused(str(error)) from None


async def _all(target: Target, samples: Samples, rendering: Rendering, *, quiet: bool) -> list[Finding]:
    found = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        exchange = Exchange(session, target)
        for each in checks(samples, rendering):
            found.append(await exchange.make(each))
            if not quiet:
                _show(found[-1])
    return found


def _show(finding: Finding) -> None:
    mark = "ok  " if finding.outcome is Outcome.PASSED else "FIX "
    say(f"{mark} {finding.name} ({finding.slowest_seconds * 1000:.0f} ms)")
    for seen in finding.observed:
        say(f"     seen: {seen}")
    if finding.fix:
        say(f"     do:   {finding.fix}")
        say(f"     from: {finding.clause}")
