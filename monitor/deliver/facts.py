"""Converts verdicts into the facts and rows of reports that `alerts` uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain

from alerts.draft.period import Row as PeriodRow
from alerts.finding import BlindSpan, Certainty, ReleaseFacts
from monitor.judge.as_json import Body, decision_text, decisive_delay, widest_bound
from monitor.judge.findings.platform import host_of
from monitor.judge.runs import Blind, Runs, drop_watched_spans, widest_gap
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View, target_id
from monitor.store.sql.read import VerdictStore
from schedules.contract.verdict import JudgedRelease, VerdictKind
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds
from schedules.times.json import bounds_from_json, instant_from_json, interval_from_json
from schedules.times.words import day_text, instant_text


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a verdict was measured.

    `runs` are the looks behind it by target, `blind` the times without looks, `clock_offset` the
    clock's possible error in seconds, `records` the ids of evidence.
    """

    monitor: str = ""
    runs: Runs = field(default_factory=dict)
    blind: Sequence[Blind] = ()
    clock_offset: Bounds | None = None
    records: tuple[str, ...] = ()


def release_facts(verdict: Verdict, measured: Measurement) -> ReleaseFacts:
    """Return the facts of a verdict for `alerts`: times, lengths and addresses, never content.

    Parts with a guessed address are left out if nothing was seen there.
    """
    slot = verdict.slot
    judged = {one.name: getattr(verdict, one.name) for one in fields(JudgedRelease)}
    unseen = (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    guesses = {
        part.id
        for part in verdict.parts
        if part.origin in UNPROMISED_ORIGINS and part.verdict in unseen
    }
    shown = [part for part in verdict.parts if part.exposures or part.id not in guesses]
    judged["parts"] = tuple(shown)
    return ReleaseFacts(
        **judged,
        timezone=slot.timezone if slot else "Europe/London",
        slot=slot.instant if slot else None,
        slot_text=slot_text(slot),
        certainty=_certainty_facts(measured, verdict),
    )


def slot_text(slot: Slot | None) -> str:
    """Return a slot in its local time, `Friday 5 January 2018, 09:30 GMT`.

    Less precise slots are quoted.
    """
    if slot is None:
        return "no announced time"
    if slot.precision is Precision.INSTANT and slot.instant is not None:
        return instant_text(slot.instant, slot.timezone)
    if slot.first is not None and slot.precision is Precision.DAY:
        return f"{day_text(slot.first, weekday=True)} (no time announced)"
    return slot.raw or "no readable time"


def _record_order(record: str) -> tuple[str, int, str]:
    monitor, _, number = record.rpartition("-")
    return monitor, int(number) if number.isdecimal() else 0, record


def _certainty_facts(measured: Measurement, verdict: Verdict) -> Certainty:
    """Return how sure the measurement is: looks, widest gap, blind spans, evidence, other monitors
    with evidence.
    """
    runs = list(chain.from_iterable(measured.runs.values()))
    slot = verdict.slot.instant if verdict.slot else None
    views = [target_id(verdict.release, "page", view) for view in (View.EDGE, View.ORIGIN)]
    page = list(chain.from_iterable(measured.runs.get(view, ()) for view in views))
    gap = None if slot is None else widest_gap(page, slot)
    blind = drop_watched_spans(measured.blind, measured.runs)
    # The id of a record is its monitor and a number.
    monitors = {record.rpartition("-")[0] for record in measured.records}
    return Certainty(
        monitor=measured.monitor,
        # An unknown run consists of failed looks. Other runs count the failed looks between their
        # sightings apart.
        looks=sum(run.looks + run.failed for run in runs),
        failed_looks=sum(run.looks if run.state is State.UNKNOWN else run.failed for run in runs),
        widest_gap=None if gap is None else gap.total_seconds(),
        clock_offset=measured.clock_offset,
        blind=blind_facts(blind),
        # Their hashes are added when they are recorded.
        records=tuple((record, "") for record in sorted(measured.records, key=_record_order)),
        others=tuple(sorted(monitors - {measured.monitor})),
    )


def blind_facts(spans: Iterable[Blind]) -> tuple[BlindSpan, ...]:
    """Return these blind spans as reports state them."""
    return tuple(BlindSpan(span.begins, span.ends, span.cause) for span in spans)


def longest_exposure(body: Body) -> Body | None:
    """Return from the JSON of a release the bounds of the exposure with the largest minimum, or
    None.
    """
    return max(
        (one["seconds"] for one in body["exposures"]),
        key=lambda one: one["min"] or 0.0,
        default=None,
    )


def period_row(verdicts: VerdictStore, body: Body) -> PeriodRow:
    """Return the row of a release in a period report, from its JSON (`body`) and its incident in
    `verdicts`.
    """
    slot = body["slot"]
    timezone = slot["timezone"] if slot else "Europe/London"
    is_dated = slot is not None and slot["precision"] in ("instant", "day")
    # A period report does not name the part that was late.
    delay, part_id = decisive_delay(body)
    seen = body
    if part_id:
        seen = next(part for part in body["parts"] if part["id"] == part_id)
    incident = None
    if body["incident"]:
        incident = verdicts.incident(body["incident"])
    return PeriodRow(
        release=body["id"],
        title=body["title"],
        producer=body["producer"],
        url=body["url"],
        timezone=timezone,
        slot=instant_from_json(slot["start"]) if is_dated else None,
        verdict=body["verdict"],
        first_seen=interval_from_json(seen["first_seen"]),
        delay=bounds_from_json(delay),
        exposure=bounds_from_json(longest_exposure(body)),
        # The practice of the Code of Practice for Statistics that the findings concern, so none
        # without findings.
        practice=body["code"]["practice"] if body["code"] and body["findings"] else "",
        cause=incident.words.get("cause", "") if incident else "",
        incident=incident.id if incident else "",
        # the most seconds that it may have come before its slot, if it was on time
        early_bound=widest_bound(body),
        decided=decision_text(body, timezone),
        other_producers=tuple(one for one in body.get("producers", ()) if one != body["producer"]),
        with_platform=any(finding["kind"] == "platform" for finding in body["findings"]),
        precision=slot["precision"] if is_dated else "instant",
        hosts=frozenset(host_of(one["url"]) for one in (body, *body["parts"])),
    )
