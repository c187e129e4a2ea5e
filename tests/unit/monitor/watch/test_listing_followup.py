"""What a listing shows and its address does not prove: looked at closely at once, and told once as a lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.notice import Notice
from monitor.config.settings import Settings
from monitor.store.writer import DELAY
from monitor.watch.listing_followup import MAX_FOLLOWED
from schedules.contract.verdict import Kind
from tests.unit.monitor.app.life import HEAD, Life, live

TITLE = "Example claims: July to September 2026"
STATS = "https://stats.example"
THERE = f"{STATS}/releases/somewhere"
URL = "https://www.gov.uk/government/statistics/claims"
SHOWN_AT = "09:28:30"
PRODUCER = {"id": "department-for-example", "name": "Department", "newest": [f"{STATS}/latest"]}


def page(title: str, words: str = "Figures.") -> str:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p></body></html>"


def listing(*entries: tuple[str, str]) -> str:
    links = "".join(f"<a href='{url}'>{words}</a>" for url, words in entries)
    return f"<html><title>Latest</title><body><h1>Latest</h1><a href='/plan'>Annual plan</a>{links}</body></html>"


def answer(url: str, at: str, body: str | None = None, status: int = 200) -> str:
    told = "" if body is None else f"body = '''{body}'''\n"
    return f'[[answer]]\nurl = "{url}"\nat = 2026-11-26T{at}\nstatus = {status}\n{told}'


def shown(url: str, words: str, at: str = SHOWN_AT) -> str:
    """Return a listing page that shows an entry from an instant on."""
    return answer(f"{STATS}/latest", "08:00:00", listing()) + answer(f"{STATS}/latest", at, listing((url, words)))


def settings(**tables: object) -> Settings:
    return Settings.model_validate({"producer": [PRODUCER], **tables})


def threads(life: Life) -> list[Notice]:
    return [notice for notice in life.daemon.store.outbox.notices() if not notice.follows]


def kinds(life: Life) -> list[str]:
    return [notice.kind for notice in threads(life)]


def is_no_verdict(life: Life) -> bool:
    """Tell whether nothing was claimed: no finding, no exposure, no draft."""
    verdict = life.daemon.watch.releases["claims-q3"].verdict
    drafts = [
        draft for one in life.daemon.store.verdicts.incidents() for draft in life.daemon.store.verdicts.drafts(one.id)
    ]
    return verdict is not None and not verdict.findings and not verdict.exposures and not drafts


def looked(life: Life, url: str = THERE) -> list[datetime]:
    path = url.removeprefix(STATS)
    return [entry.at for entry in life.publisher.log.entries if entry.host == "stats.example" and entry.path == path]


UNPROVEN = {
    "its title without a period": answer(THERE, "08:00:00", page("Example claims")),
    "not there at all": "",
    "another edition's page": answer(THERE, "08:00:00", page("Example claims: April to June 2026")),
    "new, with another title": answer(THERE, SHOWN_AT, page("Data tables")),
    "announced there": answer(THERE, SHOWN_AT, page(TITLE, "This release is not yet published.")),
    "a file": answer(f"{STATS}/claims.ods", "08:00:00", "PK"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(UNPROVEN))
def test_what_a_listing_shows_before_its_slot_and_its_address_does_not_prove_is_one_lead(
    tmp_path: Path, case: str
) -> None:
    url = f"{STATS}/claims.ods" if case == "a file" else THERE

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        assert (life.word(), kinds(life), is_no_verdict(life)) == ("pending", ["lead"], True)
        (notice,) = threads(life)
        assert url in notice.text
        assert "a listing shows its title before its slot" in notice.text
        assert "between 2026-11-26 09:28:00 and 2026-11-26 09:29:00 UTC" in notice.text
        await life.kill()
        await life.start()
        await life.until("09:29:58")
        assert kinds(life) == ["lead"]
        assert is_no_verdict(life)

    live(tmp_path, shown(url, TITLE) + UNPROVEN[case], act, base=settings(), delay=DELAY)


def test_an_address_that_a_listing_shows_is_looked_at_within_a_second_and_closely(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:28:45")
        listed = looked(life, f"{STATS}/latest")
        await life.until("09:29:55")
        listed = looked(life, f"{STATS}/latest")
        there = looked(life)
        assert there[0] - listed[-1] <= timedelta(seconds=1)
        assert len(there) >= 8
        assert len(listed) == 2

    live(tmp_path, shown(THERE, TITLE), act, base=settings())


def test_an_address_that_proves_it_in_the_end_is_an_exposure_beside_its_lead(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:55")
        assert (life.word(), kinds(life)) == ("early", ["lead", "opened"])

    live(tmp_path, shown(THERE, TITLE) + answer(THERE, "09:29:40", page(TITLE)), act, base=settings())


def test_a_lead_says_nothing_that_no_calendar_announced(tmp_path: Path) -> None:
    long = "Example claims of every sort in Great Britain: July to September 2026"

    async def act(life: Life) -> None:
        await life.until("09:29:45")
        (notice,) = threads(life)
        assert notice.kind == "lead"
        assert not any(word in notice.text + notice.subject for word in ("falling", "Unemployment"))

    tables = shown(THERE, long.replace(" in", " falling in"))
    tables += answer(THERE, "08:00:00", page("Claims", "Unemployment fell by 3%."))
    live(tmp_path, tables, act, head=HEAD.replace(TITLE, long), base=settings())


@pytest.mark.parametrize("words", ["Example claims", "Example claims: April to June 2026"])
def test_an_entry_of_its_series_just_before_its_slot_is_a_lead_and_its_page_decides(tmp_path: Path, words: str) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert (life.word(), kinds(life), is_no_verdict(life)) == ("pending", ["lead"], True)
        assert [part.id for part in life.daemon.watch.releases["claims-q3"].release.parts] == ["page"]

    live(tmp_path, shown(THERE, words) + answer(THERE, "08:00:00", page(words)), act, base=settings())


def test_a_page_with_its_own_title_behind_an_entry_of_its_series_is_an_exposure(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert (life.word(), kinds(life)) == ("early", ["opened"])

    live(tmp_path, shown(THERE, "Example claims") + answer(THERE, "08:00:00", page(TITLE)), act, base=settings())


def test_the_new_title_at_the_address_of_an_older_edition_is_an_exposure_once_it_stands_there(tmp_path: Path) -> None:
    before = answer(THERE, "08:00:00", page("Example claims: April to June 2026"))

    async def act(life: Life) -> None:
        await life.until("09:29:58")
        assert (life.word(), kinds(life)) == ("early", ["lead", "opened"])
        verdict = life.daemon.watch.releases["claims-q3"].verdict
        assert verdict is not None
        (exposure,) = verdict.exposures
        assert exposure.start.after is not None
        assert exposure.start.after >= datetime.fromisoformat("2026-11-26T09:29:30+00:00")

    live(tmp_path, shown(THERE, TITLE) + before + answer(THERE, "09:29:40", page(TITLE)), act, base=settings())


def test_another_editions_title_at_the_announced_address_is_a_lead(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:32:00")
        assert "lead" in kinds(life)
        assert any("another edition" in notice.text and URL in notice.text for notice in threads(life))

    old = "Example claims: April to June 2026"
    tables = shown(URL, old, "09:30:20") + answer(URL, "09:30:00", page(f"{old} - GOV.UK"))
    live(tmp_path, tables, act, base=settings())


def test_a_page_that_takes_each_edition_in_turn_is_listed_under_the_last_one_without_a_word(tmp_path: Path) -> None:
    old = "Example claims: April to June 2026"
    tables = answer(f"{STATS}/latest", "08:00:00", listing((URL, old))) + answer(URL, "08:00:00", page(old))

    async def act(life: Life) -> None:
        await life.until("09:29:50")
        assert kinds(life) == []

    live(tmp_path, tables, act, base=settings())


FAR = HEAD.replace("slot = 2026-11-26", "slot = 2026-12-29")


def test_a_release_weeks_ahead_that_nobody_watches_yet_is_found_in_a_listing(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        assert "claims-q3" not in life.daemon.watch.releases
        await life.until("09:29:30")
        verdict = life.daemon.watch.releases["claims-q3"].verdict
        assert verdict is not None
        assert [found.kind for found in verdict.findings] == [Kind.EARLY_EXPOSURE]
        # Its end is watched for, though the release itself is weeks away.
        await life.until("09:40:00")
        assert len(looked(life)) > 100
        assert kinds(life) == ["opened"]

    live(tmp_path, shown(THERE, TITLE) + answer(THERE, SHOWN_AT, page(TITLE)), act, head=FAR, base=settings())


def test_an_address_that_proves_nothing_is_left_in_peace_after_ten_minutes(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:39:30")
        many = len(looked(life))
        await life.until("10:20:00")
        assert len(looked(life)) == many
        assert kinds(life) == ["lead"]

    live(tmp_path, shown(THERE, TITLE), act, head=FAR, base=settings())


PRESS = {**PRODUCER, "press": [f"{STATS}/press.xml"], "press_keywords": ["claims"]}
ITEM = (
    "<rss version='2.0'><channel><title>News</title>{}<item><title>Roads</title><link>https://n.example/1</link></item>"
    "</channel></rss>"
)
MENTION = "<item><title>Claims soar</title><link>https://n.example/2</link></item>"


def test_a_lead_never_alters_an_incident_that_was_measured(tmp_path: Path) -> None:
    tables = shown(THERE, TITLE, "09:28:30") + answer(THERE, "08:59:00", page(TITLE))
    tables += answer(f"{STATS}/press.xml", "08:00:00", ITEM.format(""))
    tables += answer(f"{STATS}/press.xml", "09:29:20", ITEM.format(MENTION))

    async def act(life: Life) -> None:
        await life.until("09:29:15")
        (before,) = life.daemon.store.verdicts.incidents_of("claims-q3")
        drafts = life.daemon.store.verdicts.drafts(before.id)
        await life.until("09:29:59")
        assert sorted(kinds(life)) == ["lead", "opened"]
        after = next(one for one in life.daemon.store.verdicts.incidents_of("claims-q3") if one.id == before.id)
        assert (after.facts, after.timeline) == (before.facts, before.timeline)
        assert len(life.daemon.store.verdicts.drafts(before.id)) == len(drafts)

    base = Settings.model_validate({"producer": [PRESS], "watch": {"tripwire": {"every": "10s"}}})
    live(tmp_path, tables, act, base=base)


@pytest.mark.slow
def test_of_the_thousands_that_a_listing_shows_sixty_are_looked_at_and_a_person_is_told(tmp_path: Path) -> None:
    entries = [(f"{STATS}/releases/{number}", TITLE) for number in range(300)]
    tables = answer(f"{STATS}/latest", "08:00:00", listing()) + answer(f"{STATS}/latest", SHOWN_AT, listing(*entries))

    async def act(life: Life) -> None:
        await life.until("09:29:50")
        asked = {entry.path for entry in life.publisher.log.entries if entry.path.startswith("/releases/")}
        assert 0 < len(asked) <= MAX_FOLLOWED
        assert 0 < len(life.daemon.store.outbox.notices()) <= MAX_FOLLOWED + 1
        assert any("more than 60 entries" in notice.text for notice in life.daemon.store.outbox.notices())
        assert "parts_cut" in {found.kind for found in life.daemon.watch.releases["claims-q3"].verdict.findings}

    live(tmp_path, tables, act, base=settings())
