"""Writes what people do: in the browser, by the API and at the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from alerts.by_hand import (
    BoxFault,
    InvalidInput,
    acknowledge_incident,
    attach_file,
    clean_role,
    make_storable,
    record_cause,
    waive_report,
)
from alerts.claim import Claim
from alerts.draft.edits import STEP_PREFIX, Conflict
from alerts.draft.versions import Versions
from alerts.incident import SIGNED, Incident, IncidentKind
from alerts.silence import Scope, Silence, create_silence
from alerts.ticks import Tick
from monitor.clock import Clock
from monitor.deliver.by_hand import (
    EditConflict,
    change_draft,
    change_incident,
    log_by_hand,
    merge_texts,
    sign_report,
)
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.ticks import entries_of_ticks, make_tick
from monitor.errors import Refused, UnknownName, unknown_name
from monitor.store.evidence.attachments import MOST_BYTES, keep_attachment
from monitor.store.evidence.bundle import export_bundle
from monitor.store.rows import NOBODY, Actor
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from schedules.release import producers_of

Change = Callable[[Incident], Incident]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes what an `actor` does. Each call is one transaction, with the account of the act.

    `wake` sends waiting notices. `evidence` is the evidence folder, with records of
    `evidence_owner` (None: of all monitors). `settle_promise` records which time a calendar's text
    means, and judges the release again. It is None where no calendars are read.
    """

    current: CurrentIncidents
    writer: Writer
    clock: Clock
    wake: Callable[[], None] = lambda: None
    evidence: Path = Path()
    evidence_owner: str | None = None
    settle_promise: Callable[[str, datetime, str], Awaitable[None]] | None = None
    actor: Actor = NOBODY

    def acting_as(self, actor: Actor) -> Desk:
        """Return this desk for another actor."""
        return replace(self, actor=actor)

    async def acknowledge(self, incident: str) -> Incident:
        """Acknowledge an incident and return it. Raises `UnknownName`."""
        return await self._change_incident(incident, "acknowledged", acknowledge_incident)

    async def record_cause(self, incident: str, cause: str) -> None:
        """Record the cause of an incident in a few words.

        Raises `UnknownName` and `InvalidInput`.
        """
        await self._change_incident(incident, "cause_recorded", record_cause, cause)

    async def waive(self, incident: str, reason: str) -> None:
        """Record the reason why no report will be made. Raises `UnknownName` and `InvalidInput`."""
        await self._change_incident(incident, "report_waived", waive_report, reason)

    async def save_answers(
        self,
        incident: str,
        words: Mapping[str, str],
        read: int,
        change: Change,
        *,
        merging: bool = True,
    ) -> tuple[Conflict, ...]:
        """Save the texts typed into the boxes of a draft (`words`, by box) and apply `change`, in
        one transaction.

        The person typed them after reading version `read`. Return the boxes that another person has
        changed since then. Each of these boxes gets both texts. Without `merging`, raise
        `EditConflict` instead. Raises `UnknownName` too.
        """
        now, role = self.clock.now(), self.actor.role
        words = {box: make_storable(text) for box, text in words.items()}

        def save_texts_and_change(tx: Transaction) -> tuple[Conflict, ...]:
            """Save texts, apply `change`, and redraft the report that quotes them."""
            current = self.current.within(tx)
            # the boxes that another person changed after version `read`
            conflicts: tuple[Conflict, ...] = ()
            before = _drafted_acts(tx.read.verdicts.incident(incident))

            def merge_words(known: Versions) -> Versions:
                nonlocal conflicts
                versions, conflicts = merge_texts(known, words, read, role, now)
                if conflicts and not merging:
                    raise EditConflict(conflicts)
                return versions

            changed = change_incident(tx, current.record, incident, change, now)
            if words:
                change_draft(tx, incident, merge_words)
            # The account has the notes, the ticked steps and the decisions of people.
            has_ticks = any(box.startswith(STEP_PREFIX) for box in words)
            if changed.has_draft and (has_ticks or _drafted_acts(changed) != before):
                current.record.redraft(tx, current.refresh(changed, now), now)
            tx.save(self.actor.act("written_by_hand", incident, now))
            return conflicts

        conflicts = await self.writer.write(save_texts_and_change)
        self.wake()
        self._log_act(
            "written_by_hand",
            incident=incident,
            boxes=sorted(words),
            conflicts=len(conflicts),
        )
        return conflicts

    async def sign_report(self, incident: Incident, read: int, anyway: str) -> None:
        """Sign the report of an incident with its current facts.

        `read` is the version that the person read.

        `anyway` is the reason to sign despite obstacles. Without it they raise `SigningBlocked`.
        Raises `UserFault` if a text changed since.
        """
        now, record, role = self.clock.now(), self.current.record, self.actor.role

        def sign(tx: Transaction) -> None:
            sign_report(tx, record, incident, role, now, read, anyway)
            tx.save(self.actor.act("signed_off", incident.id, now))

        await self.writer.write(sign)
        self.wake()
        self._log_act("signed_off", incident=incident.id)

    async def attach(self, incident: str, name: str, data: bytes) -> Incident:
        """Keep a file, such as the report that was sent, with an incident and return it.

        Raises `UnknownName`, `StoreFault`, and `InvalidInput` for a file that is too large or has
        no name.
        """
        if len(data) > MOST_BYTES:
            raise InvalidInput(BoxFault("attachment", f"larger than {MOST_BYTES >> 20} MB"))
        digest = await asyncio.to_thread(keep_attachment, self.evidence, data)
        return await self._change_incident(incident, "attached", attach_file, name, digest)

    async def log_incident(
        self, words: Mapping[str, str], release: str = ""
    ) -> tuple[Incident, bool]:
        """Save what a person reports, for a watched release or none.

        Return the incident, and whether it is new.

        Raises `InvalidInput` and `UnknownName`.
        """
        now = self.clock.now()
        signed_words = {**words, "by": self.actor.role}

        def save(tx: Transaction) -> tuple[Incident, bool]:
            facts = None
            if release:
                facts = self.current.within(tx).find_facts(release, now)
                if facts is None:
                    raise UnknownName(f"no release {release!r}")
            logged, is_new = log_by_hand(tx, self.current.record, signed_words, facts, now)
            tx.save(self.actor.act("logged_by_hand", logged.id, now))
            return logged, is_new

        logged, is_new = await self.writer.write(save)
        if is_new:
            self.wake()
            self._log_act("logged_by_hand", incident=logged.id)
        return logged, is_new

    async def silence(
        self,
        of: tuple[Scope, str],
        until: datetime,
        reason: str,
        begins: datetime | None = None,
    ) -> Silence:
        """Suppress messages about `of` from `begins` (default: now) until an instant, and return
        the silence.

        Raises `InvalidInput`, and `UnknownName` for an unknown release or incident.
        """
        scope, name = of
        now, role = self.clock.now(), self.actor.role
        made = create_silence(scope, name, until, role, reason, now, begins=begins)

        def write(tx: Transaction) -> None:
            known = self._known_names(tx, scope)
            # A host can have any name.
            if known is not None and name not in known:
                raise unknown_name(scope, name, known)
            tx.save(made, self.actor.act("silenced", made.id, now))

        await self.writer.write(write)
        self._log_act("silenced", of=f"{scope} {name}", until=made.until.isoformat())
        return made

    def _known_names(self, tx: Transaction, scope: Scope) -> Collection[str] | None:
        """Return the names of a scope that can be silenced, or None if any can. Reads the store."""
        match scope:
            case Scope.RELEASE:
                return [one.id for one in tx.read.ledger.releases()]
            case Scope.INCIDENT:
                return [one.id for one in tx.read.verdicts.incidents()]
            case Scope.PRODUCER:
                announced = producers_of(tx.read.ledger.releases())
                return announced | self.current.record.rules.producers.keys()
            case Scope.HOST:
                return None

    async def end_silence(self, name: str) -> Silence:
        """End a silence now, or before it begins, send what it suppressed, and return it.

        Raises `UnknownName`, also if it has ended already.
        """
        now = self.clock.now()

        def write(tx: Transaction) -> Silence:
            active = {one.id: one for one in tx.read.outbox.silences(now) if now < one.ends}
            if name not in active:
                raise unknown_name("active silence", name, active)
            silence = active[name]
            ended = replace(silence, ended=now, ended_by=clean_role(self.actor.role))
            tx.save(ended, self.actor.act("silence_ended", name, now))
            return ended

        ended = await self.writer.write(write)
        self._log_act("silence_ended", silence=name)
        self.wake()
        return ended

    async def settle_slot(self, release: str, meant: datetime) -> None:
        """Record which time a calendar's text means, and acknowledge the incident about the doubt.

        Raises `UnknownName`, `Refused` where no calendars are read, and `InvalidInput` if the text
        cannot mean that time.
        """
        if self.settle_promise is None:
            raise Refused("This monitor reads no calendars now. Answer on the one that leads.")
        try:
            await self.settle_promise(release, meant, clean_role(self.actor.role))
        except ValueError as exc:
            raise InvalidInput(BoxFault("meant", str(exc))) from exc
        settled = self.actor.act("slot_settled", release, self.clock.now())
        await self.writer.write(lambda tx: tx.save(settled))
        self._log_act("slot_settled", release=release, meant=meant.isoformat())
        incidents = self.current.read.verdicts.incidents_of
        for incident in await asyncio.to_thread(incidents, release):
            if incident.kind is IncidentKind.CALENDAR and incident.is_waiting:
                await self.acknowledge(incident.id)

    async def tick(self, release: str, tick: Tick) -> None:
        """Record that something was done to prepare a release, also in its open incidents.

        Raises `UnknownName`.
        """
        now = self.clock.now()
        act = make_tick(self.actor, tick, release, now)

        def write(tx: Transaction) -> None:
            if tx.read.ledger.release(release) is None:
                raise UnknownName(f"no release {release!r}")
            tx.save(act)
            for known in tx.read.verdicts.incidents_of(release):
                if known.closed is None:
                    ticked = replace(known, ticks=(*known.ticks, *entries_of_ticks([act])))
                    tx.save(ticked)

        await self.writer.write(write)
        self._log_act("ticked", release=release, tick=tick.value)

    async def export_evidence(self, incident: Incident, file: Path) -> None:
        """Write the evidence of an incident to a zip file. Raises `UserFault` and `StoreFault`."""
        now, read = self.clock.now(), self.current.read
        await asyncio.to_thread(
            export_bundle, read, self.evidence, incident, file, now, self.evidence_owner
        )
        await self.record_act("evidence_read", incident.id)
        self._log_act("evidence_read", incident=incident.id)

    async def keep_claim(self, claim: Claim) -> bool:
        """Store a claim of the public record. Return False if it is stored already."""
        act = self.actor.act("claim_kept", claim.url, self.clock.now())

        def keep(tx: Transaction) -> bool:
            is_new = tx.add(claim)
            if is_new:
                tx.save(act)
            return is_new

        return await self.writer.write(keep)

    async def record_act(self, what: str, subject: str) -> None:
        """Record that the actor did `what` to `subject` now."""
        act = self.actor.act(what, subject, self.clock.now())
        await self.writer.write(lambda tx: tx.save(act))

    async def _change_incident(
        self, incident: str, what: str, change: Callable[..., Incident], *details: str
    ) -> Incident:
        """Apply `change` to an incident, and record it as an act with the word `what`.

        It gets the incident, the role of the actor, the `details` and the current time.
        """
        now, record, role = self.clock.now(), self.current.record, self.actor.role

        def apply(tx: Transaction) -> Incident:
            changed = change_incident(
                tx, record, incident, lambda known: change(known, role, *details, now), now
            )
            tx.save(self.actor.act(what, incident, now))
            return changed

        changed = await self.writer.write(apply)
        self.wake()
        self._log_act(what, incident=incident)
        return changed

    def _log_act(self, what: str, **details: object) -> None:
        _log.info(what, account=self.actor.account, role=self.actor.role, **details)


def _drafted_acts(incident: Incident | None) -> object:
    """Return what people did to an incident that its draft quotes, to compare before and after a
    change.
    """
    if incident is None:
        return None
    # A new note or action does not amend a signed report.
    acts = () if SIGNED in incident.words else (incident.timeline, incident.actions)
    return incident.words.get("brought_forward"), acts
