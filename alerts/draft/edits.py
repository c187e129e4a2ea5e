"""A person's words stay: they are kept letter for letter through every new measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from alerts.draft.form import question
from alerts.draft.report import Answer, Field, Report
from alerts.finding import ReleaseFacts

# Prefix of the key for a person's words about a step of the list of things to do: `step.NAME`.
STEP = "step."
# If `instead.FIELD` is not blank, the words for that field replace the measured account.
INSTEAD = "instead."
FIGURES = re.compile(r"\d+(?:[:.,]\d+)*")
CLOCK = r"\d{1,2}(?:[:.]\d{2}){0,2}(?: ?[ap]m)?"
TIME = re.compile(
    r"\b(?:(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)(?::\d{2})?(?: ?(?P<half>am|pm)\b|(?![\d.:,]*\d))"
    r"|(?P<whole>1[0-2]|[1-9]) ?(?P<half_of_whole>am|pm)\b)"
)
BETWEEN = re.compile(rf"between (?P<first>{CLOCK}) and (?P<last>{CLOCK})", re.IGNORECASE)
NAMED_TIMES = (("noon", "12pm"), ("midnight", "12am"))
MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# Dates are not compared: reports also name days without measurements, such as that of a reply or a meeting.
DAY = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = re.compile(
    rf"\b{DAY}(?: (?:and|to) {DAY})? {MONTHS}(?: \d{{4}})?\b|\b{MONTHS} \d{{4}}\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b"
)
# What begins a box in which two people wrote at the same time.
UNSETTLED = "[two wordings, to be made one: as it stood]"


def merge(
    words: Mapping[str, str], new: Report, before: Report | None = None, by: str = "", read: Report | None = None
) -> Report:
    """Return the new report with every word a person typed; `words` are by field id.

    `before` is the last merged report: an answer that stands there unchanged keeps its author, its time and
    the measurement it was written against; a new answer is by the role `by`, at the new report's time, against
    what `read` measured, the report that they had before their eyes, or `before` where that is not known.
    Words for a box that the new form lacks move to the box that asks for the same of a person; where that
    one has words of its own they are kept at the end of the form. None is dropped. Words that are blank
    are no answer: the box asks again.
    """
    said = {name: text for name, text in words.items() if text.strip() and not name.startswith(INSTEAD)}
    placed = _placed(said, new)
    answered = {name: place for name, place in placed.items() if place}
    texts = {place: said[name] for name, place in answered.items()}
    fresh = Answer("", by, new.at)
    texts |= {f"{INSTEAD}{place}": "" for name, place in answered.items() if words.get(f"{INSTEAD}{name}", "").strip()}
    sections = tuple(
        replace(section, fields=tuple(_answered(field, texts, before, read, fresh) for field in section.fields))
        for section in new.sections
    )
    steps = tuple(replace(step, done=texts.get(f"{STEP}{step.id}", "")) for step in new.steps)
    kept = {_label(name): said[name] for name in said if name not in answered}
    return replace(new, sections=sections, steps=steps, kept=kept)


def figures_apart(report: Report, name: str) -> list[str]:
    """Return the numbers and times of a replaced account that do not agree with the measurements.

    A time agrees if it is within measured bounds, to the minute. Dates are not compared.
    """
    field = report.field(name)
    if field is None or not field.replaced or field.answer is None or not field.paragraphs:
        return []
    tables = (
        text for table in report.measured for text in (table.caption, *(cell for row in table.rows for cell in row))
    )
    measured, answered = "\n".join([*field.paragraphs, report.subject, *tables]), DATE.sub(" ", field.answer.text)
    for word, time in NAMED_TIMES:
        measured, answered = measured.replace(word, time), answered.replace(word, time)
    spans = [(_minute(each["first"]), _minute(each["last"])) for each in BETWEEN.finditer(measured)]
    spans += [(_minute(each[0]), _minute(each[0])) for each in TIME.finditer(measured)]
    figures = set(FIGURES.findall(measured))
    apart = {
        each.start(): each[0]
        for each in TIME.finditer(answered)
        if not any(first <= _minute(each[0]) <= last for first, last in spans)
    }
    rest = TIME.sub(lambda each: " " * len(each[0]), answered)
    apart |= {each.start(): each[0] for each in FIGURES.finditer(rest) if each[0] not in figures}
    return list(dict.fromkeys(apart[place] for place in sorted(apart)))


def _minute(text: str) -> int:
    """Return the minute of the day of a time as `TIME` matches it: `17:30:03`, `5.30pm`, `5pm`."""
    found = TIME.search(text)
    if found is None:
        return -1
    hour, minute, half = int(found["hour"] or found["whole"]), int(found["minute"] or 0), found["half"]
    half = half or found["half_of_whole"]
    return (hour % 12 + 12 * (half == "pm") if half else hour) * 60 + minute


def to_complete(report: Report) -> list[str]:
    """Return the ids of the fields that still wait for a person: unanswered, or with two wordings to be made one."""
    return [
        field.id
        for field in report.fields()
        if (field.placeholder if field.answer is None else field.answer.text.startswith(UNSETTLED))
    ]


def obstacles(report: Report, facts: ReleaseFacts | None) -> list[str]:
    """Return what is in the way of signing a report, a line each; none when it can be signed.

    Open are boxes that the form requires, texts with a choice left in, words that no box holds, and a release that
    is still overdue or exposed; `facts` are what was measured, None for an incident that rests on none.
    """
    found = [f"{report.name_of(field.id)} [{field.id}]: {why}" for field in report.fields() if (why := _open(field))]
    found += [f"{name}: its words have no box on this form; move them to one" for name in report.kept]
    if facts is not None and not facts.final:
        found += ["the release is still overdue"] if facts.verdict == "overdue" else []
        found += ["the release is still exposed"] if any(each.open for each in facts.exposures) else []
    return found


def _open(field: Field) -> str:
    # The sign-off box needs no answer, because a person signs the report itself.
    if field.answer is None:
        agrees = field.facts == ("human.signoff",)
        return "is to be completed" if field.required and field.placeholder and not agrees else ""
    if "[two wordings" in field.answer.text:
        return "holds two wordings, to be made one"
    return "still holds [to be completed …]" if "[to be completed" in field.answer.text else ""


def _placed(words: Mapping[str, str], new: Report) -> dict[str, str]:
    homes = {field.id for field in new.fields()} | {f"{STEP}{step.id}" for step in new.steps}
    placed = {name: name for name in words if name in homes}
    # Boxes of the same name come first, so that a text that moves never takes the place of one that belongs.
    for name in words:
        if name not in placed:
            free = [place for place in _like(name, new) if place not in placed.values()]
            placed[name] = free[0] if free else ""
    return placed


def _like(name: str, new: Report) -> list[str]:
    found = question(name)
    asked = [fact for fact in found.facts if fact.startswith(("human.", "statement."))] if found else []
    return [field.id for field in new.fields() if any(fact in field.facts for fact in asked)]


def _label(name: str) -> str:
    found = question(name)
    return f"{found.label} ({name})" if found and found.label else name


def _answered(
    field: Field, texts: Mapping[str, str], before: Report | None, read: Report | None, said: Answer
) -> Field:
    text = texts.get(field.id)
    if text is None:
        return replace(field, answer=None)
    instead = f"{INSTEAD}{field.id}" in texts
    old = before.field(field.id) if before else None
    if old is not None and old.answer is not None and (old.answer.text, old.answer.instead) == (text, instead):
        return replace(field, answer=old.answer)
    # What the person had before their eyes, which may be older than the report they are merged into.
    seen = read.field(field.id) if read is not None else old
    basis = seen.paragraphs if seen is not None else field.paragraphs
    return replace(field, answer=replace(said, text=text, basis=basis, instead=instead))
