"""Edition and practice of the Code of Practice for Statistics, by date of occurrence in London.

The table `data/clauses.json` says how far each entry was confirmed. Configuration can replace dates
and citations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from itertools import chain
from pathlib import Path

from pydantic import TypeAdapter

from schedules.times.json import Json
from schedules.times.zone import local_date

CODE_URL = "https://code.statisticsauthority.gov.uk"
"""The site with the text of the Code."""
OUTSIDE_CODE = (
    "The producer is outside the Code of Practice for Statistics, so no practice is cited."
)

# The index of the practice to cite if the table offers two. Other findings cite both.
PREFERRED_PRACTICE = {"unannounced": 0, "short_notice": 1}


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice of the Code.

    `cite` is its short citation, `full` a longer one or empty, `text` what it requires.

    `text` is our summary, or the Code's own words if `quoted`. `confidence` says how far the
    citation was confirmed.
    """

    cite: str
    text: str
    confidence: str = ""
    full: str = ""
    quoted: bool = False

    @property
    def citation(self) -> str:
        """Return the full citation, with the text of the practice if it is in the Code's own
        words.
        """
        citation = self.full or self.cite
        return f"{citation}: “{self.text}”" if self.quoted else citation

    @property
    def is_confirmed(self) -> bool:
        """Return whether the citation was confirmed, in a public source or by the configuration."""
        return self.confidence.startswith("confirmed")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the Code, in force in London from `begins` until the next one.

    `primary`: the ids of practices to cite for each failure mode. `outside`: producers that the
    Code does not bind.
    """

    name: str
    title: str
    begins: date
    practices: Mapping[str, Practice]
    primary: Mapping[str, tuple[str, ...]]
    outside: frozenset[str] = frozenset()


Editions = tuple[Edition, ...]


def find_edition(
    occurred: datetime, editions: Editions | None = None, producer: str = ""
) -> Edition:
    """Return the edition of the Code in force on the London date of an instant, or the oldest if
    none was in force yet.

    For a `producer` outside the Code, the edition returned has no practice for any finding.
    """
    day = local_date(occurred)
    known = editions or load_editions()  # the oldest first
    in_force = [edition for edition in known if edition.begins <= day]
    found = max(in_force, key=lambda edition: edition.begins) if in_force else known[0]
    # Without `primary`, no practice is cited.
    return replace(found, primary={}) if producer in found.outside else found


def find_practices(kind_of_failure: str, edition: Edition) -> list[Practice]:
    """Return the practices to cite for a failure mode (`FM01` …) or a kind of finding (`late` …).

    There are none for a failure that a person must judge first, for a blank page, the monitor's own
    fault, an unknown kind, or a producer outside the Code.
    """
    # By themselves, these findings are not a breach.
    if kind_of_failure in ("swapped", "calendars_disagree", "promise_in_doubt", "brought_forward"):
        return []
    mode = load_data("clauses")["failure_mode_of_finding"].get(kind_of_failure, kind_of_failure)
    ids = edition.primary.get(mode, ())
    # Some kinds of finding concern only one of the practices of their failure mode.
    preferred_index = PREFERRED_PRACTICE.get(kind_of_failure)
    if preferred_index is not None and len(ids) > preferred_index:
        ids = (ids[preferred_index],)
    return [edition.practices[practice_id] for practice_id in ids]


def cite_findings(findings: Iterable[str], edition: Edition) -> list[Practice]:
    """Return the practices to cite for kinds of finding, each once, in the order of the
    findings.
    """
    practices = (find_practices(kind, edition) for kind in findings)
    return list(dict.fromkeys(chain.from_iterable(practices)))


def code_json(
    occurred: datetime,
    findings: Iterable[str],
    editions: Editions | None = None,
    producer: str = "",
) -> dict[str, str | None]:
    """Return `code` of the release JSON for kinds of finding; `practice` is null when none is
    cited.
    """
    edition = find_edition(occurred, editions, producer)
    practices = "; ".join(practice.cite for practice in cite_findings(findings, edition))
    return {"edition": edition.name, "practice": practices or None}


@cache
def load_editions() -> Editions:
    """Return the editions as shipped, oldest first."""
    return TypeAdapter(Editions).validate_python(load_data("clauses")["editions"])


@cache
def load_data(name: str) -> Json:
    """Return a table of `data`, such as `clauses`."""
    table: Json = json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text("utf-8"))
    return table


def override_editions(
    editions: Editions,
    begins: Mapping[str, date],
    cites: Mapping[str, str],
    outside: Iterable[str] = (),
) -> Editions:
    """Return the editions, oldest first, with other first days (by edition) and citations (by
    `edition/practice`). A practice with another citation keeps only its text.

    `outside` are the producers that the Code does not bind.
    """
    changed = []
    not_bound = frozenset(outside)
    for edition in editions:
        practices = dict(edition.practices)
        for name, practice in edition.practices.items():
            if cite := cites.get(f"{edition.name}/{name}"):
                practices[name] = Practice(
                    cite, practice.text, confidence="confirmed by configuration"
                )
        first_day = begins.get(edition.name, edition.begins)
        changed.append(replace(edition, begins=first_day, practices=practices, outside=not_bound))
    return tuple(sorted(changed, key=lambda edition: edition.begins))
