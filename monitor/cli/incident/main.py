"""`ninethirty incident`: incidents, what people do to them, and their drafts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from monitor.cli.common import Context, as_json, print_json, table
from monitor.cli.complete import incidents, of_producer
from monitor.cli.dates import Day
from monitor.cli.incident.action import action
from monitor.cli.incident.add import add
from monitor.cli.incident.draft import draft
from monitor.cli.incident.sign import sign
from monitor.cli.incident.store import as_of_now, by_role, incident_of, refilled, renew, rewritten, role_of
from monitor.cli.incident.text import incident_lines, incident_row
from monitor.cli.terminal import by_the_page
from monitor.cli.today import judged_now
from schedules.times.zone import span_of

if TYPE_CHECKING:
    from alerts.incident import Incident

_cause = click.option("--cause", default="", help="What caused it, in a few words that are counted in later reports.")


@click.group("incident")
def command() -> None:
    """List incidents, log one by hand, note, complete the draft, sign and close.

    People are named by role, never by name.

    Example: ninethirty incident list --open
    """


for _verb in (action, add, draft, sign):
    command.add_command(_verb)


@command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over, or whose report is owed.")
@of_producer
@click.option("--from", "first", type=Day(), help="First day of occurrence.")
@click.option("--to", "last", type=Day(), help="Last day of occurrence.")
@as_json
@click.pass_obj
@by_the_page
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
        current, now = as_of_now(context, store), context.now()
        told = ((one, store.verdicts.drafts(one.id)) for one in reversed(found) if producer in (None, *one.producers))
        chosen = [
            (current.incident(one, now), drafts)
            for one, drafts in told
            if not only_open or one.closed is None or is_owed(one, drafts)
        ]
    if as_json:
        print_json([incident_json(incident, drafts) for incident, drafts in chosen])
    elif chosen:
        heads = ["OCCURRED", "GRADE", "KIND", "HOW LATE", "STANDING", "DRAFT", "INCIDENT", "TITLE"]
        table([incident_row(*each) for each in chosen], heads)
    else:
        click.echo("No incident.")


@command.command("show")
@click.argument("incident", shell_complete=incidents)
@as_json
@click.pass_obj
@by_the_page
def show(context: Context, *, incident: str, as_json: bool) -> None:
    """Tell all that is known of an INCIDENT, and what is to be done next.

    Example: ninethirty incident show malpractice-2017-2018-01-05
    """
    from monitor.deliver.incident_json import incident_json
    from monitor.deliver.platform import related

    with context.store() as store:
        renew(context, store, incident_of(store.verdicts, incident).id)
        found = as_of_now(context, store).incident(incident_of(store.verdicts, incident), context.now())
        drafts, judged = store.verdicts.drafts(incident), judged_now(context, store, found.release)
        held_up = [one.id for one in related(store.verdicts, found)]
    if as_json:
        print_json(incident_json(found, drafts) | {"related": held_up})
        return
    for line in incident_lines(found, drafts, judged, held_up, context.name_of(found.producer)):
        click.echo(line)


@command.command("note")
@click.argument("incident", shell_complete=incidents)
@click.argument("text", required=False)
@click.option("--at", metavar="TIME", default="", help="When it happened, local: a call, a post. Default now.")
@click.option("--mail", type=click.File("rb"), metavar="FILE.eml", help="An e-mail that users got; TEXT says what.")
@_cause
@click.option("--assign", metavar="ROLE", default="", help="Give it to another role, which then is to act.")
@click.option("--brought-forward", metavar="TIME", help="To when it was decided to bring the release forward, local.")
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
    """Say that you have an INCIDENT: add a line to its timeline, or, without TEXT, no more than that.

    Example: ninethirty incident note malpractice-2017-2018-01-05 "web team called" --by "duty statistician"
    """
    from alerts.by_hand import acknowledge, bring_forward, log_cause, note_mail
    from alerts.by_hand import assign as given
    from alerts.by_hand import cite_others as citing
    from alerts.by_hand import note as noted
    from alerts.incident import MONITOR, SIGNED

    role, now, data = role_of(by), context.now(), mail.read() if mail else b""

    def told(known: Incident) -> Incident:
        zone = context.settings.timezone
        is_note = (text is not None or at) and mail is None
        # Whoever gives it away does not have it.
        had = known if assign else acknowledge(known, role, now)
        had = noted(known, role, text or "", now, at, zone) if is_note else had
        had = note_mail(had, role, data, text or "", now) if mail else had
        had = given(had, role, assign, now)
        had = bring_forward(had, role, brought_forward, now, zone) if brought_forward else had
        had = citing(had, role, now) if cite_others else had
        return log_cause(had, role, cause, now)

    with context.store() as store:
        changed = rewritten(context, store, incident, told)
        if at and changed.timeline[-1].by == MONITOR:
            click.echo(changed.timeline[-1].text, err=True)
        # What was signed is not amended by a note, but by a decision or a wish.
        if brought_forward or cite_others or SIGNED not in changed.words:
            refilled(context, store, changed)
    is_more = text is not None or mail or cause or assign
    _done(context, incident, "noted" if is_more else "acknowledged", as_json=as_json)


@command.command("close")
@click.argument("incident", shell_complete=incidents)
@click.option("--text", default="", help="Why it is over.")
@_cause
@by_role
@as_json
@click.pass_obj
def close(context: Context, *, incident: str, text: str, cause: str, by: str | None, as_json: bool) -> None:
    """Close an INCIDENT. New facts may open it again.

    Example: ninethirty incident close malpractice-2017-2018-01-05 --by "head of profession"
    """
    from alerts.by_hand import close as closed
    from alerts.by_hand import log_cause

    role, now = role_of(by), context.now()
    with context.store() as store:
        rewritten(context, store, incident, lambda known: closed(log_cause(known, role, cause, now), role, now, text))
    _done(context, incident, "closed", as_json=as_json)


@command.command("waive")
@click.argument("incident", shell_complete=incidents)
@click.option("--reason", required=True, help="Why no report will be made; kept in the timeline.")
@by_role
@as_json
@click.pass_obj
def waive(context: Context, *, incident: str, reason: str, by: str | None, as_json: bool) -> None:
    """Say that no report will be made of an INCIDENT, and why: it is closed, and no longer listed as owed.

    Example: ninethirty incident waive quarterly-2018-01-05 --reason "sent by letter" --by "head of profession"
    """
    from alerts.by_hand import waive as waived

    role, now = role_of(by), context.now()
    with context.store() as store:
        rewritten(context, store, incident, lambda known: waived(known, role, reason, now))
    _done(context, incident, "report waived", as_json=as_json)


@command.command("export")
@click.argument("incident", shell_complete=incidents)
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def export(context: Context, *, incident: str, file: Path, as_json: bool) -> None:
    """Write the evidence of an INCIDENT, with its hashes, to the zip FILE, which must not be there yet.

    Where several monitors share a store, each exports the evidence on its own machine, and tells whose is missing.

    Example: ninethirty incident export malpractice-2017-2018-01-05 evidence.zip
    """
    from monitor.store.evidence.bundle import export as exported

    with context.store() as store:
        folder = Path(context.settings.evidence.folder)
        renew(context, store, incident_of(store.verdicts, incident).id)
        known = as_of_now(context, store).incident(incident_of(store.verdicts, incident), context.now())
        made = exported(store, folder, known, file, context.now(), context.own_monitors(store))
    if as_json:
        print_json({"incident": incident, "file": str(file), "records": made.records, "elsewhere": made.elsewhere})
        return
    click.echo(f"{file}: {made.records} records of evidence")
    for monitor, records in made.elsewhere.items():
        click.echo(f"{records} more lie with the monitor {monitor}: export there too")


def _done(context: Context, incident: str, what: str, *, as_json: bool) -> None:
    from monitor.deliver.incident_json import incident_json

    if not as_json:
        click.echo(f"{incident}: {what}")
        return
    with context.store() as store:
        print_json(incident_json(incident_of(store.verdicts, incident), store.verdicts.drafts(incident)))
