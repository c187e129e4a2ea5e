"""`ninethirty incident`: incidents, what people do to them, and their drafts."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import click

from alerts.incident import MONITOR
from monitor.cli.client import open_api
from monitor.cli.common import PATH, Context, json_verb, refuse_role
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
from monitor.errors import UserFault

_cause = click.option("--cause", help="Its cause in a few words; period reports count causes.")


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
@click.option("--at", metavar="TIME", help="Local time of what you note; default now.")
@click.option(
    "--mail",
    type=click.File("rb"),
    metavar="FILE.eml",
    help="An e-mail that users got; TEXT says what.",
)
@_cause
@click.option("--assign", metavar="ROLE", help="Assign it to another role.")
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
def note(  # one for each option
    context: Context,
    /,
    *,
    incident: str,
    text: str | None,
    at: str | None,
    mail: BinaryIO | None,
    cite_others: bool,
    **given: str | None,
) -> None:
    """Acknowledge an INCIDENT, and add TEXT, an e-mail, its cause or a decision to its timeline if
    you give one.

    With --assign and no text it is assigned, but not acknowledged.

    Example: ninethirty incident note malpractice-2017-2018-01-05 "web team called"
    """
    if mail is not None and at:
        raise click.UsageError("leave out --at: an e-mail is noted at the time it was sent")
    earlier = given["brought_forward"]
    notes: dict[str, Any] = {
        "cause": given["cause"],
        "assigned": given["assign"],
        "forward": to_local_iso(earlier) if earlier else None,
        "cite_others": cite_others or None,
        "at": to_local_iso(at) if at else None,
    }
    if mail is None:
        notes["note"] = text
    else:
        notes |= {"mail": b64encode(mail.read()).decode(), "mailed": text}
    adds_anything = any(value is not None for value in notes.values())
    with open_api(context) as api:
        path = f"/incidents/{incident}"
        known = api.get(path)["timeline"] if at else []
        if adds_anything:
            changed = api.post(f"{path}/notes", **notes)
        else:
            changed = api.post(f"{path}/acknowledge")
    # If the time --at is far from the incident, the monitor adds an entry that warns of it.
    for entry in changed["timeline"] if at else ():
        if entry["by"] == MONITOR and entry not in known:
            click.echo(entry["text"], err=True)
    is_noted = text is not None or mail or given["cause"] or given["assign"]
    context.print_result(changed, f"{incident}: {'noted' if is_noted else 'acknowledged'}")


@command.command("close")
@click.argument("incident", shell_complete=incidents)
@click.option("--text", help="Why you close it.")
@_cause
@refuse_role
@json_verb
def close(context: Context, *, incident: str, text: str | None, cause: str | None) -> None:
    """Close an INCIDENT. New facts can open it again.

    Example: ninethirty incident close malpractice-2017-2018-01-05
    """
    with open_api(context) as api:
        closed = api.post(f"/incidents/{incident}/close", reason=text, cause=cause)
    context.print_result(closed, f"{incident}: closed")


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
    with open_api(context) as api:
        waived = api.post(f"/incidents/{incident}/waive", reason=reason)
    context.print_result(waived, f"{incident}: report waived")


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
    with open_api(context) as api:
        content = api.read(f"/incidents/{incident}/evidence.zip")
    try:
        with file.open("xb") as new:
            new.write(content)
    except FileExistsError as exc:
        raise UserFault(f"{file}: exists, name a new file") from exc
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = json.loads(archive.read("manifest.json"))["records"]
    kept_elsewhere = Counter(
        one["monitor"] for one in records if one["path"] is None and one["expired"] is None
    )
    included = sum(one["path"] is not None for one in records)
    body = {
        "incident": incident,
        "file": str(file),
        "records": included,
        "elsewhere": dict(kept_elsewhere),
    }
    elsewhere = [
        f"{count} more are with the monitor {monitor}: export there too"
        for monitor, count in kept_elsewhere.items()
    ]
    context.print_result(body, [f"{file}: {included} records of evidence", *elsewhere])
