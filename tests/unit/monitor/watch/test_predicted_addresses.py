"""Addresses made from those of an earlier edition: which, and how they are watched and judged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.look.fetch import Found
from monitor.look.sighting import State
from monitor.plan.phases import DEFAULT_WATCH, WatchSettings, Window, window_at
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


def test_addresses_come_from_the_latest_edition_with_its_period_in_an_address() -> None:
    january = edition(part(f"{SITE}/old-january-2017.csv"), title="UK trade: January 2017")
    february = edition(part(f"{SITE}/new-february-2017.csv"), title="UK trade: February 2017")
    march_without_period = edition(part(f"{SITE}/trade.csv"))
    assert addresses(release(), march_without_period, february, january) == [f"{SITE}/new-april-2017.csv"]


def test_addresses_are_predicted_on_hosts_of_others_only_if_these_are_configured() -> None:
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


def windows_of_prediction(progress: Progress) -> tuple[Window, ...]:
    (target,) = targets_of(replace(release(), parts=(PREDICTED_FILE,)))
    return windows_of_guess(target, windows_for(target, a_promise().slot, progress), progress, DEFAULT_WATCH)


def test_a_predicted_address_is_looked_at_before_the_slot_but_not_every_second() -> None:
    windows = windows_of_prediction(Progress())

    def seconds_between_looks(before: timedelta) -> float:
        return window_at(windows, SLOT - before).every.total_seconds()

    assert seconds_between_looks(timedelta(days=3)) == 60
    assert seconds_between_looks(timedelta(minutes=5)) == seconds_between_looks(timedelta()) == 15
    # An overdue part is looked at more often, but not one whose address is predicted.
    assert "overdue-then" not in {window.name for window in windows}


def test_a_predicted_part_not_seen_with_its_page_has_only_the_settle_window() -> None:
    windows = windows_of_prediction(Progress(Stage.SEEN, SLOT, is_complete=False))
    assert {window.name for window in windows} == {"settle"}


def test_a_predicted_part_that_was_seen_or_exposed_is_watched_on() -> None:
    seen = windows_of_prediction(Progress(Stage.SEEN, SLOT))
    exposed = windows_of_prediction(Progress(Stage.EXPOSED, SLOT - timedelta(minutes=30)))
    assert "after" in {window.name for window in seen}
    assert "exposed" in {window.name for window in exposed}


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
    without_prediction, with_prediction = (
        judge(a_release(*parts), [a_promise()], runs, [], Policy(), after_slot(now))
        for parts in ((), (PREDICTED_FILE,))
    )
    assert replace(with_prediction, parts=()) == replace(without_prediction, parts=())
    _page, predicted = with_prediction.parts
    assert predicted.verdict in (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    assert [each.id for each in release_facts(with_prediction, Measurement()).parts] == ["page"]


def test_a_predicted_address_seen_before_the_slot_after_an_absence_is_an_exposure_and_a_part_of_the_facts() -> None:
    verdict = verdict_with_prediction(200, (-120, ABSENT), (-60, PRESENT))
    assert verdict.verdict is VerdictKind.EARLY
    assert [found.part for found in verdict.findings] == ["expected-1"]
    assert [each.id for each in release_facts(verdict, Measurement()).parts] == ["page", "expected-1"]


def window_names(poller: FakePoller, target: str) -> tuple[str, ...]:
    return tuple(window.name for window in poller.windows[target])


def test_a_predicted_part_that_the_page_names_is_added_once_and_watched_as_an_overdue_part() -> None:
    poller, clock = FakePoller(), StandingClock(after_slot(2))
    planner = Planner(clock, poller, WatchRules())
    under_watch = WatchedRelease(
        a_release(PREDICTED_FILE), [a_promise()], verdict=verdict_with_prediction(2, (-120, ABSENT))
    )
    planner.update_release(under_watch, a_release())
    assert window_names(poller, "r/expected-1/edge") == ("settle",)
    named = tuple(Found(url, "", "data") for url in (PREDICTED_FILE.url, f"{SITE}/other.csv"))
    for _ in range(2):
        planner.add_found_parts(under_watch, a_sighting(PRESENT, 2, "page", found=named))
        assert [each.id for each in under_watch.release.parts] == ["page", "expected-1", "found-2"]
        assert window_names(poller, "r/expected-1/edge") == ("settle", "overdue-then")


def test_files_named_by_a_page_before_its_slot_confirm_no_prediction() -> None:
    poller = FakePoller()
    planner = Planner(StandingClock(after_slot(-300)), poller, WatchRules())
    under_watch = WatchedRelease(a_release(PREDICTED_FILE), [a_promise()])
    planner.update_release(under_watch, a_release())
    before = dict(poller.windows)
    named = Found(PREDICTED_FILE.url, "", "data")
    planner.add_found_parts(under_watch, a_sighting(PRESENT, -300, "page", found=(named,)))
    assert poller.windows == before


def test_only_files_that_the_earlier_edition_named_and_that_were_seen_are_predicted_and_only_once() -> None:
    named_and_seen = part_row("found-1", f"{SITE}/trade-march-2017.csv")
    never_seen = part_row("found-2", f"{SITE}/never-march-2017.csv", by=None)
    configured = part_row("sheet", f"{SITE}/configured-march-2017.csv")
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.save_judged(judged_row("UK trade: March 2017", "march", named_and_seen, never_seen, configured))
    verdict = replace(verdict_with_prediction(-60, (-120, ABSENT)), at=after_slot(-60))
    watch = WatchStub({"r": WatchedRelease(replace(release(), producer="ofqual"), [a_promise()], verdict=verdict)})
    predicted = PredictedAddresses(store.verdicts, cast("Watch", watch), StandingClock(after_slot(-60)), {}, ask)
    for _ in range(2):
        asyncio.run(predicted.predict_missing())
    assert watch.added == [("r", [PREDICTED_FILE])]


def test_only_a_few_of_thousands_of_files_that_a_page_names_are_watched() -> None:
    poller, most_parts = FakePoller(), 10
    planner = Planner(StandingClock(after_slot(2)), poller, WatchRules(WatchSettings(most_parts=most_parts)))
    under_watch = WatchedRelease(
        a_release(PREDICTED_FILE), [a_promise()], verdict=verdict_with_prediction(2, (-120, ABSENT))
    )
    planner.update_release(under_watch, a_release())
    named = a_sighting(PRESENT, 2, "page", found=tuple(Found(f"{SITE}/{n}.csv", "", "data") for n in range(2000)))
    for _ in range(3):
        planner.add_found_parts(under_watch, named)
    # One part more is stored, which shows that the page names more than are watched.
    *watched, _not_watched = (part.id for part in under_watch.release.parts)
    assert len(watched) == most_parts
    assert {target.split("/")[1] for target in poller.windows} == set(watched)
