"""A verdict in the terms of `alerts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerts import finding as facts
from monitor.judge.runs import Blind, Run, unwatched, widest_gap
from monitor.judge.verdict import PartVerdict, Verdict, Word
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View, target_id
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds
from schedules.times.words import day_text, instant_text


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of how a verdict was measured: the runs behind it, blind spans, and the clock."""

    monitor: str = ""
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    blind: Sequence[Blind] = ()
    clock_offset: Bounds | None = None
    records: tuple[tuple[str, str], ...] = ()


def release_facts(verdict: Verdict, measured: Measured) -> facts.ReleaseFacts:
    """Return what `alerts` may know of a verdict: times, lengths and addresses, never content."""
    slot = verdict.slot
    return facts.ReleaseFacts(
        release=verdict.release,
        title=verdict.title,
        producer=verdict.producer,
        url=verdict.url,
        timezone=slot.timezone if slot else "Europe/London",
        slot=slot.instant if slot else None,
        slot_text=slot_text(slot),
        slot_source=verdict.source,
        slot_learnt=verdict.announced,
        verdict=verdict.word.value,
        grade=verdict.grade.value,
        final=verdict.final,
        at=verdict.at,
        parts=tuple(_part(part, verdict) for part in verdict.parts if _is_known(part)),
        findings=tuple(
            facts.Finding(found.kind.value, found.part, found.detail, found.seconds, found.at)
            for found in verdict.findings
        ),
        unproven_because=verdict.unproven_because,
        certainty=_certainty(measured, verdict),
        confirmed=verdict.confirmed,
        others=verdict.others,
        address=verdict.address.value,
        elsewhere=verdict.elsewhere,
        due=verdict.due,
    )


def slot_text(slot: Slot | None) -> str:
    """Return a slot in words, in its own local time: `Friday 5 January 2018, 09:30 GMT`, or as it was announced."""
    if slot is None:
        return "no announced time"
    if slot.precision is Precision.INSTANT and slot.instant is not None:
        return instant_text(slot.instant, slot.timezone)
    if slot.first is not None and slot.precision is Precision.DAY:
        return f"{day_text(slot.first, weekday=True)} (no time announced)"
    return slot.raw or "no readable time"


def _is_known(part: PartVerdict) -> bool:
    """Tell whether a part is one: an address that nobody promised, and that proved nothing, is told to nobody."""
    is_guess = part.origin in UNPROMISED_ORIGINS and part.word in (Word.PENDING, Word.UNPROVEN)
    return not is_guess or bool(part.exposures)


def _part(part: PartVerdict, verdict: Verdict) -> facts.Part:
    return facts.Part(
        part.id,
        part.role,
        part.url,
        part.required,
        part.word.value,
        part.first_seen,
        part.released,
        part.delay,
        part.exposures,
        part.early_bound,
        verdict.address.value if part.id == "page" else "announced",
        part.users_delay,
    )


def _in_order(record: tuple[str, str]) -> tuple[str, int, str]:
    """Return what sorts records of evidence as they were kept: by monitor, then by number."""
    monitor, _, number = record[0].rpartition("-")
    return monitor, int(number) if number.isdecimal() else 0, record[0]


def _certainty(measured: Measured, verdict: Verdict) -> facts.Certainty:
    runs = [run for target in measured.runs.values() for run in target]
    slot = verdict.slot.instant if verdict.slot else None
    page = measured.runs.get(target_id(verdict.release, "page", View.EDGE), ())
    gap = None if slot is None else widest_gap(page, slot)
    blind = unwatched(measured.blind, measured.runs)
    return facts.Certainty(
        monitor=measured.monitor,
        looks=sum(run.looks + run.failed for run in runs),
        failed_looks=sum(run.looks if run.state is State.UNKNOWN else run.failed for run in runs),
        widest_gap=None if gap is None else gap.total_seconds(),
        clock_offset=measured.clock_offset,
        blind=tuple(facts.BlindSpan(span.begins, span.ends, span.cause) for span in blind),
        records=tuple(sorted(measured.records, key=_in_order)),
        others=tuple(sorted({name.rpartition("-")[0] for name, _ in measured.records} - {measured.monitor})),
    )
