"""Summaries go out by the calendar: once, at their local time, and with what is so then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.incident import Action
from alerts.notice import Notice
from alerts.rota import Shift
from monitor.app.reporting_options import make_summary_schedules
from monitor.clock import VirtualClock
from monitor.config.people import SummarySettings
from monitor.config.settings import Settings
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Summaries, SummarySchedule
from monitor.deliver.summary_text import Summary, SummaryFacts, evening_summary, monthly_summary, morning_summary
from monitor.deliver.verdicts import VerdictRecorder, body_of
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import directly, record
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT
from tests.worlds.rotas import a_rota
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import Case, a_late_verdict

FRIDAY = date(2018, 1, 5)
MONDAY = date(2018, 1, 8)
NAMES = {"ofqual": "Ofqual"}
WAYS = {"alice": "alice-phone", "bob": "bob-phone"}
ROTA = a_rota(WAYS, Shift("bob", after_slot(0), after_slot(86_400)), name="duty")
RISKS = {("www.gov.uk", MONDAY): "www.gov.uk: 175 parts are promised", ("www.gov.uk", FRIDAY): "www.gov.uk: too much"}


def schedules(*tables: dict[str, Any]) -> list[SummarySchedule]:
    given = [{"channels": ["mail"], **table} for table in tables]
    return make_summary_schedules(Settings(summary=[SummarySettings(**table) for table in given]))


def due_between(schedule: SummarySchedule, begin: datetime, days: int) -> list[datetime]:
    times = (schedule.last_due(begin + timedelta(minutes=10 * step)) for step in range(days * 144))
    return sorted({when for when in times if when is not None})


def test_a_summary_falls_due_at_its_local_time_on_its_days() -> None:
    (schedule,) = schedules({"kind": "morning"})
    # The clocks go forward on Sunday 25 March 2018.
    due = due_between(schedule, datetime(2018, 3, 23, tzinfo=UTC), 5)
    assert [when.astimezone(UTC).strftime("%a %H:%M") for when in due] == ["Fri 08:45", "Mon 07:45", "Tue 07:45"]


def test_a_monthly_summary_falls_due_on_the_first_of_the_month() -> None:
    (schedule,) = schedules({"kind": "month"})
    due = due_between(schedule, datetime(2018, 1, 20, tzinfo=UTC), 45)
    assert [f"{when:%d %B %H:%M}" for when in due] == ["01 February 09:00", "01 March 09:00"]


def test_a_monitor_that_was_down_sends_a_summary_that_is_not_stale() -> None:
    (schedule,) = schedules({"kind": "morning"})
    begin = datetime(2018, 1, 5, 8, 45, tzinfo=UTC)
    assert [schedule.last_due(begin + timedelta(hours=late)) is not None for late in (-1, 0, 2, 4)] == [
        False,
        True,
        True,
        False,
    ]


def summaries_in(store: TemporaryStore) -> list[Notice]:
    return [one for one in store.outbox.notices() if one.kind == "summary"]


def played(
    tables: Sequence[dict[str, Any]], story: Callable[[Summaries, TemporaryStore, VirtualClock], Awaitable[None]]
) -> None:
    async def board(first: date, last: date, producer: str | None) -> list[dict[str, Any]]:
        rows = [body_of(a_late_verdict(1800.0), None)] if first <= FRIDAY <= last else []
        rows += [body_of(a_late_verdict(-600.0, "monday"), None)] if first <= MONDAY <= last else []
        return [row for row in rows if producer in (None, row["producer"])]

    async def whole(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await record(writer, VerdictRecorder(store, ReportingRules()), a_late_verdict(1800.0), after_slot(1800))
        summaries = Summaries(
            schedules(*tables),
            store,
            writer,
            clock,
            "Europe/London",
            board,
            lambda: RISKS,
            NAMES,
            directly,
            lambda: None,
            rotas={"duty": ROTA},
        )
        await story(summaries, store, clock)
        writer.abandon()

    run_virtually(whole, datetime(2018, 1, 5, 16, 55, tzinfo=UTC))


def test_a_due_summary_is_written_once_for_each_of_its_channels() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        await summaries.write_due()
        assert summaries_in(store) == []
        for _ in range(10):
            await clock.sleep(60)
            await summaries.write_due()
        # After a restart nothing is remembered but what the store holds.
        summaries._written.clear()  # a restart
        await summaries.write_due()
        (notice,) = summaries_in(store)
        assert notice.kind == "summary"
        assert sorted(row.channel for row in store.outbox.deliveries(notice.id)) == ["chat", "mail"]

    played([{"kind": "evening", "channels": ["mail", "chat"]}], story)


def test_a_summary_goes_once_to_each_channel_and_to_the_person_on_call() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        await clock.sleep(300)
        await summaries.write_due()
        (notice,) = summaries_in(store)
        assert sorted(row.channel for row in store.outbox.deliveries(notice.id)) == ["bob-phone", "mail"]

    played([{"kind": "evening", "channels": ["mail", "duty", "bob-phone"]}], story)


def test_an_evening_summary_has_results_owed_reports_and_the_risks_of_the_next_day_with_releases() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        await clock.sleep(300)
        await summaries.write_due()
        (notice,) = summaries_in(store)
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
            "- Malpractice (ofqual): for 7 h, r-2018-01-05",
        ]

    played([{"kind": "evening"}], story)


def test_a_summary_lists_overdue_actions_with_their_owner() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        (known,) = store.verdicts.incidents()
        late = Action("Renew the\ncertificate", "web team", date(2018, 1, 4))
        with store.transaction() as tx:
            tx.save_incident(replace(known, actions=(late, replace(late, due=FRIDAY))))
        await clock.sleep(300)
        await summaries.write_due()
        (notice,) = summaries_in(store)
        assert notice.subject == "Friday 5 January 2018: 1 LATE; 1 report owed; 1 action overdue"
        assert notice.text.splitlines()[-2:] == [
            "Actions overdue:",
            "- web team, by 4 January 2018: Renew the certificate, no. 1 of r-2018-01-05",
        ]

    played([{"kind": "evening"}], story)


def test_a_summary_of_one_producer_omits_the_others() -> None:
    async def story(summaries: Summaries, store: TemporaryStore, clock: VirtualClock) -> None:
        await clock.sleep(300)
        await summaries.write_due()
        (notice,) = summaries_in(store)
        assert notice.subject == "Friday 5 January 2018: nothing was due"

    played([{"kind": "evening", "producer": "ons"}], story)


def test_a_morning_summary_lists_due_releases_and_risks() -> None:
    row = body_of(a_late_verdict(-600.0), None)
    doubtful = row | {"id": "s", "title": "Other", "slot": row["slot"] | {"doubt": "its zone was guessed"}}
    told = morning_summary(
        SummaryFacts(
            after_slot(-3000), FRIDAY, FRIDAY, [row, doubtful], risks=RISKS, names=NAMES, link="https://b.example"
        )
    )
    assert told.subject == "Today, Friday 5 January 2018: 2 releases due; 2 at risk"
    assert "- 09:30 GMT, Malpractice (Ofqual)\n" in told.text
    assert "At risk:\n- Other (Ofqual): its zone was guessed\n- www.gov.uk: too much\n" in told.text
    assert told.text.endswith("Board: https://b.example\n")


def test_too_many_releases_to_list_are_counted_by_slot_and_producer() -> None:
    row = body_of(a_late_verdict(-600.0), None)
    rows = [row | {"id": f"r{number}"} for number in range(175)]
    assert (
        "Due:\n- 09:30 GMT, Ofqual: 175\n"
        in morning_summary(SummaryFacts(after_slot(-3000), FRIDAY, FRIDAY, rows, names=NAMES)).text
    )


def test_a_monthly_summary_counts_only_judged_releases() -> None:
    late, fine = body_of(a_late_verdict(1800.0), None), body_of(a_late_verdict(1800.0, "s", 0.5), None)
    unproven = late | {"verdict": "unproven"}
    told = monthly_summary(
        SummaryFacts(after_slot(0), date(2018, 1, 1), date(2018, 1, 31), [late, fine, fine, unproven], names=NAMES)
    )
    assert told.subject == "1 January 2018 to 31 January 2018: 2 of 3 on time, 66.7 % (1 not judged)"
    assert "- Ofqual: 2 of 3 on time, 66.7 % (1 not judged)\n" in told.text
    assert "ninethirty report period --from 2018-01-01 --to 2018-01-31" in told.text


@pytest.mark.parametrize("kind", [morning_summary, evening_summary])
def test_a_release_overdue_for_days_is_in_each_summary_with_its_current_delay(
    kind: Callable[[SummaryFacts], Summary],
) -> None:
    told = []
    for days in (1, 3):
        row = body_of(Case(86_400.0 * days, [(-60, ABSENT)], every=60.0).verdict(), None)
        day = FRIDAY + timedelta(days=days)
        told.append(kind(SummaryFacts(after_slot(86_400 * days), day, day, [], missing=[row], names=NAMES)))
    assert [one.subject.partition("; ")[2] for one in told] == ["1 still not out"] * 2
    due = "Due on an earlier day, still not out:\n- Friday 5 January 2018, 09:30 GMT, Malpractice (Ofqual): OVERDUE, "
    assert f"{due}at least 1 d\n" in told[0].text
    assert f"{due}at least 3 d\n" in told[1].text


def test_a_release_of_an_earlier_day_is_listed_only_while_it_is_overdue() -> None:
    row = body_of(a_late_verdict(1800.0), None)

    async def board(first: date, last: date, _producer: str | None) -> list[dict[str, Any]]:
        earlier = [row | {"verdict": verdict} for verdict in ("overdue", "late", "on_time")]
        return earlier if first <= FRIDAY <= last else []

    async def whole(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer, day = Writer(store, clock), schedules({"kind": "morning"})
        made = Summaries(day, store, writer, clock, "Europe/London", board, dict, NAMES, directly, lambda: None)
        await made.write_due()
        (notice,) = summaries_in(store)
        assert notice.subject == "Today, Monday 8 January 2018: nothing is due; 1 still not out"
        writer.abandon()

    run_virtually(whole, datetime(2018, 1, 8, 8, 50, tzinfo=UTC))


def test_a_summary_of_a_day_without_releases_says_so() -> None:
    facts = SummaryFacts(after_slot(0), FRIDAY, FRIDAY, [], next=FRIDAY + timedelta(days=1))
    assert morning_summary(facts).subject == "Today, Friday 5 January 2018: nothing is due"
    assert evening_summary(facts).text == (
        "Friday 5 January 2018: nothing was due.\n\nNext, Saturday 6 January 2018: nothing is due\n"
    )
    assert monthly_summary(replace(facts, first=date(2018, 1, 1))).subject.endswith("nothing was due")
