"""`ninethirty check`: configuration, store, templates and channels, every fault in one go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.calendar.read import read_once
from monitor.cli.common import Context, as_json, print_json
from monitor.cli.on_call import gaps, lines, rotas_of
from monitor.cli.outlook import Outlook, outlook_of
from monitor.clock import SystemClock
from monitor.config.doubts import Announced, Known, find_doubts
from monitor.config.read import load
from monitor.config.schema import schema_text
from monitor.config.settings import Settings
from monitor.errors import BadInput, Fault, NinethirtyError, StoreTooOld, UserFault
from monitor.ledger.reader import Outcome
from monitor.web.users import faults_of
from schedules.sources.settings import CalendarSettings
from schedules.values import Secret, shown

if TYPE_CHECKING:
    from alerts.rota import Rota
    from monitor.store.sql.read_ledger import LedgerStore


_RECENT = timedelta(days=400)
"""How long ago a release may have come out that a pattern of the configuration is meant for."""


@click.command("check")
@click.option("--online", is_flag=True, help="Also read every calendar once, and ask who signs people on.")
@click.option(
    "--schema", is_flag=True, help="Print the JSON Schema of the configuration, for editors, and check nothing."
)
@as_json
@click.pass_obj
def command(context: Context, *, online: bool, schema: bool, as_json: bool) -> None:
    """Check configuration, store, templates and channels; every fault in one go, exit status 1 with any.

    Warns of what is allowed and probably not meant, and tells what the daemon will do: what is watched in the next
    seven days as far as the store knows, who is told, what is seen by whom, which budgets are short.

    Example: ninethirty --config config.toml check --online
    """
    if schema:
        click.echo(schema_text(), nl=False)
        return
    found = _found(context, online=online)
    faults = found.faults
    if as_json:
        print_json({"ok": not faults, "faults": faults} | ({} if faults else _as_json(context, found)))
    for line in [] if as_json else [*faults, *(f"WARNING: {doubt}" for doubt in found.doubts)]:
        click.echo(line, err=True)
    if faults:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"{context.config}: in order" + (f", warnings: {len(found.doubts)}" if found.doubts else ""))
        on_call = lines(context, found.rotas)
        for told in (*found.outlook.lines(context.settings), *on_call, *who_sees(context.settings)):
            click.echo(told)


@dataclass(slots=True)
class _Found:
    """What a check found: faults, doubts, and what will happen."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    outlook: Outlook = field(default_factory=Outlook)
    rotas: list[Rota] = field(default_factory=list)


def _as_json(context: Context, found: _Found) -> dict[str, object]:
    settings, now = context.settings, context.now()
    on_call = {rota.name: list(rota.on_call(now)) for rota in found.rotas}
    will = found.outlook.as_json(settings)
    return {"warnings": found.doubts, "will": will, "on_call": on_call, "seen": who_sees(settings)}


def _found(context: Context, *, online: bool) -> _Found:
    try:
        found = _Found(list(_faults(context)))
    except BadInput as exc:
        return _Found([*map(str, exc.faults), *_unfound(context)])
    if not found.faults:
        _foresee(context, found, online=online)
    return found


def _foresee(context: Context, found: _Found, *, online: bool) -> None:
    """Read what calendars can be read, and reckon what will happen."""
    from monitor.store.open import file_of

    settings = context.settings
    entries: dict[str, int] = {}
    known: list[Announced] = []
    shape = ""
    store_file = file_of(settings.store.url)
    if store_file is None or store_file.exists():
        try:
            with context.store() as store:
                found.outlook = outlook_of(context, store)
                entries = _last_entries(store.ledger, settings)
                known = [
                    Announced(one.producer, one.title, one.url)
                    for one in store.ledger.releases(context.now() - _RECENT)
                ]
                shape = f"its shape, {store.newer}, is of a newer version: upgrade this one" if store.newer else ""
        except StoreTooOld as exc:
            shape = str(exc)
    for table in settings.calendar:
        # A file can be read whenever: no other machine is asked.
        if online or table.file is not None:
            outcome, faults = _read(context, table)
            read, found.faults = outcome.read, [*found.faults, *faults]
            entries |= {table.name: read.entries} if read.usable else {}
            announced = outcome.reading.announcements if outcome.reading is not None else ()
            known += [Announced(one.producer, one.title, one.url or "") for one in announced]
            if online and read.usable:
                click.echo(f"calendar {table.name}: {read.entries} entries", err=True)
    found.faults += list(_unsigned(context)) if online else []
    found.rotas = rotas_of(context, online=online)
    found.faults += [f"rota {rota.name}: {rota.fault}" for rota in found.rotas if rota.fault]
    ahead = {rota.name: gaps(context, rota) for rota in found.rotas if _is_read(context, rota)}
    file, facts = context.path.name, Known(entries, known, os.environ, ahead)
    found.doubts = [str(Fault(file, *each)) for each in find_doubts(settings, facts)]
    found.doubts += [f"{file}: store.url: {shape}"] if shape else []
    exposed = ((key, secret.exposed()) for key, secret in secrets(settings))
    found.doubts += [f"{file}: {key}: {fault}" for key, fault in exposed if fault]


def _unsigned(context: Context) -> Iterator[str]:
    """Yield why the provider that is named would sign nobody on, as it answers now."""
    from monitor.app.reporting_options import provider_of
    from monitor.web.provider import Flow, NotSignedOn

    provider = provider_of(context.settings, SystemClock())
    try:
        if provider is not None:
            asyncio.run(provider.sign_on_address(Flow("", "", "")))
    except NotSignedOn as fault:
        yield f"{context.path.name}: web.oidc: {fault}"


def _is_read(context: Context, rota: Rota) -> bool:
    """Tell whether all is known of who is on call: nobody asked for a calendar that lies elsewhere."""
    return bool(rota.read) or all(table.url is None for table in context.settings.rota if table.name == rota.name)


def _last_entries(ledger: LedgerStore, settings: Settings) -> dict[str, int]:
    reads = ((table.name, [read for read in ledger.reads(table.name) if read.usable]) for table in settings.calendar)
    return {name: usable[0].entries for name, usable in reads if usable}


def who_sees(settings: Settings) -> list[str]:
    """Return what the web shows to whom, one line each."""
    web = settings.web
    board = "promises, and what became of each release once its slot has passed; no address before, no status, no leak"
    strangers = board if web.public == "board" else "whether the monitor lives and is ready"
    machine = ["whoever sits at this machine sees: everything"] if not settings.web.signs_in else []
    rights = ", ".join(f"{name} {right}" for name, right in web.proxy_rights.items())
    vouched = [f"whom a proxy signs on ({web.proxy_header}) acts and sees as: {rights}"] if web.proxy_header else []
    if web.oidc is not None:
        given = ", ".join(f"{value} {right}" for value, right in web.oidc.rights.items())
        vouched += [f"whom {web.oidc.issuer} signs on (OpenID Connect) acts and sees by {web.oidc.claim}: {given}"]
    staff = "staff who sign in see: everything; those whose line ends in :head sign reports"
    people = [f"viewers who sign in see: {board}", staff] if web.users_file else []
    token = ["programs with the token see: everything"] if web.token else []
    metrics = ["programs with the metrics token see: the metrics"] if web.metrics_token else []
    metrics += [f"whoever reaches {web.metrics_listen} sees: the metrics"] if web.metrics_listen else []
    told = ", ".join(settings.alert.open_channels)
    channels = [f"told nothing that is embargoed: the channels {told}"] if told else []
    return [f"strangers see: {strangers}", *machine, *people, *vouched, *token, *metrics, *channels]


def taken(context: Context) -> Settings:
    """Return a configuration that may take the place of the one that runs. Raises `BadInput`, `UserFault`.

    The store is left alone: it cannot be another while a monitor runs.
    """
    settings = context.settings
    files = [table for table in settings.calendar if table.file is not None]
    if faults := [*_faults_around(context), *(fault for table in files for fault in _read(context, table)[1])]:
        raise UserFault("\n".join(faults))
    return settings


def _read(context: Context, table: CalendarSettings) -> tuple[Outcome, list[str]]:
    """Read a calendar once; return what came of it and what is wrong with it."""
    outcome = asyncio.run(read_once(context, table))
    fault = context.hide(outcome.read.fault)
    return outcome, [] if outcome.read.usable else [f"calendar {table.name}: {fault}"]


def _faults(context: Context) -> Iterator[str]:
    yield from _faults_around(context)
    yield from _faults_of_store(context)


def _faults_around(context: Context) -> Iterator[str]:
    settings, file = context.settings, context.path.name
    for key, secret in secrets(settings):
        missing = secret.missing()
        if missing:
            yield f"{file}: {key}: {missing}"
    if settings.web.users_file is not None:
        yield from faults_of(context.path.parent / settings.web.users_file)
    for key, folder in _folders(settings):
        if not _can_be_written(folder):
            yield f"{file}: {key}: the folder cannot be written (got {shown(str(folder))})"


def _faults_of_store(context: Context) -> Iterator[str]:
    from monitor.store.open import file_of

    settings, file = context.settings, context.path.name
    store_file = file_of(settings.store.url)
    if store_file is not None and not store_file.exists():
        # Whoever only asks makes nothing: the first start does.
        if not _can_be_written(store_file.parent):
            yield f"{file}: store.url: the folder cannot be written (got {shown(str(store_file.parent))})"
        return
    if store_file is not None and not (os.access(store_file, os.W_OK) and _can_be_written(store_file.parent)):
        # SQLite keeps two files beside it while it is in use.
        yield f"{file}: store.url: the file may not be written (got {shown(str(store_file))})"
    try:
        with context.store() as store:
            yield from (f"{file}: store.url: {fault}" for fault in store.check())
    except StoreTooOld:
        # The next start mends that; nothing can be told of it before but a warning.
        return
    except NinethirtyError as exc:
        yield f"{file}: store.url: {exc}"


def _unfound(context: Context) -> Iterator[str]:
    """Yield each secret that is not where a configuration with other faults says it is."""
    try:
        tables = load(context.path)
    except BadInput:
        return
    for key, place in _places(tables, ""):
        missing = Secret(**place).missing()
        if missing:
            yield f"{context.path.name}: {key}: {missing}"


def _places(value: object, key: str) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(value, list):
        for place, one in enumerate(value, 1):
            yield from _places(one, f"{key}[{place}]")
    elif (
        isinstance(value, dict)
        and value.keys() in ({"env"}, {"file"})
        and all(isinstance(v, str) for v in value.values())
    ):
        yield key, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, f"{key}.{name}".removeprefix("."))


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "evidence.folder", Path(settings.evidence.folder)
    for place, channel in enumerate(settings.channel, 1):
        if channel.kind == "folder":
            yield f"channel[{place}].folder", Path(channel.folder)


def _can_be_written(folder: Path) -> bool:
    """Tell whether a folder, or the nearest one above it that is there, may be written."""
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """Yield the place of every secret and where it is found."""
    for place, channel in enumerate(settings.channel, 1):
        for name in type(channel).model_fields:
            value = getattr(channel, name)
            if isinstance(value, Secret):
                yield f"channel[{place}].{name}", value
    for key, table in (("web", settings.web), ("web.oidc", settings.web.oidc)):
        for name in type(table).model_fields if table is not None else ():
            value = getattr(table, name)
            if isinstance(value, Secret):
                yield f"{key}.{name}", value
