"""`ninethirty incident sign`: sign a report and write it, its evidence and its letters into one folder."""

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
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to make the folder INCIDENT; default here.",
)
@click.option(
    "--format",
    "endings",
    type=click.Choice(FORMATS),
    multiple=True,
    help="Every file in this format; repeat it for several. Default: docx, with the report and evidence as pdf.",
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
    """Sign off the draft of an INCIDENT and write what you send into a folder: report, evidence and letters.

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
        folder = (output or Path()) / incident
        # Before the signature: a folder that cannot be made must not leave a signed report without its files.
        made_folders = _make_folder(folder)
        try:
            _sign(as_of_now(context, store).record, known, role, context.now(), anyway)
        except UserFault:
            for each in made_folders:
                each.rmdir()
            raise
        made = store.verdicts.drafts(incident)[-1]
    files = list(_written(context, made, known, folder, endings))
    if as_json:
        print_json({**draft_json(made), "files": [str(file) for file in files]})
        return
    click.echo(f"{incident}: version {made.version} signed off, SHA-256 {made.digest}")
    for file in files:
        click.echo(str(file))


def _sign(record: VerdictRecord, known: Incident, role: str, now: datetime, anyway: str) -> None:
    """Sign it off. Raises `UserFault` where something is in the way and no reason is given."""
    from alerts.by_hand import InvalidInput
    from monitor.deliver.by_hand import InTheWay, signed_off

    with record.store.transaction() as tx:
        try:
            signed_off(tx, record, known, role, now, anyway=anyway)
        except InTheWay as exc:
            told = "\n".join(items(exc.obstacles))
            raise UserFault(f"{exc}:\n{told}\nTo sign all the same: --anyway REASON") from exc
        except InvalidInput as exc:
            raise UserFault(str(exc)) from exc


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder; returns each folder that was made for it, innermost first. Raises `SurroundingsFault`."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SurroundingsFault(f"{folder}: cannot be made: {exc.strerror}") from exc
    return made


def _written(
    context: Context, draft: Draft, incident: Incident, folder: Path, endings: Sequence[str]
) -> Iterator[Path]:
    """Write the report and all that goes with it; yields the files. `endings`: the formats asked for, if any were."""
    from alerts.draft.report import report_from_json
    from alerts.draft.write.outline import Document, says
    from monitor.app.reporting_options import templates_of
    from monitor.deliver.drafts import can_make_pdf, filed
    from monitor.deliver.message import redacted

    template = templates_of(context.settings, context.path.parent).get(incident.producer)
    shown = redacted(draft, context.hide)
    report = report_from_json(shown.facts)
    letters = [each for each in (Document.COVERING, Document.CORRECTION, Document.LINES) if says(report, each)]
    wanted = [
        (Document.REPORT, "report", endings or ("docx", "pdf")),
        (Document.EVIDENCE, "evidence", endings or ("pdf" if can_make_pdf() else "docx",)),
        *((each, f"letters/{each}", endings or ("docx",)) for each in letters),
    ]
    files = [(document, folder / f"{name}.{ending}", ending) for document, name, all_ in wanted for ending in all_]
    # PDF is last: without LibreOffice every other file is written.
    for document, file, ending in sorted(files, key=lambda each: each[2] == "pdf"):
        try:
            file.parent.mkdir(exist_ok=True)
            deliver(filed(shown, ending, template, document), file, ending, told=False)
        except (OSError, SurroundingsFault) as fault:
            click.echo(str(fault), err=True)
            return
        yield file
