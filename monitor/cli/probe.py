"""The verb `ninethirty probe`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import click

from monitor.cli.common import Context, json_verb, log_only_errors
from monitor.clock import SystemClock
from monitor.config.checks import recogniser_fault
from monitor.look.fetch import Answer, describe_why
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from schedules.times.json import Json, fields_json, instant_json

_SHOWN_HEADERS = (
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
@click.option(
    "--as",
    "recogniser",
    default="status",
    help="How to recognise: status, govuk, text:…, link:…, …",
)
@json_verb
def command(context: Context, *, url: str, recogniser: str) -> None:
    """Look once at URL and show what the response proves, but not its content.

    Exit status 3 without a response.

    Example: ninethirty probe https://www.gov.uk/government/statistics/example --as govuk
    """
    if fault := recogniser_fault(recogniser):
        raise click.BadParameter(fault, param_hint="--as")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise click.BadParameter("not an address, write https://host/path", param_hint="URL")
    with log_only_errors():
        facts = asyncio.run(_look_once(context, url, recogniser))
    words = facts | {"why": describe_why(facts["why"] or "") or None}
    if facts["state"] == State.UNKNOWN.value:
        words["proved"] = None
    context.print_result(facts, fact_lines(words))
    if facts["bytes"] is None:
        raise SystemExit(3)


def fact_lines(facts: Json, prefix: str = "") -> Iterator[str]:
    """Yield each fact as a line of text.

    Facts without a value are left out. `prefix` is the key of the table that contains them.
    """
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from fact_lines(value, f"{prefix}{key} ")
        elif isinstance(value, list):
            # The only list is `found`.
            yield from (f"{prefix}{key}: {link['role']} {link['url']}" for link in value)
        elif isinstance(value, bool):
            yield f"{prefix}{key}: {'yes' if value else 'no'}"
        elif value is not None:
            yield f"{prefix}{key}: {value}"


async def _look_once(context: Context, url: str, recogniser: str) -> Json:
    """Return the facts of one look. Without a response, `bytes` is None."""
    from monitor.app.readers import open_poller

    host = urlsplit(url).hostname or ""
    target = Target(
        "probe", release="", part="page", view=View.EDGE, url=url, host=host, recognise=recogniser
    )
    async with open_poller(context.settings_or_default, SystemClock()) as (poller, _):
        sighting, outcome = await poller.look_once(target)
    # `specific`: the answer has a sign that only this edition has. `proved`: the span in which the
    # state was true, which is earlier than the look if a cache answered. `found`: links, with their
    # role in a release.
    facts: Json = {
        "url": url,
        "state": sighting.state.value,
        "why": sighting.why or None,
        **fields_json(sighting, "specific", "status", "sent", "received"),
        "proved": {
            "from": instant_json(sighting.proved_from),
            "to": instant_json(sighting.proved_to),
        },
        "sha256": None,
        "bytes": None,
        "headers": {},
        "found": [{"url": one.url, "role": one.role} for one in sighting.found],
    }
    if isinstance(outcome, Answer):
        facts["sha256"] = outcome.digest if outcome.body else None
        facts["bytes"] = len(outcome.body)
        shown = [name for name in _SHOWN_HEADERS if name in outcome.headers]
        facts["headers"] = {name: outcome.headers[name] for name in shown}
    return facts
