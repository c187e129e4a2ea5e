"""`ninethirty incident draft`: the report of an incident shown, completed, listed by version."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, as_json, deliver, items, print_json, table
from monitor.cli.complete import incidents
from monitor.cli.incident.store import by_role, incident_of, is_attended, renew, role_of, tell_steps
from monitor.cli.incident.take_back import say, take_back, tell_apart, tell_conflicts
from monitor.errors import UserFault, unknown
from schedules.times.words import stamp

if TYPE_CHECKING:
    from alerts.draft.report import Report
    from alerts.draft.versions import Version
    from monitor.store.rows import Draft


FORMATS = ("md", "html", "docx", "odt", "pdf")
DOCUMENTS = ("draft", "report", "evidence", "to-do", "email", "statement", "correction", "lines")
_FROM = "Take what was typed into a draft saved as .docx, .odt, .html or .md."


@click.command("draft")
@click.argument("incident", shell_complete=incidents)
@click.option("--format", "ending", type=click.Choice(FORMATS), help="Default that of --output, else md.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it here, not to the terminal.")
@click.option("--document", type=click.Choice(DOCUMENTS), help="Default draft; once signed, report.")
@click.option("--version", "number", type=int, metavar="N", help="An earlier version; default the last.")
@click.option("--versions", "list_versions", is_flag=True, help="List every version: when, by whom, what changed.")
@click.option("--fields", "list_fields", is_flag=True, help="List the fields and who fills them.")
@click.option("--field", metavar="ID", help="Complete this field: with --text, --file, or in $EDITOR.")
@click.option("--text", help="What it is to say, word for word; empty opens the box again.")
@click.option("--file", type=click.Path(path_type=Path), help="A text file that holds what it is to say.")
@click.option("--instead", is_flag=True, help="It stands in place of what was measured, which the evidence keeps.")
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

    What a person wrote is kept word for word through every new measurement, and every version is kept.

    Example: ninethirty incident draft malpractice-2017-2018-01-05 --output report.docx
    """
    if edited_file is not None:
        take_back(context, incident, edited_file, by, as_json=as_json)
    elif field is not None:
        complete(context, incident, field, _given(text, file), by, instead=instead, as_json=as_json)
    elif list_versions:
        print_versions(_drafts_of(context, incident), as_json=as_json)
    elif list_fields:
        _print_fields(_version(context, incident, number), as_json=as_json)
    elif as_json:
        from monitor.deliver.incident_json import draft_json

        found = _version(context, incident, number)
        print_json({**draft_json(found), "report": found.facts, "words": found.words})
    else:
        _write(context, _version(context, incident, number), ending, output, document)


def complete(  # noqa: PLR0913 # one for each option
    context: Context, incident: str, field: str, text: str | None, by: str | None, *, instead: bool, as_json: bool
) -> None:
    """Write what a person says in a field, asking in $EDITOR when no text is given. Raises `UnknownName`."""
    from alerts.draft.edits import INSTEAD, to_complete
    from monitor.deliver.incident_json import draft_json

    role = role_of(by)
    with context.store() as store:
        last = _drafts_of(context, incident)[-1]
        _check_field(_report(last), field)
        # An editor may stay open for an hour: what others wrote into the box meanwhile is kept as well.
        read = last.version if text is None else None
        said = _asked_for(last, field) if text is None else text
        words = {field: said, **({f"{INSTEAD}{field}": "yes"} if instead else {})}
        versions, conflicts = say(store, incident, words, read, role, context.now())
        tell_steps(context, store, incident, [field])
        made = store.verdicts.drafts(incident)[-1]
    tell_conflicts(conflicts)
    tell_apart(versions[-1].report, [field])
    if as_json:
        print_json(draft_json(made))
    else:
        click.echo(f"{incident}: version {versions[-1].number}, {len(to_complete(versions[-1].report))} to complete")


def _given(text: str | None, file: Path | None) -> str | None:
    if text is not None and file is not None:
        raise click.UsageError("either --text or --file, not both")
    if file is None:
        return text
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UserFault(f"{file}: cannot be read: {getattr(exc, 'strerror', None) or 'is not UTF-8 text'}") from exc


def _asked_for(last: Draft, field: str) -> str:
    if not is_attended():
        raise UserFault(f"say what {field} is to say: --text or --file")
    said = click.edit(last.words.get(field, ""), require_save=True, extension=".txt")
    if said is None:
        raise UserFault("nothing was saved, so nothing is changed")
    return said.rstrip("\n")


def _drafts_of(context: Context, incident: str) -> list[Draft]:
    with context.store() as store:
        drafts = store.verdicts.drafts(incident_of(store.verdicts, incident).id)
    if not drafts:
        raise UserFault(f"incident {incident} has no draft")
    return drafts


def _version(context: Context, incident: str, number: int | None) -> Draft:
    if number is None:
        with context.store() as store:
            renew(context, store, incident_of(store.verdicts, incident).id)
    drafts = _drafts_of(context, incident)
    found = [one for one in drafts if number in (None, one.version)]
    if not found:
        raise UserFault(f"incident {incident} has no version {number} of its draft, the last is {drafts[-1].version}")
    return found[-1]


def _report(draft: Draft) -> Report:
    from alerts.draft.report import report_from_json

    return report_from_json(draft.facts)


def _check_field(report: Report, field: str) -> None:
    known = [each.id for each in report.fields()] + [f"step.{step.id}" for step in report.steps]
    if field not in known:
        raise unknown("field", field, known)


def _write(context: Context, draft: Draft, ending: str | None, output: Path | None, document: str | None) -> None:
    from alerts.draft.write.outline import Document
    from monitor.app.reporting_options import templates_of
    from monitor.deliver.drafts import filed
    from monitor.deliver.message import redacted

    suffix = output.suffix.removeprefix(".") if output is not None else ""
    kind = ending or (suffix if suffix in FORMATS else "md")
    with context.store() as store:
        producer = incident_of(store.verdicts, draft.incident).producer
    template = templates_of(context.settings, context.path.parent).get(producer)
    which = Document(document) if document else None
    deliver(filed(redacted(draft, context.hide), kind, template, which), output, kind)


def _print_fields(draft: Draft, *, as_json: bool) -> None:
    rows = list(_fields(_report(draft)))
    heads = ["field", "filled_by", "standing", "label"]
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        table(rows, [head.upper().replace("_", " ") for head in heads])
        example = shlex.quote(draft.incident)
        click.echo(f'\nninethirty incident draft {example} --field ID --text "..." --by ROLE', err=True)


def _fields(report: Report) -> Iterator[list[str]]:
    from alerts.draft.edits import to_complete

    waiting = set(to_complete(report))
    for field in report.fields():
        said = "said" if field.answer else "to complete" if field.id in waiting else "filled"
        unsettled = field.contested or (field.answer is not None and field.id in waiting)
        yield [field.id, field.filled_by.value, "contested" if unsettled else said, report.name_of(field.id)]
    for step in report.steps:
        yield [f"step.{step.id}", "human", "done" if step.done else "to do", step.text]


def print_versions(drafts: Sequence[Draft], *, as_json: bool) -> None:
    """Print every version, the oldest first, with the names of what reads otherwise than in the one before."""
    from monitor.deliver.drafts import versions_of
    from monitor.deliver.incident_json import draft_json

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
    yield f"Version {version.number}  {stamp(version.at)}  {version.by}{signed}"
    yield from items(f"{version.report.name_of(name)} [{name}]" for name in version.changed)
