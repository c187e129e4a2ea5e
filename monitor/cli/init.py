"""`ninethirty init`: write a first configuration from options and answers."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.common import PATH, Context, json_verb, log_only_errors, write_output
from monitor.cli.dates import today
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
    **given: Any,  # noqa: ANN401 # the other options, which are the fields of `_Answers`
) -> None:
    """Write a commented configuration that `check` accepts.

    It asks you for absent options, unless you give --yes.

    Beside it, it writes the JSON Schema that its first line names for editors. With only --files,
    it writes neither file.

    A producer's slug is the last part of its address on GOV.UK. For most producers you can give a
    name or acronym.

    Example: ninethirty init --producer department-for-transport --mail smtp.example.gov.uk --to
    desk@example.gov.uk
    """
    from monitor.config.read import check_settings
    from monitor.config.schema import FILE as SCHEMA_FILE
    from monitor.config.schema import schema_text

    if files is not None and not output and not any(given.values()):
        _unpack_shipped_files(context, files)
        return
    file = output or context.path
    answers = _Answers(known=_fetch_organisations() if online else ORGANISATIONS, **given)
    # Calendars follow from producers, and every other option has a default.
    needed = {
        "--producer": answers.producers,
        "--mail": answers.mail,
        "--to": answers.to or not answers.mail,
    }
    missing = [option for option, value in needed.items() if not value]
    if missing and not (yes or sys.stdin.isatty()):
        _exit_if_faulty(
            [f"not a terminal: give {', '.join(missing)}, or --yes to use the defaults"]
        )
    may_ask = sys.stdin.isatty() and not yes
    is_replaced = file.exists()
    if is_replaced and may_ask and not force:
        force = click.confirm(f"{file} exists. Replace it?", abort=True)
    if may_ask:
        answers.ask_missing()
    if is_replaced and not force:
        answers.faults.append(
            f"--output: {file} exists: give --force to replace it, or another --output FILE"
        )
    chosen = answers.choose(file.parent)
    _exit_if_faulty(answers.faults)
    text = write_starter(chosen)
    try:
        check_settings(tomllib.loads(text), file)
    except BadInput as exc:
        _exit_if_faulty([*map(str, exc.faults)])
    if chosen.mail is not None:
        _make_link_key(file.parent / LINK_KEY)
    write_output(text.encode(), file, "toml")
    write_output(schema_text().encode(), file.with_name(SCHEMA_FILE), "json", names_file=False)
    notes = answers.notes
    if is_replaced:
        notes = [f"{file}: replaced", *answers.notes]
    _print_result(context, chosen, file, notes)
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
    """Write a new key for the links in notices. Only this account can read it, by the program's
    umask.

    An existing key is kept, so that links that were sent stay valid. Raises `EnvironmentFault`.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="ascii") as key:
            key.write(f"{secrets.token_urlsafe(32)}\n")
    except FileExistsError:
        return
    except OSError as exc:
        raise EnvironmentFault(f"{file}: cannot be written: {why_unusable(exc)}") from exc


def _print_result(context: Context, chosen: Chosen, file: Path, notes: list[str]) -> None:
    if not context.as_json:
        for note in notes:
            click.echo(note, err=True)
    kinds = [one.kind for one in chosen.calendars]
    named = ", ".join(name_of(slug, chosen.known) for slug in chosen.producers)
    path = Path(sys.argv[0])
    # If the shell would not find this program by its name, the hint has its path.
    needs_path = path.name == "ninethirty" and shutil.which("ninethirty") != str(path)
    program = str(path) if needs_path else "ninethirty"
    if file != Path("config.toml"):
        program += f" --config {file}"
    lines = [f"Producers: {named or 'those in the calendars'}", f"Calendars: {', '.join(kinds)}"]
    lines.append(f"Next: {program} check --online, then {program} run")
    body = {"file": str(file), "producers": chosen.producers, "calendars": kinds, "notes": notes}
    context.print_result(body, lines)


@dataclass(slots=True)
class _Answers:
    """The options and answers as a person gave them. Each line of `faults` and `notes` is about one
    of them.

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
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ask_missing(self) -> None:
        """Ask the person at the terminal for each absent option."""
        self.producers = self.producers or tuple(self._ask_producers())
        slugs = [slug_of(text, self.known) or text for text in self.producers]
        usual_kinds = " ".join(one.kind for one in kinds_for(slugs or _EXAMPLE_PRODUCERS))
        question = "Calendars (kinds; your own as KIND=ADDRESS or KIND=FILE)"
        self.calendars = self.calendars or tuple(_ask_text(question, usual_kinds).split())
        self.mail = self.mail or _ask_text("Mail server, HOST or HOST:PORT (Enter: none)")
        if self.mail and not self.to:
            recipients = click.prompt("Who gets mail", type=str)
            self.to = tuple(recipients.replace(",", " ").split())
        if self.mail and not self.on_call:
            turns = _ask_text(_ON_CALL_QUESTION).split(",")
            self.on_call = tuple(turn.strip() for turn in turns if turn.strip())
        question = "Environment variable with the address of a chat (Enter: none)"
        self.chat = self.chat or _ask_text(question)
        question = "Address of the board, https://… (Enter: not known yet)"
        self.public_url = self.public_url or _ask_text(question)

    def _ask_producers(self) -> Iterator[str]:
        """Yield the slug of each producer that the person names. An empty answer is the last."""
        while text := _ask_text("Producer: slug, name or acronym (Enter: no more)"):
            if (slug := slug_of(text, self.known)) is not None:
                click.echo(f"  {slug}")
                yield slug
            elif found := find_slugs(text, self.known):
                several = f"which of {', '.join(found)}?"
                click.echo(f"  {several if found[1:] else f'did you mean {found[0]}?'}")
            elif SLUG.fullmatch(text):
                near = nearest_slug(text, self.known)
                meant = f" (did you mean {near}?)" if near else ""
                if click.confirm(f"  not in the list{meant}. Use it anyway?"):
                    yield text
            else:
                click.echo(f"  unknown name: give its slug, {_WHERE_SLUG_IS}")

    def choose(self, folder: Path) -> Chosen:
        """Return what goes into the configuration in `folder`. Add faults and notes on the answers.

        Turns on call begin on Mondays.
        """
        monday = today() - timedelta(days=today().weekday())
        begins = datetime.combine(monday, time(9), ZoneInfo(LONDON))
        slugs = dict.fromkeys(self._read_producer(text) for text in self.producers)
        producers = [slug for slug in slugs if slug is not None]
        calendars = [self._read_calendar(text, folder) for text in self.calendars]
        if not self.producers and not self.calendars:
            producers = [*_EXAMPLE_PRODUCERS]
            self.notes.append("no producer was given: replace the four example producers by yours")
        chosen = Chosen(
            producers=producers,
            calendars=calendars or kinds_for(producers),
            mail=self._read_mail(),
            chat=self.chat or None,
            duty=self._read_duty(),
            begins=begins,
            public_url=self.public_url or None,
            known=self.known,
        )
        # The text may be the secret address itself, so it is not quoted.
        if self.chat and not _VARIABLE.fullmatch(self.chat):
            self.faults.append(
                "--chat: give the variable that contains the secret address, such as TEAMS_WORKFLOW"
            )
        return chosen

    def _read_producer(self, text: str) -> str | None:
        """Return the slug of a producer, or None for a text that is none.

        An unknown slug gets a note.
        """
        slug = slug_of(text, self.known)
        if slug is not None:
            return slug
        near = nearest_slug(text, self.known) or next(iter(find_slugs(text, self.known)), None)
        meant = f", did you mean {near}?" if near else ""
        if not SLUG.fullmatch(text):
            remedy = meant or f": give its slug, {_WHERE_SLUG_IS}"
            self.faults.append(f'--producer: unknown name{remedy} (got "{text}")')
            return None
        # The note may suggest a similar name. The slug is used as given all the same.
        self.notes.append(
            f"{text}: not among the producers of this version{meant or ', but it is used'}"
        )
        return text

    def _read_calendar(self, text: str, folder: Path) -> Calendar:
        """Return the calendar of --calendar KIND[=PLACE]. If its kind or place is wrong, add a
        fault.
        """
        from schedules.sources.registry import KINDS

        kind, _, place = text.partition("=")
        if kind not in KINDS:
            advice = did_you_mean(kind, KINDS) or f", write one of {', '.join(KINDS)}"
            self.faults.append(f'--calendar: unknown kind{advice} (got "{kind}")')
        elif not place and kind not in HOSTS:  # a kind in `HOSTS` needs no place
            self.faults.append(
                f"--calendar: give its place: {kind}=https://host/path or {kind}=FILE"
            )
        elif place and "://" not in place and not (folder / place).is_file():
            self.faults.append(f'--calendar: no such file beside the configuration (got "{place}")')
        return Calendar(kind, place)

    def _read_mail(self) -> Mail | None:
        """Return the mail server and its recipients, and add their faults."""
        for recipient in self.to:
            if not _MAILBOX.fullmatch(recipient):
                self.faults.append(
                    f'--to: not a mail address, write "desk@example.gov.uk" (got "{recipient}")'
                )
        if not self.mail:
            if self.to:
                self.faults.append("--mail: give the mail server, because --to needs one")
            return None
        if not self.to:
            self.faults.append("--to: give who gets mail, because --mail needs it")
        server = _SERVER.fullmatch(self.mail)
        port = int(server[2] or 587) if server is not None else 0
        if server is None or port not in range(1, 65536):
            self.faults.append(
                '--mail: not a server, write "smtp.example.gov.uk" or "HOST:PORT"'
                f' (got "{self.mail}")'
            )
            return None
        if not self.public_url:
            self.notes.append(
                f"notices link to {LOCAL_URL}, which only this machine reaches: set public_url"
            )
        return Mail(server[1], port, self.to)

    def _read_duty(self) -> dict[str, str]:
        """Return the address of each role on call, in their order, and add their faults."""
        if self.on_call and not self.mail:
            self.faults.append("--mail: give the mail server, because --on-call needs one")
        duty: dict[str, str] = {}
        for text in self.on_call:
            role, _, mailbox = (part.strip() for part in text.rpartition("="))
            if not role or not _MAILBOX.fullmatch(mailbox):
                self.faults.append(
                    f'--on-call: write "duty A=duty-a@example.gov.uk" (got "{text}")'
                )
            elif role in duty:
                self.faults.append(f'--on-call: give each role once (got "{role}" again)')
            # Added despite a fault too, because nothing is written if there are faults.
            duty[role] = mailbox
        return duty


def _ask_text(question: str, default: str = "") -> str:
    """Return the answer to a question, `default` if the person only presses Enter."""
    return str(click.prompt(question, default=default, show_default=bool(default)))
