"""`ninethirty init`: a first configuration, from options and from what is asked."""

from __future__ import annotations

import asyncio
import difflib
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from monitor.cli.common import Context, as_json, deliver, hushed, print_json
from monitor.config.organisations import ORGANISATIONS, SLUG, Organisations, find_slugs, name_of, nearest_slug, slug_of
from monitor.config.starter import OWN_ADDRESS, Calendar, Chosen, Mail, kinds_for, write_starter
from schedules.times.zone import LONDON

_EXAMPLE = ("department-for-transport", "ministry-of-justice", "home-office", "ofqual")
_SERVER = re.compile(r"([\w.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILES = "Write examples, rules for Prometheus, boards for Grafana, … into a new folder, and no configuration."
_TURNS = "On call in weekly turns, as ROLE=ADDRESS (several with commas; Enter: nobody)"
_WHERE = "the last part of https://www.gov.uk/government/organisations/SLUG"


@dataclass(frozen=True, slots=True)
class Given:
    """What a person said, as they said it."""

    producers: tuple[str, ...]
    calendars: tuple[str, ...]
    mail: str | None
    to: tuple[str, ...]
    chat: str | None
    on_call: tuple[str, ...]
    public_url: str | None
    known: Organisations


@dataclass(slots=True)
class Understood(Chosen):
    """What was made of it: every fault and every doubt in one line."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@click.command("init")
@click.option("--producer", "producers", multiple=True, metavar="SLUG", help="A producer: slug, name or acronym.")
@click.option("--calendar", "calendars", multiple=True, metavar="KIND[=PLACE]", help="govuk, ons, ics=https://…, …")
@click.option("--mail", metavar="HOST[:PORT]", help="A server that takes mail.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Who is told by mail.")
@click.option("--chat", metavar="VARIABLE", help="The variable of the environment with the address of a chat.")
@click.option("--on-call", multiple=True, metavar="ROLE=ADDRESS", help="Takes weekly turns with others, told by mail.")
@click.option("--public-url", metavar="URL", help="Where people will reach the board; notices link there.")
@click.option("--online", is_flag=True, help="Ask GOV.UK once for every organisation; else those of this version.")
@click.option("--files", type=click.Path(path_type=Path), metavar="FOLDER", help=_FILES)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: the file of --config.")
@click.option("--yes", is_flag=True, help="Ask nothing: what is not given has its default.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@as_json
@click.pass_obj
def command(  # noqa: PLR0913 # one argument for each option
    context: Context,
    *,
    producers: tuple[str, ...],
    calendars: tuple[str, ...],
    mail: str | None,
    to: tuple[str, ...],
    chat: str | None,
    on_call: tuple[str, ...],
    public_url: str | None,
    online: bool,
    files: Path | None,
    output: Path | None,
    yes: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write a commented configuration that `check` accepts. It asks for what is not given, unless --yes.

    The JSON Schema that its first line names is written beside it, so that editors complete keys.

    A producer's slug is the last part of its address on GOV.UK. Names and acronyms of most are understood too.

    Example: ninethirty init --producer department-for-transport --mail smtp.example.gov.uk --to desk@example.gov.uk
    """
    from monitor.config.schema import FILE as SCHEMA_FILE
    from monitor.config.schema import schema_text

    if files is not None:
        _unpack(files, as_json=as_json)
        return
    file, known = output or context.path, _all_of_govuk() if online else ORGANISATIONS
    given = Given(producers, calendars, mail, to, chat, on_call, public_url, known)
    is_there, unsaid = file.exists(), [] if yes else _unsaid(given)
    if unsaid and not sys.stdin.isatty():
        _refuse([f"nobody is there to be asked: give {', '.join(unsaid)}, or --yes to take what is usual"])
    yes = yes or not sys.stdin.isatty()
    if is_there and not (force or yes):
        force = click.confirm(f"{file} is there already. Replace it?")
    if is_there and not (force or yes):
        raise click.Abort
    found = _understood(given if yes else _asked(given), file, context.now())
    if is_there and not force:
        found.faults.insert(0, f"--output: {file} is there already; --force replaces it, --output FILE writes another")
    text = "" if found.faults else write_starter(found)
    _refuse(found.faults or _faults_of(text, file))
    deliver(text.encode(), file, "toml")
    deliver(schema_text().encode(), file.with_name(SCHEMA_FILE), "json", told=False)
    _tell(found, file, replaced=is_there, as_json=as_json)


def _unpack(folder: Path, *, as_json: bool) -> None:
    from monitor.config.shipped import unpack

    unpack(folder)
    if as_json:
        print_json({"folder": str(folder)})
    else:
        click.echo(f"{folder}: examples of configurations, and deploy: Prometheus, Grafana, systemd, Kubernetes")


def _all_of_govuk() -> Organisations:
    from monitor.app.organisations import all_of_govuk

    with hushed():
        return asyncio.run(all_of_govuk())


def _unsaid(given: Given) -> list[str]:
    """Return the options that only a person could give; calendars follow from producers."""
    said = {
        "--producer": given.producers,
        "--mail": given.mail,
        "--to": given.to or not given.mail,
    }
    return [option for option, text in said.items() if not text]


def _refuse(faults: Sequence[str]) -> None:
    for fault in faults:
        click.echo(f"init: {fault}", err=True)
    if faults:
        raise SystemExit(2)


def _faults_of(text: str, file: Path) -> list[str]:
    """Return what `check` would refuse: the kinds' own needs, and files that are not there."""
    from monitor.config.checks import cross_faults
    from monitor.config.read import validated
    from monitor.config.settings import Settings

    data = tomllib.loads(text)
    settings, faults = validated(data, file.name, Settings, file.parent)
    crossed = (f"{key}: {reason}" for key, reason, _ in cross_faults(data, settings, file.parent))
    return [*map(str, faults), *crossed]


def _tell(found: Understood, file: Path, *, replaced: bool, as_json: bool) -> None:
    notes = [f"{file}: what stood there was replaced"] * replaced + found.notes
    if as_json:
        kinds = [one.kind for one in found.calendars]
        print_json({"file": str(file), "producers": found.producers, "calendars": kinds, "notes": notes})
        return
    for note in notes:
        click.echo(note, err=True)
    named = ", ".join(name_of(slug, found.known) for slug in found.producers)
    click.echo(f"Producers: {named or 'those that the calendars name'}")
    click.echo(f"Calendars: {', '.join(one.kind for one in found.calendars)}")
    called = _called() if file == Path("config.toml") else f"{_called()} --config {file}"
    click.echo(f"Next: {called} check --online, then {called} run")


def _called() -> str:
    """Return how this program was called: in an environment that is not activated its name alone is nothing."""
    there = Path(sys.argv[0])
    return "ninethirty" if there.name != "ninethirty" or shutil.which("ninethirty") == str(there) else str(there)


def _asked(given: Given) -> Given:
    """Ask a person for what was not given."""
    producers = given.producers or tuple(_ask_producers(given.known))
    understood = [slug_of(text, given.known) or text for text in producers]
    usual = " ".join(one.kind for one in kinds_for(understood or _EXAMPLE))
    words = "Calendars (kinds, those of your own as KIND=ADDRESS or KIND=FILE)"
    calendars = given.calendars or tuple(str(click.prompt(words, default=usual)).split())
    mail = given.mail or _ask("Mail server, HOST or HOST:PORT (Enter: none)")
    to = given.to or (tuple(str(click.prompt("Who is told by mail")).replace(",", " ").split()) if mail else ())
    duty = given.on_call or _split(_ask(_TURNS) if mail else "")
    chat = given.chat or _ask("Variable of the environment that holds the address of a chat (Enter: none)")
    url = given.public_url or _ask("Where people will reach the board, https://… (Enter: not known yet)")
    told = replace(given, producers=producers, calendars=calendars, mail=mail or None, to=to)
    return replace(told, chat=chat or None, on_call=duty, public_url=url or None)


def _ask(words: str) -> str:
    return str(click.prompt(words, default="", show_default=False))


def _split(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _ask_producers(known: Organisations) -> Iterator[str]:
    while text := _ask("Producer: slug, name or acronym (Enter: no more)"):
        if (slug := slug_of(text, known)) is not None:
            click.echo(f"  {slug}")
            yield slug
        elif found := find_slugs(text, known):
            click.echo(f"  which of {', '.join(found)}?" if len(found) > 1 else f"  did you mean {found[0]}?")
        elif SLUG.fullmatch(text) and _is_meant(text, known):
            yield text
        else:
            click.echo(f"  not known by that name: give its slug, {_WHERE}")


def _is_meant(text: str, known: Organisations) -> bool:
    near = nearest_slug(text, known)
    return click.confirm(f"  not in the list{f' (did you mean {near}?)' if near else ''}; take it as it is?")


def _understood(given: Given, file: Path, now: datetime) -> Understood:
    here = now.astimezone(ZoneInfo(LONDON))
    begins = (here - timedelta(days=here.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    found = Understood(chat=given.chat, public_url=given.public_url, begins=begins, known=given.known)
    for text in given.producers:
        _take_producer(text, found)
    if not given.producers and not given.calendars:
        found.producers.extend(_EXAMPLE)
        found.notes.append("no producer was given: four are watched as an example, put yours in their place")
    for text in given.calendars:
        _take_calendar(text, found, file.parent)
    if not given.calendars:
        found.calendars.extend(kinds_for(found.producers))
    _take_mail(given, found)
    _take_duty(given, found)
    # What was typed may be the address itself: it is not told.
    if given.chat is not None and not _VARIABLE.fullmatch(given.chat):
        found.faults.append("--chat: name the variable that holds the address, such as TEAMS_WORKFLOW: it is a secret")
    return found


def _take_producer(text: str, found: Understood) -> None:
    slug = slug_of(text, found.known)
    near = nearest_slug(text, found.known) or next(iter(find_slugs(text, found.known)), None)
    meant = f", did you mean {near}?" if near else ""
    if slug is None and not SLUG.fullmatch(text):
        found.faults.append(
            f'--producer: nobody is known by that name{meant or f": give its slug, {_WHERE}"} (got "{text}")'
        )
        return
    if slug is None:
        found.notes.append(f"{text}: not among the producers this version knows{meant or ', so it is taken as it is'}")
    if (slug or text) not in found.producers:
        found.producers.append(slug or text)


def _take_calendar(text: str, found: Understood, folder: Path) -> None:
    from schedules.sources.registry import KINDS

    kind, _, place = text.partition("=")
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        meant = f"did you mean {near[0]}?" if near else f"write one of {', '.join(KINDS)}"
        found.faults.append(f'--calendar: no kind of that name, {meant} (got "{kind}")')
    elif not place and kind not in OWN_ADDRESS:
        found.faults.append(f"--calendar: say where it is: {kind}=https://host/path or {kind}=FILE")
    elif place and "://" not in place and not (folder / place).is_file():
        found.faults.append(f'--calendar: no such file beside the configuration (got "{place}")')
    else:
        found.calendars.append(Calendar(kind, place))


def _take_duty(given: Given, found: Understood) -> None:
    if given.on_call and given.mail is None:
        found.faults.append("--mail: must be given with --on-call: which server takes the mail?")
    for text in given.on_call:
        role, _, mailbox = (part.strip() for part in text.rpartition("="))
        if not role or not _MAILBOX.fullmatch(mailbox):
            found.faults.append(f'--on-call: write "duty A=duty-a@example.gov.uk" (got "{text}")')
        elif role in found.duty:
            found.faults.append(f'--on-call: each role once (got "{role}" again)')
        found.duty[role] = mailbox


def _take_mail(given: Given, found: Understood) -> None:
    wrong = [one for one in given.to if not _MAILBOX.fullmatch(one)]
    found.faults += [f'--to: not a mail address, write "desk@example.gov.uk" (got "{one}")' for one in wrong]
    server = _SERVER.fullmatch(given.mail or "")
    if given.mail is not None and (server is None or int(server[2] or 25) not in range(1, 65536)):
        found.faults.append(f'--mail: not a server, write "smtp.example.gov.uk" or "HOST:PORT" (got "{given.mail}")')
    if given.mail is not None and not given.to:
        found.faults.append("--to: must be given with --mail: who is told?")
    if given.mail is None and given.to:
        found.faults.append("--mail: must be given with --to: which server takes the mail?")
    if server is not None and given.to:
        found.mail = Mail(server[1], int(server[2] or 587), given.to)
