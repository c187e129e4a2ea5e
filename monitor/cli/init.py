"""`ninethirty init`: write a first configuration from options and answers."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.common import PATH, Context, json_verb, log_only_errors, write_output
from monitor.config.organisations import (
    ORGANISATIONS,
    SLUG,
    Organisations,
    find_slugs,
    name_of,
    nearest_slug,
    slug_of,
)
from monitor.config.starter import (
    HOSTS,
    LINK_KEY,
    LOCAL_URL,
    Calendar,
    Chosen,
    Mail,
    kinds_for,
    write_starter,
)
from monitor.errors import BadInput, EnvironmentFault, why_unusable
from schedules.times.zone import LONDON
from schedules.values import did_you_mean

_EXAMPLE_PRODUCERS = ("department-for-transport", "ministry-of-justice", "home-office", "ofqual")
_SERVER = re.compile(r"([\w.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ON_CALL_QUESTION = "On call in weekly turns, as ROLE=ADDRESS (several with commas; Enter: no one)"
_WHERE_SLUG_IS = "the last part of https://www.gov.uk/government/organisations/SLUG"


@dataclass(frozen=True, slots=True)
class Answers:
    """The options and answers as a person gave them.

    `known` are the organisations whose names are accepted.
    """

    producers: tuple[str, ...]
    calendars: tuple[str, ...]
    mail: str | None
    to: tuple[str, ...]
    chat: str | None
    on_call: tuple[str, ...]
    public_url: str | None
    known: Organisations


@dataclass(slots=True)
class Parsed(Chosen):
    """The configuration made from the answers, with one line for each fault of an answer and each
    note about one.
    """

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@click.command("init")
@click.option(
    "--producer",
    "producers",
    multiple=True,
    metavar="SLUG",
    help="A producer: slug, name or acronym.",
)
@click.option(
    "--calendar",
    "calendars",
    multiple=True,
    metavar="KIND[=PLACE]",
    help="govuk, ons, ics=https://…, …",
)
@click.option("--mail", metavar="HOST[:PORT]", help="Mail server.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Who gets mail.")
@click.option("--chat", metavar="VARIABLE", help="Environment variable with the address of a chat.")
@click.option(
    "--on-call",
    multiple=True,
    metavar="ROLE=ADDRESS",
    help="On call in weekly turns, notified by mail.",
)
@click.option("--public-url", metavar="URL", help="Address of the board; notices link there.")
@click.option(
    "--online",
    is_flag=True,
    help="Fetch the organisations from GOV.UK; default those of this version.",
)
@click.option(
    "--files",
    type=PATH,
    metavar="FOLDER",
    help="Write examples, rules, dashboards, … into a new folder.",
)
@click.option("--output", type=PATH, metavar="FILE", help="Default: the file of --config.")
@click.option("--yes", is_flag=True, help="Ask no questions; use defaults.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_verb
def command(
    context: Context,
    /,
    *,
    online: bool,
    files: Path | None,
    output: Path | None,
    yes: bool,
    force: bool,
    **answers: Any,  # noqa: ANN401 # the other options, which are the fields of `Answers`
) -> None:
    """Write a commented configuration that `check` accepts.

    It asks you for absent options, unless you give --yes.

    It also writes the JSON Schema for editors that the first line names. With only --files, it
    writes neither.

    A producer's slug is the last part of its address on GOV.UK. For most producers you can give a
    name or acronym.

    Example: ninethirty init --producer department-for-transport --mail smtp.example.gov.uk --to
    desk@example.gov.uk
    """
    from monitor.config.schema import FILE as SCHEMA_FILE
    from monitor.config.schema import schema_text

    if files is not None and not output and not any(answers.values()):
        _unpack_shipped_files(context, files)
        return
    file = output or context.path
    known = _fetch_organisations() if online else ORGANISATIONS
    given = Answers(known=known, **answers)
    # Calendars follow from producers, and every other option has a default.
    needed = {
        "--producer": given.producers,
        "--mail": given.mail,
        "--to": given.to or not given.mail,
    }
    missing = [option for option, value in needed.items() if not (value or yes)]
    if missing and not sys.stdin.isatty():
        _exit_if_faulty(
            [f"not a terminal: give {', '.join(missing)}, or --yes to use the defaults"]
        )
    may_ask = sys.stdin.isatty() and not yes
    is_replaced = file.exists()
    if is_replaced and may_ask and not force:
        force = click.confirm(f"{file} exists. Replace it?", abort=True)
    if may_ask:
        given = _ask_missing(given)
    found = _parse_answers(given, file, context.now())
    if is_replaced and not force:
        found.faults.insert(
            0, f"--output: {file} exists: give --force to replace it, or another --output FILE"
        )
    text = "" if found.faults else write_starter(found)
    _exit_if_faulty(found.faults or _check_faults(text, file))
    if found.mail is not None:
        _make_link_key(file.parent / LINK_KEY)
    write_output(text.encode(), file, "toml")
    write_output(schema_text().encode(), file.with_name(SCHEMA_FILE), "json", names_file=False)
    _print_result(context, found, file, replaced=is_replaced)
    if files is not None:
        _unpack_shipped_files(context, files)


def _unpack_shipped_files(context: Context, folder: Path) -> None:
    from monitor.config.shipped import unpack

    unpack(folder)
    contents = "examples of configurations, and deploy: Prometheus, Grafana, systemd, Kubernetes"
    context.print_result({"folder": str(folder)}, f"{folder}: {contents}")


def _fetch_organisations() -> Organisations:
    from monitor.app.organisations import fetch_govuk_organisations

    with log_only_errors():
        return asyncio.run(fetch_govuk_organisations())


def _exit_if_faulty(faults: Sequence[str]) -> None:
    """Print the faults, and exit with the status for wrong usage if there are any."""
    for fault in faults:
        click.echo(f"init: {fault}", err=True)
    if faults:
        raise SystemExit(2)


def _make_link_key(file: Path) -> None:
    """Write a new key for the links in notices, which only this account can read.

    An existing key is kept, so that links that were sent stay valid. Raises `EnvironmentFault`.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    except OSError as exc:
        raise EnvironmentFault(f"{file}: cannot be written: {why_unusable(exc)}") from exc
    with os.fdopen(handle, "w", encoding="ascii") as key:
        key.write(f"{secrets.token_urlsafe(32)}\n")


def _check_faults(text: str, file: Path) -> list[str]:
    """Return the faults that `check` would find in the new configuration."""
    from monitor.config.read import check_settings

    try:
        check_settings(tomllib.loads(text), file)
    except BadInput as exc:
        return [*map(str, exc.faults)]
    return []


def _print_result(context: Context, found: Parsed, file: Path, *, replaced: bool) -> None:
    notes = [f"{file}: replaced", *found.notes] if replaced else found.notes
    if not context.as_json:
        for note in notes:
            click.echo(note, err=True)
    kinds = [one.kind for one in found.calendars]
    named = ", ".join(name_of(slug, found.known) for slug in found.producers)
    path = Path(sys.argv[0])
    # A program of this name that the shell would not find is called by its path.
    needs_path = path.name == "ninethirty" and shutil.which("ninethirty") != str(path)
    program = str(path) if needs_path else "ninethirty"
    if file != Path("config.toml"):
        program += f" --config {file}"
    lines = [f"Producers: {named or 'those in the calendars'}", f"Calendars: {', '.join(kinds)}"]
    lines.append(f"Next: {program} check --online, then {program} run")
    context.print_result(
        {"file": str(file), "producers": found.producers, "calendars": kinds, "notes": notes}, lines
    )


def _ask_missing(given: Answers) -> Answers:
    """Return the answers, with those that a person gives now for absent options."""
    producers = given.producers or tuple(_ask_producers(given.known))
    slugs = [slug_of(text, given.known) or text for text in producers]
    usual_kinds = " ".join(one.kind for one in kinds_for(slugs or _EXAMPLE_PRODUCERS))
    question = "Calendars (kinds; your own as KIND=ADDRESS or KIND=FILE)"
    calendars = given.calendars or tuple(str(click.prompt(question, default=usual_kinds)).split())
    mail = given.mail or _ask_text("Mail server, HOST or HOST:PORT (Enter: none)")
    to, on_call = given.to, given.on_call
    if mail and not to:
        to = tuple(str(click.prompt("Who gets mail")).replace(",", " ").split())
    if mail and not on_call:
        on_call = tuple(
            turn.strip() for turn in _ask_text(_ON_CALL_QUESTION).split(",") if turn.strip()
        )
    chat = given.chat or _ask_text("Environment variable with the address of a chat (Enter: none)")
    url = given.public_url or _ask_text("Address of the board, https://… (Enter: not known yet)")
    answers = replace(given, producers=producers, calendars=calendars, mail=mail or None, to=to)
    return replace(answers, chat=chat or None, on_call=on_call, public_url=url or None)


def _ask_text(question: str) -> str:
    """Return the answer to a question, "" if the person only presses Enter."""
    return str(click.prompt(question, default="", show_default=False))


def _ask_producers(known: Organisations) -> Iterator[str]:
    """Ask for producers one after another, and yield the slug of each. An empty answer ends it."""
    while text := _ask_text("Producer: slug, name or acronym (Enter: no more)"):
        if (slug := slug_of(text, known)) is not None:
            click.echo(f"  {slug}")
            yield slug
        elif found := find_slugs(text, known):
            click.echo(
                f"  which of {', '.join(found)}?"
                if len(found) > 1
                else f"  did you mean {found[0]}?"
            )
        elif SLUG.fullmatch(text):
            near = nearest_slug(text, known)
            if click.confirm(
                f"  not in the list{f' (did you mean {near}?)' if near else ''}. Use it anyway?"
            ):
                yield text
        else:
            click.echo(f"  unknown name: give its slug, {_WHERE_SLUG_IS}")


def _parse_answers(given: Answers, file: Path, now: datetime) -> Parsed:
    """Return the configuration that the answers describe, with their faults.

    Turns on call begin on Mondays.
    """
    local = now.astimezone(ZoneInfo(LONDON))
    monday = (local - timedelta(days=local.weekday())).replace(
        hour=9, minute=0, second=0, microsecond=0
    )
    found = Parsed(chat=given.chat, public_url=given.public_url, begins=monday, known=given.known)
    for text in given.producers:
        _parse_producer(text, found)
    if not given.producers and not given.calendars:
        found.producers.extend(_EXAMPLE_PRODUCERS)
        found.notes.append("no producer was given: replace the four example producers by yours")
    for text in given.calendars:
        _parse_calendar(text, found, file.parent)
    if not given.calendars:
        found.calendars.extend(kinds_for(found.producers))
    _parse_mail(given, found)
    _parse_on_call(given, found)
    # The text may be the secret address itself, so it is not quoted.
    if given.chat is not None and not _VARIABLE.fullmatch(given.chat):
        found.faults.append(
            "--chat: give the variable that contains the secret address, such as TEAMS_WORKFLOW"
        )
    return found


def _parse_producer(text: str, found: Parsed) -> None:
    """Add a producer to the configuration, or the fault of its name.

    An unknown slug is added with a note.
    """
    slug = slug_of(text, found.known)
    if slug is None:
        near = nearest_slug(text, found.known) or next(iter(find_slugs(text, found.known)), None)
        meant = f", did you mean {near}?" if near else ""
        if not SLUG.fullmatch(text):
            remedy = meant or f": give its slug, {_WHERE_SLUG_IS}"
            found.faults.append(f'--producer: unknown name{remedy} (got "{text}")')
            return
        # The note may suggest a similar name. The slug is used as given all the same.
        found.notes.append(
            f"{text}: not among the producers of this version{meant or ', but it is used'}"
        )
        slug = text
    if slug not in found.producers:
        found.producers.append(slug)


def _parse_calendar(text: str, found: Parsed, folder: Path) -> None:
    """Add to `found` the calendar of --calendar KIND[=PLACE], or the fault of its kind or place."""
    from schedules.sources.registry import KINDS

    kind, _, place = text.partition("=")
    if kind not in KINDS:
        advice = did_you_mean(kind, KINDS) or f", write one of {', '.join(KINDS)}"
        found.faults.append(f'--calendar: unknown kind{advice} (got "{kind}")')
    elif not place and kind not in HOSTS:  # a kind in `HOSTS` needs no place
        found.faults.append(f"--calendar: give its place: {kind}=https://host/path or {kind}=FILE")
    elif place and "://" not in place and not (folder / place).is_file():
        found.faults.append(f'--calendar: no such file beside the configuration (got "{place}")')
    else:
        found.calendars.append(Calendar(kind, place))


def _parse_on_call(given: Answers, found: Parsed) -> None:
    """Add the roles on call, in weekly turns, to the configuration, and the faults of their names
    and addresses.
    """
    if given.on_call and given.mail is None:
        found.faults.append("--mail: give the mail server, because --on-call needs one")
    for text in given.on_call:
        role, _, mailbox = (part.strip() for part in text.rpartition("="))
        if not role or not _MAILBOX.fullmatch(mailbox):
            found.faults.append(f'--on-call: write "duty A=duty-a@example.gov.uk" (got "{text}")')
        elif role in found.duty:
            found.faults.append(f'--on-call: give each role once (got "{role}" again)')
        # Added despite a fault too, because nothing is written if there are faults.
        found.duty[role] = mailbox


def _parse_mail(given: Answers, found: Parsed) -> None:
    """Add the mail server and recipients to the configuration, or their faults."""
    for recipient in given.to:
        if not _MAILBOX.fullmatch(recipient):
            found.faults.append(
                f'--to: not a mail address, write "desk@example.gov.uk" (got "{recipient}")'
            )
    if given.mail is None:
        if given.to:
            found.faults.append("--mail: give the mail server, because --to needs one")
        return
    server = _SERVER.fullmatch(given.mail)
    port = int(server[2] or 587) if server is not None else 0
    if server is None or port not in range(1, 65536):
        found.faults.append(
            f'--mail: not a server, write "smtp.example.gov.uk" or "HOST:PORT" (got "{given.mail}")'
        )
    elif given.to:
        found.mail = Mail(server[1], port, given.to)
        if given.public_url is None:
            found.notes.append(
                f"notices link to {LOCAL_URL}, which only this machine reaches: set public_url"
            )
    if not given.to:
        found.faults.append("--to: give who gets mail, because --mail needs it")
