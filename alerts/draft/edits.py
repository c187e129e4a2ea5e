"""Texts that people typed into a draft: they stay unchanged when the draft is measured again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from alerts.draft.form import find_question
from alerts.draft.report import Answer, Field, Report
from alerts.finding import ReleaseFacts

# Prefix of the key for words about a step of the list of things to do.
STEP_PREFIX = "step."
# If not blank, a person's text replaces the measured account, else both are shown.
INSTEAD_PREFIX = "instead."
NUMBER = re.compile(r"\d+(?:[:.,]\d+)*")
CLOCK = r"\d{1,2}(?:[:.]\d{2}){0,2}(?: ?[ap]m)?"
TIME = re.compile(
    r"\b(?:(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)(?::\d{2})?(?:"
    r" ?(?P<am_pm>am|pm)\b|(?![\d.:,]*\d))"
    r"|(?P<full_hour>1[0-2]|[1-9]) ?(?P<am_pm_of_full_hour>am|pm)\b)"
)
BETWEEN = re.compile(rf"between (?P<first>{CLOCK}) and (?P<last>{CLOCK})", re.IGNORECASE)
MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# Not compared: reports also name days without measurements, such as that of a meeting.
DAY = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = re.compile(
    rf"\b{DAY}(?: (?:and|to) {DAY})? {MONTHS}(?: \d{{4}})?\b|\b{MONTHS} \d{{4}}\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b"
)
# The text at the start of a box in which two people wrote at the same time.
TWO_WORDINGS = "[two wordings, to be made one: as it stood]"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A box that a person changed (`typed`) and, since they read it, another too (`stored`)."""

    field: str
    stored: str
    typed: str


def combine_changes(
    changed: Mapping[str, str],
    base_words: Mapping[str, str],
    newest_words: Mapping[str, str],
    by: str,
) -> tuple[dict[str, str], tuple[Conflict, ...]]:
    """Return the words to store in each box that a person `changed`, and the boxes that another
    person changed too, which get both wordings.

    The person in the role `by` started from `base_words`. Now `newest_words` are stored.
    """
    words_to_store: dict[str, str] = {}
    conflicts = []
    for name, typed in changed.items():
        stored = newest_words.get(name, "")
        is_changed_by_other = stored != base_words.get(name, "") and stored not in ("", typed)
        if not is_changed_by_other:
            words_to_store[name] = typed
        # The stored words stay alone if they contain what the person typed.
        elif typed.strip() and typed not in stored:
            words_to_store[name] = (
                f"{TWO_WORDINGS}\n{stored}\n[as {by} wrote it meanwhile]\n{typed}"
            )
            conflicts.append(Conflict(name, stored, typed))
    return words_to_store, tuple(sorted(conflicts, key=lambda conflict: conflict.field))


def merge_words(
    words: Mapping[str, str],
    new: Report,
    before: Report | None = None,
    by: str = "",
    seen: Report | None = None,
) -> Report:
    """Return the report `new`, just measured, with the texts that people typed into earlier ones.

    `words` are these by the id of their box: a field of the form, or a step. Without that box, a
    text goes to an empty one about the same fact, else to the end of the form.

    `before` is the last version with typed texts. An answer unchanged since then keeps its author
    and time. A changed one has the author `by` (a role), and keeps the measured text that they saw
    in the version `seen` (default: `before`), to be compared with a later measurement.
    """
    # `instead.BOX` is not text but a mark.
    typed = {
        name: text
        for name, text in words.items()
        if text.strip() and not name.startswith(INSTEAD_PREFIX)
    }
    boxes = _assign_boxes(typed, new)
    text_of_box: dict[str, str] = {}
    replacing_boxes: set[str] = set()
    # the texts that go to the end of the form, by the label of their question
    texts_without_box: dict[str, str] = {}
    for name, text in typed.items():
        box = boxes[name]
        if box:
            text_of_box[box] = text
            if words.get(f"{INSTEAD_PREFIX}{name}", "").strip():
                replacing_boxes.add(box)
        else:  # the form has no box for it
            question = find_question(name)
            label = f"{question.label} ({name})" if question and question.label else name
            texts_without_box[label] = text

    def set_answer(field: Field) -> Field:
        if field.id not in text_of_box:
            return replace(field, answer=None)
        new_answer = Answer(text_of_box[field.id], by, new.at, instead=field.id in replacing_boxes)
        return replace(field, answer=_choose_answer(field, new_answer, before, seen))

    sections = tuple(
        replace(section, fields=tuple(map(set_answer, section.fields))) for section in new.sections
    )
    steps = tuple(
        replace(step, done=text_of_box.get(f"{STEP_PREFIX}{step.id}", "")) for step in new.steps
    )
    return replace(new, sections=sections, steps=steps, kept=texts_without_box)


def find_wrong_numbers(report: Report, name: str) -> list[str]:
    """Return the numbers and times in a person's text that do not agree with measurements.

    A time agrees if its minute was measured, or is in an interval: 9.03am in `between 9am and
    9.05am`.
    """
    field = report.find_field(name)
    # If the text does not replace the measured account (`paragraphs`), readers see both.
    if field is None or not field.is_replaced or field.answer is None or not field.paragraphs:
        return []
    captions = (table.caption for table in report.measured)
    rows = chain.from_iterable(table.rows for table in report.measured)
    cells = chain.from_iterable(rows)
    # A number in the title of the release, `report.subject`, is right too.
    known_text = "\n".join([*field.paragraphs, report.subject, *captions, *cells])
    typed = DATE.sub(" ", field.answer.text)  # a person may name days that were not measured
    for word, time in (("noon", "12pm"), ("midnight", "12am")):
        known_text, typed = known_text.replace(word, time), typed.replace(word, time)
    # `between 9am and 9.05am` is a span of minutes of the day, (540, 545).
    spans = [
        (parse_minute(span["first"]), parse_minute(span["last"]))
        for span in BETWEEN.finditer(known_text)
    ]
    single_minutes = (parse_minute(found[0]) for found in TIME.finditer(known_text))
    spans += [(minute, minute) for minute in single_minutes]
    known_numbers = set(NUMBER.findall(known_text))
    # By their offset in the typed text, to list them in order.
    wrong_by_offset = {
        found.start(): found[0]
        for found in TIME.finditer(typed)
        if not any(first <= parse_minute(found[0]) <= last for first, last in spans)
    }
    # As many spaces keep the offsets of other numbers.
    without_times = TIME.sub(lambda found: " " * len(found[0]), typed)
    numbers = NUMBER.finditer(without_times)
    wrong_by_offset |= {
        found.start(): found[0] for found in numbers if found[0] not in known_numbers
    }
    return list(dict.fromkeys(wrong_by_offset[offset] for offset in sorted(wrong_by_offset)))


def parse_minute(text: str) -> int:
    """Return the minute of the day (0 to 1439) of a time that `TIME` matches, else -1."""
    found = TIME.search(text)
    if found is None:
        return -1
    hour, minute = int(found["hour"] or found["full_hour"]), int(found["minute"] or 0)
    if am_pm := found["am_pm"] or found["am_pm_of_full_hour"]:
        hour = hour % 12 + (12 if am_pm == "pm" else 0)
    return hour * 60 + minute


def list_open_fields(report: Report) -> list[str]:
    """Return the ids of fields that a person must complete: no answer, or two wordings."""
    open_fields = []
    for field in report.fields():
        is_open = bool(field.placeholder)
        if field.answer is not None:
            is_open = field.answer.text.startswith(TWO_WORDINGS)
        if is_open:
            open_fields.append(field.id)
    return open_fields


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a report cannot be signed yet. `box` is the id of the box that it is about, if any."""

    why: str
    box: str = ""
    label: str = ""

    def __str__(self) -> str:
        """Return it in one line, with the id of its box."""
        return f"{self.label} [{self.box}]: {self.why}" if self.box else self.why


def list_obstacles(report: Report, facts: ReleaseFacts | None) -> list[Obstacle]:
    """Return each obstacle to signing a report; empty if it can be signed."""
    obstacles = [
        Obstacle(why, field.id, report.label_of(field.id))
        for field in report.fields()
        if (why := _find_obstacle(field))
    ]
    # `kept` are texts of an earlier form's boxes that this form lacks.
    obstacles += [
        Obstacle(f"{name}: its words have no box on this form; move them to one")
        for name in report.kept
    ]
    if facts is not None and not facts.final:  # the release is still measured
        if facts.verdict == "overdue":
            obstacles.append(Obstacle("the release is still overdue"))
        if facts.is_exposed:
            obstacles.append(Obstacle("the release is still exposed"))
    return obstacles


def _find_obstacle(field: Field) -> str:
    """Return why a report cannot be signed with this field as it is; empty if it can."""
    if field.answer is None:
        # A person signs the report itself.
        is_sign_off = field.facts == ("human.signoff",)
        if field.required and field.placeholder and not is_sign_off:
            return "is to be completed"
    elif "[two wordings" in field.answer.text:
        return "holds two wordings, to be made one"
    elif "[to be completed" in field.answer.text:
        return "still holds [to be completed …]"
    return ""


def _assign_boxes(words: Mapping[str, str], new: Report) -> dict[str, str]:
    """Return the box of each typed text, by id: its own, a free one for the same fact, or empty."""
    boxes = {field.id for field in new.fields()} | {f"{STEP_PREFIX}{step.id}" for step in new.steps}
    # Those whose own box exists come first, so that no other text moves there.
    assigned = {name: name for name in words if name in boxes}
    for name in [name for name in words if name not in boxes]:
        # Measured or configured facts do not move a text.
        typed_facts = set()
        if question := find_question(name):
            typed_facts = {
                fact for fact in question.facts if fact.startswith(("human.", "statement."))
            }
        similar = (field.id for field in new.fields() if typed_facts & {*field.facts})
        assigned[name] = next((box for box in similar if box not in assigned.values()), "")
    return assigned


def _choose_answer(
    field: Field, new_answer: Answer, before: Report | None, seen: Report | None
) -> Answer:
    """Return the answer that a field had in the report `before` if it is the same, else the new one
    with its basis.

    The earlier answer has an author and a time of its own. The basis of a new one is the measured
    text that its author saw, because later measurements are compared with it. The author saw the
    report `seen`, or `before` if that is None.
    """
    field_before = before and before.find_field(field.id)
    answer_before = field_before and field_before.answer
    # `instead` is whether an answer replaces the measured text. If only this changed, the answer is
    # also a new one.
    if answer_before and (answer_before.text, answer_before.instead) == (
        new_answer.text,
        new_answer.instead,
    ):
        return answer_before
    field_seen = field_before
    if seen is not None:
        field_seen = seen.find_field(field.id)
    # A report from before a change of the form may lack the field.
    return replace(new_answer, basis=(field_seen or field).paragraphs)
