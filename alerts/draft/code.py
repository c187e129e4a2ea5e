"""Edition and practice of the Code of Practice for Statistics, by date of occurrence in London.

The table (`data/clauses.json`) keeps how far each entry was confirmed; everything in it can be overridden.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
PUBLISHED = "https://code.statisticsauthority.gov.uk"
"""Where the Code's own words are."""
OUTSIDE_CODE = "The producer is outside the Code of Practice for Statistics, so no practice is cited."
DATA = Path(__file__).parent / "data"

# What each finding shows about how publication failed. A lead or a withdrawal is not a breach by itself.
MODES: Mapping[str, str] = {
    "late": "FM01",
    "stale_edge": "FM02",
    "partial": "FM03",
    "elsewhere_first": "FM04",
    "early_exposure": "FM05",
    "swapped": "FM09",
    "calendars_disagree": "FM11",
    "short_notice": "FM11",
    "promise_in_doubt": "FM11",
    "brought_forward": "FM11",
    "unannounced": "FM11",
    "clock_fault": "FM12",
    "platform": "FM01",
    "blind": "FM16",
    "access": "FM17",
}
# Where the table offers two practices, which of them this finding takes; both when it is not named here.
CHOICE: Mapping[str, int] = {"unannounced": 0, "short_notice": 1}
# A person must judge these first: by themselves they are not a breach.
UNDECIDED = ("swapped", "calendars_disagree", "promise_in_doubt", "brought_forward")


@dataclass(frozen=True, slots=True)
class Clause:
    """One practice: its short id, how to cite it, what it asks for in brief, and how sure the citation is.

    `text` is our own summary, unless it is `quoted`: then it is the Code's own words.
    """

    id: str
    cite: str
    text: str
    confidence: str = ""
    full: str = ""
    quoted: bool = False

    @property
    def cited(self) -> str:
        """Return the practice as a report cites it: by number, with its words only where they are the Code's own."""
        return f"{self.full}: “{self.text}”" if self.quoted else self.full

    @property
    def sure(self) -> bool:
        """Return whether the number and subject were confirmed in a public source."""
        return self.confidence.startswith("confirmed")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the Code, in force in London from `begins` until the next one.

    `outside` are producers that the Code does not bind: no practice is cited for them.
    """

    name: str
    title: str
    begins: date
    clauses: Mapping[str, Clause]
    primary: Mapping[str, tuple[str, ...]]
    outside: frozenset[str] = frozenset()


Book = tuple[Edition, ...]


def edition_at(occurred: datetime, book: Book | None = None, producer: str = "") -> Edition:
    """Return the edition in force on the London date of an aware instant; the oldest for anything before it.

    For a `producer` outside the Code it cites no practice for any finding.
    """
    day = occurred.astimezone(LONDON).date()
    editions = book or standard_book()
    in_force = [edition for edition in editions if edition.begins <= day]
    found = max(in_force, key=lambda edition: edition.begins) if in_force else editions[0]
    return replace(found, primary={}) if producer in found.outside else found


def clauses(kind_of_failure: str, edition: Edition) -> list[Clause]:
    """Return the practices to cite for a failure mode (`FM01` …) or a kind of finding (`late` …).

    Empty if there is no breach: a blank page, the monitor's own fault, an unknown kind.
    """
    if kind_of_failure in UNDECIDED:
        return []
    ids = edition.primary.get(MODES.get(kind_of_failure, kind_of_failure), ())
    chosen = CHOICE.get(kind_of_failure)
    if chosen is not None and len(ids) > chosen:
        ids = (ids[chosen],)
    return [edition.clauses[each] for each in ids]


def cited(findings: Iterable[str], edition: Edition) -> list[Clause]:
    """Return every practice these kinds of finding call for, each once, in the order of the findings."""
    every = [clause for kind in findings for clause in clauses(kind, edition)]
    return list({clause.id: clause for clause in every}.values())


def code_json(
    occurred: datetime, findings: Iterable[str], book: Book | None = None, producer: str = ""
) -> dict[str, str | None]:
    """Return `code` of the release JSON for kinds of finding; `practice` is null when none is cited."""
    edition = edition_at(occurred, book, producer)
    practices = "; ".join(clause.cite for clause in cited(findings, edition))
    return {"edition": edition.name, "practice": practices or None}


@cache
def standard_book() -> Book:
    """Return the editions as shipped."""
    return book_of(json.loads((DATA / "clauses.json").read_text(encoding="utf-8")))


def book_of(table: Mapping[str, Any]) -> Book:
    """Return the editions of a table shaped like `data/clauses.json`, oldest first."""
    read = [_edition(row, table["primary"][row["edition"]]) for row in table["editions"]]
    return tuple(sorted(read, key=lambda edition: edition.begins))


def amended(book: Book, begins: Mapping[str, date], cites: Mapping[str, str], outside: Iterable[str] = ()) -> Book:
    """Return a book with other first days (by edition) and citations (by `edition/clause id`).

    `outside` are the ids of producers that the Code does not bind.
    """
    unbound = frozenset(outside)
    changed = [
        replace(each, begins=begins.get(each.name, each.begins), clauses=_recited(each, cites), outside=unbound)
        for each in book
    ]
    return tuple(sorted(changed, key=lambda edition: edition.begins))


def _recited(edition: Edition, cites: Mapping[str, str]) -> dict[str, Clause]:
    given = {name: cites.get(f"{edition.name}/{name}") for name in edition.clauses}
    return {
        name: replace(clause, cite=cite, full=cite, quoted=False, confidence="confirmed by configuration")
        if cite
        else clause
        for (name, clause), cite in zip(edition.clauses.items(), given.values(), strict=True)
    }


def _edition(row: Mapping[str, Any], primary: Mapping[str, list[str]]) -> Edition:
    practices = {each["id"]: _clause(each) for each in row["practices"]}
    offered = {mode: tuple(ids) for mode, ids in primary.items()}
    begins = date.fromisoformat(row["from"])
    return Edition(row["edition"], row["title"], begins, practices, offered)


def _clause(row: Mapping[str, Any]) -> Clause:
    return Clause(
        row["id"], row["cite"], row["text"], row["confidence"], row.get("full", row["cite"]), row.get("quoted", False)
    )
