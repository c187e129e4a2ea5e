"""`ninethirty incident draft`: show, complete and list the versions of an incident's report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

import click

from alerts.draft.edits import INSTEAD_PREFIX, Conflict, find_wrong_numbers, list_open_fields
from alerts.draft.report import Report, report_from_json
from alerts.draft.versions import Version, Versions
from alerts.draft.write.outline import Document
from monitor.cli.common import (
    PATH,
    Context,
    bullet_lines,
    choose_format,
    json_verb,
    print_json,
    read_input,
    table_lines,
    write_output,
)
from monitor.cli.complete import incidents
from monitor.cli.incident.store import (
    change_draft,
    current_incident,
    incident_of,
    is_attended,
    own_template,
    redraft_for_steps,
    refuse_role,
)
from monitor.deliver.by_hand import merge_texts
from monitor.deliver.drafts import render_draft_or_pdf, versions_from_rows
from monitor.deliver.incident_json import draft_json
from monitor.deliver.message import redact_draft
from monitor.errors import UserFault, unknown_name
from monitor.store.rows import Draft
from monitor.store.sql.engine import Store
from schedules.times.words import stamp

FORMATS = ("md", "html", "docx", "odt", "pdf")
DOCUMENTS = ("draft", "report", "evidence", "to-do", "email", "statement", "correction", "lines")
_COLUMN = 52


@click.command("draft")
@click.argument("incident", shell_complete=incidents)
@click.option(
    "--format", "ending", type=click.Choice(FORMATS), help="Default: by --output, else md."
)
@click.option("--output", type=PATH, metavar="FILE", help="File to write; default the terminal.")
@click.option(
    "--document", type=click.Choice(DOCUMENTS), help="Default draft; once signed, report."
)
@click.option(
    "--version", "number", type=int, metavar="N", help="An earlier version; default the last."
)
@click.option(
    "--versions", "list_versions", is_flag=True, help="List every version with its changes."
)
@click.option("--fields", "list_fields", is_flag=True, help="List the fields and who fills them.")
@click.option(
    "--field", metavar="ID", help="Complete this field: with --text, --file, or in $EDITOR."
)
@click.option("--text", help="Its text, word for word; an empty text clears the field.")
@click.option("--file", type=PATH, help="A text file with its text.")
@click.option("--instead", is_flag=True, help="Replace the measured text; the evidence keeps that.")
@refuse_role
@json_verb
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
) -> None:
    """Print or save the draft of an INCIDENT, list its fields or versions, or complete a field.

    Text that a person wrote is never changed by new measurements, and every version is kept.

    Example: ninethirty incident draft malpractice-2017-2018-01-05 --output report.docx
    """
    if field is not None:
        complete_field(context, incident, field, _read_typed_text(text, file), instead=instead)
    elif list_versions:
        print_versions(context, find_drafts(context, incident))
    elif list_fields:
        _print_fields(context, _find_version(context, incident, number))
    elif context.as_json:
        found = _find_version(context, incident, number)
        print_json({**draft_json(found), "report": found.facts, "words": found.words})
    else:
        _write_document(context, _find_version(context, incident, number), ending, output, document)


def complete_field(  # one for each option
    context: Context, incident: str, field: str, text: str | None, *, instead: bool
) -> None:
    """Save a person's text in a field, and print how many fields are left.

    If `text` is None, open $EDITOR.

    A step of the report is the field `step.ID`. With `instead`, the text replaces the measured one.
    Raises `UnknownName` for an unknown field.
    """
    context.actor()  # raises `NotAllowed` before an editor opens
    with context.store() as store:
        draft_before = find_drafts(context, incident)[-1]
        report = report_from_json(draft_before.facts)
        names = [each.id for each in report.fields()] + [f"step.{step.id}" for step in report.steps]
        if field not in names:
            raise unknown_name(
                "field", field, names, listed_by=f"ninethirty incident draft {incident} --fields"
            )
        # An editor may stay open for an hour, so its text is merged with what others saved since
        # the version that it showed. A text of --text or --file replaces the newest text instead
        # (`merge_texts` gets None).
        version_in_editor = draft_before.version if text is None else None
        words = {field: _ask_in_editor(draft_before, field) if text is None else text}
        if instead:
            # marks the text as a replacement of the measured one
            words[f"{INSTEAD_PREFIX}{field}"] = "yes"
        saved, conflicts = _merge_and_save(context, store, incident, words, version_in_editor)
        # A completed step changes the text of the report. Then this adds one more version after
        # `saved`.
        redraft_for_steps(context, store, incident, [field])
        newest_draft = store.verdicts.drafts(incident)[-1]
    print_conflicts(conflicts)
    warn_of_unmeasured_figures(saved.report, [field])
    summary = (
        f"{incident}: version {saved.number}, {len(list_open_fields(saved.report))} to complete"
    )
    context.print_result(draft_json(newest_draft), summary)


def _merge_and_save(
    context: Context,
    store: Store,
    incident: str,
    words: Mapping[str, str],
    number_read: int | None,
) -> tuple[Version, tuple[Conflict, ...]]:
    """Save typed texts as a new version.

    Return it, and the texts that others changed since version `number_read`.
    """
    conflicts: tuple[Conflict, ...] = ()
    now, role = context.now(), context.actor().role

    def merge(versions: Versions) -> Versions:
        nonlocal conflicts  # `change_draft` takes only the versions
        merged, conflicts = merge_texts(versions, words, number_read, role, now)
        return merged

    saved = change_draft(context, store, incident, now, merge)[-1]
    return saved, conflicts


def _read_typed_text(text: str | None, file: Path | None) -> str | None:
    """Return the text of --text or --file, or None without either.

    Raises `UsageError` if both are given.
    """
    if text is not None and file is not None:
        raise click.UsageError("give either --text or --file, not both")
    if file is None:
        return text
    try:
        return read_input(file).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise UserFault(f"{file}: cannot be read: is not UTF-8 text") from exc


def _ask_in_editor(draft: Draft, field: str) -> str:
    """Return the text of a field after a person edited it in $EDITOR.

    Raises `UserFault` without a change.
    """
    if not is_attended():
        raise UserFault(f"give the text of {field}: --text or --file")
    edited = click.edit(draft.words.get(field, ""), require_save=True, extension=".txt")
    if edited is None:
        raise UserFault("you saved no change in the editor, so the draft is unchanged")
    return edited.rstrip("\n")


def find_drafts(context: Context, incident: str) -> list[Draft]:
    """Return all versions of an incident's draft. Raises `UserFault` if it has none."""
    with context.store() as store:
        drafts = store.verdicts.drafts(incident_of(store.verdicts, incident).id)
    if not drafts:
        raise UserFault(f"incident {incident} has no draft")
    return drafts


def _find_version(context: Context, incident: str, number: int | None) -> Draft:
    """Return version `number` of a draft.

    None: the last version, after redrafting it if it is outdated.
    """
    if number is None:
        with context.store() as store:
            current_incident(context, store, incident)  # this redrafts the report if it is outdated
    drafts = find_drafts(context, incident)
    found = [one for one in drafts if number in (None, one.version)]
    if not found:
        raise UserFault(
            f"incident {incident} has no version {number} of its draft, the last is"
            f" {drafts[-1].version}"
        )
    return found[-1]


def _write_document(
    context: Context, draft: Draft, ending: str | None, output: Path | None, document: str | None
) -> None:
    """Write a draft or signed report, or the letter named by `document`, to a file or the
    terminal.
    """
    kind = choose_format(ending, output, FORMATS, "md")
    with context.store() as store:
        template = own_template(context, incident_of(store.verdicts, draft.incident).producer)
    chosen = Document(document) if document else None
    write_output(
        render_draft_or_pdf(redact_draft(draft, context.hide), kind, template, chosen), output, kind
    )


def _print_fields(context: Context, draft: Draft) -> None:
    """Print every field with its status, and how to complete one."""
    rows = list(_field_rows(report_from_json(draft.facts)))
    heads = ["field", "filled_by", "standing", "label"]
    lines = table_lines(rows, [head.upper().replace("_", " ") for head in heads])
    note = f'\nninethirty incident draft {shlex.quote(draft.incident)} --field ID --text "..."'
    context.print_result([dict(zip(heads, row, strict=True)) for row in rows], lines, note=note)


def _field_rows(report: Report) -> Iterator[list[str]]:
    """Yield the field, who fills it, its status and its label, for each field and step.

    The status is `contested` if two people wrote different texts or a measurement changed after the
    answer, `said` if a person wrote it, `filled` if the monitor did, else `to complete`. Of a step
    it is `done` or `to do`.
    """
    open_fields = set(list_open_fields(report))
    for field in report.fields():
        # A field with an answer is still open only if the answer has the wordings of two people.
        has_two_wordings = field.answer is not None and field.id in open_fields
        if field.is_contested or has_two_wordings:
            status = "contested"
        elif field.answer is not None:
            status = "said"
        else:
            status = "to complete" if field.id in open_fields else "filled"
        yield [field.id, field.filled_by.value, status, report.label_of(field.id)]
    for step in report.steps:
        yield [f"step.{step.id}", "human", "done" if step.done else "to do", step.text]


def print_versions(context: Context, drafts: Sequence[Draft]) -> None:
    """Print every version, the oldest first, with the names of the fields that changed."""
    body, lines = [], list[str]()
    for draft, version in zip(drafts, versions_from_rows(drafts), strict=True):
        body.append({**draft_json(draft), "changed": list(version.changed)})
        signed = ", signed off" if version.signed else ""
        lines.append(f"Version {version.number}  {stamp(version.at)}  {version.by}{signed}")
        lines += bullet_lines(
            f"{version.report.label_of(name)} [{name}]" for name in version.changed
        )
    context.print_result(body, lines)


def warn_of_unmeasured_figures(report: Report, changed: Iterable[str]) -> None:
    """Warn on standard error if a changed field replaces a measured text and has figures that are
    not in it.
    """
    for name in changed:
        if wrong := find_wrong_numbers(report, name):
            click.echo(f"{name}: {', '.join(wrong)} is not in the measured text", err=True)


def print_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Print side by side on standard error what two people wrote in one box."""
    for one in conflicts:
        click.echo(
            f"{one.field}: another person changed this box too. It has both texts now: edit it"
            " to one",
            err=True,
        )
        stored, typed = (
            ["AS IT STOOD", *_wrap_lines(one.stored)],
            ["AS YOU WROTE IT", *_wrap_lines(one.typed)],
        )
        for left, right in zip_longest(stored, typed, fillvalue=""):
            click.echo(f"  {left.ljust(_COLUMN)} | {right}".rstrip(), err=True)


def _wrap_lines(text: str) -> list[str]:
    return [line for each in text.split("\n") for line in wrap(each, _COLUMN) or [""]]
