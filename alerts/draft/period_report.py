"""Fills the form of a report on a period, a producer or a platform."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.by_hand import has_time_of_day, logged_end
from alerts.claim import NO_PROOF, Claim
from alerts.draft import words
from alerts.draft.form import Question, get_form
from alerts.draft.guidance import describe_missing
from alerts.draft.history import describe_outcome
from alerts.draft.pattern import NOT_LOGGED, chart_faults
from alerts.draft.period import (
    Period,
    PlatformFault,
    Row,
    count_verdicts,
    find_platform_faults,
    find_quantile,
    get_local_slot,
    list_early_bounds,
    list_late_delays,
    measure_punctuality,
    name_producers,
)
from alerts.draft.report import (
    Field,
    Paragraphs,
    Report,
    SlotBar,
    SlotStrip,
    Table,
    build_sections,
)
from alerts.incident import Incident
from schedules.contract.verdict import verdict_text
from schedules.times.interval import Bounds, Interval
from schedules.times.words import count, day_text, stamp
from schedules.times.zone import LONDON, local_date

COLUMN_SHARES = (3.0, 4.2, 3.4, 3.2, 3.0)
LOGGED_HEADER = ("Occurred", "Release and producer", "Over", "What it was", "Cause")
_MOST_BARS = 60
"""Of a longer strip, a page would show no more at once. The table has all."""
MOST_LISTED_CLAIMS = 500
"""The most claims that a document lists."""


def build_period_report(
    period: Period,
    name: str,
    now: datetime,
    zone: str = LONDON,
    name_of: Callable[[str], str] = str,
) -> Report:
    """Return the report on a period, as of `now`.

    `name` is the platform or producer covered. `name_of` returns the name of any producer for its
    id.
    """
    period = name_producers(period, name_of)
    form = get_form("period")
    return Report(
        # A report names its incident. This one names its period instead.
        incident=f"period {period.begins.isoformat()} to {period.ends.isoformat()}",
        form=form.id,
        title=form.title,
        subject=f"{name}, {words.format_days(period.begins, period.ends)}",
        producer=name,
        at=now,
        date_of_report=day_text(local_date(now, zone)),
        sections=build_sections(form, lambda question: _build_field(question, period, name)),
        measured=_tabulate_incidents(period),
        figures=chart_faults(period),
        strip=_draw_strip(period),
        # publications by the publishers' records, not measured
        claimed=_tabulate_claims(period.claims, zone),
    )


def _build_field(question: Question, period: Period, name: str) -> Field:
    fact = question.facts[0]
    if fact == "platform.name":
        return Field.of_question(question, (name,), "")
    if fact in ANSWERS:
        return Field.of_question(question, ANSWERS[fact](period), "")
    return Field.of_question(question, (), f"[to be completed: {describe_missing(fact)}]")


def _say_counts(period: Period) -> Paragraphs:
    if not period.rows:
        return ("No release was watched.",)
    counts = count_verdicts(period)
    listed = dict.fromkeys(("on_time", "late", "early", "unproven", *sorted(counts)))
    numbers = words.join(
        [f"{counts.get(verdict, 0):,} {verdict_text(verdict)}" for verdict in listed]
    )
    return (
        f"{count(len(period.rows), 'release')} watched: {numbers}.",
        *_say_early_bounds(period),
        _say_punctuality(period),
    )


def _say_early_bounds(period: Period) -> Paragraphs:
    """Return a sentence on how many on-time releases may in truth have been early, and how early;
    empty without any.
    """
    # For each such release, the seconds before its slot in which no look proved that it was still
    # absent.
    seconds_early = list_early_bounds(period)
    if not seconds_early:
        return ()
    longest = words.format_length(math.ceil(max(seconds_early)))
    number = f"{len(seconds_early):,}"
    if len(seconds_early) == 1:
        number = "One"
    return (
        (
            f"{number} of those on time may have come up to {longest} early: no look nearer to the"
            " announced time proved absence."
        ),
    )


def _say_punctuality(period: Period) -> str:
    punctuality = measure_punctuality(period)
    if punctuality.share is None:
        return "No release of the period could be judged, so its punctuality is not known."
    if punctuality.judged == 1:
        whose = "Its"
        came = "came" if punctuality.on_time else "did not come"
        sentences = [f"The one release that could be judged {came} out on time."]
    else:
        whose = "Their mean"
        share = f"{punctuality.share:.1%}" if punctuality.on_time else "none"
        sentences = [
            f"Of the {punctuality.judged:,} releases that could be judged {share} came out on time."
        ]
    if punctuality.mean and punctuality.mean.max:
        sentences.append(
            f"{whose} delay (indicator TP3) was {words.format_bounds(punctuality.mean)}."
        )
    if punctuality.left_out:
        longest_so_far = words.format_bounds(
            Bounds(max(delay.min or 0.0 for delay in punctuality.left_out))
        )
        number_left_out = count(len(punctuality.left_out), "release")
        sentences.append(
            f"Left out of any mean: {number_left_out} not seen yet, {longest_so_far} late so far."
        )
    return " ".join(sentences)


def _say_incidents(period: Period) -> Paragraphs:
    sentences = ["No release of the period was late, early or unproven."]
    if period.incidents:
        number = count(len(period.incidents), "release")
        sentences = [f"{number} late, early or unproven: see annex A."]
        sentences += map(_describe_platform_fault, find_platform_faults(period))
    if period.logged:
        by_hand = count(len(period.logged), "incident")
        sentences.append(f"{by_hand} logged by hand: see annex A.")
    return tuple(sentences)


def _describe_platform_fault(fault: PlatformFault) -> str:
    zone, producers = fault.rows[0].timezone, len({row.producer for row in fault.rows})
    titles = words.join([f"“{row.title}”" for row in fault.rows])
    late = (
        f"{count(len(fault.rows), 'release')} of {producers} producers were late together: {titles}"
    )
    lasted = f"since {words.format_instant(fault.begins, zone)} and not over yet"
    if fault.ends:
        lasted = words.format_interval(Interval(fault.begins, fault.ends), zone)
    sentence = f"One fault of {fault.host}, {lasted}: {late}."
    if fault.causes:
        sentence += f" Cause logged: {words.join(fault.causes)}."
    return sentence


def _say_delays(period: Period) -> Paragraphs:
    delays = list_late_delays(period)
    if not delays:
        return ("No release of the period was measured late.",)
    if len(delays) == 1:
        return (f"The one late release was late by {words.format_bounds(delays[0])}.",)
    quantiles = (("median", 0.5), ("90th percentile", 0.9), ("longest", 1.0))
    lengths = [
        f"{name} {words.format_bounds(find_quantile(delays, share))}" for name, share in quantiles
    ]
    return (f"Delays of {count(len(delays), 'late release')}: {words.join(lengths)}.",)


def _say_coverage(period: Period) -> Paragraphs:
    unproven = "No release was watched."
    if period.rows:
        number = count_verdicts(period).get("unproven", 0)
        unproven = f"{number:,} of {count(len(period.rows), 'release')} watched stayed unproven."
    gaps = "No gap in the monitor's watch is recorded for the period."
    if period.blind:
        total = sum((span.ends - span.begins for span in period.blind), timedelta())
        length = words.format_length(round(total.total_seconds()))
        gaps = (
            f"The monitor could not see during {count(len(period.blind), 'gap')}, {length} in all."
        )
    return (unproven, gaps, *_say_claims(period.claims))


ANSWERS: Mapping[str, Callable[[Period], Paragraphs]] = {
    "period.from": lambda period: (words.format_days(period.begins, period.ends),),
    "period.counts": _say_counts,
    "period.incidents": _say_incidents,
    "period.delay_stats": _say_delays,
    "period.coverage": _say_coverage,
}


def _tabulate_incidents(period: Period) -> tuple[Table, ...]:
    header = (
        "Announced",
        "Release and producer",
        "First seen",
        "Delay or exposure",
        "Verdict and practice",
    )
    name, rows = "Releases late, early or unproven", period.incidents
    if period.series:
        name, rows = "Editions", period.rows
    logged_rows = tuple(map(_write_logged_row, period.logged))
    tables = (
        Table(name, header, tuple(map(_write_row, rows)), COLUMN_SHARES),
        Table("Logged by hand, not measured", LOGGED_HEADER, logged_rows, COLUMN_SHARES),
    )
    return tuple(table for table in tables if table.rows)


def _draw_strip(period: Period) -> SlotStrip | None:
    """Return the faulty releases against their slots, grouped by producer, each group after a bar
    for the releases on time; None without a faulty one.
    """
    faulty = [row for row in period.incidents if row.precision == "instant"]
    if not faulty:
        return None
    producers = sorted({row.producer for row in faulty}, key=str.casefold)
    bars: list[SlotBar] = []
    for producer in producers:
        own = [row for row in period.rows if row.producer == producer]
        bars += _fold_on_time(producer, own)
        bars += [_make_bar(row) for row in faulty if row.producer == producer]
    of = f"{count(len(faulty), 'release')} of {count(len(producers), 'producer')}"
    alt = f"{of} late, early or unproven: the table has each."
    return SlotStrip("Releases against their slots", tuple(bars[:_MOST_BARS]), alt)


def _fold_on_time(producer: str, rows: Sequence[Row]) -> list[SlotBar]:
    """Return one bar for the releases of a producer that were on time, if any was."""
    delays = [row.delay or Bounds() for row in rows if row.verdict == "on_time"]
    if not delays:
        return []
    low = min((one.min for one in delays if one.min is not None), default=None)
    high = max((one.max for one in delays if one.max is not None), default=None)
    note = f"{len(delays):,} of {len(rows):,} on time"
    return [SlotBar(producer, note, "on_time", low, high)]


def _make_bar(row: Row) -> SlotBar:
    delay = row.delay or Bounds()
    exposures: tuple[tuple[float, float], ...] = ()
    state, note = row.verdict, _say_length(row)
    if row.verdict in ("overdue", "not_published"):
        state, note = "open", "not out"
    if row.exposure is not None:
        begins = delay.min
        if begins is None:
            begins = -(row.exposure.min or 0.0)
        exposures = ((begins, min(0.0, begins + (row.exposure.max or -begins))),)
    return SlotBar(row.title, note, state, delay.min, delay.max, exposures)


def _say_length(row: Row) -> str:
    """Return how long a release was early or late, in words."""
    if row.exposure is not None:
        return f"public early for {words.format_bounds(row.exposure)}"
    if row.verdict != "unproven" and row.delay is not None:
        return words.format_bounds(row.delay)
    return "not proved"


def _write_logged_row(incident: Incident) -> tuple[str, ...]:
    occurred = day_text(local_date(incident.occurred))
    if has_time_of_day(incident):
        occurred = words.format_instant(incident.occurred, LONDON)
    ended = "not told"
    if end := logged_end(incident):
        ended = words.format_instant(end, LONDON)
    return (
        occurred,
        f"{incident.title}\n{incident.producer}",
        ended,
        words.capitalise(describe_outcome(incident)),
        incident.words.get("cause", NOT_LOGGED),
    )


def _write_row(row: Row) -> tuple[str, ...]:
    """Return the cells of a release: announced time, title, first sight, delay or exposure, and
    verdict.
    """
    verdict_lines = [words.capitalise(verdict_text(row.verdict)), row.practice]
    if row.cause:
        verdict_lines.append(f"Cause: {row.cause}")
    verdict_lines.append(words.capitalise(row.decided))
    announced, first_seen = "", "not seen"
    if row.precision == "day":
        announced = f"{day_text(get_local_slot(row).date())}, no time"
    elif row.slot:
        announced = words.format_instant(row.slot, row.timezone)
    if row.first_seen.by:
        first_seen = words.format_interval(row.first_seen, row.timezone)
    return (
        announced,
        f"{row.title}\n{row.producer}",
        words.capitalise(first_seen),
        words.capitalise(_say_length(row)),
        "\n".join(filter(None, verdict_lines)),
    )


def _say_claims(claims: Sequence[Claim]) -> Paragraphs:
    """Return the sentences on how many claims the public record has and where they are listed;
    empty if none.

    A claim is a publication with the time in its publisher's record. `NO_PROOF` says that we did
    not measure that time.
    """
    if not claims:
        return ()
    number, where = count(len(claims), "publication"), "see the last annex"
    if len(claims) > MOST_LISTED_CLAIMS:
        where = f"the first {MOST_LISTED_CLAIMS} in the last annex, all in .csv"
    return (f"The public record has {number} in the period: {where}. {NO_PROOF}",)


def _tabulate_claims(claims: Sequence[Claim], zone: str) -> tuple[Table, ...]:
    """Return a table of the publishers' claims, at most `MOST_LISTED_CLAIMS`; no table without
    claims.
    """
    if not claims:
        return ()
    rows = []
    for claim in claims[:MOST_LISTED_CLAIMS]:
        slot = "not told"
        if claim.slot:
            slot = f"{stamp(claim.slot, zone)}\n{claim.slot_source}"
        source = f"{urlsplit(claim.source).hostname}, read {stamp(claim.read, zone)}"
        title = f"{claim.title}\n{claim.producer}\n{claim.url}"
        rows.append((stamp(claim.at, zone), title, slot, source))
    header = (
        "First published, as claimed",
        "Publication and producer",
        "Slot in the record",
        "Source",
    )
    caption = "Claimed by the publishers, not measured"
    return (Table(caption, header, tuple(rows), (3.2, 7.4, 3.2, 3.0)),)
