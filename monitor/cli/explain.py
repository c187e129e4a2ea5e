"""The verb `ninethirty explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from monitor.cli import complete
from monitor.cli.client import open_api
from monitor.cli.common import Context, bullet_lines, json_verb
from monitor.cli.dates import INSTANT
from monitor.cli.terminal import page_output
from monitor.cli.text import release_lines
from monitor.judge.explain.explain import FACT_HEADINGS
from schedules.times.json import instant_json


@click.command("explain")
@click.argument("release", shell_complete=complete.releases)
@click.option("--at", "moment", type=INSTANT, metavar="T", help="Judge at this time; default now.")
@json_verb
@page_output
def command(context: Context, *, release: str, moment: datetime | None) -> None:
    """Show the verdict on RELEASE with each fact behind it, and what would change it.

    Example: ninethirty explain malpractice-2017 --at 2018-01-05T10:00:00Z
    """
    with open_api(context) as api:
        at = None if moment is None else instant_json(moment)
        body = api.get(f"/releases/{release}/explanation", at=at)
    lines = [
        *release_lines(body, context.name_of(body["producer"])),
        *_explanation_lines(body["explanation"]),
    ]
    context.print_result(body, lines)


def _explanation_lines(explanation: Mapping[str, Any]) -> Iterator[str]:
    for kind, heading in FACT_HEADINGS.items():
        texts = [fact["text"] for fact in explanation["facts"] if fact["kind"] == kind]
        if texts:
            yield from ("", heading)
            yield from bullet_lines(texts)
    yield from ("", "What would change the verdict")
    yield from bullet_lines(explanation["would_change"])
    if explanation["records"]:
        yield from ("", f"Evidence: {', '.join(explanation['records'])}")
