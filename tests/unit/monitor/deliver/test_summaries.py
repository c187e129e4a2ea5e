"""Summaries are sent once on their days at their local time, with the status of that time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.incident import Action
from alerts.notice import Notice
from alerts.rota import Shift
from monitor.app.options import make_summary_schedules
from monitor.clock import VirtualClock
from monitor.config.people import SummarySettings
from monitor.config.settings import Settings
from monitor.deliver.assessment import body_of
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Board, Summaries, SummarySchedule
from monitor.deliver.summary_text import (
    Summary,
    SummaryFacts,
    evening_summary,
    monthly_summary,
    morning_summary,
)
from monitor.deliver.verdicts import VerdictRecorder
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import play_story, query_at_once, record_verdict
from tests.worlds.instants import DAY, HOUR, MINUTE, SLOT
from tests.worlds.looks import ABSENT
from tests.worlds.rotas import a_rota
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict, judged

FRIDAY = date(2018, 1, 5)
MONDAY = date(2018, 1, 8)
PRODUCER_NAMES = {"ofqual": "Ofqual"}
PHONES = {"alice": "alice-phone", "bob": "bob-phone"}
BOB_ON_CALL = a_rota(PHONES, Shift("bob", SLOT, SLOT + DAY), name="duty")
FRIDAY_EVENING = datetime(2018, 1, 5, 17, tzinfo=UTC)
"""When the summary of kind `evening` is due."""
LATE_BY_20_MINUTES, PENDING = a_late_verdict(1800.0), a_late_verdict(-600.0)
"""Verdicts half an hour after and ten minutes before the slot on Friday, on a release published 20
minutes late.
"""
RISKS = {
    ("www.gov.uk", MONDAY): "www.gov.uk: 175 parts are promised",
    ("www.gov.uk", FRIDAY): "www.gov.uk: too much",
}


def make_schedule(**table: Any) -> SummarySchedule:  # noqa: ANN401 # the keys of a `[[summary]]`
    (schedule,) = make_summary_schedules(
        Settings(summary=[SummarySettings(**{"channels": ["mail"]} | table)])
    )
    return schedule


def due_times(schedule: SummarySchedule, begin: datetime, days: int) -> list[datetime]:
    """Return when summaries are due in the days after `begin`, to the last ten minutes."""
    times = (schedule.last_due(begin + timedelta(minutes=10 * step)) for step in range(days * 144))
    return sorted({when for when in times if when is not None})


def test_morning_summary_is_due_at_8_45_on_working_days() -> None:
    """The clocks go forward on Sunday 25 March 2018, so on Monday 8:45 in London is 7:45 UTC."""
    due = due_times(make_schedule(kind="morning"), datetime(2018, 3, 23, tzinfo=UTC), days=5)
    due_in_utc = [f"{when.astimezone(UTC):%a %H:%M}" for when in due]
    assert due_in_utc == ["Fri 08:45", "Mon 07:45", "Tue 07:45"]


def test_monthly_summary_is_due_at_9_on_the_first() -> None:
    due = due_times(make_schedule(kind="month"), datetime(2018, 1, 20, tzinfo=UTC), days=45)
    assert [f"{when:%d %B %H:%M}" for when in due] == ["01 February 09:00", "01 March 09:00"]


@pytest.mark.parametrize(("hours_late", "is_due"), [(-1, False), (0, True), (2, True), (4, False)])
def test_summary_is_sent_two_hours_late_but_not_four(hours_late: int, *, is_due: bool) -> None:
    """The monitor asks for due summaries so many hours after 8:45, when the morning summary is
    due.
    """
    schedule, due = make_schedule(kind="morning"), datetime(2018, 1, 5, 8, 45, tzinfo=UTC)
    assert (schedule.last_due(now=due + timedelta(hours=hours_late)) is not None) is is_due


def summaries_in(store: TemporaryStore) -> list[Notice]:
    return [one for one in store.outbox.notices() if one.kind == "summary"]


def make_summaries(
    schedule: SummarySchedule,
    board: Board,
    store: TemporaryStore,
    writer: Writer,
    clock: VirtualClock,
) -> Summaries:
    return Summaries(
        [schedule],
        store,
        writer,
        clock,
        "Europe/London",
        board,
        risks=lambda: RISKS,
        names=PRODUCER_NAMES,
        ask=query_at_once,
        wake=lambda: None,
        rotas={"duty": BOB_ON_CALL},
    )


def play_friday_evening(
    schedule: SummarySchedule,
    story: Callable[[Summaries, TemporaryStore, VirtualClock], Awaitable[None]],
) -> None:
    """Run a monitor with this summary from 16.55 on a Friday with one late release.

    One is due on Monday.
    """

    async def board(first: date, last: date, producer: str | None) -> list[dict[str, Any]]:
        rows = [body_of(LATE_BY_20_MINUTES, None)] if first <= FRIDAY <= last else []
        rows += [body_of(a_late_verdict(-600.0, "monday"), None)] if first <= MONDAY <= last else []
        return [row for row in rows if producer in (None, row["producer"])]

    async def run_story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await record_verdict(writer, VerdictRecorder(ReportingRules()), LATE_BY_20_MINUTES)
        await story(make_summaries(schedule, board, store, writer, clock), store, clock)
        writer.abandon()

    run_virtually(run_story, FRIDAY_EVENING - 5 * MINUTE)


async def write_the_summary(
    summaries: Summaries, store: TemporaryStore, clock: VirtualClock
) -> Notice:
    """Wait until the evening summary is due, write it, and return it."""
    await clock.sleep((FRIDAY_EVENING - clock.now()).total_seconds())
    await summaries.write_due()
    (notice,) = summaries_in(store)
    return notice


def test_a_due_summary_is_written_once_even_after_a_restart() -> None:
    """It is Friday, 16:55.

    The evening summary is due at 17:00. The monitor checks each minute whether one is due.

    It writes the summary once. After a restart it finds in the store that this was done, so it does
    not write it again.
    """

    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        await summaries.write_due()
        assert summaries_in(store) == []
        for _ in range(10):
            await clock.sleep(60)
            await summaries.write_due()
        summaries._written.clear()  # as after a restart: the monitor itself has forgotten it
        await summaries.write_due()
        assert len(summaries_in(store)) == 1

    play_friday_evening(make_schedule(kind="evening"), story)


def test_summary_goes_once_to_each_channel_and_person_on_call() -> None:
    """A summary is for mail, chat, Bob's phone, and the person on call by the rota `duty`.

    That is Bob.

    So his phone is named twice. Still, he gets the summary once.
    """

    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        notice = await write_the_summary(summaries, store, clock)
        channels = sorted(delivery.channel for delivery in store.outbox.deliveries(notice.id))
        assert channels == ["bob-phone", "chat", "mail"]

    play_friday_evening(
        make_schedule(kind="evening", channels=["mail", "chat", "duty", "bob-phone"]), story
    )


def test_evening_summary_has_results_owed_reports_and_coming_risks() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        notice = await write_the_summary(summaries, store, clock)
        assert notice.subject == "Friday 5 January 2018: 1 LATE; 1 report owed"
        assert notice.text.splitlines()[1:] == [
            "",
            "Not on time, or not proved:",
            "- 09:30 GMT, Malpractice (Ofqual): LATE, 20 min to 20 min 1 s",
            "",
            "Next, Monday 8 January 2018: 1 release due",
            "- 09:30 GMT: 1",
            "",
            "At risk:",
            "- www.gov.uk: 175 parts are promised",
            "",
            "Reports owed, neither signed nor waived:",
            # The incident opened half an hour after the slot at 9:30, and the summary is of 17:00.
            "- Malpractice (ofqual): for 7 h, r-2018-01-05",
        ]

    play_friday_evening(make_schedule(kind="evening"), story)


def test_a_summary_lists_overdue_actions_with_their_owner() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        (incident,) = store.verdicts.incidents()
        overdue = Action("Renew the\ncertificate", "web team", FRIDAY - timedelta(days=1))
        due_today = replace(overdue, due=FRIDAY)
        with store.transaction() as tx:
            tx.save(replace(incident, actions=(overdue, due_today)))
        notice = await write_the_summary(summaries, store, clock)
        assert notice.subject == "Friday 5 January 2018: 1 LATE; 1 report owed; 1 action overdue"
        assert notice.text.splitlines()[-2:] == [
            "Actions overdue:",
            "- web team, by 4 January 2018: Renew the certificate, no. 1 of r-2018-01-05",
        ]

    play_friday_evening(make_schedule(kind="evening"), story)


def test_a_summary_of_one_producer_omits_releases_of_others() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        notice = await write_the_summary(summaries, store, clock)
        # The only release of Friday is of Ofqual, but this summary is of ONS.
        assert notice.subject == "Friday 5 January 2018: nothing was due"

    play_friday_evening(make_schedule(kind="evening", producer="ons"), story)


def test_morning_summary_lists_due_releases_risks_and_board_address() -> None:
    row = body_of(PENDING, None)
    doubtful = row | {
        "id": "s",
        "title": "Other",
        "slot": row["slot"] | {"doubt": "its zone was guessed"},
    }
    facts = SummaryFacts(
        now=SLOT - HOUR, first=FRIDAY, last=FRIDAY, rows=[row, doubtful], names=PRODUCER_NAMES
    )
    summary = morning_summary(replace(facts, risks=RISKS, link="https://b.example"))
    assert summary.subject == "Today, Friday 5 January 2018: 2 releases due; 2 at risk"
    assert "- 09:30 GMT, Malpractice (Ofqual)\n" in summary.text
    # RISKS has a risk at the host for Monday, and one for Friday, the day of the summary: too much.
    assert (
        "At risk:\n- Other (Ofqual): its zone was guessed\n- www.gov.uk: too much\n" in summary.text
    )
    assert summary.text.endswith("Board: https://b.example\n")


def test_too_many_releases_are_counted_by_slot_and_producer() -> None:
    rows = [body_of(PENDING, None) | {"id": f"r{number}"} for number in range(175)]
    summary = morning_summary(
        SummaryFacts(now=SLOT - HOUR, first=FRIDAY, last=FRIDAY, rows=rows, names=PRODUCER_NAMES)
    )
    assert "Due:\n- 09:30 GMT, Ofqual: 175\n" in summary.text


def test_monthly_summary_gives_command_for_report_of_its_producer() -> None:
    facts = SummaryFacts(
        now=SLOT, first=date(2017, 12, 1), last=date(2017, 12, 31), rows=[], producer="ofqual"
    )
    command = (
        "ninethirty report period --from 2017-12-01 --to 2017-12-31 --producer ofqual --output"
        " report.docx"
    )
    assert command in monthly_summary(facts).text


def test_a_monthly_summary_counts_only_judged_releases() -> None:
    """Of four releases in a month, one was late and two were on time.

    One is unproven: no look shows whether it was.

    The unproven one does not count as judged. So two of three were on time, which is 66.7 %.
    """
    half_a_second_late = a_late_verdict(1800.0, "s", seconds_late=0.5)  # which is on time
    late, on_time = body_of(LATE_BY_20_MINUTES, None), body_of(half_a_second_late, None)
    rows = [late, on_time, on_time, late | {"verdict": "unproven"}]
    first, last = date(2018, 1, 1), date(2018, 1, 31)
    summary = monthly_summary(
        SummaryFacts(now=SLOT, first=first, last=last, rows=rows, names=PRODUCER_NAMES)
    )
    assert (
        summary.subject
        == "1 January 2018 to 31 January 2018: 2 of 3 on time, 66.7 % (1 not judged)"
    )
    assert "- Ofqual: 2 of 3 on time, 66.7 % (1 not judged)\n" in summary.text
    assert "ninethirty report period --from 2018-01-01 --to 2018-01-31" in summary.text


@pytest.mark.parametrize("days", [1, 3])
@pytest.mark.parametrize("make_summary", [morning_summary, evening_summary])
def test_release_overdue_for_days_is_in_each_summary(
    make_summary: Callable[[SummaryFacts], Summary], days: int
) -> None:
    """A release was due on a Friday.

    One or three days later, its page is still absent, as looks each minute show.

    The morning and evening summaries of that day say so.
    """
    first_look = -60  # in seconds after the slot
    overdue = judged(days * DAY.total_seconds(), [(first_look, ABSENT)], every=60.0)
    row = body_of(overdue, None)
    day = FRIDAY + timedelta(days=days)
    facts = SummaryFacts(
        now=SLOT + days * DAY, first=day, last=day, rows=[], missing=[row], names=PRODUCER_NAMES
    )
    summary = make_summary(facts)
    assert summary.subject.endswith("; 1 still not out")
    assert (
        "Due on an earlier day, still not out:\n"
        f"- Friday 5 January 2018, 09:30 GMT, Malpractice (Ofqual): OVERDUE, at least {days} d\n"
        in summary.text
    )


def test_release_of_an_earlier_day_is_listed_only_while_overdue() -> None:
    """Three releases were due on Friday.

    One is overdue: it is still not out. One came late, and one was on time.

    The summary of Monday morning only names the first: "1 still not out".
    """
    row = body_of(LATE_BY_20_MINUTES, None)
    of_friday = [row | {"verdict": verdict} for verdict in ("overdue", "late", "on_time")]

    async def board(first: date, last: date, _producer: str | None) -> list[dict[str, Any]]:
        return of_friday if first <= FRIDAY <= last else []

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        summaries = make_summaries(make_schedule(kind="morning"), board, store, writer, clock)
        summaries.risks = dict  # none, so that the subject has only the releases
        await summaries.write_due()
        (notice,) = summaries_in(store)
        assert notice.subject == "Today, Monday 8 January 2018: nothing is due; 1 still not out"

    play_story(story, begins=datetime(2018, 1, 8, 8, 50, tzinfo=UTC))


def test_a_summary_of_a_day_without_releases_says_so() -> None:
    facts = SummaryFacts(
        now=SLOT, first=FRIDAY, last=FRIDAY, rows=[], next=FRIDAY + timedelta(days=1)
    )
    assert morning_summary(facts).subject == "Today, Friday 5 January 2018: nothing is due"
    assert (
        evening_summary(facts).text
        == "Friday 5 January 2018: nothing was due.\n\nNext, Saturday 6 January 2018: nothing is"
        " due\n"
    )
    assert monthly_summary(replace(facts, first=date(2018, 1, 1))).subject.endswith(
        "nothing was due"
    )
