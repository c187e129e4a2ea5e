"""`ninethirty incident step`: say that a step was done, and when, or list the steps."""

from __future__ import annotations

import click

from alerts.draft.edits import STEP_PREFIX
from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb, refuse_role, table_lines
from monitor.cli.complete import incidents
from monitor.cli.dates import to_local_iso
from monitor.cli.incident.draft import amends_option, print_saved


@click.command("step")
@click.argument("incident", shell_complete=incidents)
@click.argument("name", required=False)
@click.argument("note", required=False)
@click.option("--at", metavar="TIME", help="Local time when it was done; default now.")
@amends_option
@refuse_role
@json_verb
def step(
    context: Context,
    *,
    incident: str,
    name: str | None,
    note: str | None,
    at: str | None,
    reason: str | None,
) -> None:
    """Say that the step NAME of an INCIDENT was done, with a NOTE such as a reference.

    The report says so in the past tense, if it concerns its readers. Without NAME, list the steps.

    Example: ninethirty incident step quarterly-2018-01-05 ask-platform "ticket 1234" --at 9.43am
    """
    with open_api(context) as api:
        if name is not None:
            when = to_local_iso(at) if at else None
            path = f"/incidents/{incident}/steps"
            form = api.post(path, step=name, at=when, note=note or None, reason=reason)
            print_saved(context, api, form)
            return
        steps = api.get(f"/incidents/{incident}/answers")["steps"]
    rows = [
        [one["id"].removeprefix(STEP_PREFIX), one["done"] or "to do", one["text"]] for one in steps
    ]
    body = [{"step": name, "done": done, "text": text} for name, done, text in rows]
    context.print_result(body, table_lines(rows, ["STEP", "DONE", "WHAT"]))
