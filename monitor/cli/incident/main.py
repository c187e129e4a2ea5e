"""`ninethirty incident`: incidents, what people do to them, and their drafts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from monitor.cli.common import Context, as_json, print_json, table
from monitor.cli.complete import incidents, producer_option
from monitor.cli.dates import Day
from monitor.cli.incident.action import action
from monitor.cli.incident.add import add
from monitor.cli.incident.draft import draft
from monitor.cli.incident.sign import sign
from monitor.cli.incident.store import (
    by_role,
    change_incident,
    current_incidents,
    incident_of,
    redraft,
    redraft_if_outdated,
    role_of,
)
from monitor.cli.incident.text import incident_lines, incident_row
from monitor.cli.terminal import page_output
from monitor.cli.today import judged_now
from schedules.times.zone import span_of

if TYPE_CHECKING:
    from alerts.incident import Incident

_cause = click.option("--cause", default="", help="Its cause in a few words; period reports count causes.")


@click.group("incident")
def command() -> None:
    """List incidents, log one, acknowledge, complete the draft, sign and close.

    Give roles, never names of people.

    Example: ninethirty incident list --open
    """


for _verb in (action, add, draft, sign):
    command.add_command(_verb)


@command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only open incidents, and those that owe a report.")
@producer_option
@click.option("--from", "first", type=Day(), help="First day of occurrence.")
@click.option("--to", "last", type=Day(), help="Last day of occurrence.")
@as_json
@click.pass_obj
@page_output
def list_incidents(
    context: Context, *, only_open: bool, producer: str | None, first: date | None, last: date | None, as_json: bool
) -> None:
    """List incidents, the newest first.

    Example: ninethirty incident list --open --producer ofqual
    """
    from monitor.deliver.incident_json import incident_json
    from monitor.deliver.owed import is_owed

    with context.store() as store:
        found = store.verdicts.incidents(*span_of(first, last, context.settings.timezone))
        current, now = current_incidents(context, store), context.now()
        every = ((one, store.verdicts.drafts(one.id)) for one in reversed(found) if producer in (None, *one.producers))
        chosen = [
            (current.incident(one, now), drafts)
            for one, drafts in every
            if not only_open or one.closed is None or is_owed(one, drafts)
        ]
    if as_json:
        print_json([incident_json(incident, drafts) for incident, drafts in chosen])
    elif chosen:
        heads = ["OCCURRED", "GRADE", "KIND", "HOW LATE", "STATUS", "DRAFT", "INCIDENT", "TITLE"]
        table([incident_row(*each) for each in chosen], heads)
    else:
        click.echo("No incidents.")


@command.command("show")
@click.argument("incident", shell_complete=incidents)
@as_json
@click.pass_obj
@page_output
def show(context: Context, *, incident: str, as_json: bool) -> None:
    """Show an INCIDENT with its timeline, and what to do next.

    Example: ninethirty incident show malpractice-2017-2018-01-05
    """
    from monitor.deliver.incident_json import incident_json
    from monitor.deliver.platform import related_incidents

    with context.store() as store:
        redraft_if_outdated(context, store, incident_of(store.verdicts, incident).id)
        found = current_incidents(context, store).incident(incident_of(store.verdicts, incident), context.now())
        drafts, judged = store.verdicts.drafts(incident), judged_now(context, store, found.release)
        held_up = [one.id for one in related_incidents(store.verdicts, found)]
    if as_json:
        print_json(incident_json(found, drafts) | {"related": held_up})
        return
    for line in incident_lines(found, drafts, judged, held_up, context.name_of(found.producer)):
        click.echo(line)


@command.command("note")
@click.argument("incident", shell_complete=incidents)
@click.argument("text", required=False)
@click.option("--at", metavar="TIME", default="", help="Local time of what you note; default now.")
@click.option("--mail", type=click.File("rb"), metavar="FILE.eml", help="An e-mail that users got; TEXT says what.")
@_cause
@click.option("--assign", metavar="ROLE", default="", help="Assign it to another role.")
@click.option("--brought-forward", metavar="TIME", help="Local time to which the release was brought forward.")
@click.option("--cite-others", is_flag=True, help="Cite other producers' incidents on the same platform in the draft.")
@by_role
@as_json
@click.pass_obj
def note(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    incident: str,
    text: str | None,
    at: str,
    mail: BinaryIO | None,
    cause: str,
    assign: str,
    brought_forward: str | None,
    cite_others: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Acknowledge an INCIDENT, and add TEXT to its timeline if you give one.

    Example: ninethirty incident note malpractice-2017-2018-01-05 "web team called" --by "duty statistician"
    """
    from alerts.by_hand import acknowledge_incident, add_note, bring_forward, note_mail, record_cause
    from alerts.by_hand import assign_role as given
    from alerts.by_hand import cite_other_incidents as citing
    from alerts.incident import MONITOR, SIGNED

    role, now, data = role_of(by), context.now(), mail.read() if mail else b""

    def change(known: Incident) -> Incident:
        zone = context.settings.timezone
        is_note = (text is not None or at) and mail is None
        # A person who assigns it to another role does not acknowledge it.
        changed = known if assign else acknowledge_incident(known, role, now)
        changed = add_note(known, role, text or "", now, at, zone) if is_note else changed
        changed = note_mail(changed, role, data, text or "", now) if mail else changed
        changed = given(changed, role, assign, now)
        changed = bring_forward(changed, role, brought_forward, now, zone) if brought_forward else changed
        changed = citing(changed, role, now) if cite_others else changed
        return record_cause(changed, role, cause, now)

    with context.store() as store:
        changed = change_incident(context, store, incident, change)
        if at and changed.timeline[-1].by == MONITOR:
            click.echo(changed.timeline[-1].text, err=True)
        # A note does not amend a signed report, but a decision or a request to cite others does.
        if brought_forward or cite_others or SIGNED not in changed.words:
            redraft(context, store, changed)
    is_more = text is not None or mail or cause or assign
    _print_done(context, incident, "noted" if is_more else "acknowledged", as_json=as_json)


@command.command("close")
@click.argument("incident", shell_complete=incidents)
@click.option("--text", default="", help="Why you close it.")
@_cause
@by_role
@as_json
@click.pass_obj
def close(context: Context, *, incident: str, text: str, cause: str, by: str | None, as_json: bool) -> None:
    """Close an INCIDENT. New facts can open it again.

    Example: ninethirty incident close malpractice-2017-2018-01-05 --by "head of profession"
    """
    from alerts.by_hand import close_incident as closed
    from alerts.by_hand import record_cause

    role, now = role_of(by), context.now()
    with context.store() as store:
        change_incident(
            context, store, incident, lambda one: closed(record_cause(one, role, cause, now), role, now, text)
        )
    _print_done(context, incident, "closed", as_json=as_json)


@command.command("waive")
@click.argument("incident", shell_complete=incidents)
@click.option("--reason", required=True, help="Why no report will be made; kept in the timeline.")
@by_role
@as_json
@click.pass_obj
def waive(context: Context, *, incident: str, reason: str, by: str | None, as_json: bool) -> None:
    """Waive the report of an INCIDENT, with a reason. This closes it, and its report is no longer owed.

    Example: ninethirty incident waive quarterly-2018-01-05 --reason "sent by letter" --by "head of profession"
    """
    from alerts.by_hand import waive_report as waived

    role, now = role_of(by), context.now()
    with context.store() as store:
        change_incident(context, store, incident, lambda known: waived(known, role, reason, now))
    _print_done(context, incident, "report waived", as_json=as_json)


@command.command("export")
@click.argument("incident", shell_complete=incidents)
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def export(context: Context, *, incident: str, file: Path, as_json: bool) -> None:
    """Write the evidence of an INCIDENT, with its hashes, to the new zip FILE.

    If several monitors share a store, run this on each machine. It lists the evidence that is on other machines.

    Example: ninethirty incident export malpractice-2017-2018-01-05 evidence.zip
    """
    from monitor.store.evidence.bundle import export_bundle

    with context.store() as store:
        folder = Path(context.settings.evidence.folder)
        redraft_if_outdated(context, store, incident_of(store.verdicts, incident).id)
        known = current_incidents(context, store).incident(incident_of(store.verdicts, incident), context.now())
        made = export_bundle(store, folder, known, file, context.now(), context.own_monitors(store))
    if as_json:
        print_json({"incident": incident, "file": str(file), "records": made.records, "elsewhere": made.elsewhere})
        return
    click.echo(f"{file}: {made.records} records of evidence")
    for monitor, records in made.elsewhere.items():
        click.echo(f"{records} more are with the monitor {monitor}: export there too")


def _print_done(context: Context, incident: str, what: str, *, as_json: bool) -> None:
    from monitor.deliver.incident_json import incident_json

    if not as_json:
        click.echo(f"{incident}: {what}")
        return
    with context.store() as store:
        print_json(incident_json(incident_of(store.verdicts, incident), store.verdicts.drafts(incident)))
