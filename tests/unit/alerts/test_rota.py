"""Who is on call: by shifts, by turns with a local hand-over hour, and all roles if none is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from alerts.rota import Rota, RotaSettings, Shift, ShiftSettings, shifts_from_json, shifts_json
from tests.worlds.rotas import a_rota

PHONES = {"duty A": "phone-a", "duty B": "phone-b", "duty C": "phone-c"}
MONDAY_19_OCTOBER_AT_9 = datetime(2026, 10, 19, 9)  # local wall time


def october(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """Return a time in October 2026, in UTC."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def november(day: int) -> datetime:
    return datetime(2026, 11, day, 9, tzinfo=UTC)


def weekly_turns(*roles: str) -> Rota:
    """Return a rota in which each role in turn is on call for a week, from Monday 19 October at 9
    in London.
    """
    return a_rota(PHONES, turns=roles, begins=MONDAY_19_OCTOBER_AT_9)


def test_turns_change_at_same_local_hour_despite_clock_change() -> None:
    """The turns begin on Monday 19 October at nine in London. Each lasts a week."""
    rota = weekly_turns("duty A", "duty B")
    # Until 25 October 2026 London's nine o'clock is eight by UTC.
    assert rota.on_call(october(19, 7, 59)) == ()
    assert rota.on_call(october(19, 8)) == ("duty A",)
    assert rota.on_call(october(26, 8, 59)) == ("duty A",)
    assert rota.on_call(october(26, 9)) == ("duty B",)


def test_a_hand_over_in_the_hour_that_comes_twice_counts_the_first_time() -> None:
    """On Sunday 25 October 2026 London's clocks go back from 2:00 to 1:00, at 1:00 UTC."""
    sunday_at_half_past_one = datetime(2026, 10, 18, 1, 30)
    rota = a_rota(PHONES, turns=("duty A", "duty B"), begins=sunday_at_half_past_one)
    assert rota.on_call(october(25, 0, 29)) == ("duty A",)
    for minute in (30, 59, 60, 75, 90, 120):  # after midnight by UTC
        at = october(25, 0) + timedelta(minutes=minute)
        assert rota.on_call(at) == ("duty B",)
    hand_over = (october(25, 0, 30), ("duty B",))
    assert list(rota.changes(october(24), october(26)))[1:] == [hand_over]


def test_rota_lists_roles_at_begin_and_after_each_hand_over() -> None:
    """Each role in turn is on call for a week from Monday 19 October at 9. The times below are at
    9:00 UTC, which is also 9:00 in London after 25 October.
    """
    changes = weekly_turns("duty A", "duty B").changes(october(20), november(10))
    assert list(changes) == [
        (october(20), ("duty A",)),
        (october(26), ("duty B",)),
        (november(2), ("duty A",)),
        (november(9), ("duty B",)),
    ]


def test_shift_given_by_dates_lasts_from_first_minute_to_first_minute() -> None:
    table = {"role": "duty A", "from": date(2026, 10, 20), "until": date(2026, 10, 21)}
    shift = ShiftSettings.model_validate(table)
    assert (shift.begins, shift.until) == (datetime(2026, 10, 20), datetime(2026, 10, 21))


def test_configured_shift_outranks_calendar_shift_which_outranks_turns() -> None:
    """On 20 October C has a shift that is configured, and B one that is in a calendar: C is on
    call. On 21 October only B has a shift. On 22 October no one has, and the turn is A's.
    """
    configured_shift = Shift("duty C", october(20), october(21))
    calendar_shift = Shift("duty B", october(20), october(22))
    # Shifts of the calendar with no role or an unknown one count for nothing.
    ignored_shifts = (
        Shift("", october(20), october(30)),
        Shift("unknown role", october(20), october(30)),
    )
    rota = replace(
        a_rota(PHONES, configured_shift, turns=["duty A"], begins=MONDAY_19_OCTOBER_AT_9),
        calendar_shifts=(calendar_shift, *ignored_shifts),
    )
    on_call = [rota.on_call(october(day, 12)) for day in (20, 21, 22)]
    assert on_call == [("duty C",), ("duty B",), ("duty A",)]


A_ON_20_B_ON_22_OCTOBER = a_rota(
    PHONES, Shift("duty A", october(20), october(21)), Shift("duty B", october(22), october(23))
)


def test_all_roles_are_notified_if_no_one_is_on_call() -> None:
    assert A_ON_20_B_ON_22_OCTOBER.channels(october(20)) == ("phone-a",)
    assert A_ON_20_B_ON_22_OCTOBER.channels(october(21)) == ("phone-a", "phone-b", "phone-c")


def test_gaps_are_spans_with_no_one_on_call() -> None:
    """`october(20)` is 9:00 on 20 October. A is on call for a day from then, and B for a day from
    22 October. So no one is from the 21st to the 22nd, nor from the 23rd to the 24th.
    """
    begin, end = october(20), october(24)
    assert A_ON_20_B_ON_22_OCTOBER.gaps(begin, end) == [
        (october(21), october(22)),
        (october(23), end),
    ]
    # Without shifts and turns no one is ever on call. In weekly turns someone always is.
    assert a_rota(PHONES).gaps(begin, end) == [(begin, end)]
    assert weekly_turns("duty A", "duty B").gaps(begin, end) == []


def test_description_says_who_is_on_call_and_who_is_next() -> None:
    """In weekly turns A is on call first, from Monday 19 October at 9, and then B. In `both`, the
    shift of A ends on 28 October and that of B a day earlier. So on 26 October both are on call.
    """
    turns = weekly_turns("duty A", "duty B")
    assert (
        turns.describe_on_call(october(20))
        == "duty A until Mon 26 Oct 2026 09:00:00 GMT, then duty B"
    )
    shift_of_a, shift_of_b = (
        Shift("duty A", october(1), october(28)),
        Shift("duty B", october(1), october(27, 8)),
    )
    both = a_rota(PHONES, shift_of_a, shift_of_b)
    assert (
        both.describe_on_call(october(26))
        == "duty A and duty B until Tue 27 Oct 2026 08:00:00 GMT, then duty A"
    )


def test_description_says_who_is_always_on_call_or_no_one() -> None:
    assert a_rota(PHONES).describe_on_call(october(28)) == "no one, so all its roles are notified"
    assert weekly_turns("duty A").describe_on_call(october(20)) == "duty A"


def test_a_subscription_address_is_read_over_https() -> None:
    table = RotaSettings(name="on-call", who=PHONES, url="webcal://rota.example/x.ics")
    assert table.url == "https://rota.example/x.ics"


def test_shifts_are_read_back_unchanged_from_json() -> None:
    shifts = (Shift("duty A", october(20), october(21)), Shift("", october(21), october(22)))
    assert shifts_from_json(shifts_json(shifts)) == shifts


def shift_after_20_october(role: str, hours_until_start: int, hours: int) -> Shift:
    start = october(20) + timedelta(hours=hours_until_start)
    return Shift(role, start, start + timedelta(hours=hours))


ROLES = some.sampled_from(sorted(PHONES))
SHIFTS = some.builds(shift_after_20_october, ROLES, some.integers(0, 300), some.integers(1, 90))


@given(
    hours_per_turn=some.integers(1, 200),
    roles_in_turn=some.lists(ROLES, min_size=1, max_size=5),
    shifts=some.lists(SHIFTS),
)
def test_who_is_on_call_changes_only_at_the_listed_times(
    hours_per_turn: int, roles_in_turn: list[str], shifts: list[Shift]
) -> None:
    """Turns and shifts are random. `changes` lists from when which roles are on call."""
    every = timedelta(hours=hours_per_turn)
    rota = a_rota(PHONES, *shifts, turns=roles_in_turn, begins=MONDAY_19_OCTOBER_AT_9, every=every)
    begin, two_weeks, half_hour = october(20), timedelta(days=14), timedelta(minutes=30)
    roles_since = dict(rota.changes(begin, begin + two_weeks))
    for number in range(two_weeks // half_hour):
        at = begin + number * half_hour
        last_change = max(since for since in roles_since if since <= at)
        assert rota.on_call(at) == roles_since[last_change]
