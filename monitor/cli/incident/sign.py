"""`ninethirty incident sign`: the report signed off, and the papers that it comes apart into as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, as_json, deliver, items, print_json
from monitor.cli.complete import incidents
from monitor.cli.incident.draft import FORMATS
from monitor.cli.incident.store import as_of_now, by_role, incident_of, renew, role_of
from monitor.errors import SurroundingsFault, UserFault

if TYPE_CHECKING:
    from alerts.incident import Incident
    from monitor.deliver.verdicts import VerdictRecord
    from monitor.store.rows import Draft


@click.command("sign")
@click.argument("incident", shell_complete=incidents)
@by_role
@click.option("--anyway", default="", metavar="REASON", help="Sign though something is in the way; why is kept.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FOLDER", help="Default INCIDENT, here.")
@click.option(
    "--format", "endings", type=click.Choice(FORMATS), multiple=True, help="Several may be given; default all."
)
@as_json
@click.pass_obj
def sign(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    incident: str,
    by: str | None,
    anyway: str,
    output: Path | None,
    endings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Sign off the draft of an INCIDENT and write what is sent: its form alone, the evidence, and what is to do.

    Its hash is frozen, and every later change is marked as an amendment. Signing is refused while a required box is
    open, a choice is left in, or the release is still overdue or exposed.

    Example: ninethirty incident sign malpractice-2017-2018-01-05 --by "head of profession"
    """
    from monitor.deliver.incident_json import draft_json

    role = role_of(by)
    with context.store() as store:
        # What is signed says how late it is when it is signed.
        renew(context, store, incident_of(store.verdicts, incident).id)
        known = as_of_now(context, store).incident(incident_of(store.verdicts, incident), context.now())
        folder = _folder(output or Path(incident))
        try:
            _sign(as_of_now(context, store).record, known, role, context.now(), anyway)
        except UserFault:
            if not any(folder.iterdir()):
                folder.rmdir()
            raise
        made = store.verdicts.drafts(incident)[-1]
    files = list(_written(context, made, known, folder, endings or FORMATS))
    if as_json:
        print_json({**draft_json(made), "files": [str(file) for file in files]})
        return
    click.echo(f"{incident}: version {made.version} signed off, SHA-256 {made.digest}")
    for file in files:
        click.echo(str(file))


def _sign(record: VerdictRecord, known: Incident, role: str, now: datetime, anyway: str) -> None:
    """Sign it off. Raises `UserFault` where something is in the way and no reason is given."""
    from alerts.by_hand import NotEnough
    from monitor.deliver.by_hand import InTheWay, signed_off

    with record.store.transaction() as tx:
        try:
            signed_off(tx, record, known, role, now, anyway=anyway)
        except InTheWay as exc:
            told = "\n".join(items(exc.obstacles))
            raise UserFault(f"{exc}:\n{told}\nTo sign all the same: --anyway REASON") from exc
        except NotEnough as exc:
            raise UserFault(str(exc)) from exc


def _folder(folder: Path) -> Path:
    """Return a folder that there is. Raises `SurroundingsFault` before anything is signed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SurroundingsFault(f"{folder}: cannot be made: {exc.strerror}") from exc
    return folder


def _written(
    context: Context, draft: Draft, incident: Incident, folder: Path, endings: Sequence[str]
) -> Iterator[Path]:
    """Write the report and all that goes with it in these formats; yields the files."""
    from alerts.draft.report import report_from_json
    from alerts.draft.write.outline import Document, says
    from monitor.app.reporting_options import templates_of
    from monitor.deliver.drafts import filed
    from monitor.deliver.message import veiled

    template = templates_of(context.settings, context.path.parent).get(incident.producer)
    shown = veiled(draft, context.hide)
    with_it = (Document.EVIDENCE, Document.STEPS, Document.COVERING, Document.CORRECTION, Document.LINES)
    report = report_from_json(shown.facts)
    tails = {Document.REPORT: "", **{each: f"-{each}" for each in with_it if says(report, each)}}
    # Without LibreOffice all the others are there when it is missed.
    for ending in sorted(endings, key="pdf".__eq__):
        for document, tail in tails.items():
            file = folder / f"{incident.id}{tail}.{ending}"
            try:
                deliver(filed(shown, ending, template, document), file, ending, told=False)
            except SurroundingsFault as fault:
                click.echo(str(fault), err=True)
                return
            yield file
