"""What people log and sign, and what a signed report must and must not say."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from alerts.draft.report import Report
from alerts.draft.write.registry import WRITERS
from tests.unit.alerts.draft.plain import plain

NOTE = "the web team replied"


SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "hand-logs" / "incidents.csv"


OWN_CASES = [
    {"sort": "access", "occurred": "2021-07-05T10:23", "until": "2021-07-05T10:36"}
    | {"what": "One colleague who was not on the list was copied in", "due": "2021-07-06"},
    {"sort": "access", "occurred": "2021-03-30T11:24", "until": "2021-03-30T11:52"}
    | {"what": "14 people and 2 mailboxes were copied in", "due": "2021-03-31T09:30"},
    {"sort": "leak", "occurred": "2009-01-15", "what": "provisional figures in a trade journal"},
    {"sort": "early_exposure", "occurred": "2021-08-24T09:31", "until": "2021-08-24T09:33"}
    | {"what": "A post with an infographic was out a day early", "due": "2021-08-25T09:30"},
    {"sort": "late", "occurred": "2022-06-01T09:30", "until": "2022-06-01T09:38"}
    | {"what": "The bulletin was not published", "due": "2022-06-01T09:30"},
    {"sort": "swapped", "occurred": "2023-02-01T09:30", "until": "2023-02-01T11:05"}
    | {"what": "Tables of the next quarter were published"},
]


def list_cases() -> Iterator[Mapping[str, str]]:
    yield from OWN_CASES
    if SAMPLES.exists():
        with SAMPLES.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    **{name: row[name] for name in ("title", "sort", "until")},
                    "occurred": row["occurred"].partition(" ")[0],
                    "what": row["what (facts only)"],
                    "producer": row["org"],
                }


def check_signed_text(report: Report, *, ending: str = "html") -> str:
    """Return the text of a signed report in which no sentence is an instruction or made up."""
    text = plain(ending, WRITERS[ending](report))
    for step in report.steps:
        assert step.text.rstrip(".") not in text
        assert step.text.partition(":")[0] not in text
    for never in ("None", "took charge", "to be completed", "done,", "☑", "☐"):
        assert never not in text
    return " ".join(text.split())


def check_logged_text(case: Mapping[str, str], text: str) -> None:
    """Check that a signed report has the sentence and the times that a person typed."""
    assert "easured" not in text
    first_words = " ".join(case["what"].split()[1:])
    assert first_words in text
    for key in ("occurred", "until", "due"):
        if "T" in case.get(key, ""):
            hour, minute = map(int, case[key].partition("T")[2].split(":"))
            assert f"{hour % 12 or 12}.{minute:02}{'am' if hour < 12 else 'pm'}" in text
