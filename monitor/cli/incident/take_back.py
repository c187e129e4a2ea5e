"""`ninethirty incident draft --from FILE`: what a person typed into the file of a draft comes back into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, print_json
from monitor.cli.incident.store import incident_of, redrafted, role_of, tell_steps
from monitor.errors import UserFault

if TYPE_CHECKING:
    from alerts.draft.report import Report
    from alerts.draft.take_back import Conflict, Taken
    from alerts.draft.versions import Versions
    from monitor.store.sql.engine import Store

_COLUMN = 52


def take_back(context: Context, incident: str, file: Path, by: str | None, *, as_json: bool) -> None:
    """Write what differs in a file from what we had written into the draft, as a new version.

    Raises `UserFault` for a file that is no draft of ours, or that holds words outside every box.
    """
    from alerts.draft.edits import INSTEAD
    from alerts.draft.versions import edited
    from monitor.app.reporting_options import templates_of
    from monitor.deliver.incident_json import draft_json

    data, ending = _data(file)
    role = role_of(by)
    found: list[Taken] = []

    def change(known: Versions) -> Versions:
        read = _taken(known, data, ending, role, file, own)
        found.append(read)
        base = next(one.report for one in known if one.number == read.base)
        return edited(known, read.words, role, context.now(), base) if read.words else known

    with context.store() as store:
        own = templates_of(context.settings, context.path.parent).get(incident_of(store.verdicts, incident).producer)
        changed = redrafted(store, incident, change)
        tell_steps(context, store, incident, found[-1].words)
        made = store.verdicts.drafts(incident)[-1]
    read = found[-1]
    names = sorted(name for name in read.words if not name.startswith(INSTEAD))
    tell_apart(changed[-1].report, read.words)
    if as_json:
        conflicts = [{"field": one.field, "stood": one.stood, "typed": one.typed} for one in read.conflicts]
        told = {"from": read.base, "changed": names, "conflicts": conflicts}
        print_json({**draft_json(made), **told})
        return
    said = f"changed {', '.join(names)}" if names else "nothing is changed"
    click.echo(f"{incident}: version {made.version}, {said} (the file was of version {read.base})")
    tell_conflicts(read.conflicts)


def say(
    store: Store, incident: str, words: Mapping[str, str], read: int | None, role: str, now: datetime
) -> tuple[Versions, tuple[Conflict, ...]]:
    """Write words into boxes; `read` is the version that the person began with, None when it does not matter."""
    from monitor.deliver.by_hand import said

    conflicts: list[Conflict] = []

    def change(known: Versions) -> Versions:
        versions, found = said(known, words, read, role, now)
        conflicts.extend(found)
        return versions

    return redrafted(store, incident, change), tuple(conflicts)


def tell_apart(report: Report, changed: Iterable[str]) -> None:
    """Say on standard error where words in place of what was measured differ from it in a number or a time."""
    from alerts.draft.edits import figures_apart

    for name in changed:
        if apart := figures_apart(report, name):
            click.echo(f"{name}: {', '.join(apart)} is not among what was measured there", err=True)


def tell_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Show on standard error, side by side, what two people wrote in one box."""
    for one in conflicts:
        click.echo(
            f"{one.field}: someone else wrote here meanwhile; both wordings stand in it, make them one", err=True
        )
        for line in _beside(one.stood, one.typed):
            click.echo(line, err=True)


def _data(file: Path) -> tuple[bytes, str]:
    from alerts.draft.take_back import READERS

    ending = file.suffix.removeprefix(".").lower()
    if ending not in READERS:
        raise UserFault(f"{file}: words are read back from .{', .'.join(READERS)} alone")
    try:
        return file.read_bytes(), ending
    except OSError as exc:
        raise UserFault(f"{file}: cannot be read: {exc.strerror}") from exc


def _taken(known: Versions, data: bytes, ending: str, role: str, file: Path, own: Path | None) -> Taken:
    from alerts.draft.read.places import Unreadable
    from alerts.draft.take_back import taken

    try:
        return taken(known, data, ending, role, own.read_bytes() if own is not None and own.is_file() else None)
    except Unreadable as exc:
        raise UserFault(f"{file}: {exc}") from exc


def _beside(left: str, right: str) -> Iterator[str]:
    columns = [["AS IT STOOD", *_wrapped(left)], ["FROM THE FILE", *_wrapped(right)]]
    for one, other in zip_longest(*columns, fillvalue=""):
        yield f"  {one.ljust(_COLUMN)} | {other}".rstrip()


def _wrapped(text: str) -> list[str]:
    return [line for each in text.split("\n") for line in wrap(each, _COLUMN) or [""]]
