"""Subject and text of a notice about a release: addresses and times, never content."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from alerts.fact_rules import (
    find_alterations,
    find_appearance,
    find_wrong_files,
    is_wrong_file_there,
    say_shown_since,
)
from alerts.finding import ReleaseFacts, part_label, part_name
from alerts.notice import write_blocks
from alerts.one_line import one_line, whole_lengths
from alerts.status import (
    brief_length,
    describe_alternatives,
    describe_exposure_end,
    describe_release_after_exposure,
    describe_status,
    find_current_status,
    is_wait_over,
    measure_breach,
    say_elsewhere_since,
    subject_prefix,
)
from alerts.steps import Step, numbered_steps
from schedules.contract.verdict import Ended, Exposure, Grade, PartVerdict
from schedules.times.interval import Bounds
from schedules.times.words import (
    between_moments,
    day_text,
    instant_text,
    length,
    moment,
    rounded,
    sureness,
)
from schedules.times.zone import local_date

SUBJECT_SUFFIX = {
    "grade_changed": ", a report is now due",
    "exposure_closed": ", over",
    "new_finding": ", new finding",
    "back": ", back",
    "elsewhere": "",
    "comes_and_goes": ", comes and goes",
    "steady": ", steady again",
    "appeared": ", now out",
    "final": ", over",
    "reopened": ", reopened",
    "still": ", still true",
    "reminder": ", not acknowledged",
}
KINDS_WITH_DRAFT = frozenset({"late", "partial", "early", "wrong_file", "hand", "platform"})
OUT_NOW = "OUT NOW"
"""The first words of a subject about a late release that users can get now, with its delay."""
OUT = "out"
"""The list in `steps.json` for such a release."""
_LONGEST_TITLE = 70


def write_notice_subject(kind: str, reported_kind: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return the notice as one line: status, release with its slot, and details.

    `kind` is what it does, such as `opened` or `final`, `reported_kind` the kind of incident that
    it names first.
    """
    status = find_current_status(reported_kind, facts)
    head = _write_head(kind, status, facts, now)
    title = write_title_with_slot(facts, now)
    details = describe_status(reported_kind, facts, now)
    if shown := say_shown_since(facts):
        details = f"{shown}; {details}"
    if status == "unproven":
        # Here the details come before the release, because telephones cut the end of a line.
        beginning = f"{head}: {details}. Check the publishing log."
        return one_line(f"{beginning} {title}", max(140, len(beginning)))
    return one_line(f"{head}: {title}, {details}")


def _write_head(kind: str, status: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return the first words of a subject: the status, and what happened to it."""
    suffix = SUBJECT_SUFFIX.get(kind, "")
    # An incident can end because its release was found. If its verdict is not final, do not say
    # `final`.
    if kind == "final" and not facts.final:
        suffix = ""
    if kind == "exposure_closed" and _is_ended_by_slot(facts):
        suffix = ", its slot has come"
    if kind == "grade_changed" and facts.grade != Grade.REPORT:
        suffix = ", a note is now due"
    if kind in ("appeared", "reminder") and choose_step_list(status, facts) == OUT:
        head = OUT_NOW
        if (lasted := measure_breach(facts, now)) is not None:
            head += f", {brief_length(lasted)} late"
        return head if kind == "appeared" else head + suffix
    head = subject_prefix(status)
    if status != "wrong_file" and any(is_wrong_file_there(facts, part) for part in facts.parts):
        head += ", WRONG FILE?"
    if since := say_elsewhere_since(facts, now):
        head += f", out elsewhere since {since}"
    if kind == "reminder" and status == "early" and not facts.is_exposed:
        head += ", over"
    return head + suffix


def _is_ended_by_slot(facts: ReleaseFacts) -> bool:
    """Return whether no exposure that ended is known to have been removed."""
    return all(one.ended is not Ended.REMOVED for one in facts.exposures)


def write_title_with_slot(facts: ReleaseFacts, now: datetime) -> str:
    """Return title, producers and slot of the release in one line."""
    title = one_line(facts.title, _LONGEST_TITLE) or facts.release
    return one_line(f"{title} ({facts.producer_names}) due {slot_text(facts, now)}")


def write_notice_text(  # noqa: PLR0913 # one for each thing that a notice says
    kind: str,
    reported_kind: str,
    facts: ReleaseFacts,
    incident: str,
    now: datetime,
    changed: str = "",
    *,
    steps: Iterable[Step] = (),
) -> str:
    """Return the notice as plain text: subject, change, release, measurements so far, and steps."""
    head = [write_notice_subject(kind, reported_kind, facts, now)]
    if changed:
        head.append(f"What changed: {changed}")
    elsewhere = []
    if say_elsewhere_since(facts, now):
        alternatives = describe_alternatives(facts, now)
        elsewhere = ["Users can get it now:", *(f"- {line}" for line in alternatives)]
    measured_at = moment(rounded(min(facts.at, now)), facts.timezone, now)
    return write_blocks(
        head,
        elsewhere,
        [*_write_release(facts)],
        [f"Measured so far, as of {measured_at}:", *_write_measurements(reported_kind, facts, now)],
        numbered_steps(steps),
        [f"Incident: {incident}", *_write_certainty(facts)],
    )


def slot_text(facts: ReleaseFacts, now: datetime) -> str:
    """Return the slot as a local time, or its announced text if it has no exact time."""
    if facts.slot is None:
        return one_line(facts.slot_text, _LONGEST_TITLE) or "at no announced time"
    return moment(facts.slot, facts.timezone, now)


def status_sentence(kind: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return slot and status of a release with an incident of this kind in one sentence."""
    return f"Due {slot_text(facts, now)}: {describe_status(kind, facts, now)}."


def _write_release(facts: ReleaseFacts) -> Iterator[str]:
    yield f"Release: {one_line(facts.title)}"
    yield f"Producer: {facts.producer_names}"
    yield f"Address: {facts.url}"
    announced = "announced"
    if facts.slot_source:
        announced += f" by {facts.slot_source}"
    if facts.slot is None:
        yield f"Promised: {one_line(facts.slot_text) or 'at no announced time'} ({announced})"
        return
    if facts.slot_learnt:
        learnt_on = local_date(facts.slot_learnt, facts.timezone)
        announced += f", first read on {day_text(learnt_on, weekday=True)}"
    yield f"Promised: {instant_text(facts.slot, facts.timezone)} ({announced})"


def _write_measurements(reported_kind: str, facts: ReleaseFacts, now: datetime) -> Iterator[str]:
    yield f"- {describe_status(reported_kind, facts, now)}"
    if find_current_status(reported_kind, facts) == "unproven" and facts.unproven_because:
        yield f"  why: {one_line(facts.unproven_because)}"
    for part in facts.parts:
        name = part_name(part)
        if not part.required and part.role != "alternative":
            name += " (not required)"
        yield f"- {name[:1].upper()}{name[1:]}: {_describe_part(part, facts, now)}"
        yield f"  {part.shown_at}"
        yield from (f"  {_describe_exposure(exposure, facts, now)}" for exposure in part.exposures)
    yield from (f"  {line}" for line in list_finding_details(reported_kind, facts))


def list_finding_details(kind: str, facts: ReleaseFacts) -> Iterator[str]:
    """Yield the details of findings for an incident of this kind, unless they could reveal content
    public early.
    """
    status = find_current_status(kind, facts)
    if status in ("altered", "wrong_file"):
        find = find_alterations if status == "altered" else find_wrong_files
        yield from (f"{part_label(each.part)}: {one_line(each.detail)}" for each in find(facts))
    # The detail of an exposure may quote content that was public early, so only the evidence has
    # it.
    elif status in ("lead", "calendar", "unproven"):
        yield from (one_line(finding.detail) for finding in facts.findings if finding.detail)


def _describe_part(part: PartVerdict, facts: ReleaseFacts, now: datetime) -> str:
    """Return the verdict on a part with first sight, delay and wait, or what followed if it was
    public early.
    """
    is_alternative = part.role == "alternative"
    if is_alternative and part.verdict in ("overdue", "not_published"):
        return "not seen there"
    verdict = part.verdict.replace("_", " ")
    if part.verdict == "pending":
        verdict = "not seen yet"
    elif is_alternative and part.verdict == "late":
        verdict = "published there"  # no one promised it there, so it cannot be late
    if not part.exposures:
        return f"{verdict}{_describe_appearance(part, facts, now)}"
    what_followed = describe_release_after_exposure(part, facts, now)
    # It was removed before its slot, and not published again then. `delay` is how long it has
    # been absent since.
    if not what_followed and part.delay is not None and (part.delay.min or 0) > 0:
        what_followed = f"not out again {_describe_delay(part.delay)}"
    return ", ".join(filter(None, (verdict, what_followed)))


def _describe_appearance(part: PartVerdict, facts: ReleaseFacts, now: datetime) -> str:
    text = ""
    if part.verdict == "on_time":
        text = sureness(part.early_bound)  # says by how much it may have been early
    appeared = find_appearance(part)
    if appeared.by:
        text += f", first seen {between_moments(appeared, facts.timezone, now)}"
    if part.delay is not None:
        text += f", {_describe_delay(part.delay)}"
    if part.is_hidden and part.wait is not None:  # a cache hid it from users
        if part.wait.max is None:
            return f"{text}; not for users yet"
        text += f"; users could get it {_describe_delay(part.wait)}"
    return text


def _describe_delay(delay: Bounds) -> str:
    """Return a delay in words: `4 to 5 min after the slot`, or `before the slot` if the part was
    early.

    Notices show no parts of a second, so a delay between a second before and a second after is
    `within a second of the slot`.
    """
    low, high = delay.min, delay.max
    if low is not None and high is not None:
        is_within_a_second = low >= -1 and high <= 1
        is_exactly_one_second = low == high and low in (-1, 1)  # shown as `1 s`
        if is_within_a_second and not is_exactly_one_second:
            return "within a second of the slot"
        if low < 0 < high:
            before = length(-low, math.ceil, tenths=False)
            after = length(high, math.ceil, tenths=False)
            return f"between {before} before and {after} after the slot"
    # Here one bound has the sign of both.
    is_before = (low or 0) < 0 or (high or 0) < 0
    return f"{whole_lengths(delay)} {'before' if is_before else 'after'} the slot"


def _describe_exposure(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    start = f"public before its slot: came {between_moments(exposure.start, facts.timezone, now)}"
    if exposure.open:
        return f"{start}, not seen removed yet"
    end = describe_exposure_end(exposure.ended, between_moments(exposure.to, facts.timezone, now))
    return f"{start}, {end}, {whole_lengths(exposure.seconds)}"


def choose_step_list(kind: str, facts: ReleaseFacts) -> str:
    """Return the name of the list in `steps.json` for the current status of a release with an
    incident of this kind.
    """
    status = find_current_status(kind, facts)
    if status == "early" and not facts.is_exposed:
        # Each way in which an exposure ends has a list of its name. The worst comes first: it
        # lasted until the slot.
        ways = {exposure.ended for exposure in facts.exposures}
        known_ways = (way for way in (Ended.SLOT, Ended.UNKNOWN, Ended.REMOVED) if way in ways)
        return next(known_ways, Ended.UNKNOWN).value
    if status in {"late", "partial", "stale"} and is_wait_over(facts):
        return OUT
    if status == "calendar" and facts.readings is not None and not facts.readings.by:
        return "calendar_readings"
    # For users a stale cache is the same as a late release.
    return "late" if status == "stale" else status


def _write_certainty(facts: ReleaseFacts) -> Iterator[str]:
    """Yield a line for each limit of certainty: the widest gap between looks, an unread calendar,
    blind spans.
    """
    certainty = facts.certainty
    if certainty.widest_gap is not None:
        yield (
            "Widest gap between two looks that could tell whether the page was out:"
            f" {length(certainty.widest_gap, math.ceil)}"
        )
    if facts.unread_since is not None:
        yield (
            "The slot was last read in its calendar"
            f" {moment(facts.unread_since, facts.timezone, facts.at)}"
        )
    for blind in certainty.blind:
        seconds = int((blind.ends - blind.begins).total_seconds())
        lasted = f" for {length(seconds, tenths=False)}" if seconds else ""
        yield (
            f"Blind{lasted} from {moment(blind.begins, facts.timezone, facts.at)}:"
            f" {one_line(blind.cause)}"
        )
