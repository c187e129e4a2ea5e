"""Sections and questions of each form, as data, and which form an incident takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from alerts.draft.code import DATA, LONDON


class UnknownForm(ValueError):
    """No form of this name: the message lists those there are."""


class FilledBy(StrEnum):
    """Who answers a question: the evidence, the configuration, a person, or evidence and person together."""

    MEASURED = "measured"
    CONFIGURED = "configured"
    HUMAN = "human"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form. `label` is None for the free box of a section; `facts` name what answers it."""

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
    """One form. `first` and `last` bound the days of occurrence it serves; `last` None: still open."""

    id: str
    title: str
    preamble: str | None
    chapters: tuple[Chapter, ...]
    first: date
    last: date | None

    def serves(self, day: date) -> bool:
        """Return whether the form applies to an incident that occurred on this London date."""
        return self.first <= day and (self.last is None or day <= self.last)


def form_for(occurred: datetime, grade: str, configured: str | None = None) -> Form:
    """Return the form for an incident: the configured one, the short note for grade `note`, else by date.

    The date is that of occurrence in London; where two forms overlap the older one is still taken.
    Raises UnknownForm when `configured` names none.
    """
    if configured:
        return form_named(configured)
    if grade == "note":
        return form_named("note")
    day = occurred.astimezone(LONDON).date()
    # The period report is asked for by name; it answers no single incident.
    serving = [form for form in forms().values() if form.id != "period" and form.serves(day)]
    return min(serving, key=lambda form: form.first, default=form_named("A0"))


def form_named(name: str) -> Form:
    """Return a form by its id (`A0`, `A`, `B`, `C`, `D`, `note`, `period`). Raises UnknownForm."""
    if name not in forms():
        raise UnknownForm(f"no form {name!r}, there are {', '.join(forms())}")
    return forms()[name]


def question(name: str) -> Question | None:
    """Return a question of any form by its id."""
    return _questions().get(name)


@cache
def _questions() -> Mapping[str, Question]:
    every = (each for form in forms().values() for chapter in form.chapters for each in chapter.questions)
    return {each.id: each for each in every}


@cache
def forms() -> Mapping[str, Form]:
    """Return every form by id, in the order they came into use."""
    table = json.loads((DATA / "forms.json").read_text(encoding="utf-8"))
    return {row["form"]: _form(row) for row in table["forms"]}


def _form(row: Mapping[str, Any]) -> Form:
    chapters = tuple(
        Chapter(each["id"], each["heading"], tuple(map(_question, each["fields"]))) for each in row["sections"]
    )
    last = row["valid_to"] and date.fromisoformat(row["valid_to"])
    first = date.fromisoformat(row["valid_from"])
    return Form(row["form"], row["title"], row["preamble"], chapters, first, last)


def _question(row: Mapping[str, Any]) -> Question:
    facts = tuple(part.strip() for part in row["source_fact"].replace("|", "+").split("+"))
    return Question(row["id"], row["label"], FilledBy(row["filled_by"]), facts, row["multi_line"], row["required"])
