"""The verb `ninethirty incident sign`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from alerts.draft.report import report_from_json
from alerts.draft.write.outline import Document, has_content
from monitor.cli.client import Api, RefusedByMonitor, open_api
from monitor.cli.common import (
    PATH,
    Context,
    bullet_lines,
    json_verb,
    write_output,
)
from monitor.cli.complete import incident_argument
from monitor.cli.incident.draft import FORMATS, read_document
from monitor.deliver.drafts import can_make_pdf
from monitor.errors import EnvironmentFault, UserFault
from schedules.times.json import Json


@click.command("sign")
@incident_argument
@click.option("--anyway", metavar="REASON", help="Sign despite obstacles; the reason is recorded.")
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
        "Format of every file; repeat it for several. Default: docx, the report also as pdf. The"
        " evidence is pdf, or without LibreOffice docx."
    ),
)
@json_verb
def sign(
    context: Context,
    *,
    incident: str,
    anyway: str | None,
    output: Path | None,
    endings: tuple[str, ...],
) -> None:
    """Sign the draft of an INCIDENT, and write report, evidence and letters into a folder, ready to
    send.

    The signed version has a fixed hash, and later changes are marked as amendments. Without
    --anyway, it refuses to sign while a required box is empty, a choice has not been made, or the
    release is still overdue or exposed. Only an account with the right `head` may sign.

    Example: ninethirty incident sign malpractice-2017-2018-01-05
    """
    # A calendar may give an id with `../`.
    folder = (output or Path()) / incident.replace("/", "-")
    with open_api(context) as api:
        api.get(f"/incidents/{incident}/version")  # raises for an unknown incident
        # Without a folder for its files, the report must not be signed.
        made_folders = _make_folder(folder)
        try:
            api.post(f"/incidents/{incident}/sign", anyway=anyway or None)
        except RefusedByMonitor as exc:
            # Innermost first, because only an empty folder can be removed.
            for each in made_folders:
                each.rmdir()
            obstacles = exc.problem.get("obstacles")
            if obstacles is None:
                raise
            lines = "\n".join(bullet_lines(obstacles))
            raise UserFault(f"{exc}:\n{lines}\nTo sign anyway, give --anyway REASON") from exc
        signed = api.get(f"/incidents/{incident}/version")
        report = signed.pop("report")
        signed.pop("words")
        files = [str(file) for file in _write_documents(api, incident, report, folder, endings)]
    version = f"version {signed['version']} signed off, SHA-256 {signed['digest']}"
    context.print_result({**signed, "files": files}, [f"{incident}: {version}", *files])


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
    api: Api, incident: str, facts: Json, folder: Path, endings: Sequence[str]
) -> Iterator[Path]:
    """Write report, evidence and letters, and yield each file.

    `facts` are those of the report, `endings` are requested formats (empty: defaults).

    At the first that cannot be written, print its fault and stop. The report stays signed.
    """
    report = report_from_json(facts)
    # LINES are the lines for ministers and press.
    kinds = (Document.COVERING, Document.CORRECTION, Document.LINES)
    letters = [each for each in kinds if has_content(report, each)]
    documents = [
        (Document.REPORT, "report", endings or ("docx", "pdf")),
        (Document.EVIDENCE, "evidence", endings or ("pdf" if can_make_pdf() else "docx",)),
        *((each, f"letters/{each}", endings or ("docx",)) for each in letters),
    ]
    files = []
    for each, name, formats in documents:
        files += [(each, folder / f"{name}.{ending}", ending) for ending in formats]
    # PDF is last: without LibreOffice every other file is written.
    for document, file, ending in sorted(files, key=lambda each: each[2] == "pdf"):
        try:
            content = read_document(api, incident, ending, document=document)
            file.parent.mkdir(exist_ok=True)
            write_output(content, file, ending, names_file=False)
        except (OSError, EnvironmentFault) as fault:
            click.echo(str(fault), err=True)
            return
        yield file
