"""What signed-in people write down from a browser, handed to the one writer of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from alerts.by_hand import acknowledge, as_role, waive
from alerts.draft.take_back import Conflict
from alerts.draft.versions import Versions
from alerts.incident import SIGNED, Incident
from alerts.silence import Scope, Silence, silence
from monitor.clock import Clock
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.by_hand import Clash, log_by_hand, redrafted, rewritten, said, signed_off
from monitor.errors import UnknownName
from monitor.store.evidence.bundle import Exported, export
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer

Change = Callable[[Incident], Incident]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes what people do: each call is one transaction, and says what was written.

    `wake` sends waiting notices; `evidence` is the folder of the evidence, `own` the monitors whose bytes lie there,
    None for all.
    """

    current: AsOfNow
    writer: Writer
    clock: Clock
    wake: Callable[[], None] = lambda: None
    evidence: Path = Path()
    own: Sequence[str] | None = None

    async def take(self, incident: str, role: str) -> Incident:
        """Write down that a role has an incident. Raises `UnknownName`, and `NotEnough` without a role."""
        now = self.clock.now()
        told = await self._change(incident, lambda known: acknowledge(known, role, now))
        _log.info("acknowledged", incident=incident, role=role)
        return told

    async def waive(self, incident: str, role: str, reason: str) -> None:
        """Write down why no report will be made. Raises `UnknownName` and `NotEnough`."""
        now = self.clock.now()
        await self._change(incident, lambda known: waive(known, role, reason, now))
        _log.info("report_waived", incident=incident, role=role)

    async def write(
        self,
        incident: str,
        role: str,
        words: Mapping[str, str],
        read: int,
        change: Change,
        *,
        merging: bool = True,
    ) -> tuple[Conflict, ...]:
        """Write words into boxes and change the incident; returns where somebody else wrote since version `read`.

        Both wordings stand there then; where they are not to be merged, `Clash` is raised. Raises `UnknownName` too,
        and what `change` raises; then nothing is written.
        """
        current, verdicts, now = self.current, self.current.verdicts, self.clock.now()

        def make(tx: Transaction) -> tuple[Incident | None, tuple[Conflict, ...]]:
            found: list[Conflict] = []
            before = _decided(verdicts.incident(incident))

            def type_in(known: Versions) -> Versions:
                versions, conflicts = said(known, words, read, role, now)
                found.extend(conflicts)
                if conflicts and not merging:
                    raise Clash(conflicts)
                return versions

            changed = rewritten(tx, current.record, incident, change, now)
            if words:
                redrafted(tx, verdicts, incident, type_in)
            return changed if changed.has_draft and _decided(changed) != before else None, tuple(found)

        decided, conflicts = await self.writer.write(make)
        if decided is not None:
            # A decision stands in the draft too.
            await self.writer.write(lambda tx: current.record.redraft(tx, current.incident(decided, now), now))
        self.wake()
        _log.info("written_by_hand", incident=incident, role=role, boxes=sorted(words), conflicts=len(conflicts))
        return conflicts

    async def sign(self, incident: Incident, role: str, read: Mapping[str, str], anyway: str = "") -> None:
        """Sign the report of an incident, given as it stands now, off; it holds the words that were `read`.

        `anyway` is why, where something is in the way. Raises `InTheWay` without, `UserFault` and `NotEnough`.
        """
        now, record = self.clock.now(), self.current.record
        await self.writer.write(lambda tx: signed_off(tx, record, incident, role, now, anyway=anyway, read=read))
        self.wake()
        _log.info("signed_off", incident=incident.id, role=role)

    async def log(self, words: Mapping[str, str], release: str = "") -> Incident:
        """Log what a person saw, about a watched release or none. Raises `NotEnough`, `UnknownName`."""
        now = self.clock.now()

        def make(tx: Transaction) -> tuple[Incident, bool]:
            facts = self.current.afresh(release, now) if release else None
            if release and facts is None:
                raise UnknownName(f"no release {release!r}")
            return log_by_hand(tx, self.current.record, words, facts, now)

        logged, is_new = await self.writer.write(make)
        if is_new:
            self.wake()
            _log.info("logged_by_hand", incident=logged.id, role=words.get("by", ""))
        return logged

    async def silence(
        self,
        of: tuple[Scope, str],
        until: datetime,
        role: str,
        reason: str,
        begins: datetime | None = None,
    ) -> Silence:
        """Mute messages about `of` from `begins` (default: now). Raises `NotEnough`, and `UnknownName` for its name."""
        scope, name = of
        made = silence(scope, name, until, role, reason, self.clock.now(), begins=begins)
        store = self.current.record.store

        def write(tx: Transaction) -> None:
            known = {Scope.RELEASE: store.ledger.release, Scope.INCIDENT: store.verdicts.incident}.get(scope)
            if known is not None and known(name) is None:
                raise UnknownName(f"no {scope} {name!r}")
            tx.save_silence(made)

        await self.writer.write(write)
        _log.info("silenced", of=f"{scope} {name}", until=made.until.isoformat(), role=role)
        return made

    async def end_silence(self, name: str, role: str) -> None:
        """End a silence now, or before it begins. Raises `UnknownName` if there is none, `NotEnough` without a role."""
        now, outbox = self.clock.now(), self.current.record.store.outbox

        def write(tx: Transaction) -> None:
            known = next((one for one in outbox.silences(now) if one.id == name and now < one.ends), None)
            if known is None:
                raise UnknownName(f"no silence {name!r} that can be ended")
            tx.save_silence(replace(known, ended=now, ended_by=as_role(role)))

        await self.writer.write(write)
        _log.info("silence_ended", silence=name, role=role)
        self.wake()

    def export(self, incident: Incident, file: Path) -> Exported:
        """Write the evidence of an incident to a zip; blocks on the disk. Raises `UserFault` and `StoreFault`."""
        return export(self.current.record.store, self.evidence, incident, file, self.clock.now(), self.own)

    async def _change(self, incident: str, change: Change) -> Incident:
        now, record = self.clock.now(), self.current.record
        changed = await self.writer.write(lambda tx: rewritten(tx, record, incident, change, now))
        self.wake()
        return changed


def _decided(incident: Incident | None) -> object:
    if incident is None:
        return None
    # What was signed is not amended by an action.
    return incident.words.get("brought_forward"), () if SIGNED in incident.words else incident.actions
