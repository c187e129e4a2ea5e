"""`ninethirty incident step`: say that a step was done, and when, or list the steps."""

from __future__ import annotations

import click

from alerts.by_hand import parse_past_instant
from alerts.draft.done_steps import DoneStep
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.report import report_from_json
from alerts.one_line import one_line
from monitor.cli.common import Context, json_verb, table_lines
from monitor.cli.complete import incidents
from monitor.cli.dates import to_local_iso
from monitor.cli.incident.draft import complete_field, find_drafts
from monitor.cli.incident.store import refuse_invalid_input, refuse_role


@click.command("step")
@click.argument("incident", shell_complete=incidents)
@click.argument("name", required=False)
@click.argument("note", required=False, default="")
@click.option("--at", metavar="TIME", default="", help="Local time when it was done; default now.")
@refuse_role
@json_verb
def step(context: Context, *, incident: str, name: str | None, note: str, at: str) -> None:
    """Say that the step NAME of an INCIDENT was done, with a NOTE such as a reference.

    The report says so in the past tense, if it concerns its readers. Without NAME, list the steps.

    Example: ninethirty incident step quarterly-2018-01-05 ask-platform "ticket 1234" --at 9.43am

    """
    if name is None:
        _print_steps(context, incident)
        return
    now, zone = context.now(), context.settings.timezone
    with refuse_invalid_input():
        done = DoneStep(parse_past_instant(to_local_iso(at), now, zone), one_line(note))
    field = f"{STEP_PREFIX}{name.removeprefix(STEP_PREFIX)}"
    complete_field(context, incident, field, done.write(zone), instead=False)


def _print_steps(context: Context, incident: str) -> None:
    steps = report_from_json(find_drafts(context, incident)[-1].facts).steps
    rows = [[one.id, one.done or "to do", one.text] for one in steps]
    body = [{"step": name, "done": done, "text": text} for name, done, text in rows]
    context.print_result(body, table_lines(rows, ["STEP", "DONE", "WHAT"]))
