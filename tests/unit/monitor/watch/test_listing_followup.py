"""A release in a listing whose address does not prove it gets close looks at once, and one lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.notice import Notice
from monitor.config.settings import Settings
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from monitor.watch.listing_followup import MAX_FOLLOWED
from schedules.contract.verdict import Kind
from tests.unit.monitor.app.life import HEAD, Life, live
from tests.worlds.scripts import a_web_page, an_answer

TITLE = "Example claims: July to September 2026"
STATS = "https://stats.example"
LISTED_URL = f"{STATS}/releases/somewhere"
URL = "https://www.gov.uk/government/statistics/claims"
SHOWN_AT = "09:28:30"
PRODUCER = {"id": "department-for-example", "name": "Department", "newest": [f"{STATS}/latest"]}
WATCHING_THE_LISTING = Settings.model_validate({"producer": [PRODUCER]})


def listing_page(*entries: tuple[str, str]) -> str:
    links = "".join(f"<a href='{url}'>{words}</a>" for url, words in entries)
    return f"<html><title>Latest</title><body><h1>Latest</h1><a href='/plan'>Annual plan</a>{links}</body></html>"


def listing_with_entry(url: str, words: str, at: str = SHOWN_AT) -> str:
    """Return the tables of a listing page, which is looked at each minute, with an entry from an instant on."""
    before = an_answer(f"{STATS}/latest", "08:00:00", listing_page())
    return before + an_answer(f"{STATS}/latest", at, listing_page((url, words)))


def first_notices(life: Life) -> list[Notice]:
    return [notice for notice in life.daemon.core.store.outbox.notices() if not notice.follows]


def first_notice_kinds(life: Life) -> list[str]:
    return [notice.kind for notice in first_notices(life)]


def has_no_finding_or_draft(life: Life) -> bool:
    """Return whether the release was judged without a finding, an exposure or a draft."""
    verdict = life.daemon.watch.releases["claims-q3"].verdict
    drafts = [
        draft
        for one in life.daemon.core.store.verdicts.incidents()
        for draft in life.daemon.core.store.verdicts.drafts(one.id)
    ]
    return verdict is not None and not verdict.findings and not verdict.exposures and not drafts


def look_times(life: Life, url: str) -> list[datetime]:
    path = url.removeprefix(STATS)
    return [entry.at for entry in life.publisher.log.entries if entry.host == "stats.example" and entry.path == path]


ANSWERS_THAT_PROVE_NOTHING = {
    "its title without a period": an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims")),
    "not there at all": "",
    "another edition's page": an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims: April to June 2026")),
    "new, with another title": an_answer(LISTED_URL, SHOWN_AT, a_web_page("Data tables")),
    "announced there": an_answer(LISTED_URL, SHOWN_AT, a_web_page(TITLE, "This release is not yet published.")),
    "a file": an_answer(f"{STATS}/claims.ods", "08:00:00", "PK"),
}


@pytest.mark.slow
@pytest.mark.parametrize("answer", sorted(ANSWERS_THAT_PROVE_NOTHING))
def test_a_listed_address_that_proves_nothing_gets_one_lead_notice_which_a_restart_does_not_repeat(
    tmp_path: Path, answer: str
) -> None:
    # `answer` says what the listed address shows, such as a page of another edition, or that it is not there at all.
    url = f"{STATS}/claims.ods" if answer == "a file" else LISTED_URL

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        assert life.stored_verdict() == "pending"
        assert has_no_finding_or_draft(life)
        (notice,) = first_notices(life)
        assert notice.kind == "lead"
        assert url in notice.text
        assert "a listing shows its title before its slot" in notice.text
        # The listing is looked at each minute, and shows the entry from 09:28:30 on.
        assert "between 26 Nov 2026 09:28:00 and 09:29:00 GMT" in notice.text
        await life.kill()
        await life.start()
        await life.until("09:29:58")
        assert first_notice_kinds(life) == ["lead"]
        assert has_no_finding_or_draft(life)

    tables = listing_with_entry(url, TITLE) + ANSWERS_THAT_PROVE_NOTHING[answer]
    live(tmp_path, tables, act, base=WATCHING_THE_LISTING, delay=REAL_COMMIT_DELAY)


def test_an_address_that_a_listing_shows_is_looked_at_within_a_second_and_closely(tmp_path: Path) -> None:
    # The release has its slot at 09:30:00. The listing shows the entry from 09:28:30 on.
    async def act(life: Life) -> None:
        await life.until("09:29:55")
        _before_the_entry, with_the_entry = look_times(life, f"{STATS}/latest")
        looks = look_times(life, LISTED_URL)
        assert looks[0] - with_the_entry <= timedelta(seconds=1)
        # The listing is looked at at 09:29:00, so this is at least a look a second until 09:29:55.
        assert len(looks) >= 54

    live(tmp_path, listing_with_entry(LISTED_URL, TITLE), act, base=WATCHING_THE_LISTING)


def test_a_lead_contains_no_text_of_the_listing_or_the_listed_page(tmp_path: Path) -> None:
    title = "Example claims of every sort in Great Britain: July to September 2026"
    title_in_listing = title.replace(" in", " falling in")

    async def act(life: Life) -> None:
        await life.until("09:29:45")
        (notice,) = first_notices(life)
        assert notice.kind == "lead"
        word_of_listing, word_of_page = "falling", "Unemployment"
        assert not any(word in notice.text + notice.subject for word in (word_of_listing, word_of_page))

    tables = listing_with_entry(LISTED_URL, title_in_listing)
    tables += an_answer(LISTED_URL, "08:00:00", a_web_page("Claims", "Unemployment fell by 3%."))
    live(tmp_path, tables, act, head=HEAD.replace(TITLE, title), base=WATCHING_THE_LISTING)


@pytest.mark.parametrize("entry_title", ["Example claims", "Example claims: April to June 2026"])
def test_an_entry_of_the_series_just_before_the_slot_makes_a_lead_and_no_finding(
    tmp_path: Path, entry_title: str
) -> None:
    # The entry and its page name the series of the release, but not its period, July to September 2026.
    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert (life.stored_verdict(), first_notice_kinds(life)) == ("pending", ["lead"])
        assert has_no_finding_or_draft(life)
        part_ids = [part.id for part in life.daemon.watch.releases["claims-q3"].release.parts]
        assert part_ids == ["page"]  # the listed address is no part of the release

    tables = listing_with_entry(LISTED_URL, entry_title)
    tables += an_answer(LISTED_URL, "08:00:00", a_web_page(entry_title))
    live(tmp_path, tables, act, base=WATCHING_THE_LISTING)


def test_a_page_with_the_release_title_listed_under_its_series_is_an_exposure(tmp_path: Path) -> None:
    # The listing names only the series. The page at that address has the title of the release with its period, before
    # the slot at 09:30:00.
    tables = listing_with_entry(LISTED_URL, "Example claims") + an_answer(LISTED_URL, "08:00:00", a_web_page(TITLE))

    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert (life.stored_verdict(), first_notice_kinds(life)) == ("early", ["opened"])

    live(tmp_path, tables, act, base=WATCHING_THE_LISTING)


@pytest.mark.parametrize(
    "before",
    ["", an_answer(LISTED_URL, "08:00:00", a_web_page("Example claims: April to June 2026"))],
    ids=["no page", "the page of an older edition"],
)
def test_a_listed_address_that_comes_to_show_the_release_before_the_slot_is_an_exposure(
    tmp_path: Path, before: str
) -> None:
    new_edition = an_answer(LISTED_URL, "09:29:40", a_web_page(TITLE))

    async def act(life: Life) -> None:
        await life.until("09:29:58")
        # A lead from the listing first, and an incident once its address shows the title.
        assert (life.stored_verdict(), first_notice_kinds(life)) == ("early", ["lead", "opened"])
        verdict = life.daemon.watch.releases["claims-q3"].verdict
        (exposure,) = verdict.exposures
        # The new edition came at 09:29:40.
        assert exposure.start.after >= datetime.fromisoformat("2026-11-26T09:29:30+00:00")

    live(tmp_path, listing_with_entry(LISTED_URL, TITLE) + before + new_edition, act, base=WATCHING_THE_LISTING)


def test_another_editions_page_at_the_announced_address_is_a_lead_once_a_listing_shows_it(tmp_path: Path) -> None:
    old = "Example claims: April to June 2026"
    # Until 09:30:00 there was no page, so this is no page that is reused for each edition.
    tables = listing_with_entry(URL, old, "09:30:20") + an_answer(URL, "09:30:00", a_web_page(f"{old} - GOV.UK"))

    async def act(life: Life) -> None:
        await life.until("09:32:00")
        assert "lead" in first_notice_kinds(life)
        assert any("another edition" in notice.text and URL in notice.text for notice in first_notices(life))

    live(tmp_path, tables, act, base=WATCHING_THE_LISTING)


def test_a_reused_page_that_is_listed_under_the_last_edition_makes_no_lead(tmp_path: Path) -> None:
    # The announced address has shown the last edition since 08:00:00. Such a page is reused for each edition.
    old = "Example claims: April to June 2026"
    tables = an_answer(f"{STATS}/latest", "08:00:00", listing_page((URL, old)))
    tables += an_answer(URL, "08:00:00", a_web_page(old))

    async def act(life: Life) -> None:
        await life.until("09:29:50")
        assert first_notice_kinds(life) == []

    live(tmp_path, tables, act, base=WATCHING_THE_LISTING)


HEAD_WEEKS_AHEAD = HEAD.replace("slot = 2026-11-26", "slot = 2026-12-29")


def test_a_release_that_a_listing_shows_weeks_before_its_slot_is_an_exposure_and_gets_close_looks(
    tmp_path: Path,
) -> None:
    # The slot is on 29 December. On 26 November, a listing shows the release from 09:28:30 on.
    tables = listing_with_entry(LISTED_URL, TITLE) + an_answer(LISTED_URL, SHOWN_AT, a_web_page(TITLE))

    async def act(life: Life) -> None:
        assert "claims-q3" not in life.daemon.watch.releases
        await life.until("09:29:30")
        verdict = life.daemon.watch.releases["claims-q3"].verdict
        assert [found.kind for found in verdict.findings] == [Kind.EARLY_EXPOSURE]
        await life.until("09:40:00")
        # The listing is looked at at 09:29:00. From then on, this is at least a look every seven seconds.
        assert len(look_times(life, LISTED_URL)) > 100
        assert first_notice_kinds(life) == ["opened"]

    live(tmp_path, tables, act, head=HEAD_WEEKS_AHEAD, base=WATCHING_THE_LISTING)


def test_a_listed_address_that_proves_nothing_is_not_looked_at_after_ten_minutes(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        # The listing is looked at at 09:29:00. So the ten minutes of looks at its entry end at about 09:39:00.
        await life.until("09:39:30")
        looks = look_times(life, LISTED_URL)
        await life.until("10:20:00")
        assert look_times(life, LISTED_URL) == looks
        assert first_notice_kinds(life) == ["lead"]

    live(tmp_path, listing_with_entry(LISTED_URL, TITLE), act, head=HEAD_WEEKS_AHEAD, base=WATCHING_THE_LISTING)


PRODUCER_WITH_PRESS = {**PRODUCER, "press": [f"{STATS}/press.xml"], "press_keywords": ["claims"]}
PRESS_FEED = (
    "<rss version='2.0'><channel><title>News</title>{}<item><title>Roads</title><link>https://n.example/1</link></item>"
    "</channel></rss>"
)
PRESS_ITEM = "<item><title>Claims soar</title><link>https://n.example/2</link></item>"


def test_a_lead_changes_nothing_in_a_measured_incident(tmp_path: Path) -> None:
    listed_and_public = listing_with_entry(LISTED_URL, TITLE) + an_answer(LISTED_URL, "08:59:00", a_web_page(TITLE))
    no_mention = an_answer(f"{STATS}/press.xml", "08:00:00", PRESS_FEED.format(""))
    lead_in_press = an_answer(f"{STATS}/press.xml", "09:29:20", PRESS_FEED.format(PRESS_ITEM))
    tables = listed_and_public + no_mention + lead_in_press

    async def act(life: Life) -> None:
        await life.until("09:29:15")
        (before,) = life.daemon.core.store.verdicts.incidents_of("claims-q3")
        drafts = life.daemon.core.store.verdicts.drafts(before.id)
        await life.until("09:29:59")
        assert sorted(first_notice_kinds(life)) == ["lead", "opened"]
        after = next(one for one in life.daemon.core.store.verdicts.incidents_of("claims-q3") if one.id == before.id)
        assert (after.facts, after.timeline) == (before.facts, before.timeline)
        assert len(life.daemon.core.store.verdicts.drafts(before.id)) == len(drafts)

    base = Settings.model_validate({"producer": [PRODUCER_WITH_PRESS], "watch": {"tripwire": {"every": "10s"}}})
    live(tmp_path, tables, act, base=base)


@pytest.mark.slow
def test_only_sixty_of_hundreds_of_listed_entries_are_looked_at_and_a_lead_and_a_finding_say_so(tmp_path: Path) -> None:
    entries = [(f"{STATS}/releases/{number}", TITLE) for number in range(300)]
    tables = an_answer(f"{STATS}/latest", "08:00:00", listing_page())
    tables += an_answer(f"{STATS}/latest", SHOWN_AT, listing_page(*entries))

    async def act(life: Life) -> None:
        await life.until("09:29:50")
        requested = {entry.path for entry in life.publisher.log.entries if entry.path.startswith("/releases/")}
        assert 0 < len(requested) <= MAX_FOLLOWED == 60
        notices = life.daemon.core.store.outbox.notices()
        # There is at most one for each followed entry, and one that says that there are more.
        assert len(notices) <= MAX_FOLLOWED + 1
        assert any("more than 60 entries" in notice.text for notice in notices)
        assert "parts_cut" in {found.kind for found in life.daemon.watch.releases["claims-q3"].verdict.findings}

    live(tmp_path, tables, act, base=WATCHING_THE_LISTING)
