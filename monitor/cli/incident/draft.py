"""`ninethirty incident draft`: show, complete and list the versions of an incident's report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from alerts.draft.edits import INSTEAD_PREFIX, find_wrong_figures, list_open_fields
from alerts.draft.report import Report, report_from_json
from alerts.draft.versions import Version, Versions, append_edit
from alerts.draft.write.outline import Document
from monitor.cli.common import (
    Context,
    as_json,
    bullet_lines,
    choose_format,
    print_json,
    print_result,
    table_lines,
    write_output,
)
from monitor.cli.complete import incidents
from monitor.cli.incident.store import (
    by_role,
    change_draft,
    incident_of,
    is_attended,
    redraft_for_steps,
    redraft_if_outdated,
    role_of,
)
from monitor.deliver.incident_json import draft_json
from monitor.errors import UserFault, unknown
from schedules.times.words import stamp

if TYPE_CHECKING:
    from alerts.draft.take_back import Conflict, FileChanges
    from monitor.store.rows import Draft
    from monitor.store.sql.engine import Store


FORMATS = ("md", "html", "docx", "odt", "pdf")
DOCUMENTS = ("draft", "report", "evidence", "to-do", "email", "statement", "correction", "lines")
_FROM = "Read back a draft that you edited as .docx."
_COLUMN = 52


@click.command("draft")
@click.argument("incident", shell_complete=incidents)
@click.option("--format", "ending", type=click.Choice(FORMATS), help="Default: by --output, else md.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="File to write; default the terminal.")
@click.option("--document", type=click.Choice(DOCUMENTS), help="Default draft; once signed, report.")
@click.option("--version", "number", type=int, metavar="N", help="An earlier version; default the last.")
@click.option("--versions", "list_versions", is_flag=True, help="List every version with its changes.")
@click.option("--fields", "list_fields", is_flag=True, help="List the fields and who fills them.")
@click.option("--field", metavar="ID", help="Complete this field: with --text, --file, or in $EDITOR.")
@click.option("--text", help="Its text, word for word; an empty text clears the field.")
@click.option("--file", type=click.Path(path_type=Path), help="A text file with its text.")
@click.option("--instead", is_flag=True, help="Replace the measured text; the evidence keeps that.")
@click.option("--from", "edited_file", type=click.Path(path_type=Path), metavar="FILE", help=_FROM)
@by_role
@as_json
@click.pass_obj
def draft(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    incident: str,
    ending: str | None,
    output: Path | None,
    document: str | None,
    number: int | None,
    list_versions: bool,
    list_fields: bool,
    field: str | None,
    text: str | None,
    file: Path | None,
    instead: bool,
    edited_file: Path | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Print or save the draft of an INCIDENT, or complete one of its fields.

    Text that a person wrote is never changed by new measurements, and every version is kept.

    Example: ninethirty incident draft malpractice-2017-2018-01-05 --output report.docx
    """
    if edited_file is not None:
        take_back(context, incident, edited_file, by, as_json=as_json)
    elif field is not None:
        complete_field(context, incident, field, _typed_text(text, file), by, instead=instead, as_json=as_json)
    elif list_versions:
        print_versions(_drafts_of(context, incident), as_json=as_json)
    elif list_fields:
        _print_fields(_find_version(context, incident, number), as_json=as_json)
    elif as_json:
        found = _find_version(context, incident, number)
        print_json({**draft_json(found), "report": found.facts, "words": found.words})
    else:
        _write_document(context, _find_version(context, incident, number), ending, output, document)


def complete_field(  # noqa: PLR0913 # one for each option
    context: Context, incident: str, field: str, text: str | None, by: str | None, *, instead: bool, as_json: bool
) -> None:
    """Save a person's text in a field. If `text` is None, open $EDITOR. Raises `UnknownName`."""
    role = role_of(by)
    with context.store() as store:
        last = _drafts_of(context, incident)[-1]
        _check_field(_report_of(last), field)
        # An editor may stay open for an hour. Text that others save in between is kept too.
        read = last.version if text is None else None
        typed = _ask_in_editor(last, field) if text is None else text
        words = {field: typed, **({f"{INSTEAD_PREFIX}{field}": "yes"} if instead else {})}
        versions, conflicts = merge_typed(store, incident, words, read, role, context.now())
        redraft_for_steps(context, store, incident, [field])
        made = store.verdicts.drafts(incident)[-1]
    print_conflicts(conflicts)
    warn_of_other_figures(versions[-1].report, [field])
    text = f"{incident}: version {versions[-1].number}, {len(list_open_fields(versions[-1].report))} to complete"
    print_result(draft_json(made), text, as_json=as_json)


def _typed_text(text: str | None, file: Path | None) -> str | None:
    """Return the text of --text or --file, None without both. Raises `UserFault` if the file cannot be read."""
    if text is not None and file is not None:
        raise click.UsageError("give either --text or --file, not both")
    if file is None:
        return text
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UserFault(f"{file}: cannot be read: {getattr(exc, 'strerror', None) or 'is not UTF-8 text'}") from exc


def _ask_in_editor(last: Draft, field: str) -> str:
    """Return the text of a field after a person edited it in $EDITOR. Raises `UserFault` without a change."""
    if not is_attended():
        raise UserFault(f"give the text of {field}: --text or --file")
    edited = click.edit(last.words.get(field, ""), require_save=True, extension=".txt")
    if edited is None:
        raise UserFault("you saved no change in the editor, so the draft is unchanged")
    return edited.rstrip("\n")


def _drafts_of(context: Context, incident: str) -> list[Draft]:
    """Return all versions of an incident's draft. Raises `UserFault` if it has none."""
    with context.store() as store:
        drafts = store.verdicts.drafts(incident_of(store.verdicts, incident).id)
    if not drafts:
        raise UserFault(f"incident {incident} has no draft")
    return drafts


def _find_version(context: Context, incident: str, number: int | None) -> Draft:
    """Return a version of a draft, by default the last, which is redrafted first if it is outdated."""
    if number is None:
        with context.store() as store:
            redraft_if_outdated(context, store, incident_of(store.verdicts, incident).id)
    drafts = _drafts_of(context, incident)
    found = [one for one in drafts if number in (None, one.version)]
    if not found:
        raise UserFault(f"incident {incident} has no version {number} of its draft, the last is {drafts[-1].version}")
    return found[-1]


def _report_of(draft: Draft) -> Report:
    return report_from_json(draft.facts)


def _check_field(report: Report, field: str) -> None:
    known = [each.id for each in report.fields()] + [f"step.{step.id}" for step in report.steps]
    if field not in known:
        raise unknown("field", field, known)


def _write_document(
    context: Context, draft: Draft, ending: str | None, output: Path | None, document: str | None
) -> None:
    """Write a draft, or one document of it, in a format to a file or the terminal."""
    from monitor.app.reporting_options import report_templates
    from monitor.deliver.drafts import render_draft_or_pdf
    from monitor.deliver.message import redact_draft

    kind = choose_format(ending, output, FORMATS, "md")
    with context.store() as store:
        producer = incident_of(store.verdicts, draft.incident).producer
    template = report_templates(context.settings, context.path.parent).get(producer)
    which = Document(document) if document else None
    write_output(render_draft_or_pdf(redact_draft(draft, context.hide), kind, template, which), output, kind)


def _print_fields(draft: Draft, *, as_json: bool) -> None:
    """Print every field with its status, and how to complete one."""
    rows = list(_field_rows(_report_of(draft)))
    heads = ["field", "filled_by", "standing", "label"]
    lines = table_lines(rows, [head.upper().replace("_", " ") for head in heads])
    print_result([dict(zip(heads, row, strict=True)) for row in rows], lines, as_json=as_json)
    if not as_json:
        name = shlex.quote(draft.incident)
        click.echo(f'\nninethirty incident draft {name} --field ID --text "..." --by ROLE', err=True)


def _field_rows(report: Report) -> Iterator[list[str]]:
    """Yield the field, who fills it, its status and its label, for each field and step."""
    waiting = set(list_open_fields(report))
    for field in report.fields():
        said = "said" if field.answer else "to complete" if field.id in waiting else "filled"
        unsettled = field.is_contested or (field.answer is not None and field.id in waiting)
        yield [field.id, field.filled_by.value, "contested" if unsettled else said, report.label_of(field.id)]
    for step in report.steps:
        yield [f"step.{step.id}", "human", "done" if step.done else "to do", step.text]


def print_versions(drafts: Sequence[Draft], *, as_json: bool) -> None:
    """Print every version, the oldest first, with the names of the fields that changed."""
    from monitor.deliver.drafts import versions_from_rows

    versions = versions_from_rows(drafts)
    rows = zip(drafts, versions, strict=True)
    body = [{**draft_json(draft), "changed": list(version.changed)} for draft, version in rows]
    print_result(body, (line for version in versions for line in _version_lines(version)), as_json=as_json)


def _version_lines(version: Version) -> Iterator[str]:
    signed = ", signed off" if version.signed else ""
    yield f"Version {version.number}  {stamp(version.at)}  {version.by}{signed}"
    yield from bullet_lines(f"{version.report.label_of(name)} [{name}]" for name in version.changed)


def take_back(context: Context, incident: str, file: Path, by: str | None, *, as_json: bool) -> None:
    """Save the changes that a person made in a draft's file as a new version.

    Raises `UserFault` if the file is not one of our drafts, or has new text outside the boxes.
    """
    from monitor.app.reporting_options import report_templates

    data = _read_file(file)
    role = role_of(by)
    found: list[FileChanges] = []

    def change(known: Versions) -> Versions:
        read = _read_typed(known, data, role, file, own)
        found.append(read)
        base = next(one.report for one in known if one.number == read.base)
        return append_edit(known, read.words, role, context.now(), base) if read.words else known

    with context.store() as store:
        producer = incident_of(store.verdicts, incident).producer
        own = report_templates(context.settings, context.path.parent).get(producer)
        changed = change_draft(store, incident, change)
        redraft_for_steps(context, store, incident, found[-1].words)
        made = store.verdicts.drafts(incident)[-1]
    read = found[-1]
    names = sorted(name for name in read.words if not name.startswith(INSTEAD_PREFIX))
    warn_of_other_figures(changed[-1].report, read.words)
    if as_json:
        conflicts = [{"field": one.field, "stood": one.stored, "typed": one.typed} for one in read.conflicts]
        print_json({**draft_json(made), "from": read.base, "changed": names, "conflicts": conflicts})
        return
    changes = f"changed {', '.join(names)}" if names else "nothing is changed"
    click.echo(f"{incident}: version {made.version}, {changes} (the file was of version {read.base})")
    print_conflicts(read.conflicts)


def merge_typed(
    store: Store, incident: str, words: Mapping[str, str], read: int | None, role: str, now: datetime
) -> tuple[Versions, tuple[Conflict, ...]]:
    """Save typed texts (`words`, by box). `read` is the version that the person started from (None: the last).

    Return all versions, and the boxes that another person changed in between.
    """
    from monitor.deliver.by_hand import merge_into_draft

    conflicts: list[Conflict] = []

    def change(known: Versions) -> Versions:
        versions, found = merge_into_draft(known, words, read, role, now)
        conflicts.extend(found)
        return versions

    return change_draft(store, incident, change), tuple(conflicts)


def warn_of_other_figures(report: Report, changed: Iterable[str]) -> None:
    """Warn on standard error if a text that replaces a measurement has other numbers or times."""
    for name in changed:
        if apart := find_wrong_figures(report, name):
            click.echo(f"{name}: {', '.join(apart)} is not in the measured text", err=True)


def print_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Print side by side on standard error what two people wrote in one box."""
    for one in conflicts:
        click.echo(f"{one.field}: another person changed this box too. It has both texts now: edit it to one", err=True)
        for line in _side_by_side(one.stored, one.typed):
            click.echo(line, err=True)


def _read_file(file: Path) -> bytes:
    if file.suffix.lower() != ".docx":
        raise UserFault(
            f"{file}: only .docx files can be read back: give the .docx file, or use the form in the browser"
        )
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UserFault(f"{file}: cannot be read: {exc.strerror}") from exc


def _read_typed(known: Versions, data: bytes, role: str, file: Path, own: Path | None) -> FileChanges:
    """Return the texts that a person changed in a file. Raises `UserFault` if it is not one of our drafts."""
    from alerts.draft.read.places import Unreadable
    from alerts.draft.take_back import find_file_changes

    try:
        return find_file_changes(known, data, role, own.read_bytes() if own is not None and own.is_file() else None)
    except Unreadable as exc:
        raise UserFault(f"{file}: {exc}") from exc


def _side_by_side(left: str, right: str) -> Iterator[str]:
    columns = [["AS IT STOOD", *_wrap_lines(left)], ["FROM THE FILE", *_wrap_lines(right)]]
    for one, other in zip_longest(*columns, fillvalue=""):
        yield f"  {one.ljust(_COLUMN)} | {other}".rstrip()


def _wrap_lines(text: str) -> list[str]:
    return [line for each in text.split("\n") for line in wrap(each, _COLUMN) or [""]]
