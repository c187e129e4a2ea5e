"""The versions of a draft: measured, edited, signed off, amended.

Versions are appended and never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.draft import words as wording
from alerts.draft.edits import INSTEAD_PREFIX, STEP_PREFIX, merge_words
from alerts.draft.report import (
    Field,
    Report,
    Signature,
    format_report_date,
    report_json,
)
from schedules.times.words import clock, day_text
from schedules.times.zone import LONDON, local_date

MONITOR = "the monitor"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a draft.

    `by` is the role that made it, `changed` the ids of fields that differ from the version before,
    `words` the texts that people typed, by field id. `digest` is the SHA-256 of report and words,
    `signed` the time of signature or None.
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


def append_measurement(versions: Versions, report: Report) -> Versions:
    """Append a version with a new measurement.

    Return the same versions if no field, table or figure differs.
    """
    if not versions:
        # no person has typed words yet
        return _append_version((), merge_words({}, report), {}, MONITOR)
    last = versions[-1]
    before = last.report
    if before.signed:
        # The date of a signed report is the day of its signature. This measurement is an amendment
        # on a later day.
        report = _set_dates(report, before.date_of_report, report.at)
    # The new measurement keeps the signature, the reason to sign despite an obstacle (`anyway`),
    # and the amendments.
    report = replace(
        report, signed=before.signed, anyway=before.anyway, amendments=before.amendments
    )
    merged = merge_words(last.words, report, before)
    # A later date is not a change by itself. So compare as if the new report had the date of the
    # last amendment before.
    with_date_before = _replace_dates(merged, merged.date_of_report, before.last_amended)
    if _select_content(with_date_before) == _select_content(before):
        return versions
    return _append_version(versions, _add_amendment(versions, merged, MONITOR), last.words, MONITOR)


def append_edit(
    versions: Versions, words: Mapping[str, str], by: str, at: datetime, seen: Report | None = None
) -> Versions:
    """Append a version with `words` that a person in the role `by` typed, by field id.

    Other fields are unchanged.

    `seen` is the report that the person saw (default: the last). Measurements may have changed
    since.
    """
    last = versions[-1]
    all_words = dict(last.words)
    for name, text in words.items():
        # The mark `instead.FIELD` says that words replace the measured account. If the person
        # emptied the box of the field, remove the mark, so that the measured account is shown
        # again.
        mark = f"{INSTEAD_PREFIX}{name}"
        if not text.strip() and mark in all_words:
            all_words[mark] = ""
    all_words |= words
    amended_now = replace(_set_dates(last.report, last.report.date_of_report, at), at=at)
    merged = merge_words(all_words, amended_now, before=last.report, by=by, seen=seen)
    return _append_version(versions, _add_amendment(versions, merged, by), all_words, by)


def append_signature(versions: Versions, by: str, at: datetime, anyway: str = "") -> Versions:
    """Return the versions and, after them, one that a person in the role `by` signs.

    An open sign-off question is answered with `by` and the day. `anyway` says why it is signed
    despite an obstacle.
    """
    last = versions[-1]
    today = day_text(local_date(at))
    unsigned = (
        field.id
        for field in last.report.fields()
        if "human.signoff" in field.facts and field.answer is None
    )
    words = {**last.words, **dict.fromkeys(unsigned, f"{wording.capitalise(by)}, {today}")}
    signature = Signature(by, clock(at, LONDON), today, last.number + 1)
    report = replace(_set_dates(last.report, today, at), at=at, signed=signature, anyway=anyway)
    *earlier, newest = _append_version(
        versions, merge_words(words, report, last.report, by), words, by
    )
    return (*earlier, replace(newest, signed=at))


def _add_amendment(versions: Versions, report: Report, by: str) -> Report:
    """Return the report with a line about this amendment if it was signed off before, else
    unchanged.
    """
    if not report.signed:
        return report
    changed = [report.label_of(name) for name in list_changed_fields(versions[-1].report, report)]
    line = f"Amended after sign-off on {day_text(local_date(report.at))}"
    if by != MONITOR:
        line += f" by {by}"
    line += f": {wording.join(changed) or 'annexes'}."
    return replace(report, amendments=(*report.amendments, line))


def _append_version(
    versions: Versions, report: Report, words: Mapping[str, str], by: str
) -> Versions:
    changed = list_changed_fields(versions[-1].report, report) if versions else ()
    version = Version(
        len(versions) + 1,
        report.at,
        by,
        report,
        dict(words),
        changed,
        compute_digest(report, words),
    )
    return (*versions, version)


def compute_digest(report: Report, words: Mapping[str, str]) -> str:
    """Return the SHA-256 of a report and the texts that people typed, as hexadecimal digits."""
    # Keys are sorted, so that the same report and words have the same digest on any machine.
    body = json.dumps([report_json(report), dict(words)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def list_changed_fields(before: Report, after: Report) -> tuple[str, ...]:
    """Return the ids of the fields and steps (`step.NAME`) that differ in a later version."""
    old = {field.id: field for field in before.fields()}
    done = {step.id: step.done for step in before.steps}
    steps = tuple(
        f"{STEP_PREFIX}{step.id}" for step in after.steps if done.get(step.id, "") != step.done
    )
    return (*(field.id for field in after.fields() if old.get(field.id) != field), *steps)


def _select_content(report: Report) -> tuple[object, ...]:
    return report.form, report.sections, report.measured, report.timeline, report.steps


def _set_dates(report: Report, date_of_report: str, at: datetime) -> Report:
    """Return the report with this date, last amended on the local day of `at` unless the two are
    the same day.
    """
    today = day_text(local_date(at))
    return _replace_dates(report, date_of_report, "" if today == date_of_report else today)


def _replace_dates(report: Report, date_of_report: str, last_amended: str) -> Report:
    """Return the report with these two dates, such as `5 January 2018`, also where its fields show
    them.

    `last_amended` is empty if the report was not amended after the day of its date.
    """
    both_dates = format_report_date(report.date_of_report, report.last_amended)
    new_text_of = {both_dates: format_report_date(date_of_report, last_amended)}
    sections = tuple(
        replace(
            section,
            fields=tuple(_replace_dates_in_field(field, new_text_of) for field in section.fields),
        )
        for section in report.sections
    )
    return replace(
        report, date_of_report=date_of_report, last_amended=last_amended, sections=sections
    )


def _replace_dates_in_field(field: Field, texts: Mapping[str, str]) -> Field:
    if "report.date" not in field.facts:
        return field
    paragraphs = tuple(texts.get(text, text) for text in field.paragraphs)
    answer = field.answer and replace(
        field.answer, basis=tuple(texts.get(text, text) for text in field.answer.basis)
    )
    return replace(field, paragraphs=paragraphs, answer=answer)
