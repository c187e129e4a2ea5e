"""`ninethirty channel`: send a test notice through a channel."""

from __future__ import annotations

import click

from monitor.cli import complete
from monitor.cli.client import acting_verb, open_api
from monitor.cli.common import Context, print_json


@click.group("channel")
def command() -> None:
    """Test the channels that notify people and machines.

    Example: ninethirty channel test desk
    """


@command.command("test")
@click.argument("name", shell_complete=complete.channels)
@acting_verb
def test(context: Context, *, name: str) -> None:
    """Send a test notice through the channel NAME. Exit status 1 if it is refused.

    Example: ninethirty channel test desk
    """
    with open_api(context) as api:
        outcome = api.post(f"/channels/{name}/test")
    if context.as_json:
        print_json(outcome)
    elif outcome["accepted"]:
        reference = f", reference {outcome['reference']}" if outcome["reference"] else ""
        click.echo(f"{name}: accepted{reference}")
    else:
        click.echo(f"{name}: refused: {outcome['reason']}", err=True)
    if not outcome["accepted"]:
        raise SystemExit(1)
