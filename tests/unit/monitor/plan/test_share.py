"""Several monitors at one host: each uses its own turns, and together they keep one budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.budget import Pacer
from monitor.plan.share import LATEST_START, Share, Turns, owner_of

EPOCH = datetime(2026, 11, 26, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("east", "north", "south", "west")

COUNTS, RATES = st.integers(1, 4), st.sampled_from([0.5, 2.0, 5.0, 20.0])


def turns_at_govuk(
    name: str, members: tuple[str, ...], *, rate: float = 5.0, hosts_divided: bool = False, turns_begin: float = -1e9
) -> Turns:
    """Return the turns of a monitor. The first turn of all begins so many seconds after EPOCH."""
    return Share(name, members, turns_begin, hosts_divided).turns("www.gov.uk", rate, EPOCH)


def latest_starts(mine: Turns, until: datetime, late: timedelta) -> list[datetime]:
    """Return when a monitor starts requests that uses all its turns, each `late` after the begin of the turn."""
    found, now = [], EPOCH
    while (now := mine.at_or_after(now)) < until:
        found.append(now + late)
        now += mine.gap - LATEST_START
    return found


@given(
    count=COUNTS, rate=RATES, hosts_divided=st.booleans(), ms_late=st.lists(st.integers(0, 20), min_size=4, max_size=4)
)
def test_all_monitors_together_keep_to_one_budget_in_each_second_even_if_they_use_all_their_turns(
    *, count: int, rate: float, hosts_divided: bool, ms_late: list[int]
) -> None:
    members, minute_later = NAMES[:count], EPOCH + 60 * SECOND
    starts: list[datetime] = []
    for name, ms in zip(members, ms_late, strict=False):
        turns = turns_at_govuk(name, members, rate=rate, hosts_divided=hosts_divided)
        starts += latest_starts(turns, until=minute_later, late=timedelta(milliseconds=ms))
    starts.sort()
    most_a_second = max(1, int(rate))  # also at less than one request a second, one second may have one
    # The start that is so many places later must be over a second away. Else one second would have one start too many.
    pairs = zip(starts, starts[most_a_second:], strict=False)
    assert all(later - first > SECOND for first, later in pairs)


@given(count=COUNTS, rate=RATES, hosts_divided=st.booleans())
def test_the_turns_of_all_monitors_are_the_whole_budget_and_do_not_overlap(
    *, count: int, rate: float, hosts_divided: bool
) -> None:
    members = NAMES[:count]
    turns = [turns_at_govuk(name, members, rate=rate, hosts_divided=hosts_divided) for name in members]
    assert sum(each.fraction for each in turns) == 1
    five_percent_wider = timedelta(seconds=1.05 / rate)
    assert {each.gap for each in turns} == {five_percent_wider}
    assert all(one.mine.isdisjoint(other.mine) for one, other in combinations(turns, 2))


def test_a_monitor_that_is_no_member_never_gets_a_turn() -> None:
    no_turns, now = turns_at_govuk("west", members=("north", "south")), EPOCH
    # If a turn began at `now`, the answer would be `now`. A later answer is a time to try again.
    for _ in range(100):
        try_again_at = no_turns.at_or_after(now)
        assert try_again_at > now
        now = try_again_at


def test_start_too_late_in_a_turn_waits_for_the_monitors_next_turn() -> None:
    turns = turns_at_govuk("north", members=("north", "south"), rate=1.0, turns_begin=0.0)
    # A look may start until `LATEST_START` after its turn began. Twice as late is still in this turn, but too late.
    assert turns.gap > 2 * LATEST_START
    assert turns.at_or_after(EPOCH + LATEST_START) == EPOCH + LATEST_START
    # The next turn is of south, and the one after it of north.
    assert turns.at_or_after(EPOCH + 2 * LATEST_START) == EPOCH + 2 * turns.gap


@pytest.mark.parametrize("members", [("north",), ("north", "south")])
def test_a_pacer_uses_each_of_its_turns_although_its_starts_are_late_in_them(members: tuple[str, ...]) -> None:
    turns, pacer = turns_at_govuk("north", members, rate=5.0, turns_begin=0.0), Pacer(5.0)
    pacer.reconfigure(5.0, turns)
    time_between_own_turns = len(members) * turns.gap
    next_start = EPOCH
    for number in range(4):
        next_start = pacer.next_start(next_start)
        assert next_start == EPOCH + number * time_between_own_turns
        pacer.record_start(next_start + LATEST_START)
    assert pacer.gap == time_between_own_turns


def test_a_monitor_uses_a_quarter_of_its_turns_at_a_host_that_refused_a_request() -> None:
    turns, pacer = turns_at_govuk("north", members=("north", "south"), rate=5.0), Pacer(5.0)
    pacer.reconfigure(5.0, turns)
    time_between_own_turns = 2 * turns.gap
    assert pacer.gap == time_between_own_turns
    pacer.record_refusal(EPOCH, timedelta(seconds=10))
    assert pacer.gap == 4 * time_between_own_turns


def test_owner_of_a_host_gets_95_percent_of_the_turns_there_and_the_other_monitors_share_the_rest() -> None:
    owner = owner_of("www.gov.uk", NAMES)
    fractions = {name: turns_at_govuk(name, members=NAMES, hosts_divided=True).fraction for name in NAMES}
    assert fractions.pop(owner) == 0.95
    assert list(fractions.values()) == [pytest.approx(0.05 / 3)] * 3


@given(st.lists(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}\.gov\.uk", fullmatch=True), min_size=1, max_size=40))
def test_only_the_hosts_of_a_leaving_monitor_change_owner(hosts: list[str]) -> None:
    *staying, leaving = NAMES
    for host in hosts:
        # A host keeps its owner unless that was the monitor that left.
        owner_before, owner_after = owner_of(host, NAMES), owner_of(host, staying)
        assert owner_before in (owner_after, leaving)


def test_page_and_its_files_have_the_same_owner() -> None:
    for monitors in (NAMES, NAMES[1:], NAMES[:2]):
        assert owner_of("assets.publishing.service.gov.uk", monitors) == owner_of("www.gov.uk", monitors)
        service = "explore-education-statistics.service.gov.uk"
        assert owner_of(f"content.{service}", monitors) == owner_of(service, monitors)
        assert owner_of("download.ons.gov.uk", monitors) == owner_of("www.ons.gov.uk", monitors)


def test_ip_addresses_of_one_network_have_different_owners() -> None:
    assert {owner_of(f"127.0.0.{number}", NAMES) for number in range(40)} == set(NAMES)
