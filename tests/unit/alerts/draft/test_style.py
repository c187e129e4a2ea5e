"""Sentences of reports and letters about random incidents are true to the measurements and in plain
style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.draft.report import Report
from alerts.finding import Certainty, ReleaseFacts
from alerts.incident import Incident, IncidentKind
from monitor.deliver.facts import Measurement, release_facts
from schedules.contract.verdict import PartVerdict
from schedules.times.interval import Interval
from schedules.times.zone import LONDON, local
from tests.unit.alerts.draft.conftest import draft_of
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.plain_style import breaches_of_style
from tests.worlds.truths import worlds

PAGE = "https://stats.example/release"
ROLES = {
    "tables-7f3": "data",
    "sheet-7f4": "data",
    "main-7f5": "html",
    "elsewhere-1": "alternative",
}
IDS = ("rel-9c2", "inc-9c2", "-7f3", "-7f4", "-7f5", "elsewhere-1", "edge-1", "calendar-1")
TIMES = re.compile(r"\b(\d{1,2})(?:\.(\d\d))?([ap]m)\b|\b(noon|midnight)\b")
ROUNDING = timedelta(seconds=90)


@st.composite
def random_facts(draw: st.DrawFn, *, latest: float = 400) -> ReleaseFacts:
    """Draw what was measured of a page, of some files and of another address; each came and went on
    its own.

    `latest` is the latest time of the measurement, in seconds after the slot.
    """
    now = draw(st.floats(-200, latest))
    whole = release_facts(draw(worlds()).verdict(now), Measurement())
    page = replace(whole.parts[0], url=PAGE)
    parts = [
        page,
        *(
            draw(drawn_part(now, name, role))
            for name, role in draw(st.sets(st.sampled_from([*ROLES.items()])))
        ),
    ]
    return replace(
        whole,
        release="rel-9c2",
        url=PAGE,
        slot_source="calendar-1",
        parts=tuple(parts),
        certainty=Certainty("edge-1", 12, records=(("edge-1-7", "ab" * 32),)),
    )


@st.composite
def drawn_part(draw: st.DrawFn, now: float, name: str, role: str) -> PartVerdict:
    part = release_facts(draw(worlds()).verdict(now), Measurement()).parts[0]
    own = tuple(replace(each, part=name) for each in part.exposures)
    return replace(
        part,
        id=name,
        role=role,
        url=f"{PAGE}/{role}",
        required=role != "alternative",
        exposures=own,
    )


def draft_report(facts: ReleaseFacts, form: str) -> Report:
    kind = IncidentKind.EARLY if facts.exposures else IncidentKind.LATE
    incident = Incident(
        "inc-9c2", kind, "rel-9c2", facts.producer, facts.title, facts.at, SLOT, "report", facts
    )
    return draft_of(incident, form, now=facts.at)


def list_signed_and_sent_texts(report: Report) -> Iterator[str]:
    """Yield every paragraph that a person signs or sends."""
    for field in report.fields():
        yield from field.paragraphs
    for letter in (report.covering, report.holding, report.correction, report.lines):
        yield from letter


def list_measured_intervals(facts: ReleaseFacts) -> Iterator[Interval]:
    """Yield every interval within which a time in a sentence may lie."""
    yield from (Interval(at, at) for at in (facts.at, SLOT))
    for part in facts.parts:
        if part.seen_until is not None:
            yield Interval(part.seen_until, part.seen_until)
        exposures = (end for each in part.exposures for end in (each.start, each.to))
        waits = [
            Interval(*(each and SLOT + timedelta(seconds=each) for each in (one.min, one.max)))
            for one in (part.delay, part.users_delay)
            if one is not None
        ]
        for seen in (part.first_seen, part.released, *exposures, *waits):
            yield from (Interval(at, at) for at in (seen.after, seen.by) if at is not None)
            if seen.after is not None and seen.by is not None:
                yield seen


def find_minutes_of_day(text: str) -> Iterator[int]:
    """Yield each time of day in a text as minutes after midnight."""
    for found in TIMES.finditer(text):
        if found[4]:
            yield 720 if found[4] == "noon" else 0
        else:
            yield (int(found[1]) % 12 + 12 * (found[3] == "pm")) * 60 + int(found[2] or 0)


def is_near(minute: int, seen: Interval) -> bool:
    """Return whether a minute of the day of the slot lies in an interval, but for rounding."""
    assert seen.after is not None
    assert seen.by is not None
    at: datetime = local(SLOT, LONDON).replace(hour=minute // 60, minute=minute % 60, second=0)
    return seen.after - ROUNDING <= at <= seen.by + ROUNDING


@pytest.mark.parametrize("form", ["B", "note"])
@given(facts=random_facts())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_reports_and_letters_are_plain_and_state_only_measured_times(
    form: str, facts: ReleaseFacts
) -> None:
    """The facts of the release are random.

    Plain texts have no internal names and none of the monitor's own words.
    """
    measured_intervals = list(list_measured_intervals(facts))
    for text in list_signed_and_sent_texts(draft_report(facts, form)):
        plain = re.sub(r"https?://\S+", "", text.replace(facts.title, ""))
        assert list(breaches_of_style(plain, IDS)) == [], text
        for minute in find_minutes_of_day(plain):
            assert any(is_near(minute, seen) for seen in measured_intervals), text


@given(facts=random_facts(latest=-0.001))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_until_the_slot_letters_to_users_contain_no_address(facts: ReleaseFacts) -> None:
    report = draft_report(facts, "B")
    assert "http" not in " ".join([*report.holding, *report.correction, *report.lines])


@pytest.mark.parametrize(
    ("text", "breach"),
    [
        ("at 09:30:02", "contains '9:3'"),
        ("at 9.30am GMT", "contains 'GMT'"),
        ("after 12 s", "contains '2 s'"),
        ("It was first seen at 9.31am.", "contains 'first seen'"),
        ("incident inc-9c2", "contains the id 'inc-9c2'"),
    ],
)
def test_a_breach_of_style_is_found_and_quoted(text: str, breach: str) -> None:
    assert list(breaches_of_style(text, ids=["inc-9c2"])) == [breach]


def test_times_of_day_are_found_as_minutes_after_midnight() -> None:
    minutes = list(find_minutes_of_day("from about 12.19pm on 5 January, noon and 9am"))
    assert minutes == [12 * 60 + 19, 12 * 60, 9 * 60]


def test_minute_is_near_an_interval_within_90_seconds() -> None:
    """A text may give a minute for a measured interval only if that minute is near: at most 90 s
    outside it. This interval is from 20 to 40 s after 9.30.
    """
    slot_minute = 9 * 60 + 30
    seen = Interval(after_slot(seconds=20), after_slot(seconds=40))
    # 9.30 is 20 s before the interval. 9.32 is 80 s after its end, and 9.33 is 140 s after it.
    assert [is_near(slot_minute + minutes, seen) for minutes in (0, 2, 3)] == [True, True, False]
