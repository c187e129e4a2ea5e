"""The five published incidents, looked at every second and as often as `facts/incidents.md` says. Times: London."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.contract.verdict import Grade, Kind, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import DAY, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, RegularLooks
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import found, judged, kinds

HTML = Part("html", Role.HTML, "https://www.gov.uk/government/publications/x/html")
SHEET = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.xlsx")
REPORT = Part("report", Role.ATTACHMENT, "http://www.ipcc.gov.uk/report.pdf")
ELSEWHERE = (
    Part("report", Role.ALTERNATIVE, "https://www.gov.uk/government/publications/x", required=False),
    Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False),
)


@dataclass(frozen=True)
class Incident:
    """A release, its slot, from when until when it was watched, and when each part became public or was removed."""

    slot: str
    begins: str
    until: str
    turns: dict[str, Sequence[tuple[str, State]]]
    parts: Sequence[Part] = ()

    def verdict(self, every: float, now: str | None = None) -> Verdict:
        until, begins = seconds_at(now or self.until), (seconds_at(self.begins), ABSENT)
        seen = {
            part: RegularLooks([begins, *((seconds_at(when), state) for when, state in turns)], every=every)
            for part, turns in self.turns.items()
        }
        slot = at(self.slot)
        promise = a_promise(slot, learnt=slot - 40 * DAY, confirmed_at=at(now or self.until))
        return judged(until, seen, promises=[promise], release=a_release(*self.parts))


IPCC_2015 = Incident(
    "2015-07-23 09:30", "2015-07-23 09:25", "2015-07-23 10:30",
    {"page": [("2015-07-23 10:08", PRESENT)], "report": [("2015-07-23 10:08", PRESENT)]},
    [REPORT],
)  # fmt: skip
MONDAY = [("2017-03-20 17:00", PRESENT), ("2017-03-20 17:30", WITHDRAWN)]
WEDNESDAY = [("2017-03-22 09:30", PRESENT)]
EXPOSED_ON_MONDAY = Incident(
    "2017-03-22 09:30", "2017-03-20 16:30", "2017-03-22 09:40",
    {"page": MONDAY + WEDNESDAY, "html": MONDAY + WEDNESDAY, "sheet": WEDNESDAY},
    [HTML, SHEET],
)  # fmt: skip
OFQUAL_JANUARY = Incident(
    "2018-01-05 09:30", "2018-01-05 09:00", "2018-01-05 12:45",
    {
        "page": [("2018-01-05 12:19", PRESENT)],
        "report": [("2018-01-05 09:51", PRESENT)],
        "news": [("2018-01-05 10:35", PRESENT)],
    },
    ELSEWHERE,
)  # fmt: skip
OFQUAL_MARCH = Incident(
    "2018-03-08 09:30", "2018-03-08 09:00", "2018-03-08 11:00",
    {
        "page": [("2018-03-08 10:52", PRESENT)],
        "report": [("2018-03-08 09:57", PRESENT)],
        "news": [("2018-03-08 09:58", PRESENT)],
    },
    ELSEWHERE,
)  # fmt: skip
LEAKED_TO_PRESS = Incident(
    "2016-10-27 09:30", "2016-10-27 09:00", "2016-10-27 09:40", {"page": [("2016-10-27 09:30", PRESENT)]}
)  # fmt: skip


@pytest.mark.parametrize("every", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "minutes_late"),
    [(IPCC_2015, 38), (OFQUAL_JANUARY, 169), (OFQUAL_MARCH, 82)],
    ids=["ipcc-2015", "ofqual-01", "ofqual-03"],
)
def test_late_release_is_measured_to_one_spacing_of_looks(incident: Incident, minutes_late: int, every: float) -> None:
    """For example, a page due at 09:30 was first seen at 10:08. The last look before that, `every` seconds earlier, did
    not find it. So it was 38 minutes late, or less by at most `every`."""
    verdict = incident.verdict(every=every)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.LATE, Grade.REPORT, True)
    assert verdict.page.delay == Bounds(minutes_late * 60 - every, minutes_late * 60)


@pytest.mark.parametrize("every", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "report_minutes_late", "news_minutes_late"),
    [(OFQUAL_JANUARY, 21, 65), (OFQUAL_MARCH, 27, 28)],
    ids=["ofqual-01", "ofqual-03"],
)
def test_each_alternative_address_has_its_own_delay(
    incident: Incident, report_minutes_late: int, news_minutes_late: int, every: float
) -> None:
    """In January the slot was 09:30. The report was out at 09:51, the news at 10:35 and the page itself at 12:19. Each
    delay is known to one spacing of looks (`every`)."""
    verdict = incident.verdict(every=every)
    _page, report, news = verdict.parts
    assert report.delay == Bounds(report_minutes_late * 60 - every, report_minutes_late * 60)
    assert news.delay == Bounds(news_minutes_late * 60 - every, news_minutes_late * 60)
    assert [each.part for each in found(verdict, Kind.ELSEWHERE_FIRST)] == ["report", "news"]


def test_release_elsewhere_is_found_while_announced_page_is_absent() -> None:
    """The slot was 09:30. At 10:00 the report was out at its own address since 09:51. The page came at 12:19."""
    verdict = OFQUAL_JANUARY.verdict(every=15, now="2018-01-05 10:00")
    assert (verdict.verdict, verdict.grade) == (VerdictKind.OVERDUE, Grade.REPORT)
    assert [each.part for each in found(verdict, Kind.ELSEWHERE_FIRST)] == ["report"]


@pytest.mark.parametrize("every", [1.0, 60.0, 300.0])
def test_early_exposure_is_measured_to_one_spacing_of_looks(every: float) -> None:
    """The slot was on Wednesday at 09:30. The page and its HTML were public on Monday from 17:00 to 17:30: for 1800 s,
    give or take one spacing of looks (`every`). The verdict is from Monday at 18:00."""
    monday, half_an_hour = EXPOSED_ON_MONDAY.verdict(every=every, now="2017-03-20 18:00"), 1800
    assert (monday.verdict, monday.grade, monday.final) == (VerdictKind.EARLY, Grade.REPORT, False)
    assert sorted(each.part for each in monday.exposures) == ["html", "page"]
    for each in monday.exposures:
        assert (each.open, each.seconds) == (False, Bounds(half_an_hour - every, half_an_hour + every))
        assert each.start.by == at("2017-03-20 17:00")


def test_exposure_is_open_and_grows_while_it_lasts() -> None:
    """The HTML was public early from 17:00 to 17:30. At 17:10, that is 600 s so far, without an end (None)."""
    exposures = EXPOSED_ON_MONDAY.verdict(every=60, now="2017-03-20 17:10").exposures
    (html,) = [each for each in exposures if each.part == "html"]
    assert (html.open, html.seconds) == (True, Bounds(600, None))


def test_release_exposed_on_monday_is_early_and_released_at_its_slot() -> None:
    """Page and HTML part were public on Monday, and removed. All three parts came at the slot, on Wednesday at 09:30.
    So the verdict is early, although each part was released at the slot. The sheet was never early."""
    verdict = EXPOSED_ON_MONDAY.verdict(every=30)
    assert (verdict.verdict, verdict.final) == (VerdictKind.EARLY, True)
    assert {part.released.by for part in verdict.parts} == {at("2017-03-22 09:30")}
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.EARLY, VerdictKind.ON_TIME]
    assert {*kinds(verdict)} == {Kind.EARLY_EXPOSURE}


def test_leak_to_the_press_changes_no_verdict() -> None:
    """The page came at its slot. Looks at a page cannot show that somebody had given its figures to the press."""
    verdict = LEAKED_TO_PRESS.verdict(every=1)
    assert (verdict.verdict, verdict.grade, verdict.findings) == (VerdictKind.ON_TIME, Grade.NONE, ())


@pytest.mark.parametrize(("now", "parts"), [("09:45", []), ("10:00", ["report"]), ("11:00", ["report", "news"])])
def test_other_addresses_are_listed_in_order_of_appearance(now: str, parts: list[str]) -> None:
    """The report came at 09:51 and the news at 10:35, both at other addresses than the announced one."""
    elsewhere = OFQUAL_JANUARY.verdict(every=15, now=f"2018-01-05 {now}").elsewhere
    assert [copy.part for copy in elsewhere] == parts
    # Both still show the release, so they have no end.
    assert not any(copy.to for copy in elsewhere)
