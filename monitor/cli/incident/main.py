"""`ninethirty incident`: incidents, what people do to them, and their drafts."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from alerts import by_hand
from alerts.incident import MONITOR, SIGNED, Incident
from monitor.cli.common import PATH, Context, json_verb
from monitor.cli.complete import incidents
from monitor.cli.dates import to_local_iso
from monitor.cli.incident.action import action
from monitor.cli.incident.add import add
from monitor.cli.incident.attach import attach
from monitor.cli.incident.draft import draft
from monitor.cli.incident.grade import grade
from monitor.cli.incident.show import list_incidents, show_incident
from monitor.cli.incident.sign import sign
from monitor.cli.incident.step import step
from monitor.cli.incident.store import (
    change_incident,
    current_incident,
    print_incident,
    redraft,
    refuse_role,
)
from monitor.store.evidence.bundle import export_bundle

_cause = click.option(
    "--cause", default="", help="Its cause in a few words; period reports count causes."
)


@click.group("incident")
def command() -> None:
    """List incidents, log one, acknowledge, complete the draft, sign and close.

    Give roles, never names of people.

    Example: ninethirty incident list --open
    """


for _verb in (list_incidents, show_incident, action, add, attach, draft, grade, sign, step):
    command.add_command(_verb)


@command.command("note")
@click.argument("incident", shell_complete=incidents)
@click.argument("text", required=False)
@click.option("--at", metavar="TIME", default="", help="Local time of what you note; default now.")
@click.option(
    "--mail",
    type=click.File("rb"),
    metavar="FILE.eml",
    help="An e-mail that users got; TEXT says what.",
)
@_cause
@click.option("--assign", metavar="ROLE", default="", help="Assign it to another role.")
@click.option(
    "--brought-forward", metavar="TIME", help="Local time to which the release was brought forward."
)
@click.option(
    "--cite-others",
    is_flag=True,
    help="Cite other producers' incidents on the same platform in the draft.",
)
@refuse_role
@json_verb
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
) -> None:
    """Acknowledge an INCIDENT, and add TEXT, an e-mail, its cause or a decision to its timeline if
    you give one.

    With --assign and no text it is assigned, but not acknowledged.

    Example: ninethirty incident note malpractice-2017-2018-01-05 "web team called"
    """
    if mail is not None and at:
        raise click.UsageError("leave out --at: an e-mail is noted at the time it was sent")
    role, now, zone = context.actor().role, context.now(), context.settings.timezone
    mail_bytes = mail.read() if mail is not None else b""

    def apply_options(known: Incident) -> Incident:
        """Return the incident with everything that the options say, in the order of its
        timeline.
        """
        # Every entry by a person acknowledges the incident, except an assignment. So --assign adds
        # no acknowledgement.
        changed = known if assign else by_hand.acknowledge_incident(known, role, now)
        if mail is not None:
            changed = by_hand.note_mail(changed, role, mail_bytes, text or "", now)
        elif text is not None or at:
            changed = by_hand.add_note(changed, role, text or "", now, to_local_iso(at), zone)
        changed = by_hand.assign_role(changed, role, assign, now)
        if brought_forward:
            changed = by_hand.bring_forward(changed, role, to_local_iso(brought_forward), now, zone)
        if cite_others:
            changed = by_hand.cite_other_incidents(changed, role, now)
        return by_hand.record_cause(changed, role, cause, now)

    with context.store() as store:
        changed = change_incident(context, store, incident, "written_by_hand", apply_options)
        for entry in changed.timeline:
            # `by_hand.add_note` adds such an entry as a warning if the time --at is far from the
            # incident.
            if at and entry.by == MONITOR and entry.at == now:
                click.echo(entry.text, err=True)
        # A note does not amend a signed report, but a decision or a request to cite others does.
        if brought_forward or cite_others or SIGNED not in changed.words:
            redraft(context, store, changed)
        is_noted = text is not None or mail or cause or assign
        print_incident(context, store, incident, "noted" if is_noted else "acknowledged")


@command.command("close")
@click.argument("incident", shell_complete=incidents)
@click.option("--text", default="", help="Why you close it.")
@_cause
@refuse_role
@json_verb
def close(context: Context, *, incident: str, text: str, cause: str) -> None:
    """Close an INCIDENT. New facts can open it again.

    Example: ninethirty incident close malpractice-2017-2018-01-05
    """
    role, now = context.actor().role, context.now()

    def record_cause_and_close(known: Incident) -> Incident:
        return by_hand.close_incident(
            by_hand.record_cause(known, role, cause, now), role, now, text
        )

    with context.store() as store:
        change_incident(context, store, incident, "closed", record_cause_and_close)
        print_incident(context, store, incident, "closed")


@command.command("waive")
@click.argument("incident", shell_complete=incidents)
@click.option("--reason", required=True, help="Why no report will be made; kept in the timeline.")
@refuse_role
@json_verb
def waive(context: Context, *, incident: str, reason: str) -> None:
    """Waive the report of an INCIDENT, with a reason.

    This closes it, and its report is no longer owed.

    Example: ninethirty incident waive quarterly-2018-01-05 --reason "sent by letter"
    """
    role, now = context.actor(signs=True).role, context.now()
    with context.store() as store:
        change_incident(
            context,
            store,
            incident,
            "report_waived",
            lambda known: by_hand.waive_report(known, role, reason, now),
        )
        print_incident(context, store, incident, "report waived")


@command.command("export")
@click.argument("incident", shell_complete=incidents)
@click.argument("file", type=PATH)
@json_verb
def export(context: Context, *, incident: str, file: Path) -> None:
    """Write the evidence of an INCIDENT, with its hashes, to the new zip FILE.

    If several monitors share a store, run this on each machine. It lists the evidence that is on
    other machines.

    Example: ninethirty incident export malpractice-2017-2018-01-05 evidence.zip
    """
    with context.store() as store:
        folder = Path(context.settings.evidence.folder)
        known = current_incident(context, store, incident)
        made = export_bundle(store, folder, known, file, context.now(), context.own_monitors(store))
    body = {
        "incident": incident,
        "file": str(file),
        "records": made.records,
        "elsewhere": made.on_other_machines,
    }
    elsewhere = [
        f"{records} more are with the monitor {monitor}: export there too"
        for monitor, records in made.on_other_machines.items()
    ]
    context.print_result(body, [f"{file}: {made.records} records of evidence", *elsewhere])
