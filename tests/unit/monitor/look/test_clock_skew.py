from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

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
# Dates are whole seconds. Looks this many seconds apart show them at different fractions of a second.
LOOK_EVERY = 1.07


def answer_with_date(
    *, at: float, our_clock_ahead: float = 0.0, host_behind: float = 0.0, age: int = 0, keeps_origin_date: bool = False
) -> Answer:
    """Return an answer requested at this second of true time. Our clock and the host's may be wrong by some seconds.

    A cache kept it for `age` seconds. It sends its own date with it, or if `keeps_origin_date` that of the origin.
    """
    date = NOON + timedelta(seconds=at + SECONDS_TO_ANSWER / 2 - host_behind - (age if keeps_origin_date else 0))
    headers = {"date": format_datetime(date.replace(microsecond=0), usegmt=True)}
    headers |= {"age": str(age)} if age else {}
    sent = NOON + timedelta(seconds=at + our_clock_ahead)
    return Answer("https://a.example/", 200, headers, b"", sent, sent + timedelta(seconds=SECONDS_TO_ANSWER))


def skew_of_unsynchronised_clock() -> Skew:
    """Return the check of a clock that the machine reports as not synchronised: there one host is enough."""
    return Skew(lambda: False)


def skew_after_answers(*hosts: str, count: int = 10, our_clock_ahead: float = 0.0) -> Skew:
    """Return the check of a clock that is ahead, after so many answers of each host. The last is at 9.63 s.

    The clock of the host `liar` is 600 s behind. The others are right.
    """
    skew = skew_of_unsynchronised_clock()
    for n in range(count):
        for host in hosts:
            host_behind = 600.0 if host == "liar" else 0.0
            answer = answer_with_date(at=n * LOOK_EVERY, our_clock_ahead=our_clock_ahead, host_behind=host_behind)
            skew.observe(host, answer)
    return skew


def test_clock_counts_as_correct_before_any_date_is_known() -> None:
    skew = Skew()
    assert skew.bounds == (0.0, 0.0)
    assert not skew.is_known()


@pytest.mark.parametrize(
    "unreadable_date",
    [
        "",
        "soon",
        "Thu, 26 Nov 99999999999999999999 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00 -99999999999999",
        "\xb2",
        "yesterday, today",
    ],
)
def test_unreadable_date_header_is_ignored(unreadable_date: str) -> None:
    skew = Skew()
    answer = Answer("https://a.example/", 200, {"date": unreadable_date}, b"", NOON, NOON)
    is_time_certain = skew.observe("a", answer)
    # No date is known yet, so none contradicts the time of this answer.
    assert not skew.is_known()
    assert is_time_certain


@pytest.mark.parametrize("our_clock_ahead", [0.0, 3.0, -45.0])
@pytest.mark.parametrize("number_of_answers", [1, 40])
def test_bounds_contain_how_far_our_clock_is_ahead(number_of_answers: int, our_clock_ahead: float) -> None:
    """The bounds are the least and most seconds that our clock is ahead, by the dates in the answers of a host."""
    bounds = skew_after_answers("a", count=number_of_answers, our_clock_ahead=our_clock_ahead).bounds
    least, most = bounds
    assert least <= our_clock_ahead <= most
    # Our clock is known to be off if zero is not within the bounds.
    assert is_off(bounds) is (our_clock_ahead != 0)


@pytest.mark.parametrize("our_clock_ahead", [0.0, 3.0, -45.0])
def test_bounds_shrink_from_a_second_to_a_quarter_after_forty_answers(our_clock_ahead: float) -> None:
    """The bounds are the least and most seconds that our clock is ahead, by the dates in the answers of a host."""
    least, most = skew_after_answers("a", count=1, our_clock_ahead=our_clock_ahead).bounds
    assert most - least < 1.1  # a date is a whole second
    # Forty dates were sent at different fractions of a second. Together they show the fraction.
    least, most = skew_after_answers("a", count=40, our_clock_ahead=our_clock_ahead).bounds
    assert most - least < 0.25


def test_only_first_answer_after_our_clock_was_set_is_uncertain() -> None:
    """At first our clock is right, by ten dates of host a. Before second 30, it is set 45 s ahead. The first date
    afterwards contradicts the earlier ones. The next agrees with it, and shows that a clock was set."""
    skew = skew_after_answers("a")
    for second, is_time_certain in ((30, False), (31, True), (32, True)):
        assert skew.observe("a", answer_with_date(at=second, our_clock_ahead=45.0)) is is_time_certain


def test_two_hosts_must_show_that_our_clock_was_set() -> None:
    """At first our clock is right, by the dates of hosts a, b and c. Before second 30, it is set 45 s ahead."""
    skew = skew_after_answers("a", "b", "c")
    # Two dates of host a contradict its earlier ones, and replace them. Alone it does not prove our clock wrong.
    for second in (30, 31):
        skew.observe("a", answer_with_date(at=second, our_clock_ahead=45.0))
    assert not is_off(skew.bounds)
    # Two dates of host b show the same. Host c has sent no date since, so it does not count.
    for second in (32, 33):
        skew.observe("b", answer_with_date(at=second, our_clock_ahead=45.0))
    # By both, our clock is 44 to 45 s ahead: the bounds are a second apart, because dates are whole seconds.
    least, most = skew.bounds
    assert 43.9 < least <= 45.0 <= most < 45.1


def test_two_dates_show_that_our_clock_was_set_right() -> None:
    """At first our clock is 45 s ahead, by ten dates of host a. Two later dates show that it is right now."""
    skew = skew_after_answers("a", our_clock_ahead=45.0)
    assert is_off(skew.bounds)
    # Now our clock is set right. The next two dates contradict the earlier ones, and replace them.
    for second in (30, 31):
        skew.observe("a", answer_with_date(at=second, our_clock_ahead=0.0))
    assert not is_off(skew.bounds)


def test_host_whose_clock_becomes_wrong_is_outvoted_by_two_others() -> None:
    """From second 20 on, the clock of host a is 600 s behind, as if ours had been set ahead. Hosts b and c send right
    dates after that, so our clock still counts as right."""
    skew = skew_after_answers("a", "b", "c")
    for second in (20, 21, 22):
        skew.observe("a", answer_with_date(at=second, host_behind=600.0))
    for second in (24, 25):
        skew.observe("b", answer_with_date(at=second))
        skew.observe("c", answer_with_date(at=second))
    skew.observe("a", answer_with_date(at=30, host_behind=600.0))
    assert not is_off(skew.bounds)


def test_constantly_wrong_host_leaves_our_times_certain() -> None:
    """The clock of this host is 600 s behind at each of ten answers. Only a change of that would make the time of an
    answer uncertain, because then our clock may have been set."""
    skew = Skew()
    for n in range(10):
        is_time_certain = skew.observe("liar", answer_with_date(at=n * LOOK_EVERY, host_behind=600.0))
        assert is_time_certain


def test_servers_that_differ_by_0_6_s_leave_times_certain() -> None:
    """A host has two servers, which answer in turn. The clock of one is 0.6 s behind. Dates contradict each other only
    if they show errors of our clock that are more than a second apart."""
    skew = Skew()
    for n in range(60):
        host_behind = 0.6 if n % 2 else 0.0
        is_time_certain = skew.observe("a", answer_with_date(at=n * LOOK_EVERY, host_behind=host_behind))
        assert is_time_certain
    # Our clock is right, and may seem 0.6 s wrong. The bounds are wider by up to a second, because a date is a whole
    # second, and by the time that an answer takes.
    assert largest_offset(skew.bounds) <= 0.6 + 1.0 + SECONDS_TO_ANSWER


def test_host_is_ignored_after_its_dates_alternate_six_times() -> None:
    """Every second answer of host a has a date that is 30 s behind. The others are right, and so is our clock."""
    skew = Skew()
    for n in range(40):
        host_behind = 30.0 if n % 2 else 0.0
        is_time_certain = skew.observe("a", answer_with_date(at=n * LOOK_EVERY, host_behind=host_behind))
        # Each odd answer contradicts the even ones. After the sixth of them (11), an answer counts as certain, because
        # its date is ignored.
        assert is_time_certain or n <= 11
    # The dates of host a do not count beside the right date of another host either.
    skew.observe("b", answer_with_date(at=50))
    assert not is_off(skew.bounds)


@pytest.mark.parametrize("hosts", [("a", "liar", "b"), ("a", "liar")])
def test_wrong_host_is_named_and_outvoted(hosts: tuple[str, ...]) -> None:
    """The clock of the host `liar` is 600 s behind. Our clock and those of the hosts a and b are right."""
    skew = skew_after_answers(*hosts)
    our_clock_counts_as_right = not is_off(skew.bounds)
    assert our_clock_counts_as_right
    # These are the hosts whose dates are not believed.
    assert list(skew.describe_doubts()) == ["liar"]


def test_contradicting_wrong_hosts_make_only_their_own_looks_doubtful() -> None:
    """The dates of one host are 600 s behind our clock, which is right. Those of another are 600 s ahead of it."""
    skew = Skew()
    for n in range(10):
        skew.observe("slow.example", answer_with_date(at=n * LOOK_EVERY, host_behind=600.0))
        skew.observe("fast.example", answer_with_date(at=n * LOOK_EVERY, host_behind=-600.0))
    # Neither is believed or refuted.
    assert set(skew.describe_doubts()) == {"slow.example", "fast.example"}
    # In looks at these two, our clock may be wrong by 600 s. Dates are whole seconds.
    for host in ("slow.example", "fast.example"):
        assert largest_offset(skew.bounds_for(host)) == pytest.approx(600, abs=1.1)
    # For looks at any other host, and in general, our clock counts as right.
    assert not is_off(skew.bounds_for("other.example"))
    assert not is_off(skew.bounds)


def skew_after_dates_of_one_wrong_host(*, is_reported_synchronised: bool | None) -> Skew:
    """Return the check of a right clock after dates of `wrong.example`, which is 600 s behind, and of no other host.

    The machine reports whether our clock is synchronised, or nothing (None).
    """
    skew = Skew(lambda: is_reported_synchronised)
    for n in range(3):
        skew.observe("wrong.example", answer_with_date(at=n * LOOK_EVERY, host_behind=600.0))
    return skew


def test_one_host_is_not_believed_if_machine_reports_synchronised_clock() -> None:
    """The dates of the only host are 600 s behind our clock. The machine reports that our clock is synchronised."""
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=True)
    # The dates are not believed, so the host is listed. Our clock counts as right for looks at any host.
    assert list(skew.describe_doubts()) == ["wrong.example"]
    for bounds in (skew.bounds, skew.bounds_for("wrong.example"), skew.bounds_for("other.example")):
        assert not is_off(bounds)


def test_one_host_is_believed_if_machine_reports_unsynchronised_clock() -> None:
    """The dates of the only host are 600 s behind our clock. The machine reports that our clock is not synchronised."""
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=False)
    # The dates are believed, so the host is not listed. Our clock counts as wrong for looks at any host.
    assert list(skew.describe_doubts()) == []
    for bounds in (skew.bounds, skew.bounds_for("wrong.example"), skew.bounds_for("other.example")):
        assert is_off(bounds)


def test_one_host_counts_only_for_itself_without_machine_report() -> None:
    """The dates of the only host are 600 s behind our clock. The machine does not report if our clock is synchronised.
    Only for looks at that host, our clock then counts as wrong."""
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=None)
    hosts_in_doubt = list(skew.describe_doubts())
    assert hosts_in_doubt == ["wrong.example"]
    assert is_off(skew.bounds_for("wrong.example"))
    assert not is_off(skew.bounds_for("other.example"))
    assert not is_off(skew.bounds)


@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_two_agreeing_hosts_prove_clock_wrong_whatever_machine_reports(
    *, is_reported_synchronised: bool | None
) -> None:
    """Our clock is 600 s ahead. The machine reports whether it is synchronised, or nothing (None)."""
    skew = Skew(lambda: is_reported_synchronised)
    for n in range(3):
        for host in ("a.example", "b.example"):
            skew.observe(host, answer_with_date(at=n * LOOK_EVERY, our_clock_ahead=600.0))
    least, most = skew.bounds
    # Dates are whole seconds, so the bounds are up to a second and the time of an answer apart.
    assert 598.9 < least <= 600 <= most
    # They count for looks at a host without a date too.
    assert is_off(skew.bounds_for("other.example"))


def test_clock_error_that_one_host_shows_counts_only_for_it() -> None:
    """Our clock is 0.9 s ahead. Ten dates of host a prove that it is wrong, and the only date of host b does not."""
    skew = Skew()
    for n in range(10):
        skew.observe("a", answer_with_date(at=n * LOOK_EVERY, our_clock_ahead=0.9))
    # Host b sends one date: 20, which means any time from 20 to 21. By our clock, the look was from 20.95 to 20.99. So
    # for host b, our clock may be right.
    skew.observe("b", answer_with_date(at=20.05, our_clock_ahead=0.9))
    least_for_a, _ = skew.bounds_for("a")
    assert least_for_a > 0.5
    # No other host confirms the error, so our clock counts as right for host b and in general.
    assert not is_off(skew.bounds_for("b"))
    least, _ = skew.bounds
    assert least == 0.0


ABSURD = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -1200",
    "Fri, 01 Jan 0100 00:00:00 +1400",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 27 Nov 2026 12:00:02 GMT",
    "Wed, 25 Nov 2026 11:59:57 GMT",
]


@pytest.mark.parametrize("absurd_date", ABSURD)
@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_date_over_a_day_from_our_clock_is_ignored(*, absurd_date: str, is_reported_synchronised: bool | None) -> None:
    """A date is, for example, in the year 9999. Our clock counts as right, whatever the machine reports about it."""
    skew = Skew(lambda: is_reported_synchronised)
    answer = Answer("https://a.example/", 200, {"date": absurd_date}, b"", NOON, NOON)
    for _ in range(3):
        is_time_certain = skew.observe("a.example", answer)
        assert is_time_certain
    no_offset = (0.0, 0.0)
    assert skew.bounds_for("a.example") == no_offset
    assert skew.bounds_for("other.example") == no_offset


@pytest.mark.parametrize("absurd_date", ABSURD)
@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_host_with_readable_but_ignored_dates_is_logged_once(
    *, absurd_date: str, is_reported_synchronised: bool | None
) -> None:
    """Three answers of a host have the same date, for example in the year 9999. It is ignored, and logged once."""
    skew = Skew(lambda: is_reported_synchronised)
    answer = Answer("https://a.example/", 200, {"date": absurd_date}, b"", NOON, NOON)
    with capture_logs() as lines:
        for _ in range(3):
            skew.observe("a.example", answer)
    logged_hosts = [line["host"] for line in lines if line["event"] == "date_ignored"]
    # `mail_date` returns None if a date cannot be read, because it is beyond the years of Python.
    is_readable = mail_date(absurd_date) is not None
    assert logged_hosts == (["a.example"] if is_readable else [])


def test_host_is_listed_until_its_absurd_date_becomes_plausible() -> None:
    """`describe_doubts` lists the hosts whose dates are not believed."""
    skew = Skew()
    # This date is in the year 9999.
    skew.observe("a", Answer("https://a.example/", 200, {"date": ABSURD[0]}, b"", NOON, NOON))
    assert list(skew.describe_doubts()) == ["a"]
    skew.observe("a", answer_with_date(at=1.0))
    assert skew.describe_doubts() == {}


@pytest.mark.parametrize(
    ("hosts", "is_reported_synchronised", "is_noticed"),
    [
        (["a", "b"], False, True),
        (["a", "b"], None, True),
        (["a", "b"], True, False),
        (["a"], False, False),
    ],
    ids=["two hosts agree", "the machine does not know", "the machine says it is right", "one host is not enough"],
)
def test_ten_year_clock_error_must_be_shown_by_two_hosts(
    *, hosts: list[str], is_reported_synchronised: bool | None, is_noticed: bool
) -> None:
    """Our clock is ten years behind. For example, that is noticed if two hosts show it and the machine reports nothing
    about its clock (None). It is not noticed if only one host shows it."""
    skew, ten_years = Skew(lambda: is_reported_synchronised), 10 * 365 * 86_400.0
    for host in hosts:
        skew.observe(host, answer_with_date(at=0.0, our_clock_ahead=-ten_years))
    assert is_off(skew.bounds) is is_noticed
    # If it is not noticed, no date is known, because dates over a day from our clock were ignored.
    assert skew.is_known() is is_noticed


@pytest.mark.parametrize("is_reported_synchronised", [False, None])
def test_first_plausible_date_shows_that_ten_year_error_was_corrected(*, is_reported_synchronised: bool | None) -> None:
    """Our clock is ten years behind, by the dates of hosts a and b. Then it is set right, as a date of host c shows."""
    skew, ten_years = Skew(lambda: is_reported_synchronised), 10 * 365 * 86_400.0
    for host in ("a", "b"):
        skew.observe(host, answer_with_date(at=0.0, our_clock_ahead=-ten_years))
    assert is_off(skew.bounds)
    # A date within a day of our clock counts more than those that are not.
    skew.observe("c", answer_with_date(at=1.0))
    assert not is_off(skew.bounds)


def test_date_of_old_cached_copy_casts_no_doubt_on_clock() -> None:
    """The date is three days before now, but so is the copy, by its `Age`. So our clock may be right."""
    skew = Skew()
    skew.observe("a", answer_with_date(at=0.0, age=3 * 86_400, keeps_origin_date=True))
    assert skew.describe_doubts() == {}
    assert skew.is_known()


# In seconds: a copy may be a second younger than its age, or two seconds older. The rest is the length of a look.
WIDEST_BY_ONE_COPY = 3.2


@pytest.mark.parametrize("keeps_origin_date", [True, False])
@pytest.mark.parametrize("our_clock_ahead", [0.0, -45.0, 45.0])
def test_one_cached_copy_shows_clock_error_to_3_2_s(*, keeps_origin_date: bool, our_clock_ahead: float) -> None:
    """All answers are one copy of a cache, with its age. The date is that of the copy, or the cache's at the look."""
    skew = skew_of_unsynchronised_clock()
    for second in (0, 7, 14, 21):
        age_of_copy = 300 + second
        answer = answer_with_date(
            at=second, our_clock_ahead=our_clock_ahead, age=age_of_copy, keeps_origin_date=keeps_origin_date
        )
        is_time_certain = skew.observe("a", answer)
        assert is_time_certain
    # In the end, the least and most seconds that our clock may be ahead are at most 3.2 s apart.
    least, most = skew.bounds
    assert least <= our_clock_ahead <= most
    assert most - least < WIDEST_BY_ONE_COPY


def test_cached_copy_shows_clock_error_only_beside_earlier_answer() -> None:
    """Our clock is right. A cache sends copies that are 300 s old and older, with the date of the look. A date could
    also be that of the copy. Two answers of one address show which, because only an old date stays equal."""
    skew, other_address, our_address = Skew(), "https://a.example/other", "https://a.example/ours"

    def observe_copy(url: str, second: int) -> None:
        skew.observe("a", replace(answer_with_date(at=second, age=300 + second), url=url))

    # One answer of a host is kept for 120 s, and later ones are compared with it. Here that is an answer of the other
    # address, with which those of our address cannot be compared.
    observe_copy(other_address, second=0)
    observe_copy(our_address, second=2)
    observe_copy(our_address, second=12)
    # So a date may be 300 s old like its copy. Then it would be 300 s later now, and our clock 300 s behind.
    assert largest_offset(skew.bounds) > 300
    # After 120 s, the answer at 140 s is kept instead. The one at 160 s is compared with it.
    observe_copy(our_address, second=140)
    observe_copy(our_address, second=160)
    assert largest_offset(skew.bounds) < WIDEST_BY_ONE_COPY


def test_clock_set_back_45_s_is_noticed_from_old_copies() -> None:
    """At second 140, our clock is set back. All answers are one copy: its date stays the same, and its age grows."""
    skew = skew_of_unsynchronised_clock()
    for second in range(0, 280, 7):
        our_clock_ahead = 0.0 if second < 140 else -45.0
        age_of_copy = 300 + second
        answer = answer_with_date(at=second, our_clock_ahead=our_clock_ahead, age=age_of_copy, keeps_origin_date=True)
        skew.observe("a", answer)
    least, most = skew.bounds
    assert least <= -45.0 <= most
    # The bounds say that our clock is 45 s behind. They are a few seconds apart, as dates and ages are whole seconds.
    assert most < -40.0


class AnswerOfCache(NamedTuple):
    seconds_since_last: float
    has_new_copy: bool
    sends_origin_date: bool


@given(
    st.lists(st.builds(AnswerOfCache, st.floats(0, 20), st.booleans(), st.booleans()), min_size=1, max_size=40),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whenever_cache_renews_its_copy(
    answers: list[AnswerOfCache], our_clock_ahead: float
) -> None:
    """All answers are copies of a cache, with their age. A date is that of the look, or that at which the copy was
    made. The bounds are the least and most seconds that our clock is ahead."""
    skew = skew_of_unsynchronised_clock()
    now, copied_at = 0.0, -300.0
    for seconds_since_last, has_new_copy, sends_origin_date in answers:
        now += seconds_since_last
        if has_new_copy:
            copied_at = now
        age = int(now - copied_at)
        answer = answer_with_date(at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date)
        # No clock is ever set, so no date may contradict another.
        is_time_certain = skew.observe("a", answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6
    assert least - rounding <= our_clock_ahead <= most + rounding


class AnswerOfHost(NamedTuple):
    host: str
    seconds_since_last: float
    age: int
    sends_origin_date: bool


@given(
    st.lists(
        st.builds(AnswerOfHost, st.sampled_from("abc"), st.floats(0, 3), st.integers(0, 300), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whatever_ages_three_hosts_send(
    answers: list[AnswerOfHost], our_clock_ahead: float
) -> None:
    """Each answer comes from one of three hosts, with any age, and with the date of the look or of the copy."""
    skew, now = skew_of_unsynchronised_clock(), 0.0
    for host, seconds_since_last, age, sends_origin_date in answers:
        now += seconds_since_last
        answer = answer_with_date(at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date)
        # No clock is ever set, so no date may contradict another.
        is_time_certain = skew.observe(host, answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6
    assert least - rounding <= our_clock_ahead <= most + rounding


class SettableClock(VirtualClock):
    """A clock that stands still until a test moves it. It is so many seconds `ahead` of the true time."""

    passed, ahead = 0.0, 0.0

    def monotonic(self) -> float:
        return self.passed


def guard_of(clock: SettableClock, *, has_date: bool = True) -> ClockStepGuard:
    """Return the guard of a clock. If it `has_date`, the date of a host has shown how far the clock is ahead."""
    skew = Skew(lambda: False, lambda: clock.ahead)
    guard = ClockStepGuard(skew, clock)
    if has_date:
        skew.observe("a", answer_with_date(at=0.5, our_clock_ahead=clock.ahead), clock.ahead)
    is_just_set_wrong = guard()
    assert not is_just_set_wrong
    return guard


@pytest.mark.parametrize(
    ("ahead_before", "ahead_after", "is_doubtful"),
    [(0.0, 3600.0, True), (0.0, -30.0, True), (0.0, 0.9, False), (3600.0, 0.0, False), (3600.0, 3600.0, False)],
    ids=["an hour ahead", "half a minute behind", "within a second", "corrected", "wrong before and after"],
)
def test_only_a_right_clock_that_was_set_wrong_is_doubted(
    *, ahead_before: float, ahead_after: float, is_doubtful: bool
) -> None:
    """Our clock is set. It is `ahead_before` seconds ahead of true time before that, and `ahead_after` afterwards. For
    example, a right clock (0 s) that is set an hour ahead is doubted. One that was an hour ahead before is not."""
    clock = SettableClock(NOON)
    clock.ahead = ahead_before
    # The guard is a function that returns whether our clock was just set wrong, by more than a second.
    guard = guard_of(clock)
    clock.ahead = ahead_after
    is_just_set_wrong = guard()
    assert is_just_set_wrong is is_doubtful


def test_guard_has_no_doubt_before_any_host_sent_a_date() -> None:
    """The guard is a function that returns whether our clock was right and was just set wrong. Here our clock is set an
    hour ahead. Without a date of a host, it is not known whether it was right before."""
    clock = SettableClock(NOON)
    guard = guard_of(clock, has_date=False)
    clock.ahead = 3600.0
    is_just_set_wrong = guard()
    assert not is_just_set_wrong


def test_doubt_ends_after_half_a_minute_or_a_correction() -> None:
    """The guard is a function that returns whether our clock was just set wrong. It does so for half a minute, or until
    our clock is set right."""
    clock = SettableClock(NOON)
    guard = guard_of(clock)
    # At second 0, our right clock is set an hour ahead.
    clock.ahead = 3600.0
    for second, is_doubtful in ((0, True), (29, True), (31, False)):
        clock.passed = second
        assert guard() is is_doubtful
    # At second 31, it is set two hours ahead, which begins a new doubt. Then it is set right.
    clock.ahead = 7200.0
    assert guard()
    clock.ahead = 0.0
    assert not guard()


class SleepingMachine(VirtualClock):
    """A machine whose monotonic clock stands still while it is asleep. It counts how often that clock is read."""

    awake, monotonic_reads = 0.0, 0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.awake + self.suspended) + self.offset

    def monotonic(self) -> float:
        self.monotonic_reads += 1
        return self.awake


@given(
    st.lists(
        st.tuples(st.sampled_from(["time passes", "machine sleeps", "clock is set"]), st.floats(-30.0, 30.0)),
        max_size=8,
    )
)
def test_cached_seconds_ahead_stay_right_after_sleep_or_clock_setting(events: list[tuple[str, float]]) -> None:
    """A number is cached: by how many seconds our clock is ahead of the monotonic clock, which no one can set. It
    changes only if someone sets our clock."""
    machine = SleepingMachine(NOON)
    cached_seconds_ahead = SecondsAhead(machine)
    for event, seconds in events:
        if event == "time passes":
            machine.awake += abs(seconds)
        elif event == "machine sleeps":
            machine.suspended += abs(seconds)
        else:
            machine.offset += timedelta(seconds=seconds)  # negative: the clock is set back
        smaller_than_any_setting = LEAST_CLOCK_STEP / 2
        assert cached_seconds_ahead() == pytest.approx(seconds_ahead(machine), abs=smaller_than_any_setting)


def test_monotonic_clock_is_read_once_if_no_clock_was_set() -> None:
    """`SecondsAhead` caches by how many seconds our clock is ahead of the monotonic clock, which no one can set. The
    number changes only if someone sets our clock, so one reading of each clock shows that it is still right."""
    machine = SleepingMachine(NOON)
    cached_seconds_ahead = SecondsAhead(machine)
    cached_seconds_ahead()  # fills the cache
    reads_before = machine.monotonic_reads
    cached_seconds_ahead()
    assert machine.monotonic_reads - reads_before == 1
