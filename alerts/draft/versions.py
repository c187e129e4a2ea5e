"""The versions of a draft: measured, edited, signed off, amended. Versions are appended and never changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.draft import words as wording
from alerts.draft.edits import INSTEAD, STEP, merge
from alerts.draft.report import Field, Report, amended_text, dated, report_json
from schedules.times.words import day_text
from schedules.times.zone import local_date

MONITOR = "the monitor"
ZONE = "Europe/London"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a draft.

    `by` is the role that made it, `changed` the ids of the fields that differ from the version before,
    `words` what people typed by field id. `digest` is the SHA-256 of report and words; `signed` is when
    that digest was signed off.
    """

    number: int
    at: datetime
    by: str
    report: Report
    words: Mapping[str, str]
    changed: tuple[str, ...] = ()
    digest: str = ""
    signed: datetime | None = None


Versions = tuple[Version, ...]


def remeasured(versions: Versions, report: Report) -> Versions:
    """Append a version with the new measurement; return the same versions if no field, table or figure differs."""
    if not versions:
        return _append((), merge({}, report), {}, MONITOR)
    last = versions[-1]
    before = last.report
    # A signed report keeps the day of its signature as its date.
    dated_as = _with_dates(report, before.date_of_report, report.at) if before.signed else report
    stamped = replace(dated_as, signed=before.signed, anyway=before.anyway, amendments=before.amendments)
    merged = merge(last.words, stamped, last.report)
    # A later day is not an amendment: the date of the last amendment changes only if other content does.
    if _shown(_with_amended(merged, last.report.last_amended)) == _shown(last.report):
        return versions
    return _append(versions, _amended(versions, merged, MONITOR), last.words, MONITOR)


def edited(versions: Versions, words: Mapping[str, str], by: str, at: datetime, read: Report | None = None) -> Versions:
    """Append a version with `words` that a person in the role `by` typed, by field id; other fields keep theirs.

    `read` is the report that the person saw (default: the last). Later measurements are shown beside their words.
    Blank words reopen a box; its former text stays in the earlier versions.
    """
    last = versions[-1]
    # Emptying a box also removes the mark that its words replace the measured account.
    emptied = {f"{INSTEAD}{name}": "" for name, text in words.items() if not text.strip()}
    every = {**last.words, **{name: text for name, text in emptied.items() if name in last.words}, **words}
    moved = replace(_with_dates(last.report, last.report.date_of_report, at), at=at)
    merged = merge(every, moved, last.report, by, read)
    return _append(versions, _amended(versions, merged, by), every, by)


def signed(versions: Versions, by: str, at: datetime, anyway: str = "") -> Versions:
    """Append a signed version. Every later change is marked as an amendment.

    The date of report becomes the day of signing. An unanswered sign-off question is answered with `by` and that day.
    `anyway` says why it is signed despite an obstacle.
    """
    last = versions[-1]
    today = day_text(local_date(at, ZONE))
    asked = (field.id for field in last.report.fields() if "human.signoff" in field.facts and field.answer is None)
    words = {**last.words, **dict.fromkeys(asked, f"{wording.capital(by)}, {today}")}
    sentence = f"Signed off by {by} at {wording.brief(at, ZONE)} as version {last.number + 1}"
    report = replace(_with_dates(last.report, today, at), at=at, signed=sentence, anyway=anyway)
    made = _append(versions, merge(words, report, last.report, by), words, by)
    return (*made[:-1], replace(made[-1], signed=at))


def _amended(versions: Versions, report: Report, by: str) -> Report:
    """Return the report with a line on its amendment if it was signed off before, else unchanged."""
    if not report.signed:
        return report
    others = changed(versions[-1].report, report)
    named = wording.joined([report.name_of(name) for name in others]) or "annexes"
    whose = "" if by == MONITOR else f" by {by}"
    line = f"Amended after sign-off on {day_text(local_date(report.at, ZONE))}{whose}: {named}."
    return replace(report, amendments=(*report.amendments, line))


def _append(versions: Versions, report: Report, words: Mapping[str, str], by: str) -> Versions:
    others = changed(versions[-1].report, report) if versions else ()
    made = Version(len(versions) + 1, report.at, by, report, dict(words), others, digest_of(report, words))
    return (*versions, made)


def digest_of(report: Report, words: Mapping[str, str]) -> str:
    """Return the SHA-256 of a report and of the words people typed, as hexadecimal digits."""
    # Sorted and unescaped: the same facts and words give the same digest on any machine.
    body = json.dumps([report_json(report), dict(words)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def changed(before: Report, after: Report) -> tuple[str, ...]:
    """Return the ids of the fields, and of the steps as `step.NAME`, that differ in a later version."""
    old = {field.id: field for field in before.fields()}
    done = {step.id: step.done for step in before.steps}
    steps = tuple(f"{STEP}{step.id}" for step in after.steps if done.get(step.id, "") != step.done)
    return (*(field.id for field in after.fields() if old.get(field.id) != field), *steps)


def _shown(report: Report) -> tuple[object, ...]:
    return report.form, report.sections, report.measured, report.timeline, report.steps


def _with_dates(report: Report, day: str, at: datetime) -> Report:
    """Return the report with the date `day`, last amended on the local day of `at` unless that is the same day."""
    today = day_text(local_date(at, ZONE))
    return _with_amended(report, "" if today == day else today, day)


def _with_amended(report: Report, amended: str, day: str = "") -> Report:
    """Return the report with a new date of its last amendment and, if given, of the report, wherever they appear."""
    day = day or report.date_of_report
    texts = {
        dated(report.date_of_report, report.last_amended): dated(day, amended),
        amended_text(report.last_amended): amended_text(amended),
    }
    sections = tuple(
        replace(section, fields=tuple(_retexted(field, texts) for field in section.fields))
        for section in report.sections
    )
    return replace(report, date_of_report=day, last_amended=amended, sections=sections)


def _retexted(field: Field, texts: Mapping[str, str]) -> Field:
    if not any(fact in ("report.date", "report.last_amended") for fact in field.facts):
        return field
    answer = field.answer and replace(field.answer, basis=_swapped(field.answer.basis, texts))
    return replace(field, paragraphs=_swapped(field.paragraphs, texts), answer=answer)


def _swapped(paragraphs: tuple[str, ...], texts: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(texts.get(text, text) for text in paragraphs)
