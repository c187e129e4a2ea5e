"""What people do to incidents: log, note, tick, attach, grade, close and waive them, and take
evidence out.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click

from alerts.draft.edits import STEP_PREFIX
from alerts.draft.form import load_forms
from alerts.incident import MONITOR
from monitor.cli.client import act, get_json, open_api, post_json
from monitor.cli.common import Context, file_argument, json_verb, read_input, table_lines
from monitor.cli.complete import incident_argument, incidents, producers, releases
from monitor.cli.dates import DAY, LOCAL_TIME, to_local_iso
from monitor.cli.incident.draft import amends_option, print_saved
from monitor.cli.terminal import is_attended
from monitor.errors import UserFault
from schedules.contract.verdict import Grade
from schedules.times.json import Json

_KINDS = ("leak", "access", "early_exposure", "late", "partial", "swapped", "unannounced")
_GRADES = click.Choice([one.value for one in Grade])
_FORMS = [name for name in load_forms() if name != "period"]
_QUESTIONS = {
    "title": "Which statistics (their title)",
    "producer": "Which producer",
    "what": "What happened",
    "when": "When (1 Oct 2016 or 20/3/2017 5pm, several with commas)",
}
_at = click.option("--at", type=LOCAL_TIME, help="Local time when it happened; default now.")
_cause = click.option("--cause", help="Its cause in a few words; period reports count causes.")


@click.command("add")
@click.option(
    "--release", shell_complete=releases, help="Its watched release; fills in title and producer."
)
@click.option("--title", help="Title of the statistics, without --release.")
@click.option("--producer", shell_complete=producers, help="Their producer, without --release.")
@click.option("--what", help="What happened, in a sentence.")
@click.option(
    "--when", help="Local dates or times, several with commas; the first is the occurrence."
)
@click.option("--until", help="Local date and time when it ended.")
@click.option("--due", help="Local date and time when the release was due, or the day.")
@click.option("--page", help="The page of the statistics, without --release.")
@click.option("--url", "urls", multiple=True, help="Where it was seen; repeat it for several.")
@click.option(
    "--sort", type=click.Choice(_KINDS), default="leak", help="Kind of breach; default leak."
)
@click.option("--grade", type=_GRADES, help="Default report.")
@json_verb
def add(context: Context, /, *, urls: tuple[str, ...], **words: str | None) -> None:
    """Log an incident that a person saw. On a terminal it asks you for absent options.

    Example: ninethirty incident add --release malpractice-2017 --what "sent to the wrong list"
    --when 2018-01-04T16:20
    """
    given = {key: text for key, text in words.items() if text}
    # A release has its title and producer.
    needed = ("what", "when") if "release" in given else _QUESTIONS
    missing = [key for key in needed if key not in given]
    if missing and not is_attended():
        raise UserFault("\n".join(f"{key}: is missing" for key in missing))
    for key in missing:
        given[key] = click.prompt(_QUESTIONS[key], err=True)
    for key in given.keys() & {"when", "until", "due"}:
        # Several times are separated by commas.
        given[key] = ",".join(map(to_local_iso, given[key].split(",")))
    logged = post_json(context, "/incidents", url=" ".join(urls) or None, **given)
    is_new = logged.pop("is_new")
    _print_doubts(logged)
    text = f"{logged['id']}: {'logged' if is_new else 'was logged already'}"
    note = f"Complete its draft: ninethirty incident draft {logged['id']} --fields"
    context.print_result(logged, text, note=note)


def _print_doubts(incident: Json, known: Sequence[Json] = ()) -> None:
    """Print on standard error what the monitor itself noted, except what was `known`."""
    for entry in incident["timeline"]:
        if entry["by"] == MONITOR and entry not in known:
            click.echo(entry["text"], err=True)


@click.command("note")
@incident_argument
@click.argument("note", metavar="[TEXT]", required=False)
@_at
@click.option(
    "--mail",
    type=click.File("rb"),
    metavar="FILE.eml",
    help="An e-mail that users got; TEXT says what.",
)
@_cause
@click.option("--assign", "assigned", metavar="ROLE", help="Assign it to another role.")
@click.option(
    "--brought-forward",
    "forward",
    type=LOCAL_TIME,
    help="Local time to which the release was brought forward.",
)
@click.option(
    "--cite-others",
    is_flag=True,
    help="Cite other producers' incidents on the same platform in the draft.",
)
@json_verb
def note(
    context: Context,
    /,
    *,
    incident: str,
    mail: BinaryIO | None,
    cite_others: bool,
    **given: str | None,
) -> None:
    """Acknowledge an INCIDENT, and add TEXT, an e-mail, its cause or a decision to its timeline if
    you give one.

    With --assign and no text it is assigned, but not acknowledged.

    Example: ninethirty incident note malpractice-2017-2018-01-05 "web team called"
    """
    at, text = given["at"], given["note"]
    if mail is not None and at:
        raise click.UsageError("leave out --at: an e-mail is noted at the time it was sent")
    notes: Json = {**given, "cite_others": cite_others or None}
    if mail is not None:
        notes |= {"mail": b64encode(mail.read()).decode(), "mailed": text, "note": None}
    adds_anything = any(value is not None for value in notes.values())
    path = f"/incidents/{incident}"
    with open_api(context) as api:
        known = api.get(path)["timeline"] if at else []
        if adds_anything:
            changed = api.post(f"{path}/notes", **notes)
        else:
            changed = api.post(f"{path}/acknowledge")
    if at:  # the monitor warns of a time far from the incident
        _print_doubts(changed, known)
    is_noted = text is not None or mail or given["cause"] or given["assigned"]
    context.print_result(changed, f"{incident}: {'noted' if is_noted else 'acknowledged'}")


@click.command("step")
@incident_argument
@click.argument("step", metavar="[NAME]", required=False)
@click.argument("note", required=False)
@_at
@amends_option
@json_verb
def step(context: Context, /, *, incident: str, **done: str | None) -> None:
    """Say that the step NAME of an INCIDENT was done, with a NOTE such as a reference.

    The report says so in the past tense, if it concerns its readers. Without NAME, list the steps.

    Example: ninethirty incident step quarterly-2018-01-05 ask-platform "ticket 1234" --at 9.43am
    """
    with open_api(context) as api:
        if done["step"] is not None:
            done["note"] = done["note"] or None
            print_saved(context, api, api.post(f"/incidents/{incident}/steps", **done))
            return
        steps = api.get(f"/incidents/{incident}/answers")["steps"]
    body = []
    for one in steps:
        step_name = one["id"].removeprefix(STEP_PREFIX)
        body.append({"step": step_name, "done": one["done"] or "to do", "text": one["text"]})
    rows = [[*one.values()] for one in body]
    context.print_result(body, table_lines(rows, ["STEP", "DONE", "WHAT"]))


@click.command("attach")
@incident_argument
@file_argument
@json_verb
def attach(context: Context, *, incident: str, file: Path) -> None:
    """Keep FILE, such as the report that was sent, as evidence of an INCIDENT, with its SHA-256.

    Attaching a file signs nothing.

    Example: ninethirty incident attach quarterly-2018-01-05 sent.pdf
    """
    content = b64encode(read_input(file)).decode()
    path = f"/incidents/{incident}/attachments"
    kept = post_json(context, path, name=file.name, content=content)
    digest = kept["attachments"][-1]["sha256"]
    context.print_result(kept, f"{incident}: attached {file.name}, SHA-256 {digest}")


@click.command("grade")
@incident_argument
@click.argument("grade", type=_GRADES)
@click.option("--form", type=click.Choice(_FORMS), help="Form of its draft.")
@click.option("--reason", required=True, help="Why; kept in the timeline.")
@json_verb
def grade(context: Context, /, *, incident: str, **chosen: str | None) -> None:
    """Raise or lower the GRADE of an INCIDENT, whatever the policy says: none, note or report.

    A graver measurement than is known now can still raise it.

    Example: ninethirty incident grade quarterly-2018-01-05 report --form D --reason "market
    sensitive"
    """
    act(context, f"/incidents/{incident}/grade", f"{incident}: graded {chosen['grade']}", **chosen)


@click.command("close")
@incident_argument
@click.option("--text", "reason", help="Why you close it.")
@_cause
@json_verb
def close(context: Context, /, *, incident: str, **why: str | None) -> None:
    """Close an INCIDENT. New facts can open it again.

    Example: ninethirty incident close malpractice-2017-2018-01-05
    """
    act(context, f"/incidents/{incident}/close", f"{incident}: closed", **why)


@click.command("waive")
@incident_argument
@click.option("--reason", required=True, help="Why no report will be made; kept in the timeline.")
@json_verb
def waive(context: Context, /, *, incident: str, **why: str) -> None:
    """Waive the report of an INCIDENT, with a reason.

    This closes it, and its report is no longer owed.

    Example: ninethirty incident waive quarterly-2018-01-05 --reason "sent by letter"
    """
    act(context, f"/incidents/{incident}/waive", f"{incident}: report waived", **why)


@click.command("export")
@incident_argument
@file_argument
@json_verb
def export(context: Context, *, incident: str, file: Path) -> None:
    """Write the evidence of an INCIDENT, with its hashes, to the new zip FILE.

    If several monitors share a store, run this on each machine. It lists the evidence that is on
    other machines.

    Example: ninethirty incident export malpractice-2017-2018-01-05 evidence.zip
    """
    with open_api(context) as api:
        content = api.read(f"/incidents/{incident}/evidence.zip")
    try:
        with file.open("xb") as new:
            new.write(content)
    except FileExistsError as exc:
        raise UserFault(f"{file}: exists, name a new file") from exc
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = json.loads(archive.read("manifest.json"))["records"]
    elsewhere: Counter[str] = Counter()
    included = 0
    for one in records:
        if one["path"] is not None:
            included += 1
        elif one["expired"] is None:
            elsewhere[one["monitor"]] += 1
    body = {"incident": incident, "file": str(file), "records": included, "elsewhere": elsewhere}
    lines = [f"{file}: {included} records of evidence"]
    for monitor, count in elsewhere.items():
        lines.append(f"{count} more are with the monitor {monitor}: export there too")
    context.print_result(body, lines)


@click.group("action")
def action() -> None:
    """Manage the corrective actions of incidents: what must be done, by which role, until when.

    The report lists them as corrective actions until it is signed.

    Example: ninethirty incident action list
    """


@action.command("add")
@incident_argument
@click.option("--text", "action", required=True, help="What must be done.")
@click.option(
    "--owner", metavar="ROLE", required=True, help="Who must do it: a role, never a name."
)
@click.option("--due", type=DAY, required=True, help="Day by which it must be done.")
@json_verb
def add_action(context: Context, /, *, incident: str, **planned: object) -> None:
    """Add a corrective action to an INCIDENT.

    Example: ninethirty incident action add quarterly-2018-01-05 --text "Renew the certificate a
    month before it ends" --owner "web team" --due 2018-02-01
    """
    _change_and_print(context, incident, **planned)


@action.command("done")
@incident_argument
@click.argument("done", metavar="NUMBER", type=int)
@_at
@json_verb
def complete_action(context: Context, /, *, incident: str, **completed: str | int | None) -> None:
    """Mark action NUMBER of an INCIDENT as done.

    Example: ninethirty incident action done quarterly-2018-01-05 1
    """
    _change_and_print(context, incident, **completed)


@action.command("list")
@click.argument("incident", required=False, shell_complete=incidents)
@json_verb
def print_actions(context: Context, *, incident: str | None) -> None:
    """List the actions of an INCIDENT.

    Without INCIDENT, list the open actions of all, the overdue first.

    Example: ninethirty incident action list
    """
    listed = get_json(context, "/actions", incident=incident)["actions"]
    rows = []
    for one in listed:
        status = "OVERDUE" if one["overdue"] else "to do"
        if one["done"]:
            status = "done"
        place = [one["owner"], one["incident"], str(one["number"])]
        rows.append([one["due"], status, *place, one["text"]])
    heads = ["DUE", "STATUS", "OWNER", "INCIDENT", "NO", "ACTION"]
    lines = table_lines(rows, heads, lambda row: row[1] == "OVERDUE", if_empty="No actions.")
    context.print_result(listed, lines)


def _change_and_print(context: Context, incident: str, **change: object) -> None:
    """Change the actions of an incident, and print how many are to do."""
    changed = post_json(context, f"/incidents/{incident}/notes", **change)
    actions = changed["actions"]
    to_do = sum(one["done"] is None for one in actions)
    context.print_result(changed, f"{incident}: {len(actions)} actions, {to_do} to do")
