"""`ninethirty incident action`: corrective actions of incidents, with owner and due day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import click

from alerts.actions import add_action, complete_action, is_overdue, list_actions
from alerts.incident import SIGNED, Incident
from monitor.cli.common import Context, json_verb, table_lines
from monitor.cli.complete import incidents
from monitor.cli.dates import DAY, to_local_iso
from monitor.cli.incident.store import (
    change_incident,
    incident_of,
    print_incident,
    redraft,
    refuse_role,
)
from monitor.deliver.incident_json import action_json
from schedules.times.zone import local_date


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
def add(  # one for each option
    context: Context, *, incident: str, text: str, owner: str, due: date
) -> None:
    """Add a corrective action to an INCIDENT.

    Example: ninethirty incident action add quarterly-2018-01-05 --text "Renew the certificate a
    month before it ends" --owner "web team" --due 2018-02-01
    """
    role, now, zone = context.actor().role, context.now(), context.settings.timezone
    typed = {"text": text, "owner": owner, "due": due.isoformat()}
    _change_and_print(context, incident, lambda known: add_action(known, role, typed, now, zone))


@action.command("done")
@click.argument("incident", shell_complete=incidents)
@click.argument("number", type=int)
@click.option("--at", metavar="TIME", default="", help="When it was done, local. Default now.")
@refuse_role
@json_verb
def done(context: Context, *, incident: str, number: int, at: str) -> None:
    """Mark action NUMBER of an INCIDENT as done.

    Example: ninethirty incident action done quarterly-2018-01-05 1
    """
    role, now, zone = context.actor().role, context.now(), context.settings.timezone
    done_at = to_local_iso(at)
    change = partial(complete_action, role=role, number=number, now=now, at=done_at, timezone=zone)
    _change_and_print(context, incident, change)


@action.command("list")
@click.argument("incident", required=False, shell_complete=incidents)
@json_verb
def print_actions(context: Context, *, incident: str | None) -> None:
    """List the actions of an INCIDENT.

    Without INCIDENT, list the open actions of all, the overdue first.

    Example: ninethirty incident action list
    """
    with context.store() as store:
        found = [incident_of(store.verdicts, incident)] if incident else store.verdicts.incidents()
    today = local_date(context.now(), context.settings.timezone)
    body, rows = [], []
    for known, number, listed in list_actions(found, done=incident is not None):
        overdue = is_overdue(listed, today)
        body.append(
            {"incident": known.id, "number": number, **action_json(listed), "overdue": overdue}
        )
        status = "done" if listed.done else "OVERDUE" if overdue else "to do"
        rows.append(
            [listed.due.isoformat(), status, listed.owner, known.id, str(number), listed.text]
        )
    heads = ["DUE", "STATUS", "OWNER", "INCIDENT", "NO", "ACTION"]
    lines = table_lines(rows, heads, lambda row: row[1] == "OVERDUE") if rows else "No actions."
    context.print_result(body, lines)


def _change_and_print(
    context: Context, incident: str, change: Callable[[Incident], Incident]
) -> None:
    """Change the actions of an incident, redraft its report unless it is signed, and print how many
    are to do.
    """
    with context.store() as store:
        changed = change_incident(context, store, incident, "written_by_hand", change)
        is_signed = SIGNED in changed.words  # signing adds this key
        # A new action does not amend a signed report.
        if not is_signed:
            redraft(context, store, changed)
        summary = f"{len(changed.actions)} actions, {len(list_actions([changed]))} to do"
        print_incident(context, store, incident, summary)
