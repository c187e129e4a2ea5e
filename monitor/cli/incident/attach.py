"""`ninethirty incident attach`: keep a file that was sent or signed as evidence."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import click

from monitor.cli.client import open_api
from monitor.cli.common import PATH, Context, json_verb, read_input, refuse_role
from monitor.cli.complete import incidents


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
    content = b64encode(read_input(file)).decode()
    with open_api(context) as api:
        kept = api.post(f"/incidents/{incident}/attachments", name=file.name, content=content)
    digest = kept["attachments"][-1]["sha256"]
    context.print_result(kept, f"{incident}: attached {file.name}, SHA-256 {digest}")
