"""`ninethirty reload`: the running monitor reads its configuration again."""

from __future__ import annotations

import click

from monitor.cli.common import Context, as_json, print_json


@click.command("reload")
@as_json
@click.pass_obj
def command(context: Context, *, as_json: bool) -> None:
    """Have the monitor that runs here go by the configuration as it is now, without a gap in its watch.

    What `check` finds wrong is told, exit status 1, and the monitor goes on as it was. SIGHUP to the monitor does the
    same and tells its log. To be asked in the folder that the monitor runs in, as its user.

    Example: ninethirty --config config.toml reload
    """
    from monitor.app.control import ask_for_reload

    faults = ask_for_reload(context.settings)
    if as_json:
        print_json({"taken": not faults, "faults": faults})
    for fault in [] if as_json else faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    if not as_json:
        click.echo("taken")
