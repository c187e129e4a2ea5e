"""The English of reasons and of details of findings: `reasons.txt` has each phrase with all its
facts, and without.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.judge.reasons import Reason, slot_words
from monitor.plan.targets import View
from schedules.ledger_event import EventKind
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import SLOT
from tests.worlds.releases import a_promise

GOLDEN = Path(__file__).with_name("reasons.txt")
SPAN = Interval(SLOT + timedelta(seconds=4), SLOT + timedelta(seconds=65.5))
FACTS = (
    dict.fromkeys(("came", "stay", "changed", "removed", "back", "ended", "span"), SPAN)
    | dict.fromkeys(
        ("latest", "absent", "look", "found", "stamp", "read", "last", "since", "seen"), SLOT
    )
    | dict.fromkeys(("delay", "ahead", "hidden"), Bounds(61.5, None))
    | dict.fromkeys(("late", "lag", "before", "seconds"), 125.0)
    | dict.fromkeys(("looks", "reads", "days", "most", "number"), 2)
    | {"promise": a_promise(), "readings": (a_promise(), a_promise(calendar="own"))}
    | {"view": View.ORIGIN, "change": EventKind.TIME_CHANGED, "titles": ("Births", "Deaths")}
)
"""Facts by name. Any other one is a text, which is written as it is."""


def golden_lines() -> list[str]:
    """Return each phrase with all its facts, then without those that it can do without."""
    lines = []
    for reason in Reason:
        facts = {name: FACTS.get(name, f"<{name}>") for name in re.findall(r"{(\w+)", reason.value)}
        facts |= {
            name: (f"<{name}>", "<…>")
            for name in re.findall(r"{(\w+):[,;]", reason.value)
            if name not in FACTS
        }
        optional = {
            name
            for part in re.findall(r"\[(.*?)\]", reason.value)
            for name in re.findall(r"{(\w+)", part)
        }
        lines.append(f"{reason.name}: {reason.text(**facts)}")
        if optional:
            lines.append(f"{reason.name}: {reason.text(**(facts | dict.fromkeys(optional)))}")
    return lines


def test_each_reason_is_worded_as_in_golden_file() -> None:
    assert golden_lines() == GOLDEN.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("days", "words"),
    [(1, "1 day ahead"), (-1, "-1 day ahead"), (3, "3 days ahead"), (1200, "1,200 days ahead")],
)
def test_a_count_has_its_noun(days: int, words: str) -> None:
    """A reason says how many days ahead of its slot a release was announced. The noun fits the
    number: “1 day”, “3 days”. If the release was announced after its slot, the number is negative.
    """
    assert words in Reason.SHORT_NOTICE.text(
        change=EventKind.ANNOUNCED, days=days, read=SLOT, since=None
    )


def test_times_are_in_the_zone_of_the_announcement() -> None:
    assert (
        Reason.MOVED_ON.text("Europe/Paris", field="it", new=SLOT)
        == "it moved on to Fri 5 Jan 2018 10:30:00 CET"
    )


def test_part_named_like_a_view_keeps_its_name() -> None:
    assert Reason.PARTIAL.text(parts=("content", "re-dated")).endswith(": content, re-dated")


def test_unknown_instant_is_said_to_be_unknown() -> None:
    assert "not found until at an unknown time" in Reason.STAMPED_IN_TIME.text(
        found=None, stamp=SLOT
    )


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        (
            Slot(Precision.DAY, first=date(2018, 1, 5), last=date(2018, 1, 5)),
            "Fri 5 Jan 2018, no time given",
        ),
        (
            Slot(Precision.MONTH, first=date(2018, 1, 1), last=date(2018, 1, 31), raw="Jan 2018"),
            "Jan 2018 (2018-01-01 to 2018-01-31)",
        ),
        (Slot(Precision.NONE, raw="soon"), "no readable time (soon)"),
    ],
)
def test_coarse_slot_is_written_with_its_days(slot: Slot, words: str) -> None:
    assert slot_words(slot) == words
