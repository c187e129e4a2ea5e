"""Several monitors at one host: each uses its own turns, and together they keep one budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.share import LATEST_START, Share, Turns, owner_of

EPOCH = datetime(2026, 11, 26, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("east", "north", "south", "west")

shares = st.tuples(st.integers(1, 4), st.sampled_from([0.5, 2.0, 5.0, 20.0]), st.booleans())


def turns_of(name: str, members: tuple[str, ...], rate: float, *, divided: bool, zero: float = -1e9) -> Turns:
    return Share(name, members, zero, divided).turns("www.gov.uk", rate, EPOCH)


def latest_starts(mine: Turns, until: datetime, late: timedelta) -> list[datetime]:
    """Return when a monitor starts requests that uses all its turns, each `late` after the begin of the turn."""
    found, now = [], EPOCH
    while (now := mine.at_or_after(now)) < until:
        found.append(now + late)
        now += mine.gap - LATEST_START
    return found


@given(shares, st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_several_monitors_together_keep_the_budget_of_one(setup: tuple[int, float, bool], lateness: list[int]) -> None:
    many, rate, divided = setup
    members, late = NAMES[:many], [timedelta(milliseconds=each) for each in lateness]
    asked = sorted(
        at
        for name, each in zip(members, late, strict=False)
        for at in latest_starts(turns_of(name, members, rate, divided=divided), EPOCH + 60 * SECOND, each)
    )
    most = max(1, int(rate))
    assert all(later - first > SECOND for first, later in zip(asked, asked[most:], strict=False))


@given(shares)
def test_all_turns_together_use_the_whole_budget(setup: tuple[int, float, bool]) -> None:
    many, rate, divided = setup
    parts = [turns_of(name, NAMES[:many], rate, divided=divided) for name in NAMES[:many]]
    assert sum(each.fraction for each in parts) == 1
    assert {each.gap for each in parts} == {timedelta(seconds=1.05 / rate)}
    assert all(one.mine.isdisjoint(other.mine) for one, other in pairwise(parts))


def test_the_next_turn_of_a_monitor_that_is_no_member_is_always_later() -> None:
    none, now = turns_of("west", ("north", "south"), 5.0, divided=False), EPOCH
    for _ in range(100):
        later = none.at_or_after(now)
        assert later > now
        now = later


def test_start_too_late_in_a_turn_waits_for_the_monitors_next_turn() -> None:
    mine = turns_of("north", ("north", "south"), 1.0, divided=False, zero=0.0)
    assert mine.at_or_after(EPOCH + LATEST_START) == EPOCH + LATEST_START
    assert mine.at_or_after(EPOCH + 2 * LATEST_START) == EPOCH + 2 * mine.gap


def test_owner_of_a_host_gets_95_percent_of_its_turns() -> None:
    mine = owner_of("www.gov.uk", NAMES)
    parts = {name: turns_of(name, NAMES, 5.0, divided=True).fraction for name in NAMES}
    assert parts.pop(mine) == 0.95
    assert all(0 < part < 0.02 for part in parts.values())


@given(st.lists(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}\.gov\.uk", fullmatch=True), min_size=1, max_size=40))
def test_only_the_hosts_of_a_leaving_monitor_change_owner(hosts: list[str]) -> None:
    for host in hosts:
        before, after = owner_of(host, NAMES), owner_of(host, NAMES[:-1])
        assert after == before or before == NAMES[-1]


def test_page_and_its_files_have_the_same_owner() -> None:
    for names in (NAMES, NAMES[1:], NAMES[:2]):
        assert owner_of("assets.publishing.service.gov.uk", names) == owner_of("www.gov.uk", names)
        service = "explore-education-statistics.service.gov.uk"
        assert owner_of(f"content.{service}", names) == owner_of(service, names)
        assert owner_of("download.ons.gov.uk", names) == owner_of("www.ons.gov.uk", names)
    assert len({owner_of(f"127.0.0.{number}", NAMES) for number in range(40)}) == 4
