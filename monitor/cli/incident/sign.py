"""`ninethirty incident sign`: sign a report, and write it with evidence and letters into one
folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from alerts.draft.report import report_from_json
from alerts.draft.write.outline import Document, has_content
from alerts.incident import Incident
from monitor.cli.common import PATH, Context, bullet_lines, json_verb, write_output
from monitor.cli.complete import incidents
from monitor.cli.incident.draft import FORMATS
from monitor.cli.incident.store import (
    current_incident,
    current_incidents,
    own_template,
    record_act,
    refuse_invalid_input,
    refuse_role,
)
from monitor.deliver.by_hand import SigningBlocked, sign_report
from monitor.deliver.drafts import can_make_pdf, render_draft_or_pdf
from monitor.deliver.incident_json import draft_json
from monitor.deliver.message import redact_draft
from monitor.errors import EnvironmentFault, UserFault
from monitor.store.rows import Draft
from monitor.store.sql.engine import Store


@click.command("sign")
@click.argument("incident", shell_complete=incidents)
@refuse_role
@click.option(
    "--anyway", default="", metavar="REASON", help="Sign despite obstacles; the reason is recorded."
)
@click.option(
    "--output",
    type=PATH,
    metavar="FOLDER",
    help="Where to create the folder INCIDENT; default here.",
)
@click.option(
    "--format",
    "endings",
    type=click.Choice(FORMATS),
    multiple=True,
    help=(
        "Format of every file; repeat it for several. Default: docx, and report and evidence also"
        " as pdf."
    ),
)
@json_verb
def sign(  # one for each option
    context: Context,
    *,
    incident: str,
    anyway: str,
    output: Path | None,
    endings: tuple[str, ...],
) -> None:
    """Sign the draft of an INCIDENT, and write report, evidence and letters into a folder, ready to
    send.

    The signed version has a fixed hash, and later changes are marked as amendments. Without
    --anyway, it refuses to sign while a required box is empty, a choice has not been made, or the
    release is still overdue or exposed.

    Example: ninethirty incident sign malpractice-2017-2018-01-05
    """
    context.actor(signs=True)  # raises `NotAllowed` before anything is made
    with context.store() as store:
        # This measures the delay again, because a signed report states it at the time of signing.
        known = current_incident(context, store, incident)
        folder = (output or Path()) / incident
        # If the folder cannot be created, the report must not be signed. If signing is refused, the
        # folder is removed.
        made_folders = _make_folder(folder)
        try:
            _sign_report(context, store, known, anyway)
        except UserFault:
            # Innermost first, because only an empty folder can be removed.
            for each in made_folders:
                each.rmdir()
            raise
        signed = store.verdicts.drafts(incident)[-1]
    files = [str(file) for file in _write_documents(context, signed, known, folder, endings)]
    lines = [f"{incident}: version {signed.version} signed off, SHA-256 {signed.digest}", *files]
    context.print_result({**draft_json(signed), "files": files}, lines)


def _sign_report(context: Context, store: Store, known: Incident, anyway: str) -> None:
    """Sign the report.

    Raises `UserFault` with every obstacle, unless `anyway` gives a reason to sign.
    """
    now, role = context.now(), context.actor(signs=True).role
    recorder = current_incidents(context, store).record
    with store.transaction() as tx, refuse_invalid_input():
        try:
            sign_report(tx, recorder, known, role, now, anyway=anyway)
            record_act(context, tx, "signed_off", known.id, now)
        except SigningBlocked as exc:
            obstacles = "\n".join(bullet_lines(map(str, exc.obstacles)))
            raise UserFault(f"{exc}:\n{obstacles}\nTo sign anyway, give --anyway REASON") from exc


def _make_folder(folder: Path) -> list[Path]:
    """Create a folder with its parents.

    Return the new ones, innermost first. Raises `EnvironmentFault`.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise EnvironmentFault(f"{folder}: cannot be created: {exc.strerror}") from exc
    return made


def _write_documents(
    context: Context, draft: Draft, incident: Incident, folder: Path, endings: Sequence[str]
) -> Iterator[Path]:
    """Write report, evidence and letters, and yield each file.

    `endings` are requested formats (empty: defaults).

    If one cannot be written, its fault is printed and the rest is left out.
    """
    template = own_template(context, incident.producer)
    redacted = redact_draft(draft, context.hide)
    report = report_from_json(redacted.facts)
    # LINES are the lines for ministers and press.
    letters = [
        each
        for each in (Document.COVERING, Document.CORRECTION, Document.LINES)
        if has_content(report, each)
    ]
    documents = [
        (Document.REPORT, "report", endings or ("docx", "pdf")),
        (Document.EVIDENCE, "evidence", endings or ("pdf" if can_make_pdf() else "docx",)),
        *((each, f"letters/{each}", endings or ("docx",)) for each in letters),
    ]
    files = [
        (each, folder / f"{name}.{ending}", ending)
        for each, name, formats in documents
        for ending in formats
    ]
    # PDF is last: without LibreOffice every other file is written.
    for document, file, ending in sorted(files, key=lambda each: each[2] == "pdf"):
        try:
            file.parent.mkdir(exist_ok=True)
            write_output(
                render_draft_or_pdf(redacted, ending, template, document),
                file,
                ending,
                names_file=False,
            )
        except (OSError, EnvironmentFault) as fault:
            click.echo(str(fault), err=True)
            return
        yield file
