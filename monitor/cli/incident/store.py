"""Incidents read and written by verbs, while the daemon may be writing too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context
from monitor.errors import UserFault, unknown

if TYPE_CHECKING:
    from alerts.draft.versions import Versions
    from alerts.incident import Incident
    from monitor.deliver.as_of_now import AsOfNow
    from monitor.store.sql.engine import Store
    from monitor.store.sql.read import VerdictStore

by_role = click.option(
    "--by", metavar="ROLE", envvar="NINETHIRTY_ROLE", help="In which role, never a name; default $NINETHIRTY_ROLE."
)


def role_of(by: str | None) -> str:
    """Return the role a person acts in; asks for it on a terminal. Raises wrong usage when nobody can be asked."""
    if by and by.strip():
        return by
    if not is_attended():
        raise click.UsageError('say in which role: --by "duty statistician"')
    return str(click.prompt("In which role", err=True))


def is_attended() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def incident_of(verdicts: VerdictStore, incident: str) -> Incident:
    """Return an incident by its id. Raises `UnknownName` with the nearest there is."""
    found = verdicts.incident(incident)
    if found is None:
        raise unknown("incident", incident, (one.id for one in verdicts.incidents()))
    return found


def rewritten(context: Context, store: Store, incident: str, change: Callable[[Incident], Incident]) -> Incident:
    """Change an incident as it stands at this moment. Raises `UnknownName`, and `UserFault` for unfit words."""
    from alerts.by_hand import InvalidInput
    from monitor.deliver import by_hand

    incident_of(store.verdicts, incident)
    record = as_of_now(context, store).record
    with store.transaction() as tx:
        try:
            return by_hand.rewritten(tx, record, incident, change, context.now())
        except InvalidInput as exc:
            raise UserFault(str(exc)) from exc


def as_of_now(context: Context, store: Store) -> AsOfNow:
    """Return what reads incidents as they stand now, and writes their drafts anew."""
    from functools import partial

    from monitor.app.options import policies_of
    from monitor.app.reporting_options import reporting_rules_of
    from monitor.deliver.as_of_now import AsOfNow
    from monitor.deliver.verdicts import VerdictRecord
    from monitor.watch.rejudge import facts_of

    settings = context.settings
    names = [channel.name for channel in settings.channel]
    rules = reporting_rules_of(settings, names, context.path.parent)
    afresh = partial(facts_of, store, policies_of(settings), settings.watch.vantage)
    return AsOfNow(store.verdicts, afresh, VerdictRecord(store, rules))


def renew(context: Context, store: Store, incident: str) -> None:
    """Write the draft of an incident anew where it says less than is known by now."""
    write = as_of_now(context, store).renewal(incident, context.now())
    if write is not None:
        with store.transaction() as tx:
            write(tx)


def refilled(context: Context, store: Store, incident: Incident) -> None:
    """Write the draft of an incident anew from what is known of it and what people said; typed words stay."""
    if incident.has_draft:
        now, current = context.now(), as_of_now(context, store)
        fresh = current.incident(incident, now)
        with store.transaction() as tx:
            current.record.redraft(tx, fresh, now)


def tell_steps(context: Context, store: Store, incident: str, changed: Iterable[str]) -> None:
    """Write the account anew where steps were ticked: what was done stands in it."""
    from alerts.draft.edits import STEP

    if any(name.startswith(STEP) for name in changed):
        refilled(context, store, incident_of(store.verdicts, incident))


def redrafted(store: Store, incident: str, change: Callable[[Versions], Versions]) -> Versions:
    """Change the draft of an incident as it stands at this moment; every version before is kept.

    Raises `UnknownName`, and `UserFault` for an incident without a draft.
    """
    from monitor.deliver import by_hand

    incident_of(store.verdicts, incident)
    with store.transaction() as tx:
        return by_hand.redrafted(tx, store.verdicts, incident, change)
