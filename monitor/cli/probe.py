"""`ninethirty probe`: one look, and everything that was learnt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from monitor.cli.common import Context, as_json, hushed, print_json
from monitor.config.checks import recogniser_fault

_TOLD = (
    "date",
    "age",
    "cache-control",
    "etag",
    "last-modified",
    "x-cache",
    "fastly-backend-name",
    "retry-after",
    "location",
)


@click.command("probe")
@click.argument("url")
@click.option("--as", "recogniser", default="status", help="How to recognise: status, govuk, text:…, link:…, …")
@as_json
@click.pass_obj
def command(context: Context, *, url: str, recogniser: str, as_json: bool) -> None:
    """Look once at URL and tell everything that was learnt, but never the content; exit status 3 without an answer.

    Example: ninethirty probe https://www.gov.uk/government/statistics/example --as govuk
    """
    if fault := recogniser_fault(recogniser):
        raise click.BadParameter(fault, param_hint="--as")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise click.BadParameter("not an address, write https://host/path", param_hint="URL")
    with hushed():
        learnt, is_answered = asyncio.run(_look(context, url, recogniser))
    if as_json:
        print_json(learnt)
    for line in [] if as_json else lines_of(learnt):
        click.echo(line)
    if not is_answered:
        raise SystemExit(3)


def lines_of(learnt: Mapping[str, Any], under: str = "") -> Iterator[str]:
    """Yield what was learnt as people read it, a line each; what is not known is left out."""
    for key, value in learnt.items():
        if isinstance(value, dict):
            yield from lines_of(value, f"{under}{key} ")
        elif isinstance(value, list):
            yield from (f"{under}{key}: {one['role']} {one['url']}" for one in value)
        elif isinstance(value, bool):
            yield f"{under}{key}: {'yes' if value else 'no'}"
        elif value is not None:
            yield f"{under}{key}: {value}"


async def _look(context: Context, url: str, recogniser: str) -> tuple[dict[str, Any], bool]:
    from monitor.app.readers import asking
    from monitor.clock import SystemClock
    from monitor.look.fetch import Answer
    from monitor.plan.targets import Target, View
    from schedules.times.json import instant_json

    target = Target("probe", "", "page", View.EDGE, url, urlsplit(url).hostname or "", recogniser)
    async with asking(context.settings_or_default, SystemClock()) as (poller, _):
        sighting, outcome = await poller.look_once(target)
    headers = outcome.headers if isinstance(outcome, Answer) else {}
    learnt = {
        "url": url,
        "state": sighting.state.value,
        "why": sighting.why or None,
        "specific": sighting.specific,
        "status": sighting.status,
        "sent": instant_json(sighting.sent),
        "received": instant_json(sighting.received),
        "proved": {"from": instant_json(sighting.proved_from), "to": instant_json(sighting.proved_to)},
        "sha256": outcome.digest if isinstance(outcome, Answer) and outcome.body else None,
        "bytes": len(outcome.body) if isinstance(outcome, Answer) else None,
        "headers": {name: headers[name] for name in _TOLD if name in headers},
        "found": [{"url": one.url, "role": one.role} for one in sighting.found],
    }
    return learnt, isinstance(outcome, Answer)
