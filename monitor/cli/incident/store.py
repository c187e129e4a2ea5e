"""Reads and writes incidents for verbs, while the daemon may write too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alerts.by_hand import InvalidInput
from alerts.draft.edits import STEP_PREFIX
from monitor.cli.common import Context
from monitor.errors import UserFault, unknown_name

if TYPE_CHECKING:
    from alerts.draft.versions import Versions
    from alerts.incident import Incident
    from monitor.deliver.current_incidents import CurrentIncidents
    from monitor.store.sql.engine import Store
    from monitor.store.sql.read import VerdictStore
    from monitor.store.sql.write import Transaction


def _refuse_role(_ctx: click.Context, _param: click.Parameter, role: str | None) -> None:
    if role is not None:
        raise click.UsageError(
            "leave out --by: your account decides your role, see docs/how-to/sign-in.md"
        )


refuse_role = click.option("--by", hidden=True, expose_value=False, callback=_refuse_role)
"""The option that named a role in 1.0.0rc1. It is an error, so that no one relies on it."""


def is_attended() -> bool:
    """Return whether a person at a terminal can answer questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def refuse_invalid_input() -> Iterator[None]:
    """Raise `UserFault` if a text inside this context cannot be used (`InvalidInput`)."""
    try:
        yield
    except InvalidInput as exc:
        raise UserFault(str(exc)) from exc


def incident_of(verdicts: VerdictStore, incident: str) -> Incident:
    """Return an incident by its id. Raises `UnknownName` with the most similar id."""
    found = verdicts.incident(incident)
    if found is None:
        raise unknown_name("incident", incident, (one.id for one in verdicts.incidents()))
    return found


def record_act(context: Context, tx: Transaction, what: str, subject: str, now: datetime) -> None:
    """Record what the system's user did, as `Desk` records what people do in the browser."""
    tx.save(context.actor().act(what, subject, now))


def change_incident(  # what, by whom, and how
    context: Context,
    store: Store,
    incident: str,
    what: str,
    change: Callable[[Incident], Incident],
) -> Incident:
    """Apply `change` to the incident with this id, store it and return it.

    `what` is the word for the act. Raises `UserFault` for refused text.
    """
    from monitor.deliver import by_hand

    incident_of(store.verdicts, incident)  # raises `UnknownName` for an unknown id
    record = current_incidents(context, store).record
    with store.transaction() as tx, refuse_invalid_input():
        changed = by_hand.change_incident(tx, record, incident, change, context.now())
        record_act(context, tx, what, incident, context.now())
        return changed


def current_incidents(context: Context, store: Store) -> CurrentIncidents:
    """Return the object that reads incidents with their current facts, and prepares redrafts."""
    from monitor.app.options import make_policies
    from monitor.app.reporting_options import make_reporting_rules
    from monitor.deliver.current_incidents import CurrentIncidents
    from monitor.deliver.verdicts import VerdictRecorder
    from monitor.watch.rejudge import facts_of

    settings = context.settings
    names = [channel.name for channel in settings.channel]
    rules = make_reporting_rules(settings, names, context.path.parent)
    judge_at = partial(facts_of, make_policies(settings), settings.watch.vantage)
    return CurrentIncidents(store, judge_at, VerdictRecorder(rules))


def current_incident(context: Context, store: Store, incident: str) -> Incident:
    """Return an incident by its id with its current facts.

    First update an outdated draft. Raises `UnknownName`.
    """
    stored = incident_of(store.verdicts, incident)
    current = current_incidents(context, store)
    # None if the draft needs no new version.
    write_redraft = current.prepare_redraft(stored.id, context.now())
    if write_redraft is not None:
        with store.transaction() as tx:
            write_redraft(tx)
        stored = incident_of(store.verdicts, incident)
    return current.refresh(stored, context.now())


def own_template(context: Context, producer: str) -> Path | None:
    """Return the .docx form that the configuration names for a producer, or None if it names
    none.
    """
    from monitor.app.reporting_options import report_templates

    return report_templates(context.settings, context.path.parent).get(producer)


def redraft(context: Context, store: Store, incident: Incident) -> None:
    """Write a new version of an incident's draft from its current facts, if it has one.

    Typed texts are kept.
    """
    if incident.has_draft:
        now, current = context.now(), current_incidents(context, store)
        fresh = current.refresh(incident, now)
        with store.transaction() as tx:
            current.record.redraft(tx, fresh, now)


def redraft_for_steps(
    context: Context, store: Store, incident: str, changed: Iterable[str]
) -> None:
    """Redraft the report if one of the changed fields is a step, because the report lists steps
    that were done.
    """
    if any(name.startswith(STEP_PREFIX) for name in changed):
        redraft(context, store, incident_of(store.verdicts, incident))


def print_incident(context: Context, store: Store, incident: str, what: str) -> None:
    """Print what was done to the incident with the id `incident`, or with `--json` the incident as
    it is now.
    """
    from monitor.deliver.incident_json import incident_json

    body = incident_json(incident_of(store.verdicts, incident), store.verdicts.drafts(incident))
    context.print_result(body, f"{incident}: {what}")


def change_draft(
    context: Context,
    store: Store,
    incident: str,
    now: datetime,
    change: Callable[[Versions], Versions],
) -> Versions:
    """Apply `change` to the stored versions of an incident's draft, save new ones and return all.

    Raises `UserFault` if the incident has no draft.
    """
    from monitor.deliver import by_hand

    incident_of(store.verdicts, incident)  # raises `UnknownName` for an unknown id
    with store.transaction() as tx:
        changed = by_hand.change_draft(tx, incident, change)
        record_act(context, tx, "written_by_hand", incident, now)
        return changed
