"""The verb `ninethirty check`."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import click

from alerts.channels.settings import ChannelSettings
from alerts.notice import Notice
from alerts.rota import Rota
from alerts.routes import select_channels
from monitor.cli.calendar import read_once
from monitor.cli.common import Context, json_verb
from monitor.cli.dates import today
from monitor.cli.plan import plan_day
from monitor.clock import SystemClock
from monitor.config.doubts import Doubt, Known, find_doubts
from monitor.config.read import load
from monitor.config.schema import schema_text
from monitor.config.secrets import find_secrets
from monitor.config.settings import Settings
from monitor.errors import BadInput, Fault, NinethirtyError, StoreTooOld, UserFault
from monitor.ledger.reader import Outcome
from monitor.ledger.rota import add_stored_shifts
from monitor.look.sandbox.confine import describe_missing
from monitor.store.open import file_of
from monitor.store.sql.engine import Store
from monitor.web.users import find_faults
from schedules.announcement import BY_HAND, Announcement, State
from schedules.release import Release
from schedules.slot import Slot
from schedules.source import Reading
from schedules.sources.registry import KINDS
from schedules.sources.settings import CalendarSettings
from schedules.times.json import Json
from schedules.times.words import instant_text, stamp
from schedules.values import Secret, quote_value

_DAYS_AHEAD = 7
_MOST_NOTES = 5
"""Remarks that are shown of each calendar."""
_RECENT = timedelta(days=400)
"""A `match` is tested on stored releases that were due within this time or are still due."""


@click.command("check")
@click.option(
    "--online", is_flag=True, help="Also read every calendar once, and query the sign-in provider."
)
@click.option(
    "--schema", is_flag=True, help="Print the JSON Schema of the configuration for editors instead."
)
@json_verb
def command(context: Context, *, online: bool, schema: bool) -> None:
    """Check configuration, store, templates and channels, and report all faults at once.

    Exit status 1 if there is any.

    It also warns of probable mistakes in settings. It shows what the monitor will do: what it
    watches in the next seven days, whom it notifies, who can see what, and which budgets are too
    small.

    Example: ninethirty --config config.toml check --online
    """
    if schema:
        click.echo(schema_text(), nl=False)
        return
    check = _Check(context)
    check.run(online=online)
    faults, warnings = check.faults, check.warnings
    if not context.as_json:
        for line in (*faults, *(f"WARNING: {warning}" for warning in warnings)):
            click.echo(line, err=True)
    body: Json = {"ok": not faults, "faults": faults}
    if faults:  # the rest needs a configuration without faults
        context.print_result(body, (), ok=False)
    else:
        context.print_result(body | check.as_json(), check.lines())


def settings_for_reload(context: Context) -> Settings:
    """Return the checked configuration for a reload. Raises `BadInput` if it is not valid.

    Raises `UserFault` with all faults of what it names: secrets, the users file, folders and
    calendar files. The store is not checked, because a running monitor cannot change it.
    """
    check = _Check(context)
    check.faults += check.settings_faults()
    for table in context.settings.calendar:
        if table.file is not None:
            check.read_calendar(table)
    if check.faults:
        raise UserFault("\n".join(check.faults))
    return context.settings


@dataclass(slots=True)
class _Check:
    """Checks a configuration and everything that it names, and keeps what it found.

    From the store, and from the calendars that it reads: the number of `entries` of each calendar,
    the known releases (`announced`), and `next_slot` and `next_producers` of the next one. From the
    store only: how many releases of each producer are `due` in the next days (None before the first
    read of a calendar), and the `budget_warnings` for these days.
    """

    context: Context
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    due: dict[str, int] | None = None
    budget_warnings: list[str] = field(default_factory=list)
    rotas: dict[str, Rota] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    announced: list[Release | Announcement] = field(default_factory=list)
    next_slot: datetime | None = None
    next_producers: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """Return the checked configuration. Raises `BadInput`."""
        return self.context.settings

    def run(self, *, online: bool) -> None:
        """Do all checks. If the configuration or the store has faults, nothing else is checked."""
        from monitor.app.options import make_rotas
        from monitor.cli.on_call import read_rotas

        try:
            self.faults += [*self.settings_faults(), *self._store_faults()]
        except BadInput as exc:
            self.faults += [*map(str, exc.faults), *self._missing_secrets()]
        if self.faults:
            return
        self.rotas = make_rotas(self.settings)
        self._add_stored_facts()
        for table in self.settings.calendar:
            if online or table.file is not None:
                self._check_calendar(table, online=online)
        if online:
            self.faults += self._provider_faults()
        self.rotas = asyncio.run(read_rotas(self.context, self.rotas, online=online))
        rotas = self.rotas.values()
        self.faults += [f"rota {rota.name}: {rota.fault}" for rota in rotas if rota.fault]
        self.warnings += self._find_doubts()

    def settings_faults(self) -> Iterator[str]:
        """Yield absent secrets, faults of the users file, and folders that cannot be written."""
        settings, file = self.settings, self.context.path.name
        for key, secret in find_secrets(settings):
            if missing := secret.why_missing():
                yield f"{file}: {key}: {missing}"
        if settings.web.users_file is not None:
            yield from find_faults(self.context.path.parent / settings.web.users_file)
        folders = {"evidence.folder": settings.evidence.folder}
        for place, channel in enumerate(settings.channel, 1):
            if channel.kind == "folder":
                folders[f"channel[{place}].folder"] = channel.folder
        for key, folder in folders.items():
            if not _is_writable(Path(folder)):
                quoted = quote_value(str(folder))
                yield f"{file}: {key}: the folder cannot be written (got {quoted})"

    def _missing_secrets(self) -> Iterator[str]:
        """Yield the absent secrets of a configuration that was refused, none if it is not readable
        TOML.
        """
        path = self.context.path
        try:
            tables = load(path)
        except BadInput:
            return
        for key, secret in find_secrets(tables):
            located = secret
            if secret.file is not None:
                # Only validation makes the path relative to the configuration.
                located = Secret(file=str(path.parent / secret.file))
            if missing := located.why_missing():
                yield f"{path.name}: {key}: {missing}"

    def _store_faults(self) -> Iterator[str]:
        """Yield the faults of the store. A store that does not exist yet is not a fault."""
        file, key = file_of(self.settings.store.url), f"{self.context.path.name}: store.url"
        if file is not None and not file.exists():
            # A check does not create the store. The first start does.
            if not _is_writable(file.parent):
                folder = quote_value(str(file.parent))
                yield f"{key}: the folder cannot be written (got {folder})"
            return
        # The folder must be writable too, because SQLite creates two files beside the store.
        if file is not None and not (os.access(file, os.W_OK) and _is_writable(file.parent)):
            yield f"{key}: the file cannot be written (got {quote_value(str(file))})"
        try:
            with self.context.store() as store:
                yield from (f"{key}: {fault}" for fault in store.check())
        except StoreTooOld:
            return  # the next start upgrades it, so `_add_stored_facts` only warns of it
        except NinethirtyError as exc:
            yield f"{key}: {exc}"

    def _add_stored_facts(self) -> None:
        """Add what the store says: the forecast, the size of each calendar, and the recent
        releases.

        Add a warning instead if the store must be upgraded first. Without a store, add nothing.
        """
        context = self.context
        if not context.has_store:
            return
        try:
            with context.store() as store:
                self.rotas = add_stored_shifts(self.rotas, store)
                self._forecast_week(store)
                for table in self.settings.calendar:
                    for newest in store.ledger.reads(table.name, 1, usable=True):
                        self.entries[table.name] = newest.entries
                self.announced += store.ledger.releases(context.now() - _RECENT)
        except StoreTooOld as exc:
            self.warnings.append(f"{context.path.name}: store.url: {exc}")

    def _forecast_week(self, store: Store) -> None:
        """Add how many releases fall due in the next seven days, by producer, the next slot, and
        warnings of budgets too small.
        """
        due: Counter[str] = Counter()
        for ahead in range(_DAYS_AHEAD):
            day = today(self.settings.timezone) + timedelta(days=ahead)
            releases, hosts = plan_day(self.context, store, day)
            for one in releases:
                self._note_slot(one.slot, one.release.producers)
            due_producers = [one.release.producer for one in releases if one.is_due]
            due.update(due_producers)
            if due_producers:
                self.budget_warnings += [one.warning for one in hosts if one.warning]
        self.due = dict(due)

    def _note_slot(self, slot: Slot, producers: tuple[str, ...]) -> None:
        """Remember this slot if it is earlier than `next_slot`."""
        at = slot.instant
        if at is None or at <= self.context.now():
            return
        if self.next_slot is None or at < self.next_slot:
            self.next_slot, self.next_producers = at, producers

    def _check_calendar(self, table: CalendarSettings, *, online: bool) -> None:
        """Read a calendar, and add its fault, number of entries and announcements.

        If `online`, the number of entries is also printed.
        """
        outcome = self.read_calendar(table)
        reading = outcome.reading or Reading(())
        name, notes = f"calendar {table.name}", reading.notes
        # A note is a remark of the reader, such as on a status that is not understood.
        self.warnings += [f"{name}: {note}" for note in notes[:_MOST_NOTES]]
        if (more := len(notes) - _MOST_NOTES) > 0:
            self.warnings.append(f"{name}: {more} more: ninethirty calendar read {table.name}")
        self.announced += reading.announcements
        for entry in reading.announcements:
            if entry.state not in (State.CANCELLED, State.POSTPONED):
                self._note_slot(entry.slot, entry.producers)
        if outcome.read.usable:
            self.entries[table.name] = outcome.read.entries
            if online:
                click.echo(f"{name}: {outcome.read.entries} entries", err=True)

    def read_calendar(self, table: CalendarSettings) -> Outcome:
        """Read a calendar, and add its fault. Return the outcome."""
        outcome = asyncio.run(read_once(self.context, table))
        file = self.context.path.parent / str(table.file)
        # The monitor makes this file when it starts.
        is_made_later = table.name == BY_HAND and not file.exists()
        if not (outcome.read.usable or is_made_later):
            fault = self.context.hide(outcome.read.fault)
            ending = Path(table.file or "").suffix.removeprefix(".")
            if ending in KINDS and ending != table.kind:
                fault += f'. Did you mean kind = "{ending}"?'
            self.faults.append(f"calendar {table.name}: {fault}")
        return outcome

    def _provider_faults(self) -> Iterator[str]:
        from monitor.app.options import make_openid
        from monitor.web.provider import Flow, NotSignedOn

        provider = make_openid(self.settings, SystemClock())
        try:
            if provider is not None:
                # The address is not used. To make it, the provider's configuration is read, which
                # raises the fault.
                asyncio.run(provider.sign_on_address(Flow(state="", nonce="", verifier="")))
        except NotSignedOn as fault:
            yield f"{self.context.path.name}: web.oidc: {fault}"

    def _find_doubts(self) -> Iterator[str]:
        """Yield a warning of each valid setting that is probably a mistake."""
        file, now = self.context.path.name, self.context.now()
        uncovered: dict[str, list[str]] = {}
        for rota in self.rotas.values():
            # The shifts are not known if its calendar is at an address and was not read yet.
            if rota.calendar_shifts or rota.settings.url is None:
                zone = rota.timezone
                uncovered[rota.name] = [
                    f"from {stamp(at, zone, weekday=True)} to {stamp(until, zone, weekday=True)}"
                    for at, until in rota.gaps(now, now + timedelta(days=_DAYS_AHEAD))
                ]
        known = Known(self.entries, self.announced, os.environ, uncovered)
        for doubt in (*find_doubts(self.settings, known), *self._refused_addresses()):
            yield str(Fault(file, *doubt))
        for key, secret in find_secrets(self.settings):
            if exposure := secret.why_exposed():
                yield f"{file}: {key}: {exposure}"
        if missing := describe_missing():
            yield (
                f"machine: its kernel lacks {missing}, so workers that read foreign bytes are not"
                " confined"
            )

    def _refused_addresses(self) -> Iterator[Doubt]:
        """Yield each reason why no look may request an address of a release, with one such
        address.
        """
        from monitor.app.options import watch_guard

        guard, example_by_reason = watch_guard(self.settings), dict[str, str]()
        for release in self.announced:
            for url in (release.url, *(part.url for part in release.parts)):
                if url and (why := guard.why_refused(url)) is not None:
                    example_by_reason.setdefault(why, url)
        for why, url in example_by_reason.items():
            key = "network.allow"
            if why.startswith("port"):
                key = "network.ports"
            yield key, f"{why}, so it is not looked at: allow it here", quote_value(url)

    def as_json(self) -> Json:
        """Return the results of the checks as JSON: warnings, forecast, who is on call and who sees
        what.
        """
        now = self.context.now()
        return {
            "warnings": self.warnings,
            "will": {
                "days": _DAYS_AHEAD,
                "due": self.due,
                "told": list(recipient_lines(self.settings)),
                "short": self.budget_warnings,
            },
            "on_call": {name: list(rota.on_call(now)) for name, rota in self.rotas.items()},
            "seen": list(access_lines(self.settings)),
            "next": self._next_slot_line(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the results of the checks as lines of text, with only the number of warnings."""
        warned = ""
        if self.warnings:
            warned = f", warnings: {len(self.warnings)}"
        yield f"{self.context.path}: in order{warned}"
        yield f"due and watched in the next {_DAYS_AHEAD} days: {self._due_text()}"
        yield from recipient_lines(self.settings)
        yield from (f"short: {warning}" for warning in self.budget_warnings)
        if self.due and not self.budget_warnings:
            yield "budgets: enough for every slot"
        for name, one in self.rotas.items():
            yield f"on call now: {name}: {one.describe_on_call(self.context.now())}"
        yield from access_lines(self.settings)
        yield self._next_slot_line()

    def _due_text(self) -> str:
        """Return the number of due releases, in total and by producer."""
        if self.due is None:
            names = ", ".join(one.name for one in self.settings.calendar)
            return f"known after the first read of {names or 'a calendar'}"
        each = ", ".join(f"{producer} {number}" for producer, number in sorted(self.due.items()))
        if each:
            return f"{sum(self.due.values())} ({each})"
        return "nothing"

    def _next_slot_line(self) -> str:
        """Return who is notified if the next release is late, and how they acknowledge it."""
        web, when = self.settings.web, "not known yet"
        if self.next_slot is not None:
            when = instant_text(self.next_slot, self.settings.timezone)
        recipients = self._recipients_of_late()
        if not recipients:
            return f"At the next slot ({when}) no one is notified of a late release."
        ways = []
        if web.has_signed_links:
            where = " on this machine" if web.has_local_links else ""
            ways.append(f"the link in it{where}")
        if web.signs_in:
            ways.append(f"signing in at {web.public_url or web.listen}")
        way = "cannot acknowledge it"
        if ways:
            way = f"can acknowledge by {' or '.join(ways)}"
        late = f"a late release is {' and '.join(recipients)}"
        return f"At the next slot ({when}) {late}; they {way}."

    def _recipients_of_late(self) -> list[str]:
        """Return in words who gets the notice of a late release at the next slot.

        Those by mail come first. Folders notify no one.
        """
        settings, at = self.settings, self.next_slot or self.context.now()
        producer, *others = self.next_producers or ("",)
        late = Notice("", "opened", "", "", producer, "report", ("late",), at, "", "")
        names = [channel.name for channel in settings.channel]
        routed = select_channels(
            late, settings.route, names, at, settings.timezone, producers=others, rotas=self.rotas
        )
        chosen = {name for name, _ in routed}
        mailboxes: dict[str, None] = {}
        sent = []
        for channel in settings.channel:
            if channel.name not in chosen:
                continue
            if channel.kind in ("mail", "notify"):
                mailboxes |= dict.fromkeys(channel.to)
            elif channel.kind != "folder":
                sent.append(f"{channel.name} ({_channel_text(channel)})")
        ways = {"mailed to": mailboxes, "sent to": sent}
        return [f"{way} {', '.join(found)}" for way, found in ways.items() if found]


def recipient_lines(settings: Settings) -> Iterator[str]:
    """Yield one line for each route: who is notified about what.

    The last line says who gets what no route matches.
    """
    described = {
        channel.name: f"{channel.name} ({_channel_text(channel)})" for channel in settings.channel
    }
    every_channel = ", ".join(described.values())
    for rota in settings.rota:
        described[rota.name] = f"{rota.name} (the person on call: {', '.join(rota.who)})"
    for route in settings.route:
        conditions = route.match.model_dump(exclude_none=True)
        subject = ", ".join(f"{key} {value}" for key, value in conditions.items()) or "everything"
        text = ", ".join(described[name] for name in route.channels) or "no one"
        if route.quiet:
            text += f", no notes from {route.quiet[0]:%H:%M} to {route.quiet[1]:%H:%M}"
        if steps := ", then ".join(described[name] for name in route.escalate):
            text += f"; if not acknowledged: {steps}"
        yield f"notified of {subject}: {text}"
    rest = "everything else" if settings.route else "everything"
    yield f"notified of {rest}: {every_channel or 'no one'}"


def _channel_text(channel: ChannelSettings) -> str:
    """Return in words where a channel sends messages, without secrets."""
    match channel.kind:
        case "mail":
            return f"mail to {', '.join(channel.to)} through {channel.host}"
        case "notify":
            return f"GOV.UK Notify to {', '.join(channel.to)}"
        case "folder":
            return f"files in {channel.folder}"
        case kind:
            return kind  # the whole address of another kind, such as a webhook, can be a secret


def access_lines(settings: Settings) -> Iterator[str]:
    """Yield a line on what each kind of visitor sees.

    The last line names the channels that reach more than staff, so get nothing before a slot.
    """
    web = settings.web
    # A leak is an incident: a release was seen in public before its slot.
    board = (
        "promises, and each result after its slot; before the slot no address or status; no leaks"
    )
    public = board if web.public == "board" else "whether the monitor is alive and ready"
    yield f"strangers see: {public}"
    if web.signs_in:
        yield (
            "users of the machine who may write to the socket see everything and can act, but not"
            " sign reports, unless their line says otherwise"
        )
    else:
        yield "users of the machine who may write to the socket have every right"
        yield "people at this machine see: everything"
    if web.users_file:
        yield f"viewers who sign in see: {board}"
        yield "staff who sign in see everything; people whose line ends in :head can sign reports"
    if web.proxy_header:
        rights = ", ".join(f"{name} {right}" for name, right in web.proxy_rights.items())
        yield f"people whom a proxy signs in ({web.proxy_header}) have rights: {rights}"
    if web.oidc is not None:
        rights = ", ".join(f"{value} {right}" for value, right in web.oidc.rights.items())
        issuer = f"{web.oidc.issuer} (OpenID Connect)"
        yield f"people whom {issuer} signs in have rights by {web.oidc.claim}: {rights}"
    if web.token:
        yield "programs with the token see: everything"
    if web.metrics_token:
        yield "programs with the metrics token see: the metrics"
    if web.embargoed_token:
        yield "programs with the embargoed token see: exposures before the slot, in metrics"
    if web.metrics_listen:
        yield f"programs that reach {web.metrics_listen} see: the metrics"
    if settings.alert.open_channels:
        yield f"channels that get no embargoed facts: {', '.join(settings.alert.open_channels)}"


def _is_writable(folder: Path) -> bool:
    nearest = next(
        (each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/")
    )
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
