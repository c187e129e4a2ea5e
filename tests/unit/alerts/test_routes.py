from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notice import Notice
from alerts.routes import Route, select_channels
from tests.worlds.routes import a_route

LONDON = "Europe/London"
NIGHT = datetime(2018, 7, 5, 22, 30, tzinfo=UTC)
"""Half past eleven in London, in summer."""
CHANNELS = ("mail", "pager", "folder")


def make_notice(
    grade: str = "report", kind: str = "opened", findings: tuple[str, ...] = ("late", "partial")
) -> Notice:
    return Notice("n", kind, "i", "r", "ofqual", grade, findings, NIGHT, "s", "t")


def send_times(
    notice: Notice, routes: list[Route], now: datetime = NIGHT
) -> list[tuple[str, datetime]]:
    """Return the channels that get a notice, each with the instant from which it may be sent."""
    return select_channels(notice, routes, CHANNELS, now, LONDON)


def channels_notified(notice: Notice, routes: list[Route]) -> list[str]:
    return [name for name, _ in send_times(notice, routes)]


def silence(finding: str) -> Route:
    """Return a route without channels for a finding, which suppresses its notices."""
    return a_route(finding=finding)


def test_without_routes_every_channel_is_notified() -> None:
    assert channels_notified(make_notice(), []) == [*CHANNELS]


def test_a_notice_that_no_route_matches_goes_to_every_channel() -> None:
    assert channels_notified(make_notice(), [a_route("pager", producer="ons")]) == [*CHANNELS]


def test_notice_matched_only_by_route_without_channels_is_not_sent() -> None:
    assert send_times(make_notice("note"), [a_route(grade="note")]) == []


@pytest.mark.parametrize(
    ("route", "expected"),
    [(a_route("mail", finding="altered"), ["mail"]), (a_route(finding="withdrawn"), [])],
)
def test_route_for_removals_or_alterations_takes_notice_of_removal(
    route: Route, expected: list[str]
) -> None:
    """`altered` is the general name of `withdrawn` (removed after its release). For example, a
    route for `altered` to the channel `mail` sends this notice by mail. A route for `withdrawn`
    without channels suppresses it.
    """
    removal = make_notice(grade="none", kind="altered", findings=("altered", "withdrawn"))
    assert channels_notified(removal, [route]) == expected


@pytest.mark.parametrize(
    "route",
    [
        a_route("pager", producer="ofqual"),
        a_route("pager", producer="of*"),
        a_route("pager", grade="report"),
        a_route("pager", finding="la*"),
        a_route("pager", producer="ofqual", grade="report", finding="late"),
    ],
)
def test_notice_goes_to_route_whose_every_pattern_it_matches(route: Route) -> None:
    """The notice is about producer `ofqual`, has the grade `report` and the findings `late` and
    `partial`.
    """
    assert send_times(make_notice(), [route]) == [("pager", NIGHT)]


@pytest.mark.parametrize(
    "findings",
    [
        ("late", "short_notice"),
        ("late", "partial"),
        ("late", "stale_edge"),
        ("early", "early_exposure", "withdrawn"),
        ("calendar", "calendars_disagree", "short_notice"),
        ("unproven", "short_notice"),
    ],
)
def test_notice_is_sent_if_only_its_last_finding_is_silenced(findings: tuple[str, ...]) -> None:
    """For example, a release is late, and was moved at short notice. A route silences
    `short_notice`, the last finding of the notice. The notice is still sent, because the release is
    also late.
    """
    notice = make_notice(findings=findings)
    assert channels_notified(notice, [silence(findings[-1])]) == [*CHANNELS]


@pytest.mark.parametrize(
    "findings", [("early", "early_exposure", "late"), ("late", "unannounced"), ("late", "lead")]
)
def test_notice_of_two_faults_is_sent_if_first_is_silenced(findings: tuple[str, ...]) -> None:
    """For example, a release was public early and then late.

    No route takes the second fault, so it must be sent.
    """
    first_fault, *_ = findings
    assert channels_notified(make_notice(findings=findings), [silence(first_fault)]) == [*CHANNELS]


def test_route_for_detail_adds_its_channel_to_route_for_late() -> None:
    """A late release was moved at short notice.

    `late` is the main finding of its notice, `short_notice` a detail.
    """
    late_at_short_notice = make_notice(findings=("late", "short_notice"))
    route_for_late, route_for_detail = (
        a_route("pager", finding="late"),
        a_route("mail", finding="short_notice"),
    )
    assert channels_notified(late_at_short_notice, [route_for_late]) == ["pager"]
    assert channels_notified(late_at_short_notice, [route_for_late, route_for_detail]) == [
        "mail",
        "pager",
    ]


def test_late_notice_reaches_all_channels_if_only_detail_is_routed() -> None:
    """No route takes `late`, and a finding that no route takes goes to every channel."""
    late_at_short_notice = make_notice(findings=("late", "short_notice"))
    route_for_detail = a_route("mail", finding="short_notice")
    assert channels_notified(late_at_short_notice, [route_for_detail]) == [*CHANNELS]


@pytest.mark.parametrize(
    ("findings", "silenced_finding"),
    [
        (("partial", "late"), "partial"),
        (("partial", "late"), "late"),
        (("stale_edge", "late"), "stale_edge"),
        (("late", "elsewhere_first", "partial", "platform"), "late"),
        (("early", "early_exposure"), "early"),
        (("early", "early_exposure"), "early_exposure"),
        (("calendar", "calendars_disagree", "short_notice"), "calendar"),
    ],
)
def test_silencing_main_finding_by_either_name_suppresses_notice(
    findings: tuple[str, ...], silenced_finding: str
) -> None:
    """`late` is the general name of `partial` and `stale_edge`, and `early` is that of
    `early_exposure`. For example, a notice of `partial` and `late` is suppressed by silencing one
    of them.
    """
    route_without_channels = a_route(finding=silenced_finding)
    assert send_times(make_notice(findings=findings), [route_without_channels]) == []


def test_notice_is_silenced_if_a_route_silences_each_finding() -> None:
    notice = make_notice(findings=("late", "short_notice"))
    assert send_times(notice, [silence("late"), silence("short_notice")]) == []


def test_all_matching_routes_count_and_each_channel_is_notified_once() -> None:
    routes = [a_route("mail", "pager"), a_route("pager", "folder", producer="ofqual")]
    assert channels_notified(make_notice(), routes) == ["mail", "pager", "folder"]


def test_a_channel_that_does_not_exist_is_left_out() -> None:
    assert channels_notified(make_notice(), [a_route("unknown channel", "mail")]) == ["mail"]


QUIET_FROM_22_TO_7 = a_route("mail", quiet=(time(22), time(7)))


def test_quiet_hours_delay_a_note_until_their_end() -> None:
    """The notice is of 23:30 in London. The quiet hours end at 7:00."""
    seven_by_summer_time = datetime(2018, 7, 6, 6, tzinfo=UTC)
    assert send_times(make_notice("note"), [QUIET_FROM_22_TO_7]) == [("mail", seven_by_summer_time)]


def test_quiet_hours_do_not_delay_a_report() -> None:
    """The notice is of 23:30 in London, within the quiet hours."""
    assert send_times(make_notice("report"), [QUIET_FROM_22_TO_7]) == [("mail", NIGHT)]


def test_quiet_hours_end_by_local_clock_despite_clock_change() -> None:
    night_before_summer_time = datetime(2018, 3, 24, 23, tzinfo=UTC)
    seven_by_summer_time = datetime(2018, 3, 25, 6, tzinfo=UTC)
    delayed = send_times(make_notice("note"), [QUIET_FROM_22_TO_7], night_before_summer_time)
    assert delayed == [("mail", seven_by_summer_time)]


def test_channel_on_two_routes_is_notified_at_earlier_time() -> None:
    """The notice is of NIGHT, 23:30.

    By one route the channel has quiet hours until 7:00, by the other it has none.
    """
    routes = [QUIET_FROM_22_TO_7, a_route("mail", producer="ofqual")]
    assert send_times(make_notice("note"), routes) == [("mail", NIGHT)]


def test_a_reminder_goes_to_the_escalation_channels_too() -> None:
    route = a_route("mail", escalate=("pager",))
    assert channels_notified(make_notice(), [route]) == ["mail"]
    assert channels_notified(make_notice(kind="reminder"), [route]) == ["mail", "pager"]


@given(
    now=st.datetimes(datetime(2018, 1, 1), datetime(2019, 1, 1)), begins=st.times(), ends=st.times()
)  # the zone follows
def test_quiet_hours_delay_a_note_for_at_most_25_hours(
    now: datetime, begins: time, ends: time
) -> None:
    """In quiet hours, from `begins` to `ends` by the clock, no `note` is sent.

    All three times are random.
    """
    at = now.replace(tzinfo=UTC)
    ((_, until),) = send_times(make_notice("note"), [a_route("mail", quiet=(begins, ends))], at)
    # No wait is longer than a day, and the day on which the clocks go back has 25 hours.
    assert 0 <= (until - at).total_seconds() <= 25 * 3600
