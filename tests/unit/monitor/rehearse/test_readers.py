from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.ledger.pages import CalendarPages
from monitor.ledger.reader import CalendarReader
from monitor.look.interpret import Interpreter
from monitor.plan.targets import targets_of
from monitor.rehearse.publisher.calendar import CALENDAR_URL
from monitor.rehearse.script.script import FAULTS
from monitor.rehearse.virtual_loop import TimeStoppingFetcher
from schedules.announcement import Announcement, Part, Role
from schedules.release import Release
from schedules.sources.settings import CalendarSettings
from tests.unit.monitor.rehearse.conftest import PublisherClient, RunScenario, with_script
from tests.worlds.calendars import calendar_settings
from tests.worlds.workers import workers_here

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


def answer_from(time: str, more: str = "") -> str:
    return f'\n[[answer]]\nurl = "{PAGE}"\nat = 2018-01-05T{time}\n{more}\n'


def make_reader(client: PublisherClient, settings: CalendarSettings) -> CalendarReader:
    pages = CalendarPages(client.fetcher.fetch, workers_here())
    return CalendarReader("rehearsal", settings, pages, client.clock)


async def read_announcements(reader: CalendarReader) -> list[Announcement]:
    outcome = await reader.read()
    assert outcome.read.fault is None or outcome.read.usable, outcome.read.fault
    assert outcome.reading is not None
    return list(outcome.reading.announcements)


async def see_all_targets(fetcher: TimeStoppingFetcher, interpreter: Interpreter) -> dict[str, str]:
    targets = targets_of(GULLS)
    sightings = [
        interpreter.interpret_now(target, await fetcher.fetch(interpreter.make_request(target)))
        for target in targets
    ]
    return {sighting.target.removeprefix("gulls/"): sighting.state.value for sighting in sightings}


def expected_states(*, page: str, sheet: str) -> dict[str, str]:
    pages = dict.fromkeys(("page/edge", "page/origin", "page/content"), page)
    return pages | dict.fromkeys(("sheet/edge", "sheet/origin"), sheet)


MOVED_AND_CANCELLED = """
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


def gov_uk_reader(client: PublisherClient) -> CalendarReader:
    """Return a reader of announcements of the bird agency. It remembers what it has read."""
    filters = {"organisations": ["bird-agency"]}
    return make_reader(client, calendar_settings("govuk", filters=filters))


@with_script(RELEASE)
async def test_gov_uk_source_reads_the_simulated_listing(client: PublisherClient) -> None:
    (entry,) = await read_announcements(gov_uk_reader(client))
    assert (entry.title, entry.url, entry.producer) == (GULLS.title, PAGE, "bird-agency")
    assert entry.slot.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


@with_script(RELEASE + MOVED_AND_CANCELLED)
async def test_gov_uk_source_sees_a_new_slot_and_a_cancellation(client: PublisherClient) -> None:
    reader = gov_uk_reader(client)
    await read_announcements(reader)
    # At 09:10 the slot moves from 5 January to 12 July, 9:30 BST. At 09:20 the release is
    # cancelled.
    await client.wait_until("09:11:00")
    (moved,) = await read_announcements(reader)
    assert moved.slot.instant == datetime(2018, 7, 12, 8, 30, tzinfo=UTC)
    assert moved.why == "More checks."
    assert moved.previous is not None
    assert moved.previous.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
    await client.wait_until("09:21:00")
    (cancelled,) = await read_announcements(reader)
    assert cancelled.state == "cancelled"


@with_script(RELEASE.replace("government/statistics", "government/publications"))
async def test_the_toml_source_reads_the_simulated_calendar(client: PublisherClient) -> None:
    # The release is below /government/publications, so only the TOML calendar announces it.
    reader = make_reader(client, calendar_settings("toml", CALENDAR_URL))
    entry = (await read_announcements(reader))[0]
    assert (entry.uid, entry.url) == ("gulls", PAGE.replace("statistics", "publications"))
    assert entry.slot.instant == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
    assert [part.id for part in entry.parts] == ["sheet"]


@with_script(RELEASE + answer_from("09:30:00"))
async def test_recognisers_see_the_publication_of_a_simulated_release(
    client: PublisherClient,
) -> None:
    # Recognisers decide from a response whether the page or file is there. An interpreter runs
    # them.
    interpreter = Interpreter()
    # The page is published at 09:30.
    assert await see_all_targets(client.fetcher, interpreter) == expected_states(
        page="absent", sheet="absent"
    )
    await client.wait_until("09:31:00")
    assert await see_all_targets(client.fetcher, interpreter) == expected_states(
        page="present", sheet="present"
    )


def test_recognisers_see_a_simulated_placeholder_as_unknown(run_scenario: RunScenario) -> None:
    async def scenario(client: PublisherClient) -> None:
        # The page only says that the statistics will be released.
        # GOV.UK's content API does not know it yet.
        states = expected_states(page="unknown", sheet="absent") | {"page/content": "absent"}
        assert await see_all_targets(client.fetcher, Interpreter()) == states

    notice = (
        "<title>Gulls and terns</title><h1>Gulls</h1><h2>These statistics will be released on 5"
        " January 2018</h2>"
    )
    run_scenario(
        RELEASE
        + answer_from(
            "08:00:00", f'body = "{notice}"\nheaders = {{ "Content-Type" = "text/html" }}'
        ),
        scenario,
    )


@with_script(RELEASE + answer_from("09:00:00") + answer_from("09:10:00", "status = 410"))
async def test_recognisers_see_the_removal_of_a_simulated_release(client: PublisherClient) -> None:
    interpreter = Interpreter()
    # The page is published at 09:00 and removed (410) at 09:10.
    await client.wait_until("09:05:00")
    assert await see_all_targets(client.fetcher, interpreter) == expected_states(
        page="present", sheet="present"
    )
    await client.wait_until("09:15:00")
    views = await see_all_targets(client.fetcher, interpreter)
    assert {views[name] for name in ("page/edge", "page/origin", "page/content")} == {"withdrawn"}
    assert views["sheet/edge"] != "present"


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_seen_as_unknown(run_scenario: RunScenario, kind: str) -> None:
    """A case is a fault of both hosts of the release, from 09:00 to 10:00.

    Its page is published at 09:30.
    """

    async def scenario(client: PublisherClient) -> None:
        before_publication, after_publication = "09:15:00", "09:45:00"
        for time in (before_publication, after_publication):
            await client.wait_until(time)
            views = await see_all_targets(client.fetcher, Interpreter())
            assert set(views.values()) == {"unknown"}

    faults = [
        f'\n[[fault]]\nhost = "{host}"\nkind = "{kind}"\nfrom = 2018-01-05T09:00:00\nuntil ='
        " 2018-01-05T10:00:00\n"
        for host in ("www.gov.uk", "assets.publishing.service.gov.uk")
    ]
    run_scenario(RELEASE + answer_from("09:30:00") + "".join(faults), scenario)
