"""Pages elsewhere to which edition after edition links: which are learnt, and how they are watched and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.as_json import part_from_json
from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.look.fetch import Found
from monitor.plan.phases import DEFAULT_WATCH, WatchSettings
from monitor.plan.targets import targets_of
from monitor.plan.windows import Progress, Stage, windows_for, windows_of_guess
from monitor.store.rows import Judged
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.predicted_addresses import Edition, PredictedAddresses, predicted_pages
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Origin, Part, Role
from schedules.contract.verdict import Kind, VerdictKind
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.unit.monitor.watch.predicted import (
    PREDICTED_FILE,
    SITE,
    StandingClock,
    WatchStub,
    ask,
    judged_row,
    part,
    part_row,
    release,
    verdict_with_prediction,
)
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judged

PAGE = "https://figures.example.org/deaths"
PREDICTED_PAGE = Part("expected-1", Role.ALTERNATIVE, PAGE, required=False, origin=Origin.PREDICTED)


def edition_with_links(title: str, *links: str) -> Edition:
    return Edition(title, f"{SITE}/{title}", (), links)


def predicted_page_urls(
    editions: Sequence[Edition], title: str = "UK trade: April 2017", inside: tuple[str, ...] = ()
) -> list[str]:
    return [one.url for one in predicted_pages(release(title), editions, inside)]


MARCH, FEBRUARY = edition_with_links("UK trade: March 2017", PAGE), edition_with_links("UK trade: February 2017", PAGE)


def test_a_page_elsewhere_is_predicted_if_two_of_the_last_four_editions_linked_to_it() -> None:
    assert predicted_pages(release(), [MARCH, FEBRUARY], ()) == [PREDICTED_PAGE]
    without_link = edition_with_links("UK trade: June 2016")
    assert predicted_page_urls([MARCH]) == []
    assert predicted_page_urls([MARCH, without_link, without_link, FEBRUARY]) == [PAGE]
    assert predicted_page_urls([MARCH, without_link, without_link, without_link, FEBRUARY]) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.uk/government/collections/trade",
        "https://assets.publishing.service.gov.uk/media/1/trade",
        "https://intranet.example.org/trade",
        "https://figures.example.org/trade.xlsx",
        f"https://figures.example.org/{'a' * 500}",
        "mailto:figures@example.org",
    ],
)
def test_no_page_is_predicted_on_govuk_or_private_hosts_and_no_file(url: str) -> None:
    editions = [replace(each, links=(url,)) for each in (MARCH, FEBRUARY)]
    assert predicted_page_urls(editions, inside=("intranet.example.org",)) == []


def test_no_page_is_predicted_for_a_title_without_a_period_or_with_the_period_of_an_earlier_edition() -> None:
    assert predicted_page_urls([MARCH, FEBRUARY], "UK trade") == []
    provisional_april = edition_with_links("UK trade, provisional: April 2017", PAGE)
    assert predicted_page_urls([MARCH, provisional_april, FEBRUARY], "UK trade: April 2017") == []


def test_a_page_that_is_a_part_of_the_release_already_is_not_predicted() -> None:
    with_page = replace(release(), parts=(*release().parts, part(PAGE, "news", Role.ALTERNATIVE)))
    assert predicted_pages(with_page, [MARCH, FEBRUARY], ()) == []


def test_at_most_three_pages_are_predicted_with_ids_after_those_of_files() -> None:
    five_links = tuple(f"{PAGE}/{number}" for number in range(5))
    editions = [replace(each, links=five_links) for each in (MARCH, FEBRUARY)]
    assert PREDICTED_FILE.id == "expected-1"
    with_predicted_file = replace(release(), parts=(*release().parts, PREDICTED_FILE))
    pages = predicted_pages(with_predicted_file, editions, ())
    assert [page.id for page in pages] == ["expected-2", "expected-3", "expected-4"]


def row_of_page(name: str, origin: str, by: str | None, url: str = PAGE) -> dict[str, object]:
    return part_row(name, url, by) | {"role": "alternative", "origin": origin}


def predicted_urls(*rows: Judged, inside: tuple[str, ...] = ()) -> list[str]:
    """Return the pages that are predicted from these stored verdicts. Those on hosts in `inside` are left out."""
    store = TemporaryStore()
    with store.transaction() as tx:
        for row in rows:
            tx.save_judged(row)
    ahead = replace(release(), producer="ofqual")
    verdict = replace(verdict_with_prediction(-60, (-120, ABSENT)), at=after_slot(-60))
    watch = WatchStub({"r": WatchedRelease(ahead, [a_promise()], verdict=verdict)})
    clock = StandingClock(after_slot(-60))
    asyncio.run(PredictedAddresses(store.verdicts, cast("Watch", watch), clock, {}, ask, inside).predict_missing())
    return [one.url for _, parts in watch.added for one in parts]


LINKED_PAGE_ROW = row_of_page("linked-1", "linked", None)
SEEN_PAGE_ROW, UNSEEN_PAGE_ROW = (
    row_of_page("expected-1", "predicted", by) for by in ("2017-12-05T09:30:00.000Z", None)
)


@pytest.mark.parametrize(
    ("part_in_february", "urls"), [(LINKED_PAGE_ROW, [PAGE]), (SEEN_PAGE_ROW, [PAGE]), (UNSEEN_PAGE_ROW, [])]
)
def test_a_page_that_was_only_predicted_for_an_edition_counts_as_linked_by_it_if_it_was_seen(
    part_in_february: dict[str, object], urls: list[str]
) -> None:
    march = judged_row("UK trade: March 2017", "m", LINKED_PAGE_ROW)
    february = judged_row("UK trade: February 2017", "f", part_in_february)
    assert predicted_urls(march, february) == urls
    private_hosts = ("figures.example.org",)
    assert predicted_urls(march, february, inside=private_hosts) == []


def test_a_page_to_which_two_series_link_is_not_predicted() -> None:
    rows = [judged_row(f"UK trade: {month} 2017", month, LINKED_PAGE_ROW) for month in ("March", "February")]
    assert predicted_urls(*rows, judged_row("Prices: March 2017", "p", LINKED_PAGE_ROW)) == []


def test_a_predicted_page_is_read_from_the_store_and_recognised_by_its_period_at_the_edge_only() -> None:
    stored = part_from_json({"id": "expected-1", "role": "alternative", "url": PAGE, "required": False})
    assert stored == PREDICTED_PAGE
    (target,) = targets_of(replace(release(), parts=(stored,)))
    assert (target.recognise, target.view.value, target.title) == ("period", "edge", release().title)


def test_a_predicted_page_elsewhere_keeps_only_the_settle_window_once_it_was_seen() -> None:
    (target,) = targets_of(replace(release(), parts=(PREDICTED_PAGE,)))
    seen = Progress(Stage.SEEN, SLOT)
    windows = windows_of_guess(target, windows_for(target, a_promise().slot, seen), seen, DEFAULT_WATCH)
    assert {window.name for window in windows} == {"settle"}
    assert windows[-1].ends == SLOT + DEFAULT_WATCH.settle.until


def release_with_stored_links(poller: FakePoller) -> WatchedRelease:
    """Return a release with a predicted page, after two looks at its page found that link and nine others."""
    watched = WatchedRelease(
        a_release(PREDICTED_PAGE), [a_promise()], verdict=verdict_with_prediction(2, (-120, ABSENT))
    )
    planner = Planner(StandingClock(after_slot(2)), poller, WatchRules(WatchSettings(most_parts=6)))
    planner.update_release(watched, a_release())
    links = [PAGE, *(f"{PAGE}/{number}#part" for number in range(9))]
    page_with_links = a_sighting(PRESENT, 2, "page/content", found=tuple(Found(url, "", "external") for url in links))
    for _ in range(2):
        planner.add_found_parts(watched, page_with_links)
    return watched


def test_the_first_five_links_of_a_published_page_are_stored_once_and_not_watched() -> None:
    poller = FakePoller()
    release = release_with_stored_links(poller).release
    stored = [part for part in release.parts if part.origin is Origin.LINKED]
    assert [(part.id, part.url) for part in stored] == [(f"linked-{n + 1}", f"{PAGE}/{n}") for n in range(5)]
    assert not any("/linked-" in target for target in poller.windows)


def test_stored_links_of_a_page_are_neither_judged_nor_reported() -> None:
    release = release_with_stored_links(FakePoller()).release
    verdict = judge(release, [a_promise()], {}, [], Policy(most_parts=6), after_slot(200))
    _page, _predicted, *linked = verdict.parts
    assert {part.verdict for part in linked} == {VerdictKind.PENDING}
    assert Kind.PARTS_CUT not in {found.kind for found in verdict.findings}
    assert [each.id for each in release_facts(verdict, Measurement()).parts] == ["page"]


def test_links_of_a_page_before_its_slot_are_not_stored() -> None:
    five_minutes_before = -300
    planner = Planner(StandingClock(after_slot(five_minutes_before)), FakePoller(), WatchRules())
    watched = WatchedRelease(release(), [a_promise()])
    link = Found(PAGE, "", "external")
    planner.add_found_parts(watched, a_sighting(PRESENT, five_minutes_before, "page/content", found=(link,)))
    assert [part.id for part in watched.release.parts] == ["page"]


def test_explain_says_how_the_addresses_of_predicted_and_linked_pages_are_known() -> None:
    linked = Part("linked-1", Role.ALTERNATIVE, f"{PAGE}/2", required=False, origin=Origin.LINKED)
    release = a_release(PREDICTED_PAGE, linked)
    verdict = judge(release, [a_promise()], {}, [], Policy(), after_slot(200))
    explanation = explain(verdict, release, [a_promise()], {}, [], Policy())
    _page, of_predicted, of_linked = (fact.text for fact in explanation.facts if fact.kind == "part")
    assert "at an address made from earlier editions" in of_predicted
    assert "on another site, linked to by its page" in of_linked


def test_a_release_on_time_has_no_finding_if_its_predicted_page_elsewhere_comes_later() -> None:
    page_on_time = RegularLooks([(-120, ABSENT), (1, PRESENT)], specific=True)
    predicted_minutes_later = RegularLooks([(-120, ABSENT), (300, PRESENT)])
    verdict = judged(400, {"page": page_on_time, "expected-1": predicted_minutes_later}, PREDICTED_PAGE)
    assert (verdict.verdict, verdict.findings) == (VerdictKind.ON_TIME, ())
