"""Writes what people do to incidents and drafts.

Every function reads the current rows in the transaction that writes, because several monitors and
commands can write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from alerts import by_hand
from alerts.draft.edits import Conflict, Obstacle, combine_changes, list_obstacles
from alerts.draft.report import Report
from alerts.draft.versions import (
    Versions,
    append_edit,
    append_signature,
    list_changed_fields,
)
from alerts.finding import ReleaseFacts
from alerts.incident import Decision, Incident, IncidentKind
from alerts.message import make_opening_by_hand, notices_of_acts
from alerts.one_line import one_line
from monitor.deliver.drafts import change_versions
from monitor.deliver.series import PUBLISHED
from monitor.deliver.verdicts import VerdictRecorder
from monitor.errors import UnknownName, UserFault
from monitor.judge.as_json import slot_text
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction
from schedules.regular_series import series_of


def change_incident(
    tx: Transaction,
    recorder: VerdictRecorder,
    incident: str,
    change: Callable[[Incident], Incident],
    now: datetime,
) -> Incident:
    """Apply `change` to the stored incident, save it and return it.

    Machines (webhooks, and pagers that were called) get a notice if it was acknowledged, closed or
    signed. Raises `UnknownName`, and what `change` raises.
    """
    known = tx.read.verdicts.incident(incident)
    if known is None:
        raise UnknownName(f"no incident {incident!r}")
    changed = change(known)
    if changed != known:
        tx.save(changed)
        for notice in notices_of_acts(known, changed, now):
            recorder.notify_machines(tx, notice, changed, now)
    return changed


def change_draft(
    tx: Transaction, incident: str, change: Callable[[Versions], Versions]
) -> Versions:
    """Apply `change` to an incident's draft, save the new versions and return all.

    Raises `UserFault` without one.
    """
    drafts = tx.read.verdicts.drafts(incident)
    if not drafts:
        raise UserFault(f"incident {incident} has no draft")
    return change_versions(tx, drafts, incident, change)


def merge_texts(
    versions: Versions, words: Mapping[str, str], number_read: int | None, role: str, now: datetime
) -> tuple[Versions, tuple[Conflict, ...]]:
    """Return the draft with typed texts (`words`, by box), and the boxes that another person
    changed in between.

    Such a box gets both texts. `number_read` is that of the version that the person started from
    (None: the last).
    """
    last = versions[-1]
    version_read = next((one for one in versions if one.number == number_read), last)
    merged, conflicts = combine_changes(words, version_read.words, last.words, role)
    # The person has not seen what was measured since `version_read`, so `append_edit` shows it
    # beside the texts.
    return append_edit(versions, merged, role, now, version_read.report), conflicts


class EditConflict(UserFault):
    """The typed texts were not saved, because another person changed the same boxes.

    `conflicts` has both texts.
    """

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__(
            f"another person changed {', '.join(one.field for one in conflicts)} while you were"
            " writing"
        )
        self.conflicts = tuple(conflicts)


class SigningBlocked(UserFault):
    """A report was not signed, because of `obstacles`."""

    def __init__(self, incident: str, obstacles: list[Obstacle]) -> None:
        count = f"{len(obstacles)} thing{'' if len(obstacles) == 1 else 's'}"
        super().__init__(f"{incident}: not signed, {count} to resolve first")
        self.obstacles = obstacles


def signing_obstacles(incident: Incident, report: Report) -> list[Obstacle]:
    """Return the reasons not to sign this report yet. `incident` must have its current facts."""
    return list_obstacles(report, None if incident.kind is IncidentKind.HAND else incident.facts)


def sign_report(  # noqa: PLR0913, PLR0917 # one for each thing that is written down
    tx: Transaction,
    recorder: VerdictRecorder,
    incident: Incident,
    role: str,
    now: datetime,
    read: int,
    anyway: str,
) -> None:
    """Sign the last version of an incident's draft, and note it in the incident.

    `incident` must have its current facts. `anyway` is the reason to sign although there are
    obstacles. Without it they raise `SigningBlocked`. `read` is the version that the person read.
    If a field differs in the last one, if the last one is signed, or without a draft, it raises
    `UserFault`.
    """
    why = one_line(anyway)

    def sign(known: Versions) -> Versions:
        """Return the versions with the last one signed.

        Raise if its texts changed or obstacles to signing remain.
        """
        if _has_changed_since(known, read):
            raise UserFault(
                f"{incident.id}: the report changed while you read it. Read it again, then sign it"
            )
        if known[-1].signed is not None:
            raise UserFault(
                f"{incident.id}: version {known[-1].number} is signed, and nothing changed since."
                f" `ninethirty incident draft {incident.id} --document report` writes it again"
            )
        obstacles = signing_obstacles(incident, known[-1].report)
        if obstacles and not why:  # `why` is the person's reason to sign in spite of obstacles
            raise SigningBlocked(incident.id, obstacles)
        note = ""
        if obstacles:
            unresolved = "; ".join(map(str, obstacles))
            note = f"Signed all the same, because: {why}. Not resolved: {unresolved}."
        return append_signature(known, role, now, note)

    signed = change_draft(tx, incident.id, sign)[-1]
    reason = why if signed.report.anyway else ""  # it is not stored if there were no obstacles
    sign_off = partial(
        by_hand.sign_off_report, role=role, version=signed.number, now=now, anyway=reason
    )
    change_incident(tx, recorder, incident.id, sign_off, now)


def _has_changed_since(versions: Versions, read: int) -> bool:
    """Return whether a signature now would sign other text than version `read` shows."""
    shown = next((one for one in versions if one.number == read), None)
    if shown is None:
        return True
    last = versions[-1]
    return shown.words != last.words or bool(list_changed_fields(shown.report, last.report))


def log_by_hand(
    tx: Transaction,
    recorder: VerdictRecorder,
    words: Mapping[str, str],
    facts: ReleaseFacts | None,
    now: datetime,
) -> tuple[Incident, bool]:
    """Save an incident that a person reports, with its draft and notice.

    Return it, and whether it is new.

    `words` has the answer in each box of the form. `facts` are about the chosen release or None.
    Raises `InvalidInput`.
    """
    verdicts = tx.read.verdicts
    if facts is not None:
        facts = replace(facts, names=tuple(map(recorder.rules.producer_name, facts.producers)))
    incident = by_hand.log_by_hand(words, facts, now, recorder.rules.timezone)
    if (known := verdicts.incident(incident.id)) is not None:
        return known, False
    # The draft cites the editions before and after, unless the person has typed others.
    incident = replace(
        incident, words={**_neighbour_editions(verdicts, incident), **incident.words}
    )
    recorder.save_decision(
        tx,
        Decision(
            incident, (make_opening_by_hand(incident, now, recorder.rules.timezone),), draft=True
        ),
        now,
    )
    return incident, True


def _neighbour_editions(verdicts: VerdictStore, incident: Incident) -> dict[str, str]:
    """Return the titles and slots of the editions before and after the incident, as `last_edition`,
    `next_edition`.
    """
    series, then = series_of(incident.producer, incident.title), incident.occurred
    judged = verdicts.judged(producer=incident.producer)
    rows = [row for row in judged if row.release != incident.release]
    known = [row for row in rows if series_of(row.producer, row.body["title"]) == series]
    published = [row for row in known if row.word in PUBLISHED]
    past = [row for row in published if row.slot is not None and row.slot <= then]
    ahead = [row for row in known if row.slot is not None and row.slot > then]
    # the rows are by slot; each list has one or none
    named = {}
    for key, nearest in (("last_edition", past[-1:]), ("next_edition", ahead[:1])):
        for row in nearest:
            named[key] = f"{row.body['title']}, {slot_text(row.body['slot'])}"
    return named
