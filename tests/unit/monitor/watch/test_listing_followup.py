"""A release in a listing whose address does not prove it gets close looks at once, and one lead.

A hint (`lead`) is a notice about something that only a person can judge.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.incident import IncidentKind
from alerts.notice import Notice
from monitor.config.settings import Settings
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from monitor.watch.listing_followup import MAX_FOLLOWED
from schedules.contract.verdict import FindingKind
from tests.unit.monitor.app.monitor_in_test import HEAD, MonitorInTest, run_monitor, with_daemon
from tests.worlds.scripts import a_web_page, an_answer

TITLE = "Example claims: July to September 2026"
STATS = "https://stats.example"
LISTED_URL = f"{STATS}/releases/somewhere"
URL = "https://www.gov.uk/government/statistics/claims"
SHOWN_AT = "09:28:30"
HINT_FOR_PEOPLE = "lead"
PRODUCER = {"id": "department-for-example", "name": "Department", "newest": [f"{STATS}/latest"]}
WATCHING_THE_LISTING = Settings.model_validate({"producer": [PRODUCER]})


def listing_page(*entries: tuple[str, str]) -> str:
    links = "".join(f"<a href='{url}'>{words}</a>" for url, words in entries)
    return (
        "<html><title>Latest</title><body><h1>Latest</h1><a href='/plan'>Annual"
        f" plan</a>{links}</body></html>"
    )


def listing_with_entry(url: str, words: str, at: str = SHOWN_AT) -> str:
    """Return the tables of a listing page, which is looked at each minute, with an entry from an
    instant on.
    """
    before = an_answer(f"{STATS}/latest", "08:00:00", listing_page())
    return before + an_answer(f"{STATS}/latest", at, listing_page((url, words)))


def first_notices_of_incidents(monitor: MonitorInTest) -> list[Notice]:
    return [notice for notice in monitor.daemon.core.store.outbox.notices() if not notice.follows]


def kinds_of_first_notices(monitor: MonitorInTest) -> list[str]:
    return [notice.kind for notice in first_notices_of_incidents(monitor)]


def open_incidents(monitor: MonitorInTest) -> list[IncidentKind]:
    incidents = monitor.daemon.core.store.verdicts.incidents_of("claims-q3")
    return sorted(one.kind for one in incidents if one.is_open)


def has_no_finding_or_draft(monitor: MonitorInTest) -> bool:
    """Return whether the release was judged without a finding, an exposure or a draft."""
    verdict = monitor.daemon.parts.watch.releases["claims-q3"].verdict
    drafts = [
        draft
        for one in monitor.daemon.core.store.verdicts.incidents()
        for draft in monitor.daemon.core.store.verdicts.drafts(one.id)
    ]
    return verdict is not None and not verdict.findings and not verdict.exposures and not drafts


def look_times(monitor: MonitorInTest, url: str) -> list[datetime]:
    path = url.removeprefix(STATS)
    return [
        entry.at
        for entry in monitor.publisher.log.entries
        if entry.host == "stats.example" and entry.path == path
    ]


ANSWERS_THAT_PROVE_NOTHING = {
    "its title without a period": an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims")),
    "not there at all": "",
    "another edition's page": an_answer(
        LISTED_URL, "08:00:00", a_web_page("Example claims: April to June 2026")
    ),
    "new, with another title": an_answer(LISTED_URL, SHOWN_AT, a_web_page("Data tables")),
    "announced there": an_answer(
        LISTED_URL, SHOWN_AT, a_web_page(TITLE, "This release is not yet published.")
    ),
    "a file": an_answer(f"{STATS}/claims.ods", "08:00:00", "PK"),
}


@pytest.mark.slow
@pytest.mark.parametrize("answer_at_listed_address", sorted(ANSWERS_THAT_PROVE_NOTHING))
def test_listed_address_without_proof_gives_one_hint_despite_restart(
    tmp_path: Path, answer_at_listed_address: str
) -> None:
    """The slot is at 09:30. From 09:28:30 on, a listing shows the title of the release with an
    address. The answers there do not prove the release: for example, there is only a file. So
    people get one hint. A restart gives no second one.
    """
    listed_url = f"{STATS}/claims.ods" if answer_at_listed_address == "a file" else LISTED_URL

    async def restart_before_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        assert monitor.stored_verdict() == "pending"
        assert has_no_finding_or_draft(monitor)
        (notice,) = first_notices_of_incidents(monitor)
        assert notice.kind == HINT_FOR_PEOPLE
        assert listed_url in notice.text
        assert "a listing shows its title before its slot" in notice.text
        # the listing is read each minute
        assert "between 26 Nov 2026 09:28:00 and 09:29:00 GMT" in notice.text
        await monitor.kill()
        await monitor.start()
        await monitor.until("09:29:58")
        assert kinds_of_first_notices(monitor) == [HINT_FOR_PEOPLE]
        assert has_no_finding_or_draft(monitor)

    tables = (
        listing_with_entry(listed_url, TITLE) + ANSWERS_THAT_PROVE_NOTHING[answer_at_listed_address]
    )
    run_monitor(
        tmp_path, tables, restart_before_slot, base=WATCHING_THE_LISTING, delay=REAL_COMMIT_DELAY
    )


@with_daemon(listing_with_entry(LISTED_URL, TITLE), base=WATCHING_THE_LISTING)
async def test_listed_address_is_looked_at_promptly_and_closely(monitor: MonitorInTest) -> None:
    """The slot is at 09:30:00. A listing, which is looked at each minute, shows the release from
    09:28:30 on. So the monitor sees that at 09:29:00, and then looks at the listed address each
    second.
    """
    await monitor.until("09:29:55")
    _before_the_entry, with_the_entry = look_times(monitor, f"{STATS}/latest")
    looks = look_times(monitor, LISTED_URL)
    assert looks[0] - with_the_entry <= timedelta(seconds=1)
    # These are the 55 s until 09:29:55, or one look less.
    assert len(looks) >= 54


def test_hint_quotes_neither_listing_nor_page(tmp_path: Path) -> None:
    """This hint comes before the slot, so it must not disclose results. The listing has the word
    "falling" in the title of the release. The listed page says that unemployment fell.
    """
    title = "Example claims of every sort in Great Britain: July to September 2026"
    title_in_listing = (
        "Example claims of every sort falling in Great Britain: July to September 2026"
    )
    page = a_web_page("Claims", "Unemployment fell by 3%.")

    async def read_notice(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:45")
        (notice,) = first_notices_of_incidents(monitor)
        assert notice.kind == HINT_FOR_PEOPLE
        text = notice.subject + notice.text
        assert "falling" not in text
        assert "Unemployment" not in text

    tables = listing_with_entry(LISTED_URL, title_in_listing) + an_answer(
        LISTED_URL, "08:00:00", page
    )
    run_monitor(
        tmp_path, tables, read_notice, head=HEAD.replace(TITLE, title), base=WATCHING_THE_LISTING
    )


@pytest.mark.parametrize(
    "title_of_entry_and_page", ["Example claims", "Example claims: April to June 2026"]
)
def test_listed_page_without_the_period_gives_only_a_hint(
    tmp_path: Path, title_of_entry_and_page: str
) -> None:
    """The release is called "Example claims: July to September 2026". Before its slot, 09:30, a
    listing shows a page without that period. It may be another edition, so the release is not
    early. People get a hint.
    """

    async def judge_before_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:45")
        assert monitor.stored_verdict() == "pending"
        assert kinds_of_first_notices(monitor) == [HINT_FOR_PEOPLE]
        assert has_no_finding_or_draft(monitor)
        (part,) = monitor.daemon.parts.watch.releases["claims-q3"].release.parts
        assert part.id == "page"  # the listed address is no part of the release

    # The page has been there since 08:00. The listing names it from 09:28:30 on.
    tables = listing_with_entry(LISTED_URL, title_of_entry_and_page, at="09:28:30")
    tables += an_answer(LISTED_URL, "08:00:00", a_web_page(title_of_entry_and_page))
    run_monitor(tmp_path, tables, judge_before_slot, base=WATCHING_THE_LISTING)


@with_daemon(
    listing_with_entry(LISTED_URL, "Example claims")
    + an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims: July to September 2026")),
    base=WATCHING_THE_LISTING,
)
async def test_listed_page_with_release_title_is_early(monitor: MonitorInTest) -> None:
    """The slot is at 09:30. From 09:28:30 on, a listing names only the series, "Example claims".
    But the page at the listed address has the whole title, with the period. So it is the release,
    and an incident is opened.
    """
    await monitor.until("09:29:45")
    assert monitor.stored_verdict() == "early"
    assert kinds_of_first_notices(monitor) == ["opened"]


@pytest.mark.parametrize(
    "page_before",
    ["", an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims: April to June 2026"))],
    ids=["no page", "the page of an older edition"],
)
def test_hint_is_followed_by_early_exposure_once_page_appears(
    tmp_path: Path, page_before: str
) -> None:
    """The slot is at 09:30. At 09:28:30, a listing shows the title of the release. Its address has
    no page, or that of an older edition. So there is a hint. At 09:29:40, the release appears
    there, so it is early.
    """
    listing = listing_with_entry(LISTED_URL, TITLE, at="09:28:30")
    new_page = an_answer(LISTED_URL, "09:29:40", a_web_page(TITLE))

    async def judge_before_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:58")  # the slot is at 09:30
        assert monitor.stored_verdict() == "early"
        assert kinds_of_first_notices(monitor) == [HINT_FOR_PEOPLE, "opened"]
        (exposure,) = monitor.daemon.parts.watch.releases["claims-q3"].verdict.exposures
        # The exposure begins with the new page, of 09:29:40, not with the listing, of 09:28:30.
        assert exposure.start.after >= datetime.fromisoformat("2026-11-26T09:29:30+00:00")
        # The hint asked people to open this address. That is settled.
        assert open_incidents(monitor) == [IncidentKind.EARLY]

    run_monitor(
        tmp_path, listing + page_before + new_page, judge_before_slot, base=WATCHING_THE_LISTING
    )


def test_new_page_of_another_edition_gives_a_hint(tmp_path: Path) -> None:
    """The announced address has no page. At 09:30:00, the slot, a page of another edition comes
    there. At 09:30:20 a listing shows it. It may be the release under a wrong title. So people get
    a hint.
    """
    other_edition = "Example claims: April to June 2026"
    page = an_answer(URL, "09:30:00", a_web_page(f"{other_edition} - GOV.UK"))
    listing = listing_with_entry(URL, other_edition, at="09:30:20")

    async def read_notices(monitor: MonitorInTest) -> None:
        await monitor.until("09:32:00")
        hints = [
            notice.text
            for notice in first_notices_of_incidents(monitor)
            if notice.kind == HINT_FOR_PEOPLE
        ]
        assert any("another edition" in text and URL in text for text in hints)

    run_monitor(tmp_path, listing + page, read_notices, base=WATCHING_THE_LISTING)


def test_page_reused_for_each_edition_gives_no_hint(tmp_path: Path) -> None:
    """The announced address has shown the last edition since 08:00, and so has a listing. That is
    usual before the slot, 09:30, if each edition replaces the one before. So people get no hint.
    """
    last_edition = "Example claims: April to June 2026"
    listing = an_answer(f"{STATS}/latest", "08:00:00", listing_page((URL, last_edition)))
    page = an_answer(URL, "08:00:00", a_web_page(last_edition))

    async def read_notices(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:50")
        assert kinds_of_first_notices(monitor) == []

    run_monitor(tmp_path, listing + page, read_notices, base=WATCHING_THE_LISTING)


HEAD_WEEKS_AHEAD = HEAD.replace("slot = 2026-11-26", "slot = 2026-12-29")
LISTED_WITH_PAGE = listing_with_entry(LISTED_URL, TITLE) + an_answer(
    LISTED_URL, SHOWN_AT, a_web_page(TITLE)
)


@with_daemon(LISTED_WITH_PAGE, head=HEAD_WEEKS_AHEAD, base=WATCHING_THE_LISTING)
async def test_release_listed_weeks_early_is_an_exposure(monitor: MonitorInTest) -> None:
    """It is 26 November. The slot is on 29 December, so the release is not watched yet. At
    09:28:30, its page appears and a listing shows it. So it is watched closely from then on, and an
    incident is opened.
    """
    assert "claims-q3" not in monitor.daemon.parts.watch.releases
    await monitor.until("09:29:30")
    verdict = monitor.daemon.parts.watch.releases["claims-q3"].verdict
    assert [found.kind for found in verdict.findings] == [FindingKind.EARLY_EXPOSURE]
    await monitor.until("09:40:00")
    # The listing is looked at at 09:29:00. In the 660 s from then to 09:40, there is a look every
    # 6.6 s or more often.
    assert len(look_times(monitor, LISTED_URL)) > 100
    assert kinds_of_first_notices(monitor) == ["opened"]


@with_daemon(
    listing_with_entry(LISTED_URL, TITLE), head=HEAD_WEEKS_AHEAD, base=WATCHING_THE_LISTING
)
async def test_listed_address_without_page_gets_ten_minutes_of_looks(
    monitor: MonitorInTest,
) -> None:
    """It is 26 November, and the slot is on 29 December. At 09:29, a look at a listing finds the
    title of the release with an address. That has no page, so people get a hint. Looks at the
    address end after ten minutes, at 09:39. None follows until 10:20.
    """
    await monitor.until("09:39:30")
    looks_in_ten_minutes = look_times(monitor, LISTED_URL)
    await monitor.until("10:20:00")
    assert look_times(monitor, LISTED_URL) == looks_in_ten_minutes
    assert kinds_of_first_notices(monitor) == [HINT_FOR_PEOPLE]


PRODUCER_WITH_PRESS = {**PRODUCER, "press": [f"{STATS}/press.xml"], "press_keywords": ["claims"]}
PRESS_FEED = (
    "<rss version='2.0'><channel><title>News</title>{}<item><title>Roads</title><link>https://n.example/1</link></item>"
    "</channel></rss>"
)
PRESS_ITEM = "<item><title>Claims soar</title><link>https://n.example/2</link></item>"


EARLY_PAGE = an_answer(LISTED_URL, "08:59:00", a_web_page(TITLE)) + listing_with_entry(
    LISTED_URL, TITLE
)
LATER_PRESS_MENTION = an_answer(
    f"{STATS}/press.xml", "08:00:00", PRESS_FEED.format("")
) + an_answer(f"{STATS}/press.xml", "09:29:20", PRESS_FEED.format(PRESS_ITEM))
WATCHING_THE_PRESS = Settings.model_validate(
    {"producer": [PRODUCER_WITH_PRESS], "watch": {"tripwire": {"every": "10s"}}}
)


@with_daemon(EARLY_PAGE + LATER_PRESS_MENTION, base=WATCHING_THE_PRESS)
async def test_press_hint_does_not_change_an_open_incident(monitor: MonitorInTest) -> None:
    """A listing shows the page before its slot, from 09:28:30 on. That opens an incident. At
    09:29:20, the press mentions the topic of the release. That gives a hint. The incident stays as
    it was.
    """
    verdicts = monitor.daemon.core.store.verdicts
    await monitor.until("09:29:15")
    (incident,) = verdicts.incidents_of("claims-q3")
    drafts_before_hint = verdicts.drafts(incident.id)
    assert kinds_of_first_notices(monitor) == ["opened"]
    await monitor.until("09:29:59")
    assert sorted(kinds_of_first_notices(monitor)) == [HINT_FOR_PEOPLE, "opened"]
    # The verdict proves nothing about the address of the press item.
    assert open_incidents(monitor) == [IncidentKind.EARLY, IncidentKind.LEAD]
    incidents_by_id = {each.id: each for each in verdicts.incidents_of("claims-q3")}
    assert incidents_by_id[incident.id].facts == incident.facts
    assert incidents_by_id[incident.id].timeline == incident.timeline
    assert len(verdicts.drafts(incident.id)) == len(drafts_before_hint)


@pytest.mark.slow
def test_at_most_60_listed_entries_are_looked_at(tmp_path: Path) -> None:
    """A listing shows 300 entries with the title of the release. At most 60 of them are looked at.
    A notice and a finding say that there are more.
    """
    entries = [(f"{STATS}/releases/{number}", TITLE) for number in range(300)]
    empty_listing = an_answer(f"{STATS}/latest", "08:00:00", listing_page())
    listing_with_300_entries = an_answer(f"{STATS}/latest", SHOWN_AT, listing_page(*entries))

    async def count_requests(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:50")
        requested = {
            entry.path
            for entry in monitor.publisher.log.entries
            if entry.path.startswith("/releases/")
        }
        assert MAX_FOLLOWED == 60
        assert 0 < len(requested) <= 60
        # There is at most one notice for each entry that is looked at, and one that says that there
        # are more.
        notices = monitor.daemon.core.store.outbox.notices()
        assert len(notices) <= 60 + 1
        assert any("more than 60 entries" in notice.text for notice in notices)
        # The finding `parts_cut` says that a release has more addresses than are looked at.
        findings = monitor.daemon.parts.watch.releases["claims-q3"].verdict.findings
        assert "parts_cut" in {finding.kind for finding in findings}

    run_monitor(
        tmp_path,
        empty_listing + listing_with_300_entries,
        count_requests,
        base=WATCHING_THE_LISTING,
    )
