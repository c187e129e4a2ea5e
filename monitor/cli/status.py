"""`ninethirty status`: show the health of the running monitor, like its page `/status`."""

from __future__ import annotations

import click

from monitor.cli.client import open_api
from monitor.cli.common import Context, bullet_lines, json_verb, section_lines


@click.command("status")
@json_verb
def command(context: Context) -> None:
    """Show whether the running monitor is reliable, and the state of calendars, clock, budgets and
    watch.

    Exit status 1 if it is not reliable now.
    Example: ninethirty status
    """
    with open_api(context, needs_monitor=True) as api:
        found = api.get("/status")
    lines = ["Ready."]
    if found["unready"]:
        lines = ["NOT READY:", *bullet_lines(found["unready"])]
    for title, facts in found["status"].items():
        lines += section_lines(title, (f"{name}: {fact}" for name, fact in facts.items()))
    context.print_result(found, lines, ok=not found["unready"])
