"""`ninethirty incident attach`: keep a file that was sent or signed as evidence."""

from __future__ import annotations

from pathlib import Path

import click

from alerts import by_hand
from monitor.cli.common import PATH, Context, json_verb, read_input
from monitor.cli.complete import incidents
from monitor.cli.incident.store import (
    change_incident,
    incident_of,
    print_incident,
    refuse_role,
)
from monitor.errors import UserFault
from monitor.store.evidence.attachments import MOST_BYTES, keep_attachment


@click.command("attach")
@click.argument("incident", shell_complete=incidents)
@click.argument("file", type=PATH)
@refuse_role
@json_verb
def attach(context: Context, *, incident: str, file: Path) -> None:
    """Keep FILE, such as the report that was sent, as evidence of an INCIDENT, with its SHA-256.

    Attaching a file signs nothing.

    Example: ninethirty incident attach quarterly-2018-01-05 sent.pdf
    """
    role, now, data = context.actor().role, context.now(), read_input(file)
    if len(data) > MOST_BYTES:
        raise UserFault(f"{file}: larger than {MOST_BYTES >> 20} MB")
    with context.store() as store:
        incident_of(store.verdicts, incident)  # raises `UnknownName` before anything is kept
        digest = keep_attachment(Path(context.settings.evidence.folder), data)
        change_incident(
            context,
            store,
            incident,
            "attached",
            lambda known: by_hand.attach_file(known, role, file.name, digest, now),
        )
        print_incident(context, store, incident, f"attached {file.name}, SHA-256 {digest}")
