"""`ninethirty incident draft`: show, complete and list the versions of an incident's report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from alerts.draft.edits import INSTEAD_PREFIX
from monitor.cli.client import Api, open_api
from monitor.cli.common import (
    PATH,
    Context,
    bullet_lines,
    choose_format,
    json_stamp,
    json_verb,
    print_json,
    read_input,
    table_lines,
    write_output,
)
from monitor.cli.complete import incident_argument
from monitor.cli.terminal import is_attended
from monitor.deliver.drafts import convert_to_pdf
from monitor.errors import UserFault, unknown_name
from schedules.times.json import Json

FORMATS = ("md", "html", "docx", "odt", "pdf")
DOCUMENTS = ("draft", "report", "evidence", "to-do", "email", "statement", "correction", "lines")
amends_option = click.option(
    "--reason", metavar="WHY", help="Why you amend the report; required if it is signed."
)


@click.command("draft")
@incident_argument
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
@amends_option
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
    reason: str | None,
) -> None:
    """Print or save the draft of an INCIDENT, list its fields or versions, or complete a field.

    Text that a person wrote is never changed by new measurements, and every version is kept.

    Example: ninethirty incident draft malpractice-2017-2018-01-05 --output report.docx
    """
    path = f"/incidents/{incident}"
    with open_api(context) as api:
        if field is not None:
            typed = _read_typed_text(text, file)
            saved = _complete_field(api, incident, field, typed, instead=instead, reason=reason)
            print_saved(context, api, saved)
        elif list_versions:
            _print_versions(context, api.get(f"{path}/versions")["versions"])
        elif list_fields:
            _print_fields(context, api.get(f"{path}/answers", version=number))
        elif context.as_json:
            print_json(api.get(f"{path}/version", version=number))
        else:
            kind = choose_format(ending, output, FORMATS)
            content = read_document(api, incident, kind, document=document, version=number)
            write_output(content, output, kind)


def read_document(
    api: Api, incident: str, ending: str, *, document: str | None, version: int | None = None
) -> bytes:
    """Return a draft, or one `document` of it, as a file.

    A PDF is made from a .docx on this machine. Raises `EnvironmentFault` without LibreOffice.
    """
    source = "docx" if ending == "pdf" else ending
    path = f"/incidents/{incident}/draft.{source}"
    content = api.read(path, document=document, version=version)
    if ending == "pdf":
        return convert_to_pdf(content, source)
    return content


def _complete_field(
    api: Api, incident: str, field: str, typed: str | None, *, instead: bool, reason: str | None
) -> Json:
    """Save a person's text in a field, print what is doubtful about it, and return the form.

    If `typed` is None, open $EDITOR. With `instead`, the text replaces the measured one. Raises
    `UnknownName` for an unknown field.
    """
    path = f"/incidents/{incident}/answers"
    form = api.get(path)
    texts = {box["id"]: box["answer"]["text"] if box["answer"] else "" for box in form["boxes"]}
    texts |= {one["id"]: one["done"] for one in form["steps"]}
    if field not in texts:
        listed_by = f"ninethirty incident draft {incident} --fields"
        raise unknown_name("field", field, texts, listed_by=listed_by)
    answers = {field: _ask_in_editor(field, texts[field]) if typed is None else typed}
    if instead:
        answers[f"{INSTEAD_PREFIX}{field}"] = "yes"
    # An editor may stay open for an hour, so its text is merged with what others saved since the
    # version that it showed.
    saved: Json = api.post(
        path, version=form["version"], answers=answers, reason=reason, merge=True
    )
    for one in saved["conflicts"]:
        click.echo(
            f"{one['box']}: another person changed this box too. It has both texts now: edit it"
            " to one",
            err=True,
        )
        for heading, text in (("AS IT STOOD", one["stood"]), ("AS YOU WROTE IT", one["sent"])):
            click.echo("\n".join([heading, *bullet_lines(text.splitlines())]), err=True)
    for box in saved["boxes"]:
        if box["id"] == field and box["unmeasured"]:
            figures = ", ".join(box["unmeasured"])
            click.echo(f"{field}: {figures} is not in the measured text", err=True)
    return saved


def print_saved(context: Context, api: Api, form: Json) -> None:
    """Print the version that was saved, and how many fields are left."""
    versions = api.get(f"/incidents/{form['incident']}")["drafts"]
    context.print_result(versions[-1], form_text(form))


def form_text(form: Json) -> str:
    """Return in one line the version of a form, and how many fields are left."""
    to_complete = sum(box["standing"] == "to complete" for box in form["boxes"])
    return f"{form['incident']}: version {form['version']}, {to_complete} to complete"


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


def _ask_in_editor(field: str, text: str) -> str:
    """Return the text of a field after a person edited it in $EDITOR.

    Raises `UserFault` without a change.
    """
    if not is_attended():
        raise UserFault(f"give the text of {field}: --text or --file")
    edited = click.edit(text, require_save=True, extension=".txt")
    if edited is None:
        raise UserFault("you saved no change in the editor, so the draft is unchanged")
    return edited.rstrip("\n")


def _print_fields(context: Context, form: Json) -> None:
    fields = []
    for box in form["boxes"]:
        field = {"field": box["id"], "filled_by": box["filled_by"], "standing": box["standing"]}
        fields.append(field | {"label": box["label"] or box["section"]})
    for one in form["steps"]:
        standing = "done" if one["done"] else "to do"
        step = {"field": one["id"], "filled_by": "human", "standing": standing}
        fields.append(step | {"label": one["text"]})
    rows = [[*one.values()] for one in fields]
    lines = table_lines(rows, ["FIELD", "FILLED BY", "STATUS", "LABEL"])
    name = shlex.quote(form["incident"])
    note = f'\nninethirty incident draft {name} --field ID --text "..."'
    context.print_result(fields, lines, note=note)


def _print_versions(context: Context, versions: Sequence[Json]) -> None:
    """Print every version, the oldest first, with the names of the fields that changed."""
    body, lines = [], list[str]()
    for one in versions:
        changed = one["changed"]
        body.append({**one, "changed": [field["id"] for field in changed]})
        signed = ", signed off" if one["signed"] else ""
        lines.append(f"Version {one['version']}  {json_stamp(one['at'])}  {one['by']}{signed}")
        lines += bullet_lines(f"{field['label']} [{field['id']}]" for field in changed)
    context.print_result(body, lines)
