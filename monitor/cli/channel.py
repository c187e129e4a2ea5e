"""`ninethirty channel`: send a test notice through a channel."""

from __future__ import annotations

import click

from monitor.cli import complete
from monitor.cli.client import post_json
from monitor.cli.common import Context, json_verb
from monitor.errors import UserFault


@click.group("channel")
def command() -> None:
    """Test the channels that notify people and machines.

    Example: ninethirty channel test desk
    """


@command.command("test")
@click.argument("name", shell_complete=complete.channels)
@json_verb
def test(context: Context, *, name: str) -> None:
    """Send a test notice through the channel NAME. Exit status 1 if it is refused.

    Example: ninethirty channel test desk
    """
    outcome = post_json(context, f"/channels/{name}/test")
    if not (outcome["accepted"] or context.as_json):
        raise UserFault(f"{name}: refused: {outcome['reason']}")
    reference = ""
    if outcome["reference"]:
        reference = f", reference {outcome['reference']}"
    context.print_result(outcome, f"{name}: accepted{reference}", ok=outcome["accepted"])
