"""Who is on call: by shifts, by turns with a local hand-over hour, and all roles if none is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from alerts.rota import RotaSettings, Shift, shifts_from_json, shifts_json
from tests.worlds.rotas import a_rota

PHONES = {"duty A": "phone-a", "duty B": "phone-b", "duty C": "phone-c"}
MONDAY = datetime(2026, 10, 19, 9)  # noqa: DTZ001  # local wall time


def utc(day: int, hour: int = 9, minute: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


WEEKLY = a_rota(PHONES, turns=("duty A", "duty B"), begins=MONDAY)


def test_turns_are_handed_over_at_the_same_local_hour_though_the_clocks_change() -> None:
    # Until 25 October 2026 London's nine o'clock is eight by UTC.
    assert WEEKLY.on_call(utc(19, 7, 59)) == ()
    assert WEEKLY.on_call(utc(19, 8)) == ("duty A",)
    assert WEEKLY.on_call(utc(26, 8, 59)) == ("duty A",)
    assert WEEKLY.on_call(utc(26, 9)) == ("duty B",)
    assert list(WEEKLY.changes(utc(20), utc(10, month=11))) == [
        (utc(20), ("duty A",)),
        (utc(26), ("duty B",)),
        (utc(2, month=11), ("duty A",)),
        (utc(9, month=11), ("duty B",)),
    ]


def test_a_shift_of_the_table_has_priority_over_its_calendar_and_that_over_turns() -> None:
    # Shifts in the calendar without a role or with one that the table does not name do not count.
    calendar_shifts = (Shift("duty B", utc(20), utc(22)), Shift("", utc(20), utc(30)), Shift("gone", utc(20), utc(30)))
    rota = a_rota(
        PHONES, Shift("duty C", utc(20), utc(21)), turns=("duty A", "duty B"), begins=MONDAY, read=calendar_shifts
    )
    on_call = [rota.on_call(utc(day, 12)) for day in (20, 21, 22)]
    assert on_call == [("duty C",), ("duty B",), ("duty A",)]


def test_if_no_one_is_on_call_all_are_notified_and_the_gap_is_known() -> None:
    rota = a_rota(PHONES, Shift("duty A", utc(20), utc(21)), Shift("duty B", utc(22), utc(23)))
    assert rota.channels(utc(20)) == ("phone-a",)
    assert rota.channels(utc(21)) == ("phone-a", "phone-b", "phone-c")
    assert rota.gaps(utc(20), utc(24)) == [(utc(21), utc(22)), (utc(23), utc(24))]
    assert a_rota(PHONES).gaps(utc(20), utc(24)) == [(utc(20), utc(24))]
    assert WEEKLY.gaps(utc(20), utc(30)) == []


def test_the_description_says_who_is_on_call_until_when_and_who_is_next() -> None:
    assert WEEKLY.describe_on_call(utc(20)) == "duty A until Mon 26 Oct 2026 09:00:00 GMT, then duty B"
    both = a_rota(PHONES, Shift("duty A", utc(1), utc(28)), Shift("duty B", utc(1), utc(27, 8)))
    assert both.describe_on_call(utc(26, 10)) == "duty A and duty B until Tue 27 Oct 2026 08:00:00 GMT, then duty A"
    assert both.describe_on_call(utc(28)) == "no one, so all its roles are notified"
    assert a_rota(PHONES, turns=["duty A"], begins=MONDAY).describe_on_call(utc(20)) == "duty A"


def test_a_subscription_address_is_read_over_https() -> None:
    table = RotaSettings(name="on-call", who=PHONES, url="webcal://rota.example/x.ics")
    assert table.url == "https://rota.example/x.ics"


def test_shifts_are_read_back_unchanged_from_json() -> None:
    kept = (Shift("duty A", utc(20), utc(21)), Shift("", utc(21), utc(22)))
    assert shifts_from_json(shifts_json(kept)) == kept


@given(
    hours=some.integers(1, 200),
    roles=some.lists(some.sampled_from(sorted(PHONES)), min_size=1, max_size=5),
    spans=some.lists(some.tuples(some.sampled_from(sorted(PHONES)), some.integers(0, 300), some.integers(1, 90))),
)
def test_the_same_roles_are_on_call_between_two_hand_overs(
    hours: int, roles: list[str], spans: list[tuple[str, int, int]]
) -> None:
    begin = utc(20)
    shifts = tuple(Shift(role, begin + timedelta(hours=at), begin + timedelta(hours=at + n)) for role, at, n in spans)
    rota = a_rota(PHONES, *shifts, turns=roles, begins=MONDAY, every=timedelta(hours=hours))
    end = begin + timedelta(days=14)
    changes = list(rota.changes(begin, end))
    for place in range(14 * 24 * 2):
        at = begin + place * timedelta(minutes=30)
        assert rota.on_call(at) == [roles for since, roles in changes if since <= at][-1]
