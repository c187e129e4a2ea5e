"""`ninethirty incident action`: corrective actions of incidents, with owner and due day."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb, refuse_role, table_lines
from monitor.cli.complete import incidents
from monitor.cli.dates import DAY, to_local_iso


@click.group("action")
def action() -> None:
    """Manage the corrective actions of incidents: what must be done, by which role, until when.

    The report lists them as corrective actions until it is signed.

    Example: ninethirty incident action list
    """


@action.command("add")
@click.argument("incident", shell_complete=incidents)
@click.option("--text", required=True, help="What must be done.")
@click.option(
    "--owner", metavar="ROLE", required=True, help="Who must do it: a role, never a name."
)
@click.option("--due", type=DAY, required=True, help="Day by which it must be done.")
@refuse_role
@json_verb
def add(context: Context, *, incident: str, text: str, owner: str, due: date) -> None:
    """Add a corrective action to an INCIDENT.

    Example: ninethirty incident action add quarterly-2018-01-05 --text "Renew the certificate a
    month before it ends" --owner "web team" --due 2018-02-01
    """
    _change_and_print(context, incident, action=text, owner=owner, due=due.isoformat())


@action.command("done")
@click.argument("incident", shell_complete=incidents)
@click.argument("number", type=int)
@click.option("--at", metavar="TIME", help="When it was done, local. Default now.")
@refuse_role
@json_verb
def done(context: Context, *, incident: str, number: int, at: str | None) -> None:
    """Mark action NUMBER of an INCIDENT as done.

    Example: ninethirty incident action done quarterly-2018-01-05 1
    """
    _change_and_print(context, incident, done=number, at=to_local_iso(at) if at else None)


@action.command("list")
@click.argument("incident", required=False, shell_complete=incidents)
@json_verb
def print_actions(context: Context, *, incident: str | None) -> None:
    """List the actions of an INCIDENT.

    Without INCIDENT, list the open actions of all, the overdue first.

    Example: ninethirty incident action list
    """
    with open_api(context) as api:
        listed = api.get("/actions", incident=incident)["actions"]
    rows = [_action_row(one) for one in listed]
    heads = ["DUE", "STATUS", "OWNER", "INCIDENT", "NO", "ACTION"]
    lines = table_lines(rows, heads, lambda row: row[1] == "OVERDUE") if rows else "No actions."
    context.print_result(listed, lines)


def _action_row(one: dict[str, Any]) -> list[str]:
    status = "OVERDUE" if one["overdue"] else "to do"
    if one["done"]:
        status = "done"
    return [one["due"], status, one["owner"], one["incident"], str(one["number"]), one["text"]]


def _change_and_print(context: Context, incident: str, **change: object) -> None:
    """Change the actions of an incident, and print how many are to do."""
    with open_api(context) as api:
        changed = api.post(f"/incidents/{incident}/notes", **change)
    actions = changed["actions"]
    to_do = sum(one["done"] is None for one in actions)
    context.print_result(changed, f"{incident}: {len(actions)} actions, {to_do} to do")
