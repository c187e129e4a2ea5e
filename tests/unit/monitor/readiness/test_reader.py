"""What a store and a configuration say about the next slots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.deliver.rules import Links, ReportingRules
from monitor.look.redirect import OTHER_HOST
from monitor.plan.budget import Budget
from monitor.readiness.line import Line, Readiness
from monitor.readiness.reader import ReadinessReader
from monitor.store.rows import CHANNEL_TESTED, Actor, DeliveryState, Heartbeat
from monitor.watch.planner import WatchRules
from schedules.announcement import State
from tests.worlds.incidents import a_notice
from tests.worlds.instants import DAY, HOUR, MINUTE, SECOND, SLOT
from tests.worlds.looks import UNKNOWN, a_run
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.stores import TemporaryStore, a_read, a_sent_delivery, a_verdict_row

NOW = SLOT - 30 * MINUTE
TODAY, NEXT_MONDAY = SLOT.date(), SLOT.date() + timedelta(days=3)


def a_reader(store: TemporaryStore, **fields: object) -> ReadinessReader:
    rules = ReportingRules(
        channels=("mail",), producers={"ofqual": {"name": "Ofqual", "contact": "press office"}}
    )
    usual = ReadinessReader(
        store, WatchRules(), rules, Links(), Budget(), {"govuk": timedelta(minutes=10)}
    )
    return replace(usual, **fields)


@pytest.fixture
def store() -> TemporaryStore:
    """Return a store with one release that was confirmed and seen absent five minutes ago."""
    made = TemporaryStore()
    with made.transaction() as tx:
        tx.save(a_release(), a_run(first=NOW - HOUR, last=NOW - 5 * MINUTE, status=404))
        tx.add_promises([a_promise(confirmed_at=NOW - 5 * MINUTE)])
        tx.save(a_read(NOW - 5 * MINUTE), Heartbeat("edge", NOW - SECOND))
    return made


def line_of(reader: ReadinessReader, check: str, now: datetime = NOW) -> Line:
    (line,) = (line for line in reader.assess_day(TODAY, now).lines if line.check == check)
    return line


def test_prepared_release_is_ready_by_what_the_store_knows(store: TemporaryStore) -> None:
    reader = a_reader(store)
    states = {line.check: line.state for line in reader.assess_day(TODAY, NOW).lines}
    ready = ["promise", "address", "absent", "host", "budget", "running", "sight", "calendar"]
    assert [states.pop(check) for check in ready if check in states] == [Readiness.READY] * 8


def test_calendar_that_is_read_seldom_may_confirm_less_often(store: TemporaryStore) -> None:
    seldom = a_reader(store, spacings={"govuk": timedelta(hours=1)})
    a_minute_before = SLOT - MINUTE
    assert line_of(a_reader(store), "confirmed", a_minute_before).state is Readiness.NOT_READY
    assert line_of(seldom, "promise", a_minute_before).state is Readiness.READY


def test_open_exposure_of_a_verdict_names_the_address_that_is_public(store: TemporaryStore) -> None:
    exposure = {"part": "page", "open": True}
    body = {"parts": [], "exposures": [exposure, {"part": "sheet", "open": False}], "url": PAGE_URL}
    with store.transaction() as tx:
        tx.save(a_verdict_row(final=False, body=body))
    line = line_of(a_reader(store), "absent")
    assert (line.state, line.reason) == (Readiness.NOT_READY, "public now: page")


def test_host_is_not_ready_if_its_last_answer_was_a_failure(store: TemporaryStore) -> None:
    with store.transaction() as tx:
        tx.save(a_run("page", UNKNOWN, NOW - MINUTE, why="timeout"))
    line = line_of(a_reader(store), "host")
    assert (line.subject, line.state) == ("www.gov.uk", Readiness.NOT_READY)


def test_redirect_of_a_former_address_does_not_count(store: TemporaryStore) -> None:
    away = a_run("former@edge", UNKNOWN, NOW - HOUR, why=OTHER_HOST, status=301)
    with store.transaction() as tx:
        tx.save(away)
    assert line_of(a_reader(store), "address").state is Readiness.READY


def test_certificate_of_a_host_is_compared_with_its_last_slot(store: TemporaryStore) -> None:
    reader = a_reader(store, certificates={"www.gov.uk": SLOT - MINUTE})
    assert line_of(reader, "certificate").state is Readiness.NOT_READY


def test_budget_that_cannot_prove_the_parts_of_a_slot_is_not_ready(store: TemporaryStore) -> None:
    line = line_of(a_reader(store, budget=Budget(0.01)), "budget")
    assert line.state is Readiness.NOT_READY
    assert "/s" in line.todo


def test_channel_is_judged_by_its_last_finished_delivery(store: TemporaryStore) -> None:
    assert line_of(a_reader(store), "channel").state is Readiness.NOT_KNOWN
    sent = a_sent_delivery(finished=NOW - HOUR)
    with store.transaction() as tx:
        tx.add_notice(a_notice(incident=""), [sent])
    assert line_of(a_reader(store), "channel").state is Readiness.READY
    given_up = replace(sent, notice="m", standing=DeliveryState.GIVEN_UP, finished=NOW - MINUTE)
    with store.transaction() as tx:
        tx.add_notice(a_notice("m", incident=""), [given_up])
    assert line_of(a_reader(store), "channel").state is Readiness.NOT_READY


def test_channel_that_took_a_test_lately_is_ready(store: TemporaryStore) -> None:
    tester = Actor("system:anne", "duty officer")
    with store.transaction() as tx:
        tx.save(tester.act(CHANNEL_TESTED, "mail", NOW - DAY))
    assert line_of(a_reader(store), "channel").state is Readiness.READY


@pytest.mark.parametrize(
    ("links", "signs_in", "state"),
    [
        (Links("https://board.example", b"key"), False, Readiness.READY),
        (Links("https://board.example"), True, Readiness.READY),
        (Links("https://board.example"), False, Readiness.NOT_READY),
        (Links("", b"key"), True, Readiness.NOT_READY),
    ],
    ids=["signed link", "sign-in", "link to a page that lets no one in", "no link"],
)
def test_reader_of_a_notice_must_be_let_in(
    store: TemporaryStore, links: Links, state: Readiness, *, signs_in: bool
) -> None:
    reader = a_reader(store, links=links, signs_in=signs_in)
    assert line_of(reader, "acknowledge").state is state


def test_producer_lacks_the_keys_of_its_report_that_are_not_configured(
    store: TemporaryStore,
) -> None:
    line = line_of(a_reader(store), "producer")
    assert (line.subject, line.state) == ("Ofqual", Readiness.NOT_READY)
    assert "head_of_profession, to" in line.reason


def test_release_is_listed_on_the_day_that_any_calendar_still_shows(store: TemporaryStore) -> None:
    """The calendar that rules has the wrong year, so by it nothing is due on the day."""
    wrong_year = a_promise(SLOT + 365 * DAY, calendar="ons", confirmed_at=NOW)
    with store.transaction() as tx:
        tx.save(a_release(calendars=("ons", "govuk")))
        tx.add_promises([replace(wrong_year, learnt=NOW - 50 * DAY)])
    line = line_of(a_reader(store), "agreement")
    assert (line.release, line.state) == ("r", Readiness.NOT_READY)
    assert "2019" in line.reason


def test_cancelled_or_past_release_is_not_assessed(store: TemporaryStore) -> None:
    reader = a_reader(store)
    assert reader.assess_day(TODAY, SLOT + SECOND).slots == ()
    with store.transaction() as tx:
        tx.add_promises([a_promise(state=State.CANCELLED, learnt=NOW - HOUR)])
    assert reader.assess_day(TODAY, NOW).slots == ()


def test_next_day_with_a_slot_is_found_over_a_weekend(store: TemporaryStore) -> None:
    with store.transaction() as tx:
        tx.save(a_release(id="monday"))
        tx.add_promises([a_promise(SLOT + 3 * DAY, release="monday")])
    reader = a_reader(store)
    assert reader.assess_next(NOW).slots == (SLOT,)
    assert reader.assess_next(SLOT + HOUR).slots == (SLOT + 3 * DAY,)
    assert reader.assess_next(SLOT + 9 * DAY).lines == ()


def test_assessment_is_ready_only_if_no_line_is_not_ready(store: TemporaryStore) -> None:
    body = a_reader(store).assess_day(TODAY, NOW).as_json()
    assert (body["ready"], body["slots"]) == (False, ["2018-01-05T09:30:00.000Z"])
    assert set(body["lines"][0]) == {
        "area",
        "check",
        "subject",
        "release",
        "state",
        "reason",
        "todo",
    }
