from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from monitor.ledger.pages import CalendarPages
from monitor.ledger.reader import CalendarReader
from monitor.look.interpret import Interpreter
from monitor.plan.targets import targets_of
from monitor.rehearse.publisher.calendar import CALENDAR_URL
from monitor.rehearse.script.script import FAULTS
from schedules.announcement import Announcement, Part, Role
from schedules.release import Release
from schedules.sources.govuk import GovukSource
from schedules.sources.toml import TomlSource
from tests.worlds.calendars import calendar_settings

if TYPE_CHECKING:
    from conftest import Play, Story

    from monitor.rehearse.virtual_loop import HeldFetcher

PAGE = "https://www.gov.uk/government/statistics/gulls-2017"
FILE = "https://assets.publishing.service.gov.uk/media/5a/gulls.ods"
RELEASE = f"""
[[release]]
id = "gulls"
title = "Gulls and terns: October to December 2017"
producer = "bird-agency"
url = "{PAGE}"
slot = 2018-01-05T09:30:00
part = [{{ id = "sheet", role = "data", url = "{FILE}" }}]
"""
GULLS = Release(
    id="gulls",
    title="Gulls and terns: October to December 2017",
    producer="bird-agency",
    url=PAGE,
    parts=(Part("page", Role.PAGE, PAGE), Part("sheet", Role.DATA, FILE)),
)


def at(time: str, more: str = "") -> str:
    return f'\n[[answer]]\nurl = "{PAGE}"\nat = 2018-01-05T{time}\n{more}\n'


async def announced(story: Story, source: GovukSource | TomlSource) -> list[Announcement]:
    outcome = await CalendarReader("rehearsal", source, CalendarPages(story.fetcher.fetch), story.clock).read()
    assert outcome.read.fault is None or outcome.read.usable, outcome.read.fault
    assert outcome.reading is not None
    return list(outcome.reading.announcements)


async def seen(fetcher: HeldFetcher, interpreter: Interpreter) -> dict[str, str]:
    targets = targets_of(GULLS)
    sightings = [interpreter.see(target, await fetcher.fetch(interpreter.request(target))) for target in targets]
    return {sighting.target.removeprefix("gulls/"): sighting.state.value for sighting in sightings}


def everywhere(state: str, sheet: str) -> dict[str, str]:
    pages = dict.fromkeys(("page/edge", "page/origin", "page/content"), state)
    return pages | dict.fromkeys(("sheet/edge", "sheet/origin"), sheet)


def test_the_source_of_gov_uk_reads_the_simulated_listing(play: Play) -> None:
    async def tell(story: Story) -> None:
        source = GovukSource(calendar_settings("govuk", filters={"organisations": ["bird-agency"]}))
        entry = (await announced(story, source))[0]
        assert (entry.title, entry.url, entry.producer) == (GULLS.title, PAGE, "bird-agency")
        assert entry.slot.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
        await story.at("09:11:00")
        moved = (await announced(story, source))[0]
        assert moved.slot.instant == datetime(2018, 7, 12, 8, 30, tzinfo=UTC)
        assert moved.why == "More checks."
        assert moved.previous is not None
        assert moved.previous.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
        await story.at("09:21:00")
        assert [entry.state for entry in await announced(story, source)] == ["cancelled"]

    changes = """
    [[change]]
    release = "gulls"
    at = 2018-01-05T09:10:00
    slot = 2018-07-12T09:30:00
    why = "More checks."
    [[change]]
    release = "gulls"
    at = 2018-01-05T09:20:00
    state = "cancelled"
    """
    play(RELEASE + changes, tell)


def test_the_source_of_toml_reads_the_simulated_calendar(play: Play) -> None:
    async def tell(story: Story) -> None:
        entry = (await announced(story, TomlSource(calendar_settings("toml", CALENDAR_URL))))[0]
        assert (entry.uid, entry.url) == ("gulls", PAGE.replace("statistics", "publications"))
        assert entry.slot.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
        assert [part.id for part in entry.parts] == ["sheet"]

    play(RELEASE.replace("government/statistics", "government/publications"), tell)


def test_recognisers_see_a_simulated_release_come_out(play: Play) -> None:
    async def tell(story: Story) -> None:
        interpreter = Interpreter()
        assert await seen(story.fetcher, interpreter) == everywhere("absent", "absent")
        await story.at("09:31:00")
        assert await seen(story.fetcher, interpreter) == everywhere("present", "present")

    play(RELEASE + at("09:30:00"), tell)


def test_recognisers_take_a_simulated_placeholder_for_absence(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert await seen(story.fetcher, Interpreter()) == everywhere("absent", "absent")

    notice = "<title>Gulls and terns</title><h1>Gulls</h1><h2>These statistics will be released on 5 January 2018</h2>"
    play(RELEASE + at("08:00:00", f'body = "{notice}"\nheaders = {{ "Content-Type" = "text/html" }}'), tell)


def test_recognisers_see_a_simulated_take_down(play: Play) -> None:
    async def tell(story: Story) -> None:
        interpreter = Interpreter()
        await story.at("09:05:00")
        assert await seen(story.fetcher, interpreter) == everywhere("present", "present")
        await story.at("09:15:00")
        views = await seen(story.fetcher, interpreter)
        assert {views[name] for name in ("page/edge", "page/origin", "page/content")} == {"withdrawn"}
        assert views["sheet/edge"] != "present"

    play(RELEASE + at("09:00:00") + at("09:10:00", "status = 410"), tell)


@pytest.mark.parametrize("kind", FAULTS)
def test_no_fault_is_taken_for_absence_or_presence(play: Play, kind: str) -> None:
    async def tell(story: Story) -> None:
        for time in ("09:15:00", "09:45:00"):
            await story.at(time)
            views = await seen(story.fetcher, Interpreter())
            assert set(views.values()) == {"unknown"}

    faults = [
        f'\n[[fault]]\nhost = "{host}"\nkind = "{kind}"\nfrom = 2018-01-05T09:00:00\nuntil = 2018-01-05T10:00:00\n'
        for host in ("www.gov.uk", "assets.publishing.service.gov.uk")
    ]
    play(RELEASE + at("09:30:00") + "".join(faults), tell)
