"""Addresses that earlier editions suggest: of files, and of pages elsewhere; how they are watched
and judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from string import ascii_lowercase
from typing import cast

import pytest

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.explain.explain import explain
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies, Policy
from monitor.judge.verdict import Verdict
from monitor.look.fetch import Found
from monitor.look.sighting import State
from monitor.plan.phases import DEFAULT_WATCH, WatchSettings, Window, window_at
from monitor.plan.targets import View, targets_of
from monitor.plan.windows import Progress, Stage, windows_for, windows_of_guess
from monitor.store.rows import Judged
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.predicted_addresses import (
    Edition,
    PredictedAddresses,
    predicted_files,
    predicted_pages,
)
from monitor.watch.release import JudgingState, WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Origin, Part, Role
from schedules.contract.verdict import FindingKind, VerdictKind
from schedules.regular_series import Series
from schedules.release import Release
from tests.unit.monitor.watch.fake_poller import FakePoller, StandingClock
from tests.worlds.case_files import FileCase, read_cases
from tests.worlds.instants import MINUTE, SECOND, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, RegularLooks, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judge, judged

CASES = Path(__file__).with_name("prediction_cases")
SITE = "https://stats.example"
PREDICTED_TARGET = "r/expected-1/edge"
PREDICTED_FILE = Part(
    "expected-1", Role.DATA, f"{SITE}/trade-april-2017.csv", required=False, origin=Origin.PREDICTED
)


def part(url: str, name: str = "found-1", role: Role = Role.DATA) -> Part:
    return Part(name, role, url, required=False)


def april_release(
    title: str = "UK trade: April 2017", url: str = f"{SITE}/trade/april-2017", *parts: Part
) -> Release:
    return Release("r", title, "ons", url, (Part("page", Role.PAGE, url), *parts))


def verdict_with_prediction(*states: tuple[float, State], now: float) -> Verdict:
    """Return the verdict at an instant on a release that came on time, with these states at its
    predicted file.
    """
    stories = {
        "page/edge": RegularLooks([(-120, ABSENT), (1, PRESENT)], specific=True),
        "expected-1/edge": RegularLooks(states),
    }
    runs = {f"r/{view}": story.runs(view, now) for view, story in stories.items()}
    return judge(a_release(PREDICTED_FILE), [a_promise()], runs, [], Policy(), after_slot(now))


def published_release_with_missing_file(predicted: Part) -> WatchedRelease:
    """Return a release whose page came on time, and whose predicted part is missing two seconds
    after the slot.
    """
    return WatchedRelease(
        a_release(predicted),
        [a_promise()],
        judging=JudgingState(verdict_with_prediction((-120, ABSENT), now=2)),
    )


def judged_row(title: str, name: str, *parts: dict[str, object]) -> Judged:
    body = {"title": title, "url": f"{SITE}/{name}", "parts": list(parts)}
    return Judged(
        name, "ofqual", SLOT - timedelta(days=30), "on_time", "none", final=True, at=SLOT, body=body
    )


def part_row(name: str, url: str, by: str | None = "2017-12-05T09:30:00.000Z") -> dict[str, object]:
    return {
        "id": name,
        "role": "data",
        "url": url,
        "required": False,
        "origin": "found" if name.startswith("found") else "announced",
        "first_seen": {"after": None, "by": by},
    }


async def ask(question: Callable[[], dict[Series, list[Edition]]]) -> dict[Series, list[Edition]]:
    return question()


@dataclass
class WatchStub:
    """Stands in for the watch, and keeps the parts that were added to each release."""

    releases: dict[str, WatchedRelease]
    added: list[tuple[str, list[Part]]] = field(default_factory=list)

    def add_parts(self, name: str, parts: list[Part]) -> None:
        self.added.append((name, parts))


def part_of(text: str) -> Part:
    """Return the part of `data https://stats.example/trade.csv`."""
    role, url = text.split()
    return part(url, role=Role(role))


def part_text(predicted: Part) -> str:
    assert not predicted.required
    assert predicted.origin is Origin.PREDICTED
    return f"{predicted.id} {predicted.role} {predicted.url}"


@pytest.mark.parametrize("case", read_cases(CASES), ids=str)
def test_earlier_editions_suggest_what_their_case_says(case: FileCase) -> None:
    facts = case.facts
    release = april_release(facts["title"], facts["page"], *map(part_of, facts.get("parts", ())))
    editions = []
    for each in facts["editions"]:
        page = each.get("page", f"{SITE}/trade/march-2017")
        links = [facts.get("replaced", link) for link in each.get("links", ())]
        files = tuple(part_of(text) for text in each.get("files", ()))
        editions.append(Edition(each["title"], page, files, tuple(links)))
    files = predicted_files(release, editions, facts.get("hosts", ()))
    pages = predicted_pages(release, editions, facts.get("inside", ()))
    seen = {"files": list(map(part_text, files)), "pages": list(map(part_text, pages))}
    right = {key: facts[key] for key in seen if key in facts}
    assert {key: seen[key] for key in right} == right, case.where


def test_at_most_ten_files_are_predicted() -> None:
    """March's edition had twenty files, each of which suggests an address for April."""
    twenty_files = [
        part(f"{SITE}/trade-{letter}-march-2017.csv", f"found-{letter}")
        for letter in ascii_lowercase[:20]
    ]
    march = Edition("UK trade: March 2017", f"{SITE}/trade/march-2017", tuple(twenty_files))
    assert len(predicted_files(april_release(), [march], ())) == 10


def windows_of_prediction(progress: Progress) -> tuple[Window, ...]:
    (target,) = targets_of(replace(april_release(), parts=(PREDICTED_FILE,)))
    return windows_of_guess(
        target, windows_for(target, a_promise().slot, progress), progress, DEFAULT_WATCH
    )


def test_predicted_address_is_looked_at_less_than_every_second() -> None:
    """Other parts are looked at each second around their slot. But this address is only made from
    earlier editions. So looks at it are a minute apart three days before the slot, and 15 s apart
    from five minutes before to the slot.
    """
    windows = windows_of_prediction(Progress())

    def seconds_between_looks(before: timedelta) -> float:
        return window_at(windows, SLOT - before).every.total_seconds()

    assert seconds_between_looks(timedelta(days=3)) == 60
    assert seconds_between_looks(timedelta(minutes=5)) == seconds_between_looks(timedelta()) == 15
    # An overdue part is looked at more often, but not one whose address is predicted.
    assert "overdue-then" not in {window.name for window in windows}


def test_unseen_predicted_part_is_watched_for_an_hour_only() -> None:
    """The page is out since its slot, but does not name the predicted part, and that is missing
    (`is_complete=False`). Perhaps there is nothing at its address. So looks at it end an hour after
    the page came.
    """
    windows = windows_of_prediction(Progress(Stage.SEEN, since=SLOT, is_complete=False))
    hour_after_the_page = "settle"
    assert {window.name for window in windows} == {hour_after_the_page}


def test_seen_or_exposed_predicted_part_is_still_watched() -> None:
    """A look found a part at its predicted address. That was after the slot (`SEEN`), or half an
    hour before it (`EXPOSED`). Then it is looked at like any other part.
    """
    # The usual windows are called "after" a release is out, and "exposed" if it is public before
    # its slot.
    windows_if_seen = windows_of_prediction(Progress(Stage.SEEN, since=SLOT))
    assert "after" in {window.name for window in windows_if_seen}
    windows_if_exposed = windows_of_prediction(
        Progress(Stage.EXPOSED, since=SLOT - timedelta(minutes=30))
    )
    assert "exposed" in {window.name for window in windows_if_exposed}


@pytest.mark.parametrize("state_of_predicted_file", [ABSENT, UNKNOWN, PRESENT])
@pytest.mark.parametrize("now", [-10.0, 200.0, 15 * 86400.0])
def test_unproven_predicted_file_changes_neither_verdict_nor_reports(
    state_of_predicted_file: State, now: float
) -> None:
    """The page comes a second after its slot. The file at a predicted address is absent, or looks
    at it fail, or it is present from the first look on. In the last case, it may be of an earlier
    edition. So in no case does it prove anything about this release. `now` is in seconds after the
    slot, or negative before it.
    """
    two_minutes_before_slot = -120
    looks_at_page = RegularLooks([(two_minutes_before_slot, ABSENT), (1, PRESENT)], specific=True)
    looks_at_file = RegularLooks([(two_minutes_before_slot, state_of_predicted_file)])
    last_look = min(now, 400)  # later looks would show the same
    runs = {
        "r/page/edge": looks_at_page.runs("r/page/edge", last_look),
        "r/expected-1/edge": looks_at_file.runs("r/expected-1/edge", last_look),
    }
    without_file = judge(
        a_release(), [a_promise()], runs, blind=[], policy=Policy(), now=after_slot(now)
    )
    with_file = judge(
        a_release(PREDICTED_FILE),
        [a_promise()],
        runs,
        blind=[],
        policy=Policy(),
        now=after_slot(now),
    )
    # Apart from the list of parts, both verdicts are the same.
    assert replace(with_file, parts=()) == replace(without_file, parts=())
    _page, file = with_file.parts
    assert file.verdict in (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    # Reports name only the page.
    parts_in_reports = release_facts(with_file, Measurement()).parts
    assert [part.id for part in parts_in_reports] == ["page"]


def test_predicted_file_before_the_slot_is_an_exposure() -> None:
    """The page is on time. But its predicted file is absent two minutes before the slot (-120 s)
    and present a minute before it (-60 s). So it came early.
    """
    verdict = verdict_with_prediction((-120, ABSENT), (-60, PRESENT), now=200)
    assert verdict.verdict is VerdictKind.EARLY
    assert [finding.part for finding in verdict.findings] == ["expected-1"]
    parts_in_reports = release_facts(verdict, Measurement()).parts
    assert [part.id for part in parts_in_reports] == ["page", "expected-1"]


def planner_at(
    now: datetime, poller: FakePoller, most_parts: int = WatchSettings().most_parts
) -> Planner:
    return Planner(StandingClock(now), poller, WatchRules(WatchSettings(most_parts=most_parts)))


def part_ids(watched: WatchedRelease) -> list[str]:
    return [part.id for part in watched.release.parts]


def window_names(poller: FakePoller, target: str) -> tuple[str, ...]:
    return tuple(window.name for window in poller.windows[target])


def test_predicted_file_that_page_names_is_watched_as_overdue() -> None:
    """The page of a release is out. A file is missing at its predicted address. (1) Until the page
    names it, it is looked at for an hour only. (2) Then the page names it and another file. So it
    is surely due, and is looked at like any overdue part. (3) A second look at the same page
    changes nothing.
    """
    poller = FakePoller()
    planner = planner_at(SLOT + 2 * SECOND, poller)
    watched = published_release_with_missing_file(PREDICTED_FILE)
    # The calendar's release has no predicted file. An update with it keeps the file.
    planner.update_release(watched, a_release())
    assert part_ids(watched) == ["page", "expected-1"]
    # (1) The window "settle" lasts for an hour.
    assert window_names(poller, PREDICTED_TARGET) == ("settle",)
    predicted, other = Found(PREDICTED_FILE.url, "", "data"), Found(f"{SITE}/other.csv", "", "data")
    planner.add_found_parts(watched, a_sighting(PRESENT, 2, "page", found=(predicted, other)))
    # (2) Only the other file is added as a part. After the hour, the predicted file gets the looks
    # of an overdue part.
    assert part_ids(watched) == ["page", "expected-1", "found-2"]
    assert window_names(poller, PREDICTED_TARGET) == ("settle", "overdue-then")
    # (3) The next look.
    planner.add_found_parts(watched, a_sighting(PRESENT, 3, "page", found=(predicted, other)))
    assert part_ids(watched) == ["page", "expected-1", "found-2"]
    assert window_names(poller, PREDICTED_TARGET) == ("settle", "overdue-then")


def test_page_that_names_predicted_file_before_slot_changes_no_looks() -> None:
    """A file is watched at its predicted address. The page names that file five minutes before the
    slot. Such a page may still be that of an earlier edition. So the planned looks stay the same.
    """
    poller = FakePoller()
    planner = planner_at(SLOT - 5 * MINUTE, poller)
    watched = WatchedRelease(a_release(PREDICTED_FILE), [a_promise()])
    # plans the looks at the page and at the predicted file
    planner.update_release(watched, a_release())
    assert PREDICTED_TARGET in poller.windows
    windows_before = dict(poller.windows)
    seconds_after_slot = -300
    names_file = a_sighting(
        PRESENT, seconds_after_slot, "page", found=(Found(PREDICTED_FILE.url, "", "data"),)
    )
    planner.add_found_parts(watched, names_file)
    assert poller.windows == windows_before


def test_only_named_and_seen_files_are_predicted_for_next_edition() -> None:
    """The edition of March had three files. Only one was both named by its page and seen. The
    address of April's file is made from that one only.
    """
    # Parts that a page named have ids that begin with `found`. The part `sheet` was configured.
    named_and_seen = part_row("found-1", f"{SITE}/trade-march-2017.csv")
    named_and_never_seen = part_row("found-2", f"{SITE}/never-march-2017.csv", by=None)
    configured_and_seen = part_row("sheet", f"{SITE}/configured-march-2017.csv")
    march = judged_row(
        "UK trade: March 2017", "march", named_and_seen, named_and_never_seen, configured_and_seen
    )
    # The predicted file is that of the release r, for April 2017.
    assert add_predictions(march) == [("r", [PREDICTED_FILE])]


def test_file_is_predicted_only_once() -> None:
    """March had a file, from which a job predicts that of April, release r. The job runs twice, but
    its second run adds no file.
    """
    march = judged_row(
        "UK trade: March 2017", "march", part_row("found-1", f"{SITE}/trade-march-2017.csv")
    )
    assert add_predictions(march, times=2) == [("r", [PREDICTED_FILE])]


def test_only_few_of_2000_named_files_are_watched() -> None:
    """The page of a release names 2000 files, at each of three looks.

    At most ten parts of a release may be watched.
    """
    poller, most_parts = FakePoller(), 10
    planner = planner_at(SLOT + 2 * SECOND, poller, most_parts=most_parts)
    under_watch = published_release_with_missing_file(PREDICTED_FILE)
    planner.update_release(under_watch, a_release())
    named_files = tuple(Found(f"{SITE}/{number}.csv", "", "data") for number in range(2000))
    for seconds_after_slot in (2, 3, 4):
        planner.add_found_parts(
            under_watch, a_sighting(PRESENT, seconds_after_slot, "page", found=named_files)
        )
    # One part more is stored, which shows that the page names more than are watched.
    *watched, _not_watched = part_ids(under_watch)
    assert len(watched) == most_parts
    assert {target.split("/")[1] for target in poller.windows} == set(watched)


PAGE = "https://figures.example.org/deaths"
PREDICTED_PAGE = Part("expected-1", Role.ALTERNATIVE, PAGE, required=False, origin=Origin.PREDICTED)


def edition_with_links(title: str, *links: str) -> Edition:
    return Edition(title, f"{SITE}/{title}", (), links)


MARCH_WITH_LINK, FEBRUARY_WITH_LINK = (
    edition_with_links(f"UK trade: {month} 2017", PAGE) for month in ("March", "February")
)


def test_no_page_with_a_very_long_address_is_predicted() -> None:
    links = (f"{PAGE}/{'a' * 500}",)
    editions = [replace(each, links=links) for each in (MARCH_WITH_LINK, FEBRUARY_WITH_LINK)]
    assert predicted_pages(april_release(), editions, ()) == []


def test_at_most_three_pages_are_predicted_beside_predicted_files() -> None:
    """Two earlier editions linked to the same five pages. Only three are predicted for April. Ids
    of predicted parts are numbered. A predicted file has 1, so the pages begin at 2.
    """
    five_links = tuple(f"{PAGE}/{number}" for number in range(5))
    editions = [replace(each, links=five_links) for each in (MARCH_WITH_LINK, FEBRUARY_WITH_LINK)]
    assert PREDICTED_FILE.id == "expected-1"
    with_predicted_file = replace(april_release(), parts=(*april_release().parts, PREDICTED_FILE))
    pages = predicted_pages(with_predicted_file, editions, ())
    assert [page.id for page in pages] == ["expected-2", "expected-3", "expected-4"]


def row_of_page(name: str, origin: str, by: str | None, url: str = PAGE) -> dict[str, object]:
    return part_row(name, url, by) | {"role": "alternative", "origin": origin}


def add_predictions(
    *rows: Judged, inside: tuple[str, ...] = (), times: int = 1
) -> list[tuple[str, list[Part]]]:
    """Predict parts of release `r` from these stored verdicts, so many times.

    Return what was added each time.

    No page is predicted on the hosts in `inside`.
    """
    store = TemporaryStore()
    with store.transaction() as tx:
        for row in rows:
            tx.save(row)
    ahead = replace(april_release(), producer="ofqual")
    verdict = replace(verdict_with_prediction((-120, ABSENT), now=-60), at=SLOT - MINUTE)
    watch = WatchStub({"r": WatchedRelease(ahead, [a_promise()], judging=JudgingState(verdict))})
    clock = StandingClock(SLOT - MINUTE)
    predicted = PredictedAddresses(store.verdicts, cast("Watch", watch), clock, {}, ask, inside)
    for _ in range(times):
        asyncio.run(predicted.predict_missing())
    return watch.added


def predicted_urls(*rows: Judged, inside: tuple[str, ...] = ()) -> list[str]:
    return [part.url for _, parts in add_predictions(*rows, inside=inside) for part in parts]


LINKED_PAGE_ROW = row_of_page("linked-1", "linked", None)
SEEN_PAGE_ROW, UNSEEN_PAGE_ROW = (
    row_of_page("expected-1", "predicted", by) for by in ("2017-12-05T09:30:00.000Z", None)
)


MARCH_ROW = judged_row("UK trade: March 2017", "m", LINKED_PAGE_ROW)


@pytest.mark.parametrize(
    ("page_in_february", "predicted_for_april"),
    [(LINKED_PAGE_ROW, [PAGE]), (SEEN_PAGE_ROW, [PAGE]), (UNSEEN_PAGE_ROW, [])],
    ids=["linked", "predicted and seen", "predicted and not seen"],
)
def test_page_is_predicted_if_two_editions_linked_to_it(
    page_in_february: dict[str, object], predicted_for_april: list[str]
) -> None:
    """The edition of March linked to a page. If February linked to it too, the page is predicted
    for April. The same is true if the page was predicted for February and then seen. If it was not
    seen, it is not predicted for April.
    """
    february = judged_row("UK trade: February 2017", "f", page_in_february)
    assert predicted_urls(MARCH_ROW, february) == predicted_for_april


def test_linked_page_on_private_host_is_not_predicted() -> None:
    """The editions of March and February link to a page on figures.example.org. That is configured
    as a private host (`inside`).
    """
    february = judged_row("UK trade: February 2017", "f", LINKED_PAGE_ROW)
    assert predicted_urls(MARCH_ROW, february, inside=("figures.example.org",)) == []


def test_page_linked_by_two_series_is_not_predicted() -> None:
    """Two editions of UK trade link to a page, and one of Prices links to it, too. So a change of
    that page may be an edition of either series.
    """
    february = judged_row("UK trade: February 2017", "f", LINKED_PAGE_ROW)
    other_series = judged_row("Prices: March 2017", "p", LINKED_PAGE_ROW)
    assert predicted_urls(MARCH_ROW, february, other_series) == []


def test_predicted_page_is_recognised_by_its_period_at_edge() -> None:
    """A predicted page elsewhere is there for all editions.

    So it is the release once it names the period, here April
    2017. It is looked at through the edge, a cache.
    """
    release = replace(april_release(), parts=(PREDICTED_PAGE,))
    (target,) = targets_of(release)
    assert target.view is View.EDGE
    assert target.recognise == "period"
    # The period for which the page is searched is that in the title.
    assert target.title == release.title


def test_seen_predicted_page_is_watched_for_one_hour() -> None:
    """A page elsewhere was predicted, and showed this edition at its slot. But it is there for all
    editions. So later looks would not show that this edition was removed, and they end after an
    hour.
    """
    (target,) = targets_of(replace(april_release(), parts=(PREDICTED_PAGE,)))
    seen_at_slot = Progress(Stage.SEEN, since=SLOT)
    usual_windows = windows_for(target, a_promise().slot, seen_at_slot)
    windows = windows_of_guess(target, usual_windows, seen_at_slot, DEFAULT_WATCH)
    hour_after_release = "settle"
    assert {window.name for window in windows} == {hour_after_release}
    assert windows[-1].ends == SLOT + timedelta(hours=1)


def release_with_linked_pages(poller: FakePoller) -> WatchedRelease:
    """Return a release with a predicted page, after two looks at its page found that link and nine
    others.
    """
    watched = published_release_with_missing_file(PREDICTED_PAGE)
    planner = planner_at(SLOT + 2 * SECOND, poller, most_parts=6)
    planner.update_release(watched, a_release())
    links = [PAGE, *(f"{PAGE}/{number}#part" for number in range(9))]
    page_with_links = a_sighting(
        PRESENT, 2, "page/content", found=tuple(Found(url, "", "external") for url in links)
    )
    for _ in range(2):
        planner.add_found_parts(watched, page_with_links)
    return watched


def test_first_five_new_links_become_unwatched_parts() -> None:
    """The page of a release has ten links: to PAGE, a part of it already, and to PAGE/0#part up to
    PAGE/8#part. Two looks find the same. The first five new ones become parts, but they are not
    looked at.
    """
    poller = FakePoller()
    release = release_with_linked_pages(poller).release
    linked_parts = [part for part in release.parts if part.origin is Origin.LINKED]
    # Each is a part only once, without the fragment `#part`, which names a place in the page.
    assert [part.url for part in linked_parts] == [f"{PAGE}/{number}" for number in range(5)]
    assert [part.id for part in linked_parts] == [
        "linked-1",
        "linked-2",
        "linked-3",
        "linked-4",
        "linked-5",
    ]
    assert not any("/linked-" in target for target in poller.windows)


def test_linked_pages_stay_pending_and_exceed_no_limit_of_parts() -> None:
    """A release has its own page, a predicted one, and five pages on other sites to which its page
    links. These five are not looked at, so they stay pending. At most six parts are allowed, but
    the five do not count.
    """
    release = release_with_linked_pages(FakePoller()).release
    assert [part.id for part in release.parts] == [
        "page",
        "expected-1",
        *(f"linked-{n}" for n in range(1, 6)),
    ]
    verdict = judge(
        release,
        [a_promise()],
        runs={},
        blind=[],
        policy=Policy(most_parts=6),
        now=SLOT + 200 * SECOND,
    )
    _page, _predicted, *linked = verdict.parts
    assert {part.verdict for part in linked} == {VerdictKind.PENDING}
    # The finding `PARTS_CUT` would say that there are more parts than allowed.
    assert FindingKind.PARTS_CUT not in {finding.kind for finding in verdict.findings}


def test_linked_and_unseen_predicted_pages_are_not_reported() -> None:
    """A release has its own page, a predicted page that no look saw, and five pages to which its
    own page links. Reports name only its own page.
    """
    release = release_with_linked_pages(FakePoller()).release
    verdict = judge(
        release,
        [a_promise()],
        runs={},
        blind=[],
        policy=Policy(most_parts=6),
        now=SLOT + 200 * SECOND,
    )
    assert [part.id for part in release_facts(verdict, Measurement()).parts] == ["page"]


def test_links_before_the_slot_are_not_stored() -> None:
    """Five minutes before its slot (-300 s), the page of a release has a link. The page may still
    be that of an earlier edition, and so may the link. So it does not become a part.
    """
    planner = planner_at(SLOT - 5 * MINUTE, FakePoller())
    watched = WatchedRelease(april_release(), [a_promise()])
    link, seconds_after_slot = Found(PAGE, "", "external"), -300
    planner.add_found_parts(
        watched, a_sighting(PRESENT, seconds_after_slot, "page/content", found=(link,))
    )
    assert part_ids(watched) == ["page"]


def test_explain_says_how_predicted_and_linked_pages_are_known() -> None:
    """A release has its own page, a predicted page, and one on another site to which its page
    links. `explain` lists the facts about them, in that order.
    """
    linked = Part("linked-1", Role.ALTERNATIVE, f"{PAGE}/2", required=False, origin=Origin.LINKED)
    release = a_release(PREDICTED_PAGE, linked)
    case = ReleaseCase(release, [a_promise()], {})
    verdict = case.judge(Policies(), SLOT + 200 * SECOND)
    explanation = explain(verdict, case, Policy())
    _page, of_predicted, of_linked = (
        fact.text for fact in explanation.facts if fact.kind == "part"
    )
    assert "at an address made from earlier editions" in of_predicted
    assert "on another site, linked to by its page" in of_linked


def test_predicted_page_that_comes_later_is_no_finding() -> None:
    """The page of the release comes a second after its slot. A predicted page comes after 300 s.
    That is no finding, and the release is on time.
    """
    # Looks begin 120 s before the slot, when both are absent. `specific` means that the page shows
    # this edition.
    page_on_time = RegularLooks([(-120, ABSENT), (1, PRESENT)], specific=True)
    predicted_page_later = RegularLooks([(-120, ABSENT), (300, PRESENT)])
    looks = {"page": page_on_time, "expected-1": predicted_page_later}
    seconds_after_slot = 400
    verdict = judged(seconds_after_slot, looks, PREDICTED_PAGE)
    assert (verdict.verdict, verdict.findings) == (VerdictKind.ON_TIME, ())
