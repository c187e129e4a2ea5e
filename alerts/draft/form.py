"""Sections and questions of each form, as data, and which form an incident takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from itertools import chain

from pydantic import TypeAdapter

from alerts.draft.code import load_data
from schedules.times.zone import local_date


class UnknownForm(ValueError):
    """No form has this id. The message lists the ids of all forms."""


class FilledBy(StrEnum):
    """Who answers a question: the evidence, the configuration, a person, or evidence and person
    together.
    """

    MEASURED = "measured"
    CONFIGURED = "configured"
    HUMAN = "human"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Question:
    """A question.

    `facts` are the ids of facts that answer it. `label` is None for the free box of a section.
    """

    id: str
    label: str | None
    filled_by: FilledBy
    facts: tuple[str, ...]
    multi_line: bool
    required: bool = True


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section of a form with its questions, in order."""

    id: str
    heading: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One form, for incidents that occur from `first` to `last`.

    `last` is None if the form is still in use.
    """

    id: str
    title: str
    preamble: str | None
    chapters: tuple[Chapter, ...]
    first: date
    last: date | None

    @property
    def questions(self) -> Iterator[Question]:
        """Return the questions of all chapters, in order."""
        return chain.from_iterable(chapter.questions for chapter in self.chapters)


def choose_form(occurred: datetime, grade: str, configured: str | None = None) -> Form:
    """Return the form for an incident: the configured one, the short note for grade `note`, else by
    date.

    The date is the London date of occurrence. If two forms overlap, the older one is used. If none
    applies, it is A0. Raises UnknownForm if `configured` is not the id of a form.
    """
    if configured:
        return get_form(configured)
    if grade == "note":
        return get_form("note")
    day = local_date(occurred)
    # The period report concerns no single incident, so it is never chosen by date.
    forms = (form for form in load_forms().values() if form.id != "period")
    applying = [
        form for form in forms if form.first <= day and (form.last is None or day <= form.last)
    ]
    return min(applying, key=lambda form: form.first, default=get_form("A0"))


def get_form(name: str) -> Form:
    """Return a form by its id (`A0`, `A`, `B`, `C`, `D`, `note`, `period`). Raises UnknownForm."""
    if name not in load_forms():
        raise UnknownForm(f"no form {name!r}, there are {', '.join(load_forms())}")
    return load_forms()[name]


def find_question(name: str) -> Question | None:
    """Return the question with this id, of any form; None if no form has it."""
    questions = chain.from_iterable(form.questions for form in load_forms().values())
    return next((question for question in questions if question.id == name), None)


@cache
def load_forms() -> Mapping[str, Form]:
    """Return every form by id, in the order they came into use."""
    forms = TypeAdapter(tuple[Form, ...]).validate_python(load_data("forms")["forms"])
    return {form.id: form for form in forms}
