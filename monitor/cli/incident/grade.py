"""`ninethirty incident grade`: raise or lower the grade of one incident, or choose its form."""

from __future__ import annotations

import click

from alerts import by_hand
from alerts.draft.form import load_forms
from alerts.incident import SIGNED
from monitor.cli.common import Context, json_verb
from monitor.cli.complete import incidents
from monitor.cli.incident.store import change_incident, print_incident, redraft, refuse_role
from schedules.contract.verdict import Grade

_FORMS = [name for name in load_forms() if name != "period"]


@click.command("grade")
@click.argument("incident", shell_complete=incidents)
@click.argument("new_grade", metavar="GRADE", type=click.Choice([one.value for one in Grade]))
@click.option("--form", type=click.Choice(_FORMS), default="", help="Form of its draft.")
@click.option("--reason", required=True, help="Why; kept in the timeline.")
@refuse_role
@json_verb
def grade(context: Context, *, incident: str, new_grade: str, form: str, reason: str) -> None:
    """Raise or lower the GRADE of an INCIDENT, whatever the policy says: none, note or report.

    A graver measurement than is known now can still raise it.

    Example: ninethirty incident grade quarterly-2018-01-05 report --form D --reason "market
    sensitive"
    """
    role, now = context.actor().role, context.now()
    with context.store() as store:
        changed = change_incident(
            context,
            store,
            incident,
            "graded",
            lambda known: by_hand.grade_incident(known, role, new_grade, reason, now, form),
        )
        if SIGNED not in changed.words:
            redraft(context, store, changed)
        print_incident(context, store, incident, f"graded {new_grade}")
