"""`ninethirty status`: the health of the running monitor, as its page `/status` shows it."""

from __future__ import annotations

import click

from monitor.cli.common import Context, as_json, items, print_json


@click.command("status")
@as_json
@click.pass_obj
def command(context: Context, *, as_json: bool) -> None:
    """Show whether the running monitor can be relied on, and the state of calendars, clock, budgets and watch.

    Exit status 1 if it cannot be relied on now. Run it in the monitor's folder, as its user.

    Example: ninethirty status
    """
    from monitor.app.control import ask_for_status

    found = ask_for_status(context.settings)
    if as_json:
        print_json(found)
    else:
        click.echo("Ready." if not found["unready"] else "NOT READY:")
        for line in items(found["unready"]):
            click.echo(line)
        for title, facts in found["status"].items():
            if facts:
                click.echo(f"\n{title}")
                for line in items(f"{name}: {fact}" for name, fact in facts.items()):
                    click.echo(line)
    if found["unready"]:
        raise SystemExit(1)
