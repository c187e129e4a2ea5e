from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.clock import LEAST_CLOCK_STEP, SecondsAhead, VirtualClock, seconds_ahead
from monitor.look.clock_skew import ClockStepGuard, Skew, is_off, largest_offset
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECONDS_TO_ANSWER = 0.04


def answer_with_date(
    true: float, *, ahead: float = 0.0, behind: float = 0.0, age: int = 0, keeps_origin_date: bool = False
) -> Answer:
    """Return an answer requested at this true second, while our clock is `ahead` and the host's clock is `behind`.

    A cache kept it for `age` seconds. It sends its own date with it, or if `keeps_origin_date` that of the origin.
    """
    date = NOON + timedelta(seconds=true + SECONDS_TO_ANSWER / 2 - behind - (age if keeps_origin_date else 0))
    headers = {"date": format_datetime(date.replace(microsecond=0), usegmt=True)}
    headers |= {"age": str(age)} if age else {}
    sent = NOON + timedelta(seconds=true + ahead)
    return Answer("https://a.example/", 200, headers, b"", sent, sent + timedelta(seconds=SECONDS_TO_ANSWER))


def skew_of_unsynchronised_clock() -> Skew:
    """Return the check of a clock that the machine reports as not synchronised: there one host is enough."""
    return Skew(lambda: False)


def skew_after_answers(*hosts: str, count: int = 10, ahead: float = 0.0) -> Skew:
    """Return the check of a clock that is `ahead`, after so many answers of each host.

    The clock of the host `liar` is 600 s behind. The others are right. Dates are whole seconds, so the answers are
    1.07 s apart, at different fractions of a second.
    """
    skew = skew_of_unsynchronised_clock()
    for n in range(count):
        for host in hosts:
            skew.observe(host, answer_with_date(n * 1.07, ahead=ahead, behind=600.0 if host == "liar" else 0.0))
    return skew


def test_clock_counts_as_correct_before_any_date_is_known() -> None:
    skew = Skew()
    assert skew.bounds() == (0.0, 0.0)
    assert not skew.is_known()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Thu, 26 Nov 99999999999999999999 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00 -99999999999999",
        "\xb2",
        "yesterday, today",
    ],
)
def test_unreadable_date_says_nothing_about_our_clock(text: str) -> None:
    skew = Skew()
    is_time_certain = skew.observe("a", Answer("https://a.example/", 200, {"date": text}, b"", NOON, NOON))
    assert is_time_certain
    assert not skew.is_known()


@pytest.mark.parametrize("ahead", [0.0, 3.0, -45.0])
@pytest.mark.parametrize(("answers", "widest_bounds"), [(1, 1.1), (40, 0.25)])
def test_bounds_contain_the_true_offset_are_narrower_after_more_answers_and_show_a_wrong_clock(
    answers: int, widest_bounds: float, ahead: float
) -> None:
    # Our clock is `ahead` of the true time. A date is a whole second, so one answer bounds that to about a second. Our
    # clock is off if zero is not within the bounds.
    bounds = low, high = skew_after_answers("a", count=answers, ahead=ahead).bounds()
    assert low <= ahead <= high
    assert high - low < widest_bounds
    assert is_off(bounds) is (ahead != 0)


def test_only_the_first_answer_after_our_clock_was_set_is_uncertain() -> None:
    # Before second 30, our clock is set 45 s ahead. The first date afterwards contradicts the earlier ones. The next
    # agrees with it, and shows that a clock was set.
    skew = skew_after_answers("a")
    are_times_certain = [skew.observe("a", answer_with_date(second, ahead=45.0)) for second in (30, 31, 32)]
    assert are_times_certain == [False, True, True]


def test_two_hosts_measure_how_far_our_clock_was_set_and_one_is_not_enough() -> None:
    # Before second 30, our clock is set 45 s ahead. Two dates of a host in a row then replace its earlier ones.
    skew = skew_after_answers("a", "b", "c")
    for second in (30, 31):
        skew.observe("a", answer_with_date(second, ahead=45.0))
    assert not is_off(skew.bounds())
    for second in (32, 33):
        skew.observe("b", answer_with_date(second, ahead=45.0))
    low, high = skew.bounds()
    # A date is a whole second, so it bounds the offset to about a second.
    assert 43.9 < low <= 45.0 <= high < 45.1


def test_a_clock_set_right_again_is_noticed() -> None:
    skew = skew_after_answers("a", ahead=45.0)
    assert is_off(skew.bounds())
    # Two dates in a row that agree with each other replace the earlier ones that they contradict.
    for second in (30, 31):
        skew.observe("a", answer_with_date(second))
    assert not is_off(skew.bounds())


def test_a_host_that_begins_to_lie_is_outvoted_as_soon_as_the_others_answer() -> None:
    # From second 20 on, the clock of host a is 600 s behind, as if ours had been set ahead.
    skew = skew_after_answers("a", "b", "c")
    for second in (20, 21, 22):
        skew.observe("a", answer_with_date(second, behind=600.0))
    for second in (24, 25):
        skew.observe("b", answer_with_date(second))
        skew.observe("c", answer_with_date(second))
    skew.observe("a", answer_with_date(30, behind=600.0))
    assert not is_off(skew.bounds())


def test_times_of_answers_of_a_host_whose_clock_is_constantly_wrong_are_certain() -> None:
    # Only a change of the offset between our clock and the host makes the time of an answer uncertain.
    skew = Skew()
    are_times_certain = [skew.observe("liar", answer_with_date(n * 1.1, behind=600.0)) for n in range(10)]
    assert all(are_times_certain)


def test_clocks_of_one_hosts_servers_that_differ_by_0_6_s_make_no_answer_uncertain() -> None:
    # Two servers answer in turn, and the clock of one is 0.6 s behind. Only a difference of more than a second is a
    # contradiction.
    skew, apart = Skew(), 0.6
    looks = [answer_with_date(n * 1.07, behind=apart * (n % 2)) for n in range(60)]
    are_times_certain = [skew.observe("a", look) for look in looks]
    assert all(are_times_certain)
    # A date is a whole second, written at any time until the answer is received.
    assert largest_offset(skew.bounds()) <= apart + 1.0 + SECONDS_TO_ANSWER


def test_dates_of_a_host_that_change_back_and_forth_are_ignored_in_the_end() -> None:
    # The dates of every odd answer are 30 s behind those of the even ones.
    skew = Skew()
    are_times_certain = [skew.observe("a", answer_with_date(n * 1.07, behind=30.0 * (n % 2))) for n in range(40)]
    # Every odd answer contradicts the even ones. After six of these contradictions (answers 1 to 11), the dates of the
    # host are ignored, and cast no doubt on its answers either.
    assert all(are_times_certain[12:])
    # Ignored dates start no vote of the hosts. The right date of a new host does, and host a must not count in it.
    skew.observe("b", answer_with_date(50))
    assert not is_off(skew.bounds())


@pytest.mark.parametrize("hosts", [("a", "liar", "b"), ("a", "liar")])
def test_host_that_another_host_and_our_clock_contradict_is_named_and_outvoted(hosts: tuple[str, ...]) -> None:
    # The clock of the host `liar` is 600 s behind. Our clock and those of all other hosts are right.
    skew = skew_after_answers(*hosts)
    assert not is_off(skew.bounds())
    assert list(skew.describe_doubts()) == ["liar"]


def test_two_hosts_that_contradict_each_other_and_our_clock_cast_doubt_on_their_own_looks_only() -> None:
    # The clock of host a is 600 s behind, and that of host b 600 s ahead. Ours is right.
    skew = Skew()
    for n in range(10):
        skew.observe("a", answer_with_date(n * 1.07, behind=600.0))
        skew.observe("b", answer_with_date(n * 1.07, behind=-600.0))
    assert set(skew.describe_doubts()) == {"a", "b"}
    assert not is_off(skew.bounds())
    hosts, nearly_600 = ("a", "b", "without a date"), 590
    assert {host for host in hosts if largest_offset(skew.bounds_for(host)) > nearly_600} == {"a", "b"}


@pytest.mark.parametrize(
    ("synchronised", "are_looks_at_liar_in_doubt", "are_other_looks_in_doubt"),
    [
        # The machine reports that our clock is synchronised, so the host is wrong.
        (True, False, False),
        # The machine reports that it is not. Together with the host these are two witnesses against our clock.
        (False, True, True),
        # The machine does not know. So only the looks at this host are in doubt.
        (None, True, False),
    ],
)
def test_one_host_does_not_outvote_our_clock_unless_the_machine_agrees_with_it(
    *, synchronised: bool | None, are_looks_at_liar_in_doubt: bool, are_other_looks_in_doubt: bool
) -> None:
    # The machine agrees with the host if it reports that our clock is not synchronised (None: it reports nothing).
    skew = Skew(lambda: synchronised)
    for n in range(3):
        skew.observe("liar", answer_with_date(n * 1.07, behind=600.0))
    assert is_off(skew.bounds()) is are_other_looks_in_doubt
    assert is_off(skew.bounds_for("without a date")) is are_other_looks_in_doubt
    assert is_off(skew.bounds_for("liar")) is are_looks_at_liar_in_doubt
    # All looks are in doubt if the host has outvoted our clock. Then the host itself is believed, and not listed.
    hosts_in_doubt = [] if are_other_looks_in_doubt else ["liar"]
    assert list(skew.describe_doubts()) == hosts_in_doubt


@pytest.mark.parametrize("synchronised", [True, False, None])
def test_two_hosts_that_agree_outvote_our_clock_whatever_the_machine_reports(*, synchronised: bool | None) -> None:
    skew = Skew(lambda: synchronised)
    for n in range(3):
        for host in ("a", "b"):
            skew.observe(host, answer_with_date(n * 1.07, ahead=600.0))
    least, _ = skew.bounds()
    nearly_600 = 590
    assert least > nearly_600
    assert is_off(skew.bounds_for("without a date"))


def test_our_clock_is_wrong_only_by_as_much_as_two_hosts_agree_on() -> None:
    skew = Skew()
    for n in range(10):
        skew.observe("a", answer_with_date(n * 1.07, ahead=0.9))
    # Host b's date is 20, so the true time was from 20 to 21. By our clock, we sent the request at 20.95 and had the
    # answer at 20.99. So our clock may be right: it is between 0.05 s behind and 0.99 s ahead. Host a excludes that.
    skew.observe("b", answer_with_date(20.05, ahead=0.9))
    # The dates of host a show that our clock is more than half a second ahead. That counts only for looks at host a,
    # because no other host confirms it.
    (least, _), (least_for_a, _) = skew.bounds(), skew.bounds_for("a")
    assert least == 0.0
    assert least_for_a > 0.5
    assert not is_off(skew.bounds_for("b"))


ABSURD = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -1200",
    "Fri, 01 Jan 0100 00:00:00 +1400",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 27 Nov 2026 12:00:02 GMT",
    "Wed, 25 Nov 2026 11:59:57 GMT",
]


@pytest.mark.parametrize("text", ABSURD)
@pytest.mark.parametrize("synchronised", [True, False, None])
def test_date_over_a_day_from_our_clock_is_ignored_and_logged_once_if_it_can_be_read(
    *, text: str, synchronised: bool | None
) -> None:
    # It is noon on 26 November 2026. The dates are, for example, in the years 9999 or 1970, or a day and two seconds
    # later.
    skew = Skew(lambda: synchronised)
    strange = Answer("https://a.example/", 200, {"date": text}, b"", NOON, NOON)
    with capture_logs() as lines:
        are_times_certain = [skew.observe("a", strange) for _ in range(3)]
    assert all(are_times_certain)
    assert skew.bounds_for("a") == skew.bounds_for("b") == (0.0, 0.0)
    # A date beyond the years that Python can express in UTC cannot be read, and is not logged.
    is_readable = mail_date(text) is not None
    assert [line["host"] for line in lines if line["event"] == "date_ignored"] == (["a"] if is_readable else [])


def test_host_with_an_absurd_date_is_listed_until_it_sends_a_plausible_one() -> None:
    skew = Skew()
    # This date is in the year 9999.
    skew.observe("a", Answer("https://a.example/", 200, {"date": ABSURD[0]}, b"", NOON, NOON))
    assert list(skew.describe_doubts()) == ["a"]
    skew.observe("a", answer_with_date(1.0))
    assert skew.describe_doubts() == {}


@pytest.mark.parametrize(
    ("hosts", "synchronised", "is_noticed"),
    [
        (["a", "b"], False, True),
        (["a", "b"], None, True),
        (["a", "b"], True, False),
        (["a"], False, False),
    ],
    ids=["two hosts agree", "the machine does not know", "the machine says it is right", "one host is not enough"],
)
def test_clock_ten_years_behind_is_noticed_if_two_hosts_agree_and_the_machine_does_not_confirm_it(
    *, hosts: list[str], synchronised: bool | None, is_noticed: bool
) -> None:
    skew, ten_years = Skew(lambda: synchronised), 10 * 365 * 86_400.0
    for host in hosts:
        skew.observe(host, answer_with_date(0.0, ahead=-ten_years))
    assert is_off(skew.bounds()) is is_noticed
    assert skew.is_known() is is_noticed
    # Once our clock is set right, the hosts' dates count again.
    skew.observe("c", answer_with_date(1.0))
    assert not is_off(skew.bounds())


def test_an_old_copy_with_its_own_date_casts_no_doubt_on_the_clock() -> None:
    # The date is three days before now, but so is the copy, by its `Age`. So our clock may be right.
    skew = Skew()
    skew.observe("a", answer_with_date(0.0, age=3 * 86_400, keeps_origin_date=True))
    assert skew.describe_doubts() == {}
    assert skew.is_known()


# In seconds: a copy may be a second younger than its age, or two seconds older. The rest is the length of a look.
WIDEST_BY_ONE_COPY = 3.2


@pytest.mark.parametrize("keeps_origin_date", [True, False])
@pytest.mark.parametrize("offset", [0.0, -45.0, 45.0])
def test_cached_answers_of_one_copy_bound_how_wrong_our_clock_is(*, keeps_origin_date: bool, offset: float) -> None:
    # The copy is 300 s old at the first look. The cache sends the date of the origin (`keeps_origin_date`) or its own.
    # Our clock is `offset` seconds ahead of the true time.
    skew = skew_of_unsynchronised_clock()
    for second in (0, 7, 14, 21):
        look = answer_with_date(second, ahead=offset, age=300 + second, keeps_origin_date=keeps_origin_date)
        is_time_certain = skew.observe("a", look)
        assert is_time_certain
    low, high = skew.bounds()
    assert low <= offset <= high
    assert high - low < WIDEST_BY_ONE_COPY


def test_a_cached_answer_bounds_the_clock_only_together_with_another_of_its_address() -> None:
    def answer_of_copy(second: float) -> Answer:
        return answer_with_date(second, age=300 + int(second))

    skew = Skew()
    skew.observe("a", replace(answer_of_copy(0.0), url="https://a.example/other"))
    for second in (2.0, 12.0):
        skew.observe("a", answer_of_copy(second))
    # Of each host one answer is kept for comparison: here still that of the other address. It does not show whether the
    # cache or the origin wrote the dates of the later ones. So their age of 300 s is in doubt.
    assert largest_offset(skew.bounds()) > 300
    # It is kept for 120 s. Then the answer at 140 takes its place, and the one at 160 is compared with that.
    for second in (140.0, 160.0):
        skew.observe("a", answer_of_copy(second))
    # Then one copy bounds the offset of our clock to 3.2 s.
    assert largest_offset(skew.bounds()) < WIDEST_BY_ONE_COPY


def test_a_clock_that_is_set_is_noticed_though_all_answers_are_aged() -> None:
    skew = skew_of_unsynchronised_clock()
    for second in range(0, 280, 7):
        our_clock_is_ahead = 0.0 if second < 140 else -45.0
        look = answer_with_date(second, ahead=our_clock_is_ahead, age=300 + second, keeps_origin_date=True)
        skew.observe("a", look)
    low, high = skew.bounds()
    assert low <= -45.0 <= high
    # Dates and ages are whole seconds, so the bounds are a few seconds apart.
    assert high < -40.0


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=40), st.floats(-40, 40))
def test_aging_or_renewed_copies_keep_the_true_offset_in_bounds(
    answers: list[tuple[float, bool, bool]], offset: float
) -> None:
    # Each answer has the seconds since the last one, and whether the cache has a new copy and sends the date of the
    # origin.
    skew, now, copied_at = skew_of_unsynchronised_clock(), 0.0, -300.0
    for wait, is_new_copy, keeps_origin_date in answers:
        now += wait
        copied_at = now if is_new_copy else copied_at
        look = answer_with_date(now, ahead=offset, age=int(now - copied_at), keeps_origin_date=keeps_origin_date)
        is_time_certain = skew.observe("a", look)
        assert is_time_certain
    low, high = skew.bounds()
    assert not answers or low - 1e-6 <= offset <= high + 1e-6


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3), st.integers(0, 300), st.booleans()), max_size=40),
    st.floats(-40, 40),
)
def test_bounds_always_contain_how_far_our_clock_is_ahead(
    answers: list[tuple[str, float, int, bool]], offset: float
) -> None:
    # Each answer has its host, the seconds since the last one, its age, and whether its date is that of the origin.
    skew, now = skew_of_unsynchronised_clock(), 0.0
    for host, wait, age, keeps_origin_date in answers:
        now += wait
        is_time_certain = skew.observe(
            host, answer_with_date(now, ahead=offset, age=age, keeps_origin_date=keeps_origin_date)
        )
        assert is_time_certain
    low, high = skew.bounds()
    assert not answers or low - 1e-6 <= offset <= high + 1e-6


class SettableClock(VirtualClock):
    """A clock that stands still until a test moves it. It is so many seconds `ahead` of the true time."""

    passed, ahead = 0.0, 0.0

    def monotonic(self) -> float:
        return self.passed


def guard_of(clock: SettableClock, *, is_dated: bool = True) -> ClockStepGuard:
    """Return the guard of a clock. If `is_dated`, a host has shown how far it is ahead."""
    skew = Skew(lambda: False, lambda: clock.ahead)
    was_just_set_wrong = ClockStepGuard(skew, clock)
    if is_dated:
        skew.observe("a", answer_with_date(0.5, ahead=clock.ahead), clock.ahead)
    assert not was_just_set_wrong()
    return was_just_set_wrong


@pytest.mark.parametrize(
    ("ahead_before", "ahead_after", "is_doubtful"),
    [(0.0, 3600.0, True), (0.0, -30.0, True), (0.0, 0.9, False), (3600.0, 0.0, False), (3600.0, 3600.0, False)],
)
def test_guard_doubts_only_a_right_clock_that_was_set_wrong(
    *, ahead_before: float, ahead_after: float, is_doubtful: bool
) -> None:
    # Our clock was this many seconds ahead before and after it was set. Up to a second counts as right.
    clock = SettableClock(NOON)
    clock.ahead = ahead_before
    was_just_set_wrong = guard_of(clock)
    clock.ahead = ahead_after
    assert was_just_set_wrong() is is_doubtful


def test_guard_does_not_doubt_a_clock_as_long_as_no_host_has_sent_a_date() -> None:
    clock = SettableClock(NOON)
    was_just_set_wrong = guard_of(clock, is_dated=False)
    clock.ahead = 3600.0
    assert not was_just_set_wrong()


def test_doubt_ends_half_a_minute_after_the_clock_was_set_or_when_it_is_set_right() -> None:
    clock = SettableClock(NOON)
    was_just_set_wrong = guard_of(clock)
    clock.ahead = 3600.0
    for second, is_doubtful in ((0, True), (29, True), (31, False)):
        clock.passed = second
        assert was_just_set_wrong() is is_doubtful
    # A new step begins a new doubt.
    clock.ahead = 7200.0
    assert was_just_set_wrong()
    clock.ahead = 0.0
    assert not was_just_set_wrong()


class SleepingMachine(VirtualClock):
    """A machine whose steady time stands still while it is asleep, and whose readings are counted."""

    steady, reads = 0.0, 0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.steady + self.suspended) + self.offset

    def monotonic(self) -> float:
        self.reads += 1
        return self.steady


@given(st.lists(st.tuples(st.sampled_from(["passes", "sleeps", "is set"]), st.floats(-30.0, 30.0)), max_size=8))
def test_cached_seconds_ahead_follow_every_sleep_and_clock_setting(steps: list[tuple[str, float]]) -> None:
    # The result is how far our clock is ahead of the time that passes steadily, awake or asleep. Only setting our clock
    # changes it.
    machine = SleepingMachine(NOON)
    cached_seconds_ahead = SecondsAhead(machine)
    for what, seconds in steps:
        machine.steady += abs(seconds) if what == "passes" else 0.0
        machine.suspended += abs(seconds) if what == "sleeps" else 0.0
        machine.offset += timedelta(seconds=seconds if what == "is set" else 0.0)
        smaller_than_any_setting = LEAST_CLOCK_STEP / 2
        assert cached_seconds_ahead() == pytest.approx(seconds_ahead(machine), abs=smaller_than_any_setting)


def test_cached_seconds_ahead_need_one_read_of_steady_time_while_nothing_changes() -> None:
    # The first call fills the cache, and each call reads steady time to see whether our clock was set.
    machine = SleepingMachine(NOON)
    cached_seconds_ahead = SecondsAhead(machine)
    cached_seconds_ahead()
    reads_before = machine.reads
    cached_seconds_ahead()
    assert machine.reads == reads_before + 1
