"""The verb `ninethirty check`."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import click

from alerts.channels.settings import ChannelSettings
from alerts.notice import Notice
from alerts.rota import Rota
from alerts.routes import select_channels
from monitor.cli.calendar.read import read_once
from monitor.cli.common import Context, json_verb, print_json
from monitor.cli.dates import today
from monitor.cli.on_call import read_rotas
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
from schedules.times.words import instant_text, stamp
from schedules.values import Secret, quote_value

_DAYS_AHEAD = 7
_MOST_NOTES = 5
"""Remarks that are shown of each calendar."""
_RECENT = timedelta(days=400)
"""The `match` of a table is tested on stored releases that are due, or were due, within this
time.
"""


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
    found = _run_checks(context, online=online)
    faults = found.faults
    if context.as_json:
        # they need a configuration without faults
        results = {} if faults else found.as_json(context)
        print_json({"ok": not faults, "faults": faults} | results)
    else:
        for line in (*faults, *(f"WARNING: {warning}" for warning in found.warnings)):
            click.echo(line, err=True)
        lines = () if faults else found.lines(context)
        for line in lines:
            click.echo(line)
    if faults:
        raise SystemExit(1)


def _forecast_week(context: Context, store: Store, found: _CheckResult) -> None:
    """Add to `found` how many releases fall due in the next seven days, by producer, the next slot,
    and warnings of budgets too small.
    """
    due: Counter[str] = Counter()
    for ahead in range(_DAYS_AHEAD):
        releases, hosts = plan_day(
            context, store, today(context.settings.timezone) + timedelta(days=ahead)
        )
        due_producers = [one.release.producer for one in releases if one.is_due]
        due.update(due_producers)
        for one in releases:
            found.note_slot(one.slot, one.release.producers, context)
        if due_producers:
            found.budget_warnings += [one.warning for one in hosts if one.warning]
    found.due = dict(due)


def recipient_lines(settings: Settings) -> Iterator[str]:
    """Yield one line for each route: who is notified about what.

    The last line is for what no route matches.
    """
    described = {
        channel.name: f"{channel.name} ({_channel_text(channel)})" for channel in settings.channel
    }
    every_channel = ", ".join(described.values())
    described |= {
        rota.name: f"{rota.name} (the person on call: {', '.join(rota.who)})"
        for rota in settings.rota
    }
    for route in settings.route:
        conditions = [
            f"{key} {value}" for key, value in route.match.model_dump().items() if value is not None
        ]
        subject = ", ".join(conditions) or "everything"
        recipients = ", ".join(described[name] for name in route.channels) or "no one"
        quiet = (
            f", no notes from {route.quiet[0]:%H:%M} to {route.quiet[1]:%H:%M}"
            if route.quiet
            else ""
        )
        steps = ", then ".join(described[name] for name in route.escalate)
        escalation = f"; if not acknowledged: {steps}" if steps else ""
        yield f"notified of {subject}: {recipients}{quiet}{escalation}"
    rest = "everything" if not settings.route else "everything else"
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


def _recipients_of_late(context: Context, found: _CheckResult) -> list[str]:
    """Return in words who gets the notice of a late release at the next slot.

    Those by mail come first. Folders notify no one.
    """
    settings = context.settings
    at = found.next_slot or context.now()
    producer, *others = found.next_producers or ("",)
    late = Notice("", "opened", "", "", producer, "report", ("late",), at, "", "")
    names = [channel.name for channel in settings.channel]
    routed = select_channels(
        late, settings.route, names, at, settings.timezone, producers=others, rotas=found.rotas
    )
    chosen = {name for name, _ in routed}
    mailboxes, others_sent = list[str](), list[str]()
    for channel in settings.channel:
        if channel.name not in chosen:
            continue
        if channel.kind in ("mail", "notify"):
            mailboxes += channel.to
        elif channel.kind != "folder":
            others_sent.append(f"{channel.name} ({_channel_text(channel)})")
    recipients = []
    if mailboxes:
        recipients.append(f"mailed to {', '.join(dict.fromkeys(mailboxes))}")
    if others_sent:
        recipients.append(f"sent to {', '.join(others_sent)}")
    return recipients


def _ways_to_acknowledge(settings: Settings) -> str:
    web = settings.web
    ways = ["the link in it"] if web.has_signed_links else []
    if web.signs_in:
        ways.append(f"signing in at {web.public_url or web.listen}")
    if not ways:
        return "they cannot acknowledge it"
    return f"they can acknowledge by {' or '.join(ways)}"


@dataclass(slots=True)
class _CheckResult:
    """The result of a check.

    `entries` is the number of entries of each calendar, and `announced` are the known releases.
    Both come from the store, and from the calendars that the check reads. `due` and
    `budget_warnings` are the forecast of the next days, from the store. `due` is None if no
    calendar was read yet. `next_slot` is the next one that is known, with its producers.
    """

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    due: dict[str, int] | None = None
    budget_warnings: list[str] = field(default_factory=list)
    rotas: dict[str, Rota] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    announced: list[Release | Announcement] = field(default_factory=list)
    next_slot: datetime | None = None
    next_producers: tuple[str, ...] = ()

    def note_slot(self, slot: Slot, producers: tuple[str, ...], context: Context) -> None:
        """Keep a slot with its producers if it is the next one so far."""
        at = slot.instant
        if at is None or at <= context.now():
            return
        if self.next_slot is None or at < self.next_slot:
            self.next_slot, self.next_producers = at, producers

    def as_json(self, context: Context) -> dict[str, object]:
        """Return the results of the checks as JSON: warnings, forecast, who is on call and who sees
        what.
        """
        settings = context.settings
        return {
            "warnings": self.warnings,
            "will": {
                "days": _DAYS_AHEAD,
                "due": self.due,
                "told": list(recipient_lines(settings)),
                "short": self.budget_warnings,
            },
            "on_call": {
                name: list(rota.on_call(context.now())) for name, rota in self.rotas.items()
            },
            "seen": access_lines(settings),
            "next": self._next_slot_line(context),
        }

    def lines(self, context: Context) -> Iterator[str]:
        """Yield the results of the checks as lines of text, with only the number of warnings."""
        settings = context.settings
        yield f"{context.path}: in order" + (
            f", warnings: {len(self.warnings)}" if self.warnings else ""
        )
        yield f"due and watched in the next {_DAYS_AHEAD} days: {self._due_text(settings)}"
        yield from recipient_lines(settings)
        yield from (f"short: {warning}" for warning in self.budget_warnings)
        if self.due and not self.budget_warnings:
            yield "budgets: enough for every slot"
        now = context.now()
        for name, one in self.rotas.items():
            yield f"on call now: {name}: {one.describe_on_call(now)}"
        yield from access_lines(settings)
        yield self._next_slot_line(context)

    def _next_slot_line(self, context: Context) -> str:
        """Return who is notified if the next release is late, and how they acknowledge it."""
        settings = context.settings
        when = "not known yet"
        if self.next_slot is not None:
            when = instant_text(self.next_slot, settings.timezone)
        recipients = _recipients_of_late(context, self)
        if not recipients:
            return f"At the next slot ({when}) no one is notified of a late release."
        return (
            f"At the next slot ({when}) a late release is {' and '.join(recipients)};"
            f" {_ways_to_acknowledge(settings)}."
        )

    def _due_text(self, settings: Settings) -> str:
        """Return the number of due releases, in total and by producer."""
        if self.due is None:
            names = ", ".join(one.name for one in settings.calendar)
            return f"known after the first read of {names or 'a calendar'}"
        each = ", ".join(f"{producer} {number}" for producer, number in sorted(self.due.items()))
        return f"{sum(self.due.values())} ({each})" if each else "nothing"


def _run_checks(context: Context, *, online: bool) -> _CheckResult:
    """Return the result of all checks.

    If the configuration or the store has faults, nothing else is checked.
    """
    try:
        found = _CheckResult([*_settings_faults(context), *_store_faults(context)])
    except BadInput as exc:
        # The configuration was refused before its secrets were checked.
        return _CheckResult([*map(str, exc.faults), *_missing_secrets(context)])
    if found.faults:
        return found
    from monitor.app.options import make_rotas

    found.rotas = make_rotas(context.settings)
    _add_stored_facts(context, found)
    _check_calendars(context, found, online=online)
    if online:
        found.faults += _provider_faults(context)
    found.rotas = asyncio.run(read_rotas(context, found.rotas, online=online))
    rotas = found.rotas.values()
    found.faults += [f"rota {rota.name}: {rota.fault}" for rota in rotas if rota.fault]
    uncovered = {
        rota.name: _uncovered_spans(rota, context.now())
        for rota in rotas
        if _is_rota_known(context, rota)
    }
    file = context.path.name
    known = Known(
        entries=found.entries, releases=found.announced, environment=os.environ, gaps=uncovered
    )
    found.warnings += [str(Fault(file, *doubt)) for doubt in find_doubts(context.settings, known)]
    found.warnings += [str(Fault(file, *doubt)) for doubt in _refused_addresses(context, found)]
    for key, secret in find_secrets(context.settings):
        if exposure := secret.why_exposed():
            found.warnings.append(f"{file}: {key}: {exposure}")
    if missing := describe_missing():
        found.warnings.append(
            f"machine: its kernel lacks {missing}, so workers that read foreign bytes are not"
            " confined"
        )
    return found


def _add_stored_facts(context: Context, found: _CheckResult) -> None:
    """Add to `found` what the store says: the forecast, the size of each calendar, and the recent
    releases.

    Add a warning if the store's shape (its tables and columns) is not that of this version. Without
    a store, add none.
    """
    key = f"{context.path.name}: store.url"
    if not context.has_store:
        return
    try:
        with context.store() as store:
            found.rotas = add_stored_shifts(found.rotas, store)
            _forecast_week(context, store, found)
            for table in context.settings.calendar:
                newest = next(iter(store.ledger.reads(table.name, 1, usable=True)), None)
                if newest is not None:
                    found.entries[table.name] = newest.entries
            found.announced = [*store.ledger.releases(context.now() - _RECENT)]
    except StoreTooOld as exc:
        found.warnings.append(f"{key}: {exc}")


def _check_calendars(context: Context, found: _CheckResult, *, online: bool) -> None:
    """Read calendars, and add the faults, number of entries and announcements of each to `found`.

    Calendars at web addresses are read only if `online`. The numbers of entries are then also
    printed.
    """
    for table in context.settings.calendar:
        if online or table.file is not None:
            outcome, faults = _read_calendar(context, table)
            found.faults += faults
            reading = outcome.reading or Reading(())
            entries = reading.announcements
            found.announced += entries
            found.warnings += _say_notes(table, reading.notes)
            for entry in entries:
                if entry.state not in (State.CANCELLED, State.POSTPONED):
                    found.note_slot(entry.slot, entry.producers, context)
            if outcome.read.usable:
                found.entries[table.name] = outcome.read.entries
            if outcome.read.usable and online:
                click.echo(f"calendar {table.name}: {outcome.read.entries} entries", err=True)


def _say_notes(table: CalendarSettings, notes: Sequence[str]) -> Iterator[str]:
    """Yield what a calendar's reader remarks, such as a status that is not understood."""
    yield from (f"calendar {table.name}: {note}" for note in notes[:_MOST_NOTES])
    if (more := len(notes) - _MOST_NOTES) > 0:
        yield f"calendar {table.name}: {more} more: ninethirty calendar read {table.name}"


def _refused_addresses(context: Context, found: _CheckResult) -> Iterator[Doubt]:
    """Yield each reason why no look may request an address of a release, with one such address."""
    from monitor.app.options import watch_guard

    guard, example_by_reason = watch_guard(context.settings), dict[str, str]()
    for release in found.announced:
        for url in (release.url, *(part.url for part in release.parts)):
            if url and (why := guard.why_refused(url)) is not None:
                example_by_reason.setdefault(why, url)
    for why, url in example_by_reason.items():
        key = "network.ports" if why.startswith("port") else "network.allow"
        yield key, f"{why}, so it is not looked at: allow it here", quote_value(url)


def _uncovered_spans(rota: Rota, now: datetime) -> list[str]:
    """Return as text the spans of the next days in which no one is on call."""
    zone = rota.timezone
    return [
        f"from {stamp(at, zone, weekday=True)} to {stamp(until, zone, weekday=True)}"
        for at, until in rota.gaps(now, now + timedelta(days=_DAYS_AHEAD))
    ]


def _provider_faults(context: Context) -> Iterator[str]:
    from monitor.app.options import make_openid
    from monitor.web.provider import Flow, NotSignedOn

    provider = make_openid(context.settings, SystemClock())
    try:
        if provider is not None:
            # The address is not used. To make it, the provider's configuration is read, which
            # raises the fault.
            asyncio.run(provider.sign_on_address(Flow(state="", nonce="", verifier="")))
    except NotSignedOn as fault:
        yield f"{context.path.name}: web.oidc: {fault}"


def _is_rota_known(context: Context, rota: Rota) -> bool:
    """Return whether the shifts of a rota are known.

    A calendar at an address may not have been read yet.
    """
    tables = [table for table in context.settings.rota if table.name == rota.name]
    return bool(rota.calendar_shifts) or all(table.url is None for table in tables)


def access_lines(settings: Settings) -> list[str]:
    """Return a line on what each kind of visitor sees.

    A last line names the open channels. They reach more than staff, so they get nothing before a
    slot.
    """
    web = settings.web
    # A leak is an incident: a release was seen in public before its slot.
    board = (
        "promises, and each result after its slot; before the slot no address or status; no leaks"
    )
    lines = [
        (
            "strangers see:"
            f" {board if web.public == 'board' else 'whether the monitor is alive and ready'}"
        )
    ]
    if web.signs_in:
        lines.append(
            "users of the machine who may write to the socket see everything and can act, but not"
            " sign reports, unless their line says otherwise"
        )
    else:
        lines.append("users of the machine who may write to the socket have every right")
        lines.append("people at this machine see: everything")
    if web.users_file:
        lines.append(f"viewers who sign in see: {board}")
        lines.append(
            "staff who sign in see everything; people whose line ends in :head can sign reports"
        )
    if web.proxy_header:
        rights = ", ".join(f"{name} {right}" for name, right in web.proxy_rights.items())
        lines.append(f"people whom a proxy signs in ({web.proxy_header}) have rights: {rights}")
    if web.oidc is not None:
        rights = ", ".join(f"{value} {right}" for value, right in web.oidc.rights.items())
        issuer = f"{web.oidc.issuer} (OpenID Connect)"
        lines.append(f"people whom {issuer} signs in have rights by {web.oidc.claim}: {rights}")
    if web.token:
        lines.append("programs with the token see: everything")
    if web.metrics_token:
        lines.append("programs with the metrics token see: the metrics")
    if web.embargoed_token:
        lines.append("programs with the embargoed token see: exposures before the slot, in metrics")
    if web.metrics_listen:
        lines.append(f"programs that reach {web.metrics_listen} see: the metrics")
    if settings.alert.open_channels:
        lines.append(
            f"channels that get no embargoed facts: {', '.join(settings.alert.open_channels)}"
        )
    return lines


def settings_for_reload(context: Context) -> Settings:
    """Return the checked configuration for a reload. Raises `BadInput` if it is not valid.

    Raises `UserFault` with all faults of what it names: secrets, the users file, folders and
    calendar files. The store is not checked, because a running monitor cannot change it.
    """
    faults = list(_settings_faults(context))
    for table in context.settings.calendar:
        if table.file is not None:
            _outcome, calendar_faults = _read_calendar(context, table)
            faults += calendar_faults
    if faults:
        raise UserFault("\n".join(faults))
    return context.settings


def _read_calendar(context: Context, table: CalendarSettings) -> tuple[Outcome, list[str]]:
    outcome = asyncio.run(read_once(context, table))
    fault = context.hide(outcome.read.fault)
    # The monitor makes this file when it starts.
    is_made_later = table.name == BY_HAND and not (context.path.parent / str(table.file)).exists()
    if outcome.read.usable or is_made_later:
        return outcome, []
    ending = Path(table.file or "").suffix.removeprefix(".")
    may_be_other_kind = ending in KINDS and ending != table.kind
    meant = f'. Did you mean kind = "{ending}"?' if may_be_other_kind else ""
    return outcome, [f"calendar {table.name}: {fault}{meant}"]


def _settings_faults(context: Context) -> Iterator[str]:
    """Yield absent secrets, faults of the users file, and folders that cannot be written."""
    settings, file = context.settings, context.path.name
    for key, secret in find_secrets(settings):
        if missing := secret.why_missing():
            yield f"{file}: {key}: {missing}"
    if settings.web.users_file is not None:
        yield from find_faults(context.path.parent / settings.web.users_file)
    folders = {"evidence.folder": settings.evidence.folder}
    channels = enumerate(settings.channel, 1)
    folders |= {
        f"channel[{place}].folder": channel.folder
        for place, channel in channels
        if channel.kind == "folder"
    }
    for key, folder in folders.items():
        if not _is_writable(Path(folder)):
            yield f"{file}: {key}: the folder cannot be written (got {quote_value(str(folder))})"


def _store_faults(context: Context) -> Iterator[str]:
    """Yield the faults of the store. A store that does not exist yet is not a fault."""
    settings, file = context.settings, context.path.name
    store_file = file_of(settings.store.url)
    if store_file is not None and not store_file.exists():
        # A check does not create the store. The first start does.
        if not _is_writable(store_file.parent):
            yield (
                f"{file}: store.url: the folder cannot be written (got"
                f" {quote_value(str(store_file.parent))})"
            )
        return
    if store_file is not None and not (
        os.access(store_file, os.W_OK) and _is_writable(store_file.parent)
    ):
        # The folder must be writable too, because SQLite creates two files beside the store.
        yield f"{file}: store.url: the file cannot be written (got {quote_value(str(store_file))})"
    try:
        with context.store() as store:
            yield from (f"{file}: store.url: {fault}" for fault in store.check())
    except StoreTooOld:
        return  # the next start upgrades it, so `_add_stored_facts` only warns of it
    except NinethirtyError as exc:
        yield f"{file}: store.url: {exc}"


def _missing_secrets(context: Context) -> Iterator[str]:
    """Yield a line for each absent secret of a configuration that was refused, none if it is not
    readable TOML.

    For an accepted configuration, `_settings_faults` yields the absent secrets.
    """
    try:
        tables = load(context.path)
    except BadInput:
        return
    for key, secret in find_secrets(tables):
        # Without validation, the path of a secret is not yet relative to the configuration.
        located = (
            secret if secret.file is None else Secret(file=str(context.path.parent / secret.file))
        )
        if missing := located.why_missing():
            yield f"{context.path.name}: {key}: {missing}"


def _is_writable(folder: Path) -> bool:
    nearest = next(
        (each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/")
    )
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
