"""What people do to incidents and their drafts, written down, whether they do it in a shell or in a browser.

All of it reads what stands inside the transaction that writes: daemon and command line may write at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerts import by_hand
from alerts.draft.edits import obstacles
from alerts.draft.report import Report
from alerts.draft.take_back import Conflict, together
from alerts.draft.versions import Versions, edited, signed
from alerts.finding import ReleaseFacts
from alerts.incident import Decision, Incident, Kind
from alerts.message import notices_of_acts, opening_by_hand
from alerts.one_line import one_line
from monitor.deliver.drafts import row_of, versions_of
from monitor.deliver.verdicts import VerdictRecord
from monitor.errors import UnknownName, UserFault
from monitor.judge.as_json import slot_text
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction
from schedules.regular_series import series_of

PUBLISHED = ("on_time", "late", "early")


def rewritten(
    tx: Transaction, record: VerdictRecord, incident: str, change: Callable[[Incident], Incident], now: datetime
) -> Incident:
    """Change an incident as it stands at this moment, and tell machines who has it, closed it or signed its report.

    Raises `UnknownName`, and what `change` raises.
    """
    known = record.store.verdicts.incident(incident)
    if known is None:
        raise UnknownName(f"no incident {incident!r}")
    changed = change(known)
    if changed != known:
        tx.save_incident(changed)
        for notice in notices_of_acts(known, changed, now):
            record.tell_machines(tx, notice, changed, now)
    return changed


def redrafted(
    tx: Transaction, verdicts: VerdictStore, incident: str, change: Callable[[Versions], Versions]
) -> Versions:
    """Change the draft of an incident as it stands at this moment; every version before is kept.

    Raises `UserFault` for an incident without a draft.
    """
    known = versions_of(verdicts.drafts(incident))
    if not known:
        raise UserFault(f"incident {incident} has no draft")
    changed = change(known)
    for version in changed[len(known) :]:
        tx.add_draft(row_of(version, incident))
    return changed


def said(
    versions: Versions, words: Mapping[str, str], read: int | None, role: str, now: datetime
) -> tuple[Versions, tuple[Conflict, ...]]:
    """Return a draft with words in its boxes, and where somebody else wrote meanwhile: there both wordings stand.

    `read` is the number of the version that the person saw when they began, None when it does not matter.
    """
    last = versions[-1]
    seen = next((one for one in versions if one.number == read), last)
    merged = together(words, seen.words, last.words, role)
    return edited(versions, merged.words, role, now, seen.report), merged.conflicts


class Clash(UserFault):
    """Words were not written: somebody else wrote into the same boxes meanwhile."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        """Take where both wrote, and what."""
        super().__init__(f"somebody wrote meanwhile into {', '.join(one.field for one in conflicts)}")
        self.conflicts = tuple(conflicts)


class InTheWay(UserFault):
    """A report was not signed off; `obstacles` says why, a line each."""

    def __init__(self, incident: str, obstacles: list[str]) -> None:
        """Take what is in the way of signing the report of an incident."""
        super().__init__(f"{incident}: not signed, {len(obstacles)} in the way")
        self.obstacles = obstacles


def in_the_way(incident: Incident, report: Report) -> list[str]:
    """Return what is in the way of signing a report of an incident as it stands now, a line each."""
    return obstacles(report, None if incident.kind is Kind.HAND else incident.facts)


def signed_off(  # noqa: PLR0913 # one for each thing that is written down
    tx: Transaction,
    record: VerdictRecord,
    incident: Incident,
    role: str,
    now: datetime,
    *,
    anyway: str = "",
    read: Mapping[str, str] | None = None,
) -> Versions:
    """Sign the draft of an incident, given as it stands now, off; `anyway` is why, where something is in the way.

    `read` are the words that were read before, None when it does not matter. Raises `InTheWay` without a reason, and
    `UserFault` for an incident without a draft, or when others wrote in it meanwhile.
    """
    why = one_line(anyway)

    def sign(known: Versions) -> Versions:
        if read is not None and dict(read) != dict(known[-1].words):
            raise UserFault(f"{incident.id}: somebody wrote in the report while you read it; read it again, then sign")
        found = in_the_way(incident, known[-1].report)
        if found and not why:
            raise InTheWay(incident.id, found)
        told = f"Signed all the same, because: {why}. In the way: {'; '.join(found)}." if found else ""
        return signed(known, role, now, told)

    versions = redrafted(tx, record.store.verdicts, incident.id, sign)
    kept, number = why if versions[-1].report.anyway else "", versions[-1].number
    rewritten(tx, record, incident.id, lambda known: by_hand.sign_off_report(known, role, number, now, kept), now)
    return versions


def log_by_hand(
    tx: Transaction, record: VerdictRecord, words: Mapping[str, str], facts: ReleaseFacts | None, now: datetime
) -> tuple[Incident, bool]:
    """Write an incident that a person saw, with its draft and its notice; returns it and whether it is new.

    Raises `InvalidInput` with every fault of the words.
    """
    verdicts = record.store.verdicts
    incident = by_hand.log_by_hand(words, facts, now, record.rules.timezone)
    if (known := verdicts.incident(incident.id)) is not None:
        return known, False
    incident = replace(incident, words={**_editions(verdicts, incident), **incident.words})
    record.follow(tx, Decision(incident, (opening_by_hand(incident, now),), draft=True), now)
    return incident, True


def _editions(verdicts: VerdictStore, incident: Incident) -> dict[str, str]:
    """Return the last and the next edition of its series when it happened, in words, as far as they are known."""
    series = series_of(incident.producer, incident.title)
    known = [
        row
        for row in verdicts.judged(producer=incident.producer)
        if row.release != incident.release and series_of(row.producer, row.body["title"]) == series
    ]
    then = incident.occurred
    past = [row for row in known if row.slot is not None and row.slot <= then and row.word in PUBLISHED]
    ahead = [row for row in known if row.slot is not None and row.slot > then]
    found = {"last_edition": past[-1:], "next_edition": ahead[:1]}
    return {name: f"{row.body['title']}, {slot_text(row.body['slot'])}" for name, rows in found.items() for row in rows}
