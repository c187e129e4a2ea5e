"""Addresses made from those of an earlier edition: which, and how they are watched and judged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.look.fetch import Found
from monitor.look.sighting import State
from monitor.plan.phases import DEFAULT_WATCH, WatchSettings, window_at
from monitor.plan.targets import targets_of
from monitor.plan.windows import Progress, Stage, windows_for, windows_of_guess
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.predicted_addresses import Edition, PredictedAddresses, predicted_files
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Part, Role
from schedules.contract.verdict import VerdictKind
from schedules.release import Release
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
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, RegularLooks, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore


def edition(*parts: Part, title: str = "UK trade: March 2017", url: str = f"{SITE}/trade/march-2017") -> Edition:
    return Edition(title, url, parts)


def addresses(release: Release, *editions: Edition, hosts: tuple[str, ...] = ()) -> list[str]:
    return [one.url for one in predicted_files(release, editions, hosts)]


def test_parts_keep_their_role_and_are_never_required() -> None:
    found = predicted_files(release(), [edition(part(f"{SITE}/trade-march-2017.csv"))], ())
    assert found == [PREDICTED_FILE]


def test_addresses_come_from_the_latest_edition_that_has_any() -> None:
    older = edition(part(f"{SITE}/old-january-2017.csv"), title="UK trade: January 2017")
    newer = edition(part(f"{SITE}/new-february-2017.csv"), title="UK trade: February 2017")
    silent = edition(part(f"{SITE}/trade.csv"))
    assert addresses(release(), silent, newer, older) == [f"{SITE}/new-april-2017.csv"]


def test_nothing_is_guessed_on_hosts_of_others() -> None:
    foreign = edition(part("https://cdn.example/trade-march-2017.csv"))
    assert addresses(release(), foreign) == []
    assert addresses(release(), foreign, hosts=("cdn.example",)) == ["https://cdn.example/trade-april-2017.csv"]


def test_an_address_that_is_known_already_is_not_predicted() -> None:
    known = part(f"{SITE}/trade-april-2017.csv", "sheet")
    with_part = release("UK trade: April 2017", f"{SITE}/trade/april-2017", known)
    assert addresses(with_part, edition(part(f"{SITE}/trade-march-2017.csv"))) == []


def test_a_file_below_its_page_is_predicted_below_the_announced_page() -> None:
    page = "https://www.gov.uk/government/statistics"
    before = edition(
        part(f"{page}/trade-march-2017/tables", role=Role.HTML),
        part(f"{page}/trade-march-2017/trade-march-2017-bulletin", "found-2", Role.HTML),
        url=f"{page}/trade-march-2017",
    )
    ours = release("UK trade: April 2017", f"{page}/trade-april-2017--2")
    assert addresses(ours, before) == [
        f"{page}/trade-april-2017--2/tables",
        f"{page}/trade-april-2017--2/trade-april-2017-bulletin",
    ]


def test_no_more_than_ten_addresses_are_expected() -> None:
    many = edition(*(part(f"{SITE}/trade-{chr(97 + at)}-march-2017.csv", f"found-{at}") for at in range(20)))
    assert len(addresses(release(), many)) == 10


def window_names_of_prediction(standing: Progress) -> set[str]:
    (target,) = targets_of(replace(release(), parts=(PREDICTED_FILE,)))
    return {
        window.name
        for window in windows_of_guess(target, windows_for(target, a_promise().slot, standing), standing, DEFAULT_WATCH)
    }


def test_a_predicted_address_is_looked_at_before_the_slot_but_not_every_second() -> None:
    (target,) = targets_of(replace(release(), parts=(PREDICTED_FILE,)))
    made = windows_of_guess(target, windows_for(target, a_promise().slot, Progress()), Progress(), DEFAULT_WATCH)
    spacings = [window_at(made, SLOT - before) for before in (timedelta(days=3), timedelta(minutes=5), timedelta())]
    assert [each.every.total_seconds() for each in spacings if each] == [60, 15, 15]
    assert "overdue-then" not in {window.name for window in made}


def test_a_predicted_part_not_seen_with_its_page_has_only_the_settle_window() -> None:
    assert window_names_of_prediction(Progress(Stage.SEEN, SLOT, is_complete=False)) == {"settle"}


def test_a_predicted_part_that_was_seen_or_exposed_is_watched_on() -> None:
    assert "after" in window_names_of_prediction(Progress(Stage.SEEN, SLOT))
    assert "exposed" in window_names_of_prediction(Progress(Stage.EXPOSED, SLOT - timedelta(minutes=30)))


@pytest.mark.parametrize("states", [((-120, ABSENT),), ((-120, UNKNOWN),), ((-120, PRESENT),)])
@pytest.mark.parametrize("now", [-10.0, 200.0, 15 * 86400.0])
def test_a_predicted_address_that_proves_nothing_changes_no_verdict(
    states: tuple[tuple[float, State], ...], now: float
) -> None:
    stories = {
        "r/page/edge": RegularLooks([(-120, ABSENT), (1, PRESENT)], specific=True),
        "r/expected-1/edge": RegularLooks(states),
    }
    runs = {name: story.runs(name, min(now, 400)) for name, story in stories.items()}
    alone, both = (
        judge(a_release(*parts), [a_promise()], runs, [], Policy(), after_slot(now))
        for parts in ((), (PREDICTED_FILE,))
    )
    assert replace(both, parts=()) == replace(alone, parts=())
    _page, predicted = both.parts
    assert predicted.verdict in (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    assert [each.id for each in release_facts(both, Measurement()).parts] == ["page"]


def test_a_predicted_address_seen_before_the_slot_after_an_absence_is_an_exposure() -> None:
    verdict = verdict_with_prediction(200, (-120, ABSENT), (-60, PRESENT))
    assert verdict.verdict is VerdictKind.EARLY
    assert [found.part for found in verdict.findings] == ["expected-1"]
    assert [each.id for each in release_facts(verdict, Measurement()).parts] == ["page", "expected-1"]


def test_explain_says_where_an_address_comes_from() -> None:
    facts = explain(
        verdict_with_prediction(200, (-120, ABSENT)), a_release(PREDICTED_FILE), [a_promise()], {}, [], Policy()
    ).facts
    assert any("at an address made from earlier editions" in fact.text for fact in facts)


def window_names(poller: FakePoller, target: str) -> tuple[str, ...]:
    return tuple(window.name for window in poller.windows[target])


def test_a_predicted_part_that_the_page_names_also_gets_the_windows_of_an_overdue_part() -> None:
    poller, clock = FakePoller(), StandingClock(after_slot(2))
    planner = Planner(clock, poller, WatchRules())
    under_watch = WatchedRelease(
        a_release(PREDICTED_FILE), [a_promise()], verdict=verdict_with_prediction(2, (-120, ABSENT))
    )
    planner.update_release(under_watch, a_release())
    assert window_names(poller, "r/expected-1/edge") == ("settle",)
    named = a_sighting(
        PRESENT, 2, "page", found=(Found(PREDICTED_FILE.url, "", "data"), Found(f"{SITE}/other.csv", "", "data"))
    )
    planner.add_found_parts(under_watch, named)
    assert [each.id for each in under_watch.release.parts] == ["page", "expected-1", "found-2"]
    assert window_names(poller, "r/expected-1/edge") == ("settle", "overdue-then")
    planner.add_found_parts(under_watch, named)
    assert len(under_watch.release.parts) == 3


def test_files_named_by_a_page_before_its_slot_confirm_no_prediction() -> None:
    poller = FakePoller()
    planner = Planner(StandingClock(after_slot(-300)), poller, WatchRules())
    under_watch = WatchedRelease(a_release(PREDICTED_FILE), [a_promise()])
    planner.update_release(under_watch, a_release())
    before = dict(poller.windows)
    planner.add_found_parts(
        under_watch, a_sighting(PRESENT, -300, "page", found=(Found(PREDICTED_FILE.url, "", "data"),))
    )
    assert poller.windows == before


def test_addresses_are_predicted_once_from_the_verdict_on_an_earlier_edition() -> None:
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.save_judged(
            judged_row(
                "UK trade: March 2017",
                "march",
                part_row("found-1", f"{SITE}/trade-march-2017.csv"),
                part_row("found-2", f"{SITE}/never-march-2017.csv", by=None),
                part_row("sheet", f"{SITE}/configured-march-2017.csv"),
            )
        )
    verdict = replace(verdict_with_prediction(-60, (-120, ABSENT)), at=after_slot(-60))
    watch = WatchStub({"r": WatchedRelease(replace(release(), producer="ofqual"), [a_promise()], verdict=verdict)})
    expected = PredictedAddresses(store.verdicts, cast("Watch", watch), StandingClock(after_slot(-60)), {}, ask)
    asyncio.run(expected.predict_missing())
    asyncio.run(expected.predict_missing())
    assert watch.added == [("r", [PREDICTED_FILE])]


def test_only_a_few_of_thousands_of_files_that_a_page_names_are_watched() -> None:
    poller = FakePoller()
    planner = Planner(StandingClock(after_slot(2)), poller, WatchRules(WatchSettings(most_parts=10)))
    under_watch = WatchedRelease(
        a_release(PREDICTED_FILE), [a_promise()], verdict=verdict_with_prediction(2, (-120, ABSENT))
    )
    planner.update_release(under_watch, a_release())
    named = a_sighting(PRESENT, 2, "page", found=tuple(Found(f"{SITE}/{n}.csv", "", "data") for n in range(2000)))
    for _ in range(3):
        planner.add_found_parts(under_watch, named)
    assert len(under_watch.release.parts) == 11
    watched_parts = {target.rpartition("/")[0] for target in poller.windows}
    assert len(watched_parts) == 10
    assert "r/page/edge" in poller.windows
