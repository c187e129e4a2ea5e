"""`ninethirty reload`: reload the configuration of the running monitor."""

from __future__ import annotations

import click

from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb
from monitor.errors import UserFault


@click.command("reload")
@json_verb
def command(context: Context) -> None:
    """Reload the configuration of the running monitor, without interrupting its watch.

    If `check` would find faults, they are printed, the exit status is 1, and the monitor continues
    unchanged. SIGHUP to the monitor does the same and writes to its log.

    Example: ninethirty --config config.toml reload
    """
    with open_api(context, needs_monitor=True) as api:
        result = api.post("/reload")
    if not (result["taken"] or context.as_json):
        raise UserFault("\n".join(result["faults"]))
    context.print_result(result, "configuration reloaded", ok=result["taken"])
