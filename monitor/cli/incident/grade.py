"""`ninethirty incident grade`: raise or lower the grade of one incident, or choose its form."""

from __future__ import annotations

import click

from alerts.draft.form import load_forms
from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb, refuse_role
from monitor.cli.complete import incidents
from schedules.contract.verdict import Grade

_FORMS = [name for name in load_forms() if name != "period"]


@click.command("grade")
@click.argument("incident", shell_complete=incidents)
@click.argument("new_grade", metavar="GRADE", type=click.Choice([one.value for one in Grade]))
@click.option("--form", type=click.Choice(_FORMS), help="Form of its draft.")
@click.option("--reason", required=True, help="Why; kept in the timeline.")
@refuse_role
@json_verb
def grade(
    context: Context, *, incident: str, new_grade: str, form: str | None, reason: str
) -> None:
    """Raise or lower the GRADE of an INCIDENT, whatever the policy says: none, note or report.

    A graver measurement than is known now can still raise it.

    Example: ninethirty incident grade quarterly-2018-01-05 report --form D --reason "market
    sensitive"
    """
    with open_api(context) as api:
        graded = api.post(f"/incidents/{incident}/grade", grade=new_grade, form=form, reason=reason)
    context.print_result(graded, f"{incident}: graded {new_grade}")
