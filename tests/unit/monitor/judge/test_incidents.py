"""The five published incidents, seen at the spacings of `facts/incidents.md` and at one second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Grade, Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Kind, Verdict, Word
from monitor.look.sighting import Sighting, State
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from tests.unit.monitor.judge.world import fold

P, A, W = State.PRESENT, State.ABSENT, State.WITHDRAWN
LONDON = ZoneInfo("Europe/London")


def clock(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


@dataclass(frozen=True)
class Incident:
    """A release, its slot, and what each part answers from when on, in local time."""

    slot: str
    url: str
    begins: str
    until: str
    story: dict[str, Sequence[tuple[str, State]]]
    parts: Sequence[Part] = ()

    def verdict(self, every: float, now: str | None = None) -> Verdict:
        until = clock(now or self.until)
        parts = (Part("page", Role.PAGE, self.url), *self.parts)
        release = Release("r", "title", "producer", self.url, parts, ("govuk",))
        slot = Slot(Precision.INSTANT, instant=clock(self.slot))
        promise = Promise(
            "r", "govuk", slot, Standing.CONFIRMED, clock(self.slot) - timedelta(days=40), confirmed_at=until
        )
        runs = {f"r/{part.id}/edge": self._runs(part.id, every, until) for part in parts}
        return judge(release, [promise], runs, [], Policy(), until)

    def _runs(self, part: str, every: float, until: datetime) -> list[Run]:
        story = [(clock(begins), state) for begins, state in self.story[part]]
        runs: list[Run] = []
        at = clock(self.begins)
        while at <= until:
            state = [state for begins, state in story if begins <= at][-1]
            runs = fold(runs, Sighting(f"r/{part}/edge", state, at, at, at, at))
            at += timedelta(seconds=every)
        return runs


IPCC = Incident(
    slot="2015-07-23T09:30",
    url="http://www.ipcc.gov.uk/page/deaths-during-or-following-police-contact",
    begins="2015-07-23T09:25",
    until="2015-07-23T10:30",
    story={
        "page": [("2015-07-23T09:00", A), ("2015-07-23T10:08", P)],
        "report": [("2015-07-23T09:00", A), ("2015-07-23T10:08", P)],
    },
    parts=[Part("report", Role.ATTACHMENT, "http://www.ipcc.gov.uk/report.pdf")],
)
OFSTED = Incident(
    slot="2017-03-22T09:30",
    url="https://www.gov.uk/government/publications/maintained-schools-and-academies-inspections-and-outcomes",
    begins="2017-03-20T16:30",
    until="2017-03-22T09:40",
    story={
        "page": [("2017-03-20T16:30", A), ("2017-03-20T17:00", P), ("2017-03-20T17:30", W), ("2017-03-22T09:30", P)],
        "html": [("2017-03-20T16:30", A), ("2017-03-20T17:00", P), ("2017-03-20T17:30", W), ("2017-03-22T09:30", P)],
        "sheet": [("2017-03-20T16:30", A), ("2017-03-22T09:30", P)],
    },
    parts=[
        Part("html", Role.HTML, "https://www.gov.uk/government/publications/x/html"),
        Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.xlsx"),
    ],
)
JANUARY = Incident(
    slot="2018-01-05T09:30",
    url="https://www.gov.uk/government/statistics/malpractice-for-gcse-and-a-level-summer-2017-exam-series",
    begins="2018-01-05T09:00",
    until="2018-01-05T12:45",
    story={
        "page": [("2018-01-05T09:00", A), ("2018-01-05T12:19", P)],
        "report": [("2018-01-05T09:00", A), ("2018-01-05T09:51", P)],
        "news": [("2018-01-05T09:00", A), ("2018-01-05T10:35", P)],
    },
    parts=[
        Part("report", Role.ALTERNATIVE, "https://www.gov.uk/government/publications/x", required=False),
        Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False),
    ],
)
MARCH = Incident(
    slot="2018-03-08T09:30",
    url="https://www.gov.uk/government/statistics/vocational-and-other-qualifications-quarterly",
    begins="2018-03-08T09:00",
    until="2018-03-08T11:00",
    story={
        "page": [("2018-03-08T09:00", A), ("2018-03-08T10:52", P)],
        "report": [("2018-03-08T09:00", A), ("2018-03-08T09:57", P)],
        "news": [("2018-03-08T09:00", A), ("2018-03-08T09:58", P)],
    },
    parts=JANUARY.parts,
)
MOJ = Incident(
    slot="2016-10-27T09:30",
    url="https://www.gov.uk/government/collections/safety-in-custody-statistics",
    begins="2016-10-27T09:00",
    until="2016-10-27T09:40",
    story={"page": [("2016-09-30T00:00", A), ("2016-10-27T09:30", P)]},
)


@pytest.mark.parametrize("every", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "minutes"), [(IPCC, 38), (JANUARY, 169), (MARCH, 82)], ids=["ipcc-2015", "ofqual-01", "ofqual-03"]
)
def test_a_release_late_by_minutes_is_measured_within_one_spacing(
    incident: Incident, minutes: int, every: float
) -> None:
    verdict = incident.verdict(every)
    assert (verdict.word, verdict.grade, verdict.final) == (Word.LATE, Grade.REPORT, True)
    assert verdict.page is not None
    assert verdict.page.delay is not None
    assert (verdict.page.delay.min, verdict.page.delay.max) == (minutes * 60 - every, minutes * 60)


@pytest.mark.parametrize("every", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "delays"),
    [(JANUARY, {"report": 21 * 60, "news": 65 * 60}), (MARCH, {"report": 27 * 60, "news": 28 * 60})],
    ids=["ofqual-01", "ofqual-03"],
)
def test_each_other_address_has_a_delay_of_its_own(incident: Incident, delays: dict[str, int], every: float) -> None:
    verdict = incident.verdict(every)
    measured = {part.id: part.delay for part in verdict.parts if part.id in delays}
    for part, seconds in delays.items():
        assert measured[part] is not None
        assert (measured[part].min, measured[part].max) == (seconds - every, seconds)
    elsewhere = [found.part for found in verdict.findings if found.kind is Kind.ELSEWHERE_FIRST]
    assert elsewhere == ["report", "news"]


def test_while_the_announced_page_is_dead_the_other_address_is_told_of_at_once() -> None:
    verdict = JANUARY.verdict(15, now="2018-01-05T10:00")
    assert (verdict.word, verdict.grade) == (Word.OVERDUE, Grade.REPORT)
    assert [found.part for found in verdict.findings if found.kind is Kind.ELSEWHERE_FIRST] == ["report"]


@pytest.mark.parametrize("every", [1.0, 60.0, 300.0])
def test_half_an_hour_in_public_two_days_early_is_measured_from_both_sides(every: float) -> None:
    monday = OFSTED.verdict(every, now="2017-03-20T18:00")
    assert (monday.word, monday.grade, monday.final) == (Word.EARLY, Grade.REPORT, False)
    by_part = {exposure.part: exposure for exposure in monday.exposures}
    assert sorted(by_part) == ["html", "page"]
    for exposure in by_part.values():
        assert not exposure.open
        assert (exposure.seconds.min, exposure.seconds.max) == (1800 - every, 1800 + every)
        assert exposure.start.by == clock("2017-03-20T17:00")


def test_while_it_is_out_early_the_exposure_is_open_and_grows() -> None:
    (html,) = [each for each in OFSTED.verdict(60, now="2017-03-20T17:10").exposures if each.part == "html"]
    assert html.open
    assert (html.seconds.min, html.seconds.max) == (600, None)


def test_the_release_exposed_on_monday_still_comes_out_on_the_minute_on_wednesday() -> None:
    verdict = OFSTED.verdict(30)
    assert (verdict.word, verdict.final) == (Word.EARLY, True)
    assert {part.id: part.released.by for part in verdict.parts} == dict.fromkeys(
        ["page", "html", "sheet"], clock("2017-03-22T09:30")
    )
    assert [part.word for part in verdict.parts] == [Word.EARLY, Word.EARLY, Word.ON_TIME]
    assert {found.kind for found in verdict.findings} == {Kind.EARLY_EXPOSURE}


def test_a_leak_to_the_press_is_nothing_the_page_shows() -> None:
    verdict = MOJ.verdict(1)
    assert (verdict.word, verdict.grade, verdict.findings) == (Word.ON_TIME, Grade.NONE, ())
