from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.look.clock_skew import Skew, is_off, largest_offset
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECONDS_TO_ANSWER = 0.04
# Dates are whole seconds. Looks this many seconds apart show them at different fractions of a
# second.
LOOK_EVERY = 1.07


def answer_with_date(
    *,
    at: float,
    our_clock_ahead: float = 0.0,
    host_behind: float = 0.0,
    age: int = 0,
    keeps_origin_date: bool = False,
) -> Answer:
    """Return an answer requested at this second of true time.

    Our clock and the host's may be wrong by some seconds.

    A cache kept it for `age` seconds. It sends its own date with it, or if `keeps_origin_date` that
    of the origin.
    """
    date = NOON + timedelta(
        seconds=at + SECONDS_TO_ANSWER / 2 - host_behind - (age if keeps_origin_date else 0)
    )
    headers = {"date": format_datetime(date.replace(microsecond=0), usegmt=True)}
    headers |= {"age": str(age)} if age else {}
    sent = NOON + timedelta(seconds=at + our_clock_ahead)
    return Answer(
        "https://a.example/", 200, headers, b"", sent, sent + timedelta(seconds=SECONDS_TO_ANSWER)
    )


def skew_of_unsynchronised_clock() -> Skew:
    """Return the check of a clock that the machine reports as not synchronised: there one host is
    enough.
    """
    return Skew(lambda: False)


def skew_after_answers(*hosts: str, count: int = 10, our_clock_ahead: float = 0.0) -> Skew:
    """Return the check of a clock that is ahead, after so many answers of each host.

    The last is at 9.63 s.

    The clock of the host `liar` is 600 s behind. The others are right.
    """
    skew = skew_of_unsynchronised_clock()
    for n in range(count):
        for host in hosts:
            host_behind = 600.0 if host == "liar" else 0.0
            answer = answer_with_date(
                at=n * LOOK_EVERY, our_clock_ahead=our_clock_ahead, host_behind=host_behind
            )
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
    """`Skew` judges our clock by the `Date` headers of hosts.

    Here a header cannot be read, for example "soon".
    """
    skew = Skew()
    answer = Answer(
        "https://a.example/", 200, {"date": unreadable_date}, b"", sent=NOON, received=NOON
    )
    is_time_certain = skew.observe("a", answer)
    # No usable date is known yet, so none contradicts the time of this answer.
    assert not skew.is_known()
    assert is_time_certain


@pytest.mark.parametrize("our_clock_ahead", [0.0, 3.0, -45.0])
@pytest.mark.parametrize("number_of_answers", [1, 40])
def test_bounds_contain_how_far_our_clock_is_ahead(
    number_of_answers: int, our_clock_ahead: float
) -> None:
    """Our clock is right, 3 s ahead or 45 s behind. The clock of host a is right. It sends its date
    1 or 40 times. From these dates follow bounds: our clock is at least and at most so many seconds
    ahead (negative: behind).
    """
    skew = skew_after_answers("a", count=number_of_answers, our_clock_ahead=our_clock_ahead)
    least, most = skew.bounds
    assert least <= our_clock_ahead <= most
    # Our clock counts as off only if it is wrong. Then zero is not within the bounds.
    assert is_off(skew.bounds) is (our_clock_ahead != 0)


@pytest.mark.parametrize("our_clock_ahead", [0.0, 3.0, -45.0])
def test_bounds_shrink_from_a_second_to_a_quarter_after_forty_answers(
    our_clock_ahead: float,
) -> None:
    """Our clock is right, 3 s ahead or 45 s behind. The clock of host a is right, and it sends
    dates. From these follow bounds: our clock is at least and at most so many seconds ahead
    (negative: behind).
    """
    least, most = skew_after_answers("a", count=1, our_clock_ahead=our_clock_ahead).bounds
    # A date is a whole second. So one date leaves a second unknown, and the 0.04 s that an answer
    # takes.
    assert most - least < 1.1
    least, most = skew_after_answers("a", count=40, our_clock_ahead=our_clock_ahead).bounds
    # The forty dates were sent at different fractions of a second. Together they show the fraction.
    assert most - least < 0.25


def test_only_first_answer_after_our_clock_was_set_is_uncertain() -> None:
    """By ten dates of host a, our clock is right. Shortly before second 30, it is set 45 s ahead.
    The date at second 30 contradicts the earlier ones. It alone does not show why, so the time of
    its answer is uncertain. The date at second 31 agrees with it. So a clock was set, and times are
    certain again.
    """
    skew = skew_after_answers("a")
    for second, is_certain in ((30, False), (31, True), (32, True)):
        answer = answer_with_date(at=second, our_clock_ahead=45.0)
        is_time_of_answer_certain = skew.observe("a", answer)
        assert is_time_of_answer_certain is is_certain


def test_two_hosts_must_show_that_our_clock_was_set() -> None:
    """By the dates of hosts a, b and c, our clock is right. Before second 30, it is set 45 s ahead.
    Two hosts must show that before our clock counts as wrong ("off").
    """
    skew = skew_after_answers("a", "b", "c")
    # Two new dates of host a replace its earlier ones. But that is only one host.
    for second in (30, 31):
        skew.observe("a", answer_with_date(at=second, our_clock_ahead=45.0))
    assert not is_off(skew.bounds)
    # Two dates of host b show the same. Now two hosts agree. Host c has sent no date since, so it
    # does not count.
    for second in (32, 33):
        skew.observe("b", answer_with_date(at=second, our_clock_ahead=45.0))
    # Our clock is at least 44 and at most 45 s ahead. Dates are whole seconds, so the bounds are a
    # second apart.
    least, most = skew.bounds
    assert 43.9 < least <= 45.0 <= most < 45.1


def test_two_dates_show_that_our_clock_was_set_right() -> None:
    """Ten dates of host a show that our clock is 45 s ahead. The machine reports that it is not
    synchronised, so one host is enough. Then our clock is set right, as two later dates show.
    """
    skew = skew_after_answers("a", our_clock_ahead=45.0)
    assert is_off(skew.bounds)  # our clock counts as wrong
    # The next two dates contradict the earlier ones, agree with each other, and replace the earlier
    # ones.
    for second in (30, 31):
        skew.observe("a", answer_with_date(at=second, our_clock_ahead=0.0))
    assert not is_off(skew.bounds)


def test_host_whose_clock_becomes_wrong_is_outvoted_by_two_others() -> None:
    """By the dates of hosts a, b and c, our clock is right. From second 20 on, the clock of host a
    is 600 s behind. Its dates look as if our clock had been set ahead. But hosts b and c send right
    dates after that. Two hosts outvote one, so our clock still counts as right.
    """
    skew = skew_after_answers("a", "b", "c")
    for second in (20, 21, 22):
        skew.observe("a", answer_with_date(at=second, host_behind=600.0))
    for second in (24, 25):
        skew.observe("b", answer_with_date(at=second))
        skew.observe("c", answer_with_date(at=second))
    # A later date of host a does not change that.
    skew.observe("a", answer_with_date(at=30, host_behind=600.0))
    assert not is_off(skew.bounds)


def test_constantly_wrong_host_leaves_our_times_certain() -> None:
    """The clock of one host is 600 s behind in all of its ten answers. So its dates never
    contradict each other. The time of an answer is uncertain only if its date contradicts earlier
    ones. Then our clock may have been set.
    """
    skew = Skew()
    for n in range(10):
        answer = answer_with_date(at=n * LOOK_EVERY, host_behind=600.0)
        is_time_certain = skew.observe("liar", answer)
        assert is_time_certain


def test_servers_that_differ_by_0_6_s_leave_times_certain() -> None:
    """Our clock is right. A host has two servers, which answer in turn. One is right, the other 0.6
    s behind. The dates of a host contradict each other only if its clock seems to jump by more than
    a second. So these do not.
    """
    skew = Skew()
    for n in range(60):
        host_behind = 0.6 if n % 2 else 0.0
        is_time_certain = skew.observe(
            "a", answer_with_date(at=n * LOOK_EVERY, host_behind=host_behind)
        )
        assert is_time_certain
    # Our clock may seem 0.6 s wrong. Add a second, because dates are whole seconds, and the time an
    # answer takes.
    most_seconds_wrong = largest_offset(skew.bounds)
    assert most_seconds_wrong <= 0.6 + 1.0 + SECONDS_TO_ANSWER


def test_host_is_ignored_after_its_dates_alternate_six_times() -> None:
    """Our clock is right. Host a has two servers, which answer in turn: one is right, the other 30
    s behind. Every odd answer contradicts the even ones, so its time is uncertain. After six of
    them (1, 3, 5, 7, 9 and 11), the dates of this host are ignored. Then no date contradicts
    another, and all times are certain.
    """
    skew = Skew()
    for n in range(40):
        host_behind = 30.0 if n % 2 else 0.0
        is_time_certain = skew.observe(
            "a", answer_with_date(at=n * LOOK_EVERY, host_behind=host_behind)
        )
        assert is_time_certain or n <= 11
    # Host b sends a right date. Beside it, host a does not count either, so our clock counts as
    # right.
    skew.observe("b", answer_with_date(at=50))
    assert not is_off(skew.bounds)


@pytest.mark.parametrize("hosts", [("a", "liar", "b"), ("a", "liar")])
def test_wrong_host_is_named_and_outvoted(hosts: tuple[str, ...]) -> None:
    """The clock of host `liar` is 600 s behind. Our clock is right, and so are one or two other
    hosts. Two hosts outvote `liar`. If there is only one, our own clock agrees with it, which
    decides.
    """
    skew = skew_after_answers(*hosts)
    assert not is_off(skew.bounds)  # our clock counts as right
    hosts_not_believed = list(skew.describe_doubts())
    assert hosts_not_believed == ["liar"]


def test_contradicting_wrong_hosts_make_only_their_own_looks_doubtful() -> None:
    """Our clock is right. The clock of one host is 600 s behind, and that of another is 600 s
    ahead. The two contradict each other, and no third host decides. So neither is believed or
    refuted.
    """
    skew = Skew()
    for n in range(10):
        skew.observe("slow.example", answer_with_date(at=n * LOOK_EVERY, host_behind=600.0))
        skew.observe("fast.example", answer_with_date(at=n * LOOK_EVERY, host_behind=-600.0))
    hosts_not_believed = set(skew.describe_doubts())
    assert hosts_not_believed == {"slow.example", "fast.example"}
    # For looks at these two, our clock may be wrong by 600 s. Dates are whole seconds, so 1.1 s are
    # tolerated.
    for host in ("slow.example", "fast.example"):
        most_seconds_wrong = largest_offset(skew.bounds_for(host))
        assert most_seconds_wrong == pytest.approx(600, abs=1.1)
    # For looks at any other host, and in general, our clock counts as right.
    assert not is_off(skew.bounds_for("other.example"))
    assert not is_off(skew.bounds)


def skew_after_dates_of_one_wrong_host(*, is_reported_synchronised: bool | None) -> Skew:
    """Return the check of a right clock after dates of `wrong.example`, which is 600 s behind, and
    of no other host.

    The machine reports whether our clock is synchronised, or nothing (None).
    """
    skew = Skew(lambda: is_reported_synchronised)
    for n in range(3):
        skew.observe("wrong.example", answer_with_date(at=n * LOOK_EVERY, host_behind=600.0))
    return skew


def test_one_host_is_not_believed_if_machine_reports_synchronised_clock() -> None:
    """By the dates of the only host, our clock is 600 s ahead. The machine reports that our clock
    is synchronised. The machine is believed, not the host. So our clock counts as right for looks
    at any host.
    """
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=True)
    hosts_not_believed = list(skew.describe_doubts())
    assert hosts_not_believed == ["wrong.example"]
    assert not is_off(skew.bounds)  # in general
    assert not is_off(skew.bounds_for("wrong.example"))
    assert not is_off(skew.bounds_for("other.example"))


def test_one_host_is_believed_if_machine_reports_unsynchronised_clock() -> None:
    """By the dates of the only host, our clock is 600 s ahead. The machine reports that our clock
    is not synchronised. So the host is believed. Our clock counts as wrong ("off") for looks at any
    host.
    """
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=False)
    hosts_not_believed = list(skew.describe_doubts())
    assert hosts_not_believed == []
    assert is_off(skew.bounds)  # in general
    assert is_off(skew.bounds_for("wrong.example"))
    assert is_off(skew.bounds_for("other.example"))


def test_one_host_counts_only_for_itself_without_machine_report() -> None:
    """By the dates of the only host, our clock is 600 s ahead. The machine does not report about
    our clock (None). So no one can say whether the host or our clock is wrong. Our clock counts as
    wrong ("off") only for looks at that host.
    """
    skew = skew_after_dates_of_one_wrong_host(is_reported_synchronised=None)
    hosts_in_doubt = list(skew.describe_doubts())
    assert hosts_in_doubt == ["wrong.example"]
    assert is_off(skew.bounds_for("wrong.example"))
    assert not is_off(skew.bounds_for("other.example"))
    assert not is_off(skew.bounds)  # in general


@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_two_agreeing_hosts_prove_clock_wrong_whatever_machine_reports(
    *, is_reported_synchronised: bool | None
) -> None:
    """Our clock is 600 s ahead, and two hosts show it by their dates. The machine may report that
    our clock is synchronised, that it is not, or nothing (None).
    """
    skew = Skew(synchronised=lambda: is_reported_synchronised)
    for n in range(3):
        for host in ("a.example", "b.example"):
            skew.observe(host, answer_with_date(at=n * LOOK_EVERY, our_clock_ahead=600.0))
    least, most = skew.bounds
    # Dates are whole seconds, so our clock may be ahead by up to a second less. An answer takes
    # 0.04 s.
    assert 598.9 < least <= 600 <= most
    # Our clock also counts as wrong ("off") for looks at a host that has sent no date.
    assert is_off(skew.bounds_for("other.example"))


def test_clock_error_that_one_host_shows_counts_only_for_it() -> None:
    """Our clock is 0.9 s ahead. Host a sends ten dates, which together prove that. Host b sends
    only one. The date of host b is second 20, which means any time from 20 to 21. By our clock, the
    look was from 20.95 to 20.99. So by host b, our clock may be right. Thus only one host proves
    the error, and two are needed.
    """
    skew = Skew()
    for n in range(10):
        skew.observe("a", answer_with_date(at=n * LOOK_EVERY, our_clock_ahead=0.9))
    skew.observe("b", answer_with_date(at=20.05, our_clock_ahead=0.9))
    # For looks at host a, our clock is at least half a second ahead.
    least_for_a, _ = skew.bounds_for("a")
    assert least_for_a > 0.5
    # For looks at host b, and in general, our clock counts as right: it may be 0 s ahead.
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
def test_date_over_a_day_from_our_clock_is_ignored(
    *, absurd_date: str, is_reported_synchronised: bool | None
) -> None:
    """Our clock says noon on 26 November 2026. A host sends an absurd date three times, for example
    in the year 9999. The machine may report that our clock is synchronised, that it is not, or
    nothing (None). In each case the date is ignored: times are certain, and our clock counts as
    right for looks at any host.
    """
    skew = Skew(synchronised=lambda: is_reported_synchronised)
    answer = Answer("https://a.example/", 200, {"date": absurd_date}, b"", sent=NOON, received=NOON)
    for _ in range(3):
        is_time_certain = skew.observe("a.example", answer)
        assert is_time_certain
    least_and_most_seconds_ahead = (0.0, 0.0)
    assert skew.bounds_for("a.example") == least_and_most_seconds_ahead
    assert skew.bounds_for("other.example") == least_and_most_seconds_ahead


@pytest.mark.parametrize("absurd_date", ABSURD)
@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_host_with_readable_but_ignored_dates_is_logged_once(
    *, absurd_date: str, is_reported_synchronised: bool | None
) -> None:
    """A host sends the same absurd date three times, over a day from our clock, so it is ignored.
    That is logged once. Some dates, for example at the end of the year 9999 in a zone behind UTC,
    are beyond Python's calendar. They cannot be read, so nothing is logged. It never matters what
    the machine reports about our clock.
    """
    skew = Skew(synchronised=lambda: is_reported_synchronised)
    answer = Answer("https://a.example/", 200, {"date": absurd_date}, b"", sent=NOON, received=NOON)
    with capture_logs() as lines:
        for _ in range(3):
            skew.observe("a.example", answer)
    logged_hosts = [line["host"] for line in lines if line["event"] == "date_ignored"]
    is_readable = mail_date(absurd_date) is not None
    assert logged_hosts == (["a.example"] if is_readable else [])


def test_host_is_listed_until_its_absurd_date_becomes_plausible() -> None:
    """`describe_doubts` lists the hosts whose dates are not believed.

    First host a sends a date in the year 9999.
    """
    skew = Skew()
    year_9999 = {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    skew.observe("a", Answer("https://a.example/", 200, year_9999, b"", sent=NOON, received=NOON))
    assert list(skew.describe_doubts()) == ["a"]
    # Then it sends the right date.
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
    ids=[
        "two hosts agree",
        "the machine does not know",
        "the machine says it is right",
        "one host is not enough",
    ],
)
def test_ten_year_clock_error_must_be_shown_by_two_hosts(
    *, hosts: list[str], is_reported_synchronised: bool | None, is_noticed: bool
) -> None:
    """Our clock is ten years behind, and one or two hosts send right dates. These are far from our
    clock. The machine may report that our clock is synchronised, that it is not, or nothing (None).
    The error is noticed only if two hosts agree, and the machine does not report a synchronised
    clock. Else the dates are ignored.
    """
    skew, ten_years = Skew(synchronised=lambda: is_reported_synchronised), 10 * 365 * 86_400.0
    for host in hosts:
        skew.observe(host, answer_with_date(at=0.0, our_clock_ahead=-ten_years))
    assert is_off(skew.bounds) is is_noticed
    # If the dates were ignored, no date is known.
    assert skew.is_known() is is_noticed


@pytest.mark.parametrize("is_reported_synchronised", [False, None])
def test_first_plausible_date_shows_that_ten_year_error_was_corrected(
    *, is_reported_synchronised: bool | None
) -> None:
    """Our clock is ten years behind. Hosts a and b agree, so that is believed. Then our clock is
    set right. Host c sends a date within a day of our clock, which is plausible. It counts more
    than dates that are far from it. The machine reports that our clock is not synchronised, or
    nothing (None).
    """
    skew, ten_years = Skew(synchronised=lambda: is_reported_synchronised), 10 * 365 * 86_400.0
    for host in ("a", "b"):
        skew.observe(host, answer_with_date(at=0.0, our_clock_ahead=-ten_years))
    assert is_off(skew.bounds)  # our clock counts as wrong
    skew.observe("c", answer_with_date(at=1.0))
    assert not is_off(skew.bounds)


def test_date_of_old_cached_copy_casts_no_doubt_on_clock() -> None:
    """A cache answers with a copy that is three days old by its `Age`. Its `Date` is three days old
    too. So it is the date at which the copy was made, and our clock may be right.
    """
    skew, three_days = Skew(), 3 * 86_400
    skew.observe("a", answer_with_date(at=0.0, age=three_days, keeps_origin_date=True))
    # The date is used, not ignored like others over a day from our clock. No host is doubted.
    assert skew.is_known()
    assert skew.describe_doubts() == {}


@pytest.mark.parametrize("keeps_origin_date", [True, False])
@pytest.mark.parametrize("our_clock_ahead", [0.0, -45.0, 45.0])
def test_one_cached_copy_shows_clock_error_to_3_2_s(
    *, keeps_origin_date: bool, our_clock_ahead: float
) -> None:
    """Our clock is right, 45 s ahead or 45 s behind. A cache answers four looks with the same copy.
    The `Age` of the copy grows from 300 to 321 s. The cache sends the date at which the copy was
    made (`keeps_origin_date`), or that of the look. Four answers show which. So the error of our
    clock becomes known.
    """
    skew = skew_of_unsynchronised_clock()  # so one host can prove our clock wrong
    for second in (0, 7, 14, 21):
        answer = answer_with_date(
            at=second,
            our_clock_ahead=our_clock_ahead,
            age=300 + second,
            keeps_origin_date=keeps_origin_date,
        )
        is_time_certain = skew.observe("a", answer)
        assert is_time_certain
    # The error is within these bounds, which are close: dates and ages are whole seconds.
    least, most = skew.bounds
    assert least <= our_clock_ahead <= most
    assert most - least < 3.2


def test_cached_copy_shows_clock_error_only_beside_earlier_answer() -> None:
    """Our clock is right. A cache sends copies that are over 300 s old, with the date of the look.
    A date could also be that of the copy. Two answers of one address show which: the date of a copy
    stays equal. To compare, one answer of each host is kept for 120 s. Here it is at first one of
    another address.
    """
    skew, other_address, our_address = Skew(), "https://a.example/other", "https://a.example/ours"

    def observe_copy(url: str, second: int) -> None:
        skew.observe("a", replace(answer_with_date(at=second, age=300 + second), url=url))

    # 1. The answer of the other address is kept. Those of our address cannot be compared with it.
    observe_copy(other_address, second=0)
    observe_copy(our_address, second=2)
    observe_copy(our_address, second=12)
    most_seconds_wrong = largest_offset(skew.bounds)
    # the dates may be 300 s old, and then our clock is 300 s behind
    assert most_seconds_wrong > 300
    # 2. After 120 s, an answer of our address is kept instead. The next one is compared with it:
    #    the date has grown.
    observe_copy(our_address, second=140)
    observe_copy(our_address, second=160)
    most_seconds_wrong = largest_offset(skew.bounds)
    assert most_seconds_wrong < 3.2  # dates and ages are whole seconds


def test_clock_set_back_45_s_is_noticed_from_old_copies() -> None:
    """A cache answers every 7 s with the same copy. Its `Date` stays the same, and its `Age` grows.
    Our clock is right until second 140. Then it is set back by 45 s.
    """
    skew = skew_of_unsynchronised_clock()  # so one host can prove our clock wrong
    for second in range(0, 280, 7):
        our_clock_ahead = 0.0 if second < 140 else -45.0
        answer = answer_with_date(
            at=second, our_clock_ahead=our_clock_ahead, age=300 + second, keeps_origin_date=True
        )
        skew.observe("a", answer)
    # the least and most seconds that our clock is ahead (negative: behind)
    least, most = skew.bounds
    assert least <= -45.0 <= most
    # The bounds are a few seconds apart, because dates and ages are whole seconds.
    assert most < -40.0


class AnswerOfCache(NamedTuple):
    seconds_since_last: float
    has_new_copy: bool
    sends_origin_date: bool


@given(
    st.lists(
        st.builds(AnswerOfCache, st.floats(0, 20), st.booleans(), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whenever_cache_renews_its_copy(
    answers: list[AnswerOfCache], our_clock_ahead: float
) -> None:
    """Our clock is wrong by some constant number of seconds. A cache answers up to 40 looks with
    copies. Random are the time between two looks, when the cache renews its copy, and which date it
    sends: that of the look or that of the copy. The bounds (the least and most seconds that our
    clock is ahead) may never miss the true number.
    """
    skew = skew_of_unsynchronised_clock()  # so one host can prove our clock wrong
    now, copied_at = 0.0, -300.0
    for seconds_since_last, has_new_copy, sends_origin_date in answers:
        now += seconds_since_last
        if has_new_copy:
            copied_at = now
        age = int(now - copied_at)
        answer = answer_with_date(
            at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date
        )
        # No clock is ever set, so no date may seem to contradict another.
        is_time_certain = skew.observe("a", answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6  # of floating-point numbers
    assert least - rounding <= our_clock_ahead <= most + rounding


class AnswerOfHost(NamedTuple):
    host: str
    seconds_since_last: float
    age: int
    sends_origin_date: bool


@given(
    st.lists(
        st.builds(
            AnswerOfHost,
            st.sampled_from("abc"),
            st.floats(0, 3),
            st.integers(0, 300),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whatever_ages_three_hosts_send(
    answers: list[AnswerOfHost], our_clock_ahead: float
) -> None:
    """Our clock is wrong by some constant number of seconds. Three hosts answer with copies from
    caches. Random are which host answers when, how old its copy is, and which date it sends: that
    of the look or of the copy. The bounds (the least and most seconds that our clock is ahead) may
    never miss the true number.
    """
    skew, now = skew_of_unsynchronised_clock(), 0.0
    for host, seconds_since_last, age, sends_origin_date in answers:
        now += seconds_since_last
        answer = answer_with_date(
            at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date
        )
        # No clock is ever set, so no date may seem to contradict another.
        is_time_certain = skew.observe(host, answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6  # of floating-point numbers
    assert least - rounding <= our_clock_ahead <= most + rounding
