"""`ninethirty reload`: reload the configuration of the running monitor."""

from __future__ import annotations

import click

from monitor.cli.common import Context, json_verb, print_json


@click.command("reload")
@json_verb
def command(context: Context) -> None:
    """Reload the configuration of the running monitor, without interrupting its watch.

    If `check` would find faults, they are printed, the exit status is 1, and the monitor continues
    unchanged. SIGHUP to the monitor does the same and writes to its log. Run it in the monitor's
    folder, as its user.

    Example: ninethirty --config config.toml reload
    """
    from monitor.app.control import request_reload

    faults = request_reload(context.settings)
    if context.as_json:
        print_json({"taken": not faults, "faults": faults})
    elif faults:
        click.echo("\n".join(faults), err=True)
    else:
        click.echo("taken")
    if faults:
        raise SystemExit(1)
