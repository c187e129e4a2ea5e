"""`ninethirty incident draft --versions`: when each version was made, in which role, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from monitor.cli.common import print_json
from monitor.cli.say import items, local

if TYPE_CHECKING:
    from alerts.draft.versions import Version
    from monitor.record.rows import Draft


def print_versions(drafts: Sequence[Draft], *, as_json: bool) -> None:
    """Print every version, the oldest first, with the names of what reads otherwise than in the one before."""
    from monitor.deliver.drafts import versions_of
    from monitor.incident_json import draft_json

    versions = versions_of(drafts)
    if as_json:
        rows = zip(drafts, versions, strict=True)
        print_json([{**draft_json(draft), "changed": list(version.changed)} for draft, version in rows])
        return
    for version in versions:
        for line in _lines(version):
            click.echo(line)


def _lines(version: Version) -> Iterator[str]:
    signed = ", signed off" if version.signed else ""
    yield f"Version {version.number}  {local(version.at)}  {version.by}{signed}"
    yield from items(f"{version.report.name_of(name)} [{name}]" for name in version.changed)
