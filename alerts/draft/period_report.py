"""A period or platform report on its form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.by_hand import logged_end
from alerts.claim import NO_PROOF, Claim
from alerts.draft import words
from alerts.draft.answers import asks_for
from alerts.draft.form import Question, form_named
from alerts.draft.history import outcome
from alerts.draft.pattern import NOT_LOGGED, patterns
from alerts.draft.period import (
    Episode,
    Period,
    Row,
    counts,
    episodes,
    late_delays,
    named,
    punctuality,
    quantile,
    unsure,
)
from alerts.draft.report import Field, Report, Section, Table
from alerts.incident import Incident
from schedules.times.interval import Bounds, Interval
from schedules.times.words import day_text, stamp
from schedules.times.zone import LONDON, local_date

VERDICTS: Mapping[str, str] = {
    "on_time": "on time",
    "late": "late",
    "overdue": "overdue",
    "early": "early",
    "not_published": "not published",
    "unproven": "unproven",
    "pending": "not yet judged",
    "cancelled": "cancelled",
    "moved": "moved",
    "unannounced": "unannounced",
}
LISTED = (3.0, 4.2, 3.4, 3.2, 3.0)
LOGGED = ("Occurred", "Release and producer", "Over", "What it was", "Cause")
MOST_CLAIMS = 500
"""The most claims that a document lists."""
ALWAYS = ("on_time", "late", "early", "unproven")


def period_report(
    period: Period, name: str, now: datetime, zone: str = LONDON, called: Callable[[str], str] = str
) -> Report:
    """Return the report on a period, as of `now`.

    `name` is the platform or producer covered. `called` returns the name of a producer for its id.
    """
    period = named(period, called)
    form = form_named("period")
    sections = tuple(
        Section(chapter.id, chapter.heading, tuple(_field(each, period, name) for each in chapter.questions))
        for chapter in form.chapters
    )
    return Report(
        incident=f"period {period.begins.isoformat()} to {period.ends.isoformat()}",
        form=form.id,
        title=form.title,
        subject=f"{name}, {words.days(period.begins, period.ends)}",
        producer=name,
        edition="",
        practice="",
        at=now,
        date_of_report=day_text(local_date(now, zone)),
        last_amended="",
        preamble=None,
        sections=sections,
        measured=_listed_table(period),
        figures=patterns(period),
        claimed=_claims_table(period.claims, zone),
    )


def _field(question: Question, period: Period, name: str) -> Field:
    fact = question.facts[0]
    find = ANSWERS.get(fact)
    paragraphs = (name,) if fact == "platform.name" else find(period) if find else ()
    return Field(
        id=question.id,
        label=question.label,
        filled_by=question.filled_by,
        facts=question.facts,
        multi_line=question.multi_line,
        paragraphs=paragraphs,
        placeholder="" if paragraphs else f"[to be completed: {asks_for(fact)}]",
    )


def _counted(period: Period) -> tuple[str, ...]:
    if not period.rows:
        return ("No release was watched.",)
    found = counts(period)
    named = [f"{found.get(each, 0):,} {text}" for each, text in VERDICTS.items() if each in ALWAYS or each in found]
    return (
        f"{words.count(len(period.rows), 'release')} watched: {words.joined(named)}.",
        *_unsure(period),
        _indicator(period),
    )


def _unsure(period: Period) -> tuple[str, ...]:
    bounds = unsure(period)
    if not bounds:
        return ()
    longest = words.length(math.ceil(bounds[-1]))
    which = "One of those on time" if len(bounds) == 1 else f"{len(bounds):,} of those on time"
    return (f"{which} may have come up to {longest} early: no look nearer to the announced time proved absence.",)


def _indicator(period: Period) -> str:
    found = punctuality(period)
    if found.share is None:
        return "No release of the period could be judged, so its punctuality is not known."
    whose = "Its" if found.judged == 1 else "Their mean"
    mean = f" {whose} delay (indicator TP3) was {words.span(found.mean)}." if found.mean and found.mean.max else ""
    if found.left_out:
        longest = words.span(Bounds(max(each.min or 0.0 for each in found.left_out), None))
        left = words.count(len(found.left_out), "release")
        mean += f" Left out of any mean: {left} not seen yet, {longest} late so far."
    if found.judged == 1:
        return f"The one release that could be judged {'came' if found.on_time else 'did not come'} out on time.{mean}"
    share = f"{found.share:.1%}" if found.on_time else "none"
    return f"Of the {found.judged:,} releases that could be judged {share} came out on time.{mean}"


def _listed(period: Period) -> tuple[str, ...]:
    number, by_hand = len(period.incidents), len(period.logged)
    logged = (f"{words.count(by_hand, 'incident')} logged by hand: see annex A.",) if by_hand else ()
    if not number:
        return ("No release of the period was late, early or unproven.", *logged)
    platforms = map(_met, episodes(period))
    return (f"{words.count(number, 'release')} late, early or unproven: see annex A.", *platforms, *logged)


def _met(episode: Episode) -> str:
    zone, producers = episode.rows[0].timezone, len({row.producer for row in episode.rows})
    titles = words.joined([f"“{row.title}”" for row in episode.rows])
    late = f"{words.count(len(episode.rows), 'release')} of {producers} producers were late together: {titles}"
    unended = f"since {words.brief(episode.begins, zone)} and not over yet"
    held = words.between(Interval(episode.begins, episode.ends), zone) if episode.ends else unended
    cause = f" Cause logged: {words.joined(episode.causes)}." if episode.causes else ""
    return f"One fault of {episode.host}, {held}: {late}.{cause}"


def _distribution(period: Period) -> tuple[str, ...]:
    delays = late_delays(period)
    if not delays:
        return ("No release of the period was measured late.",)
    if len(delays) == 1:
        return (f"The one late release was late by {words.span(delays[0])}.",)
    named = (("median", 0.5), ("90th percentile", 0.9), ("longest", 1.0))
    told = [f"{name} {words.span(quantile(delays, share))}" for name, share in named]
    return (f"Delays of {words.count(len(delays), 'late release')}: {words.joined(told)}.",)


def _coverage(period: Period) -> tuple[str, ...]:
    unproven = counts(period).get("unproven", 0)
    number = f"{unproven:,}" if unproven else "None"
    of_all = f"{number} of {len(period.rows):,} releases watched stayed unproven."
    if len(period.rows) < 2:
        alone = f"The one release watched {'stayed' if unproven else 'did not stay'} unproven."
        of_all = alone if period.rows else "No release was watched."
    total = sum((each.ends - each.begins for each in period.blind), timedelta())
    if not period.blind:
        return (of_all, "No gap in the monitor's watch is recorded for the period.", *_claims_text(period.claims))
    gaps = words.count(len(period.blind), "gap")
    unseen = f"The monitor could not see during {gaps}, {words.length(round(total.total_seconds()))} in all."
    return (of_all, unseen, *_claims_text(period.claims))


ANSWERS: Mapping[str, Callable[[Period], tuple[str, ...]]] = {
    "period.from": lambda period: (words.days(period.begins, period.ends),),
    "period.counts": _counted,
    "period.incidents": _listed,
    "period.delay_stats": _distribution,
    "period.coverage": _coverage,
}


def _listed_table(period: Period) -> tuple[Table, ...]:
    header = ("Announced", "Release and producer", "First seen", "Delay or exposure", "Verdict and practice")
    rows = tuple(_row(row) for row in period.incidents)
    measured = (Table("Releases late, early or unproven", header, rows, LISTED),) if rows else ()
    by_hand = tuple(_logged_row(one) for one in period.logged)
    return (*measured, Table("Logged by hand, not measured", LOGGED, by_hand, LISTED)) if by_hand else measured


def _logged_row(incident: Incident) -> tuple[str, ...]:
    end = logged_end(incident)
    day_alone = "T" not in incident.words.get("when", "T").partition(",")[0]
    began = day_text(local_date(incident.occurred)) if day_alone else words.brief(incident.occurred, LONDON)
    return (
        began,
        f"{incident.title}\n{incident.producer}",
        words.brief(end, LONDON) if end else "not told",
        words.capital(outcome(incident)),
        incident.words.get("cause", NOT_LOGGED),
    )


def _row(row: Row) -> tuple[str, ...]:
    announced = words.brief(row.slot, row.timezone) if row.slot else ""
    first = words.between(row.first_seen, row.timezone) if row.first_seen.by else "not seen"
    practice = "".join(f"\n{text}" for text in (row.practice, words.capital(row.decided)) if text)
    return (
        announced,
        f"{row.title}\n{row.producer}",
        words.capital(first),
        words.capital(_length(row)),
        words.capital(f"{VERDICTS[row.verdict]}{practice}"),
    )


def _length(row: Row) -> str:
    if row.exposure is not None:
        return f"public early for {words.span(row.exposure)}"
    if row.verdict == "unproven" or row.delay is None:
        return "not proved"
    return words.span(Bounds(row.delay.min, row.delay.max))


def _claims_text(claims: Sequence[Claim]) -> tuple[str, ...]:
    if not claims:
        return ()
    told = f"The public record has {words.count(len(claims), 'publication')} in the period"
    where = (
        f"the first {MOST_CLAIMS} in the last annex, all in .csv" if len(claims) > MOST_CLAIMS else "see the last annex"
    )
    return (f"{told}: {where}. {NO_PROOF}",)


def _claims_table(claims: Sequence[Claim], zone: str) -> tuple[Table, ...]:
    rows = tuple(
        (
            stamp(claim.at, zone),
            f"{claim.title}\n{claim.producer}\n{claim.url}",
            f"{stamp(claim.slot, zone)}\n{claim.slot_source}" if claim.slot else "not told",
            f"{urlsplit(claim.source).hostname}, read {stamp(claim.read, zone)}",
        )
        for claim in claims[:MOST_CLAIMS]
    )
    header = ("First published, as claimed", "Publication and producer", "Slot in the record", "Source")
    return (Table("Claimed by the publishers, not measured", header, rows, (3.2, 7.4, 3.2, 3.0)),) if rows else ()
