"""The five published incidents, looked at every second and at wider spacings.

Times: London.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.contract.verdict import FindingKind, Grade, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import DAY, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, RegularLooks
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import found, judged, kinds

HTML = Part("html", Role.HTML, "https://www.gov.uk/government/publications/x/html")
SHEET = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.xlsx")
REPORT = Part("report", Role.ATTACHMENT, "http://www.ipcc.gov.uk/report.pdf")
ELSEWHERE = (
    Part(
        "report", Role.ALTERNATIVE, "https://www.gov.uk/government/publications/x", required=False
    ),
    Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False),
)


@dataclass(frozen=True)
class Incident:
    """A release, its slot, from when until when it was watched, and when each part became public or
    was removed.
    """

    slot: str
    begins: str
    until: str
    turns: dict[str, Sequence[tuple[str, State]]]
    parts: Sequence[Part] = ()

    def verdict(self, every: float, now: str | None = None) -> Verdict:
        until, begins = seconds_at(now or self.until), (seconds_at(self.begins), ABSENT)
        seen = {
            part: RegularLooks(
                [begins, *((seconds_at(when), state) for when, state in turns)], every=every
            )
            for part, turns in self.turns.items()
        }
        slot = at(self.slot)
        promise = a_promise(slot, learnt=slot - 40 * DAY, confirmed_at=at(now or self.until))
        return judged(until, seen, promises=[promise], release=a_release(*self.parts))


IPCC_2015 = Incident(
    "2015-07-23 09:30",
    "2015-07-23 09:25",
    "2015-07-23 10:30",
    {"page": [("2015-07-23 10:08", PRESENT)], "report": [("2015-07-23 10:08", PRESENT)]},
    [REPORT],
)
MONDAY = [("2017-03-20 17:00", PRESENT), ("2017-03-20 17:30", WITHDRAWN)]
WEDNESDAY = [("2017-03-22 09:30", PRESENT)]
EXPOSED_ON_MONDAY = Incident(
    "2017-03-22 09:30",
    "2017-03-20 16:30",
    "2017-03-22 09:40",
    {"page": MONDAY + WEDNESDAY, "html": MONDAY + WEDNESDAY, "sheet": WEDNESDAY},
    [HTML, SHEET],
)
OFQUAL_JANUARY = Incident(
    "2018-01-05 09:30",
    "2018-01-05 09:00",
    "2018-01-05 12:45",
    {
        "page": [("2018-01-05 12:19", PRESENT)],
        "report": [("2018-01-05 09:51", PRESENT)],
        "news": [("2018-01-05 10:35", PRESENT)],
    },
    ELSEWHERE,
)
OFQUAL_MARCH = Incident(
    "2018-03-08 09:30",
    "2018-03-08 09:00",
    "2018-03-08 11:00",
    {
        "page": [("2018-03-08 10:52", PRESENT)],
        "report": [("2018-03-08 09:57", PRESENT)],
        "news": [("2018-03-08 09:58", PRESENT)],
    },
    ELSEWHERE,
)
LEAKED_TO_PRESS = Incident(
    "2016-10-27 09:30",
    "2016-10-27 09:00",
    "2016-10-27 09:40",
    {"page": [("2016-10-27 09:30", PRESENT)]},
)


@pytest.mark.parametrize("seconds_between_looks", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "minutes_late"),
    [(IPCC_2015, 38), (OFQUAL_JANUARY, 169), (OFQUAL_MARCH, 82)],
    ids=["ipcc-2015", "ofqual-01", "ofqual-03"],
)
def test_late_release_is_measured_to_the_time_between_two_looks(
    incident: Incident, minutes_late: int, seconds_between_looks: float
) -> None:
    """This release really came 38, 169 or 82 minutes after its slot (`minutes_late`), and was
    looked at every 1 or 15 seconds. A look found it as soon as it came. The look before found it
    absent. So its delay is known between two bounds: the true one, and the true one less the time
    between two looks.
    """
    verdict = incident.verdict(every=seconds_between_looks)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.LATE, Grade.REPORT, True)
    seconds_late = minutes_late * 60
    assert verdict.page.delay == Bounds(seconds_late - seconds_between_looks, seconds_late)


@pytest.mark.parametrize("seconds_between_looks", [1.0, 15.0])
@pytest.mark.parametrize(
    ("incident", "report_minutes_late", "news_minutes_late"),
    [(OFQUAL_JANUARY, 21, 65), (OFQUAL_MARCH, 27, 28)],
    ids=["ofqual-01", "ofqual-03"],
)
def test_each_alternative_address_has_its_own_delay(
    incident: Incident,
    report_minutes_late: int,
    news_minutes_late: int,
    seconds_between_looks: float,
) -> None:
    """This release had a report and a news page at other addresses than its announced page. Both
    came after the slot (`…_minutes_late`), but before the page. Each has its own delay, known to
    the time between two looks. Each is a finding: the release was elsewhere first.
    """
    verdict = incident.verdict(every=seconds_between_looks)
    _page, report, news = verdict.parts
    report_seconds_late, news_seconds_late = report_minutes_late * 60, news_minutes_late * 60
    assert report.delay == Bounds(report_seconds_late - seconds_between_looks, report_seconds_late)
    assert news.delay == Bounds(news_seconds_late - seconds_between_looks, news_seconds_late)
    assert [finding.part for finding in found(verdict, FindingKind.ELSEWHERE_FIRST)] == [
        "report",
        "news",
    ]


def test_release_elsewhere_is_found_while_announced_page_is_absent() -> None:
    """The slot was 09:30. The report was out at its own address at 09:51. The announced page came
    only at 12:19. So at 10:00 the release is overdue, and a finding says that the report is
    elsewhere.
    """
    verdict = OFQUAL_JANUARY.verdict(every=15, now="2018-01-05 10:00")
    assert (verdict.verdict, verdict.grade) == (VerdictKind.OVERDUE, Grade.REPORT)
    assert [finding.part for finding in found(verdict, FindingKind.ELSEWHERE_FIRST)] == ["report"]


@pytest.mark.parametrize("seconds_between_looks", [1.0, 60.0, 300.0])
def test_early_exposure_is_measured_to_the_time_between_two_looks(
    seconds_between_looks: float,
) -> None:
    """The slot was on Wednesday at 09:30. The page and its HTML part were public on Monday from
    17:00 to 17:30, and then removed. The verdict of Monday at 18:00 says early, and has an exposure
    of each. It lasted 30 minutes. Looks can only show that to the time between two looks, more or
    less.
    """
    monday = EXPOSED_ON_MONDAY.verdict(every=seconds_between_looks, now="2017-03-20 18:00")
    half_an_hour = 1800
    assert (monday.verdict, monday.grade, monday.final) == (VerdictKind.EARLY, Grade.REPORT, False)
    assert sorted(exposure.part for exposure in monday.exposures) == ["html", "page"]
    length = Bounds(half_an_hour - seconds_between_looks, half_an_hour + seconds_between_looks)
    for exposure in monday.exposures:
        assert (exposure.seconds, exposure.open) == (length, False)
        assert exposure.start.by == at("2017-03-20 17:00")


def test_exposure_is_open_and_grows_while_it_lasts() -> None:
    """The HTML part was public early, from 17:00 to 17:30. At 17:10, the exposure still lasts (it
    is open). It is 600 s long so far, and how long it will be is not known (None).
    """
    exposures = EXPOSED_ON_MONDAY.verdict(every=60, now="2017-03-20 17:10").exposures
    (html,) = [each for each in exposures if each.part == "html"]
    assert (html.open, html.seconds) == (True, Bounds(600, None))


def test_release_exposed_on_monday_is_early_and_released_at_its_slot() -> None:
    """The slot was on Wednesday at 09:30. Page and HTML part were public on Monday, and then
    removed. Page, HTML and sheet were all public from the slot on.
    1. Each part was released at the slot.
    2. Still, the release is early, because page and HTML were public before. The sheet was not, so
       it is on time.
    """
    verdict = EXPOSED_ON_MONDAY.verdict(every=30)
    assert (verdict.verdict, verdict.final) == (VerdictKind.EARLY, True)
    assert {part.released.by for part in verdict.parts} == {at("2017-03-22 09:30")}
    assert [part.verdict for part in verdict.parts] == [
        VerdictKind.EARLY,
        VerdictKind.EARLY,
        VerdictKind.ON_TIME,
    ]
    assert {*kinds(verdict)} == {FindingKind.EARLY_EXPOSURE}


def test_leak_to_the_press_changes_no_verdict() -> None:
    """In this incident, somebody gave the figures to the press before the slot. The page itself
    came at its slot. Looks at a page cannot show such a leak. So the verdict is on time, without
    findings.
    """
    verdict = LEAKED_TO_PRESS.verdict(every=1)
    assert (verdict.verdict, verdict.grade, verdict.findings) == (
        VerdictKind.ON_TIME,
        Grade.NONE,
        (),
    )


@pytest.mark.parametrize(
    ("now", "parts"), [("09:45", []), ("10:00", ["report"]), ("11:00", ["report", "news"])]
)
def test_other_addresses_are_listed_in_order_of_appearance(now: str, parts: list[str]) -> None:
    """The report came at 09:51 and the news at 10:35, both at other addresses than the announced
    page. At 09:45 none is listed, at 10:00 the report, and at 11:00 the report and then the news.
    """
    other_addresses = OFQUAL_JANUARY.verdict(every=15, now=f"2018-01-05 {now}").elsewhere
    assert [copy.part for copy in other_addresses] == parts
    # Each still shows the release, so no time is known at which it no longer did (`to`).
    assert not any(copy.to for copy in other_addresses)
