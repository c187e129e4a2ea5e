"""`ninethirty incident`: incidents, what people do to them, and their drafts."""

from __future__ import annotations

import click

from monitor.cli.incident import acts
from monitor.cli.incident.draft import draft
from monitor.cli.incident.show import list_incidents, show_incident
from monitor.cli.incident.sign import sign


@click.group(
    "incident",
    commands=[
        list_incidents,
        show_incident,
        acts.action,
        acts.add,
        acts.attach,
        draft,
        acts.grade,
        sign,
        acts.step,
        acts.note,
        acts.close,
        acts.waive,
        acts.export,
    ],
)
def command() -> None:
    """List incidents, log one, acknowledge, complete the draft, sign and close.

    Give roles, never names of people.

    Example: ninethirty incident list --open
    """
