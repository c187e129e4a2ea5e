"""Which facts make a slot ready, not ready or not known, and what people should do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.rota import Shift
from alerts.ticks import Tick
from monitor.deliver.ticks import make_tick
from monitor.judge.runs import Blind
from monitor.look.forecast import SlotForecast
from monitor.look.redirect import OTHER_HOST
from monitor.readiness.assess import assess_readiness
from monitor.readiness.facts import (
    CalendarFacts,
    ChannelFacts,
    DueRelease,
    Facts,
    HostFacts,
    ProducerFacts,
)
from monitor.readiness.line import Line, Readiness
from monitor.store.rows import Act, Actor, Heartbeat, Lease
from schedules.announcement import Address, Origin, State
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.in_force import slot_in_force
from schedules.promise import Promise, Unlisted
from schedules.release import Release
from tests.worlds.instants import DAY, HOUR, LONDON, MINUTE, SECOND, SLOT
from tests.worlds.looks import PRESENT, UNKNOWN, a_run
from tests.worlds.releases import SHEET, a_promise, a_release, a_slot
from tests.worlds.rotas import a_rota

DUTY = Actor("user:anne", "duty officer")
NOW = SLOT - 30 * MINUTE
SEEN = NOW - 2 * MINUTE
FRESH = a_promise(confirmed_at=SEEN)
ABSENT_LATELY = a_run(first=SEEN)
ON_CALL = a_rota({"duty": "phone"}, Shift("duty", SLOT - HOUR, SLOT + HOUR))
LATER_SHIFT = a_rota({"duty": "phone"}, Shift("duty", SLOT + MINUTE, SLOT + HOUR))
ROW = HostFacts("www.gov.uk", 5.0, SLOT, answered=SEEN)
ALL_TICKED = tuple(
    make_tick(DUTY, tick, "r", NOW - HOUR)
    for tick in (Tick.SCHEDULED, Tick.FILES_UPLOADED, Tick.LIST_SENT, Tick.SECOND_NAMED)
)
SCARCE = SlotForecast(SLOT, 30, 12, SECOND, ("r",), 3)


def a_due(
    *promises: Promise, release: Release | None = None, now: datetime = NOW, **fields: object
) -> DueRelease:
    """Return a release due at the slot, last seen absent just now."""
    release = release or a_release()
    promised = slot_in_force(release, promises or [FRESH], now)
    usual = DueRelease(release, promised, SLOT, 30 * MINUTE, (), (ABSENT_LATELY,), ALL_TICKED)
    return replace(usual, **fields)


def all_ready(*due: DueRelease, **fields: object) -> Facts:
    """Return facts of which everything is ready, unless fields or releases say otherwise."""
    usual = Facts(
        "Europe/London",
        due or (a_due(),),
        (ROW,),
        (CalendarFacts("govuk", SEEN, 30 * MINUTE),),
        (Heartbeat("edge", NOW - SECOND),),
        (),
        {"on-call": ON_CALL},
        (ChannelFacts("phone", NOW - DAY),),
        (ProducerFacts("ofqual", "Ofqual"),),
        takes_acknowledgements=True,
    )
    return replace(usual, **fields)


def not_ready(facts: Facts, now: datetime = NOW) -> list[Line]:
    """Return the lines that are not ready or not known."""
    return [line for line in assess_readiness(facts, now) if line.state is not Readiness.READY]


def test_each_check_of_a_prepared_slot_is_ready_and_asks_for_nothing() -> None:
    lines = assess_readiness(all_ready(), NOW)
    assert [(line.check, line.todo) for line in lines] == [
        ("promise", ""),
        ("address", ""),
        ("host", ""),
        ("budget", ""),
        ("absent", ""),
        ("running", ""),
        ("sight", ""),
        ("calendar", ""),
        ("on_call", ""),
        ("channel", ""),
        ("acknowledge", ""),
        ("producer", ""),
        ("ticks", ""),
    ]
    assert {line.state for line in lines} == {Readiness.READY}


def test_without_a_release_there_is_no_line() -> None:
    assert assess_readiness(Facts("Europe/London", ()), NOW) == ()


OTHER = a_promise(SLOT + HOUR, calendar="ons", confirmed_at=SEEN)
DOUBTFUL = a_slot(SLOT, doubt="zone", raw="9:30 GMT", readings=(SLOT, SLOT + HOUR))
PROMISES = {
    "a read confirmed it an hour ago": ((a_promise(confirmed_at=NOW - HOUR),), "confirmed"),
    "the calendar dropped it": (
        (replace(FRESH, unlisted=Unlisted(NOW - HOUR, 6)),),
        "listed",
    ),
    "another calendar shows another time": ((FRESH, OTHER), "agreement"),
    "it is still provisional": ((replace(FRESH, state=State.PROVISIONAL),), "provisional"),
    "its status is not understood": (
        (replace(FRESH, doubt=STATUS_DOUBT, status="on hold"),),
        "status",
    ),
    "its text can mean two times": ((replace(FRESH, slot=DOUBTFUL),), "reading"),
    "it was announced yesterday": (
        (replace(FRESH, learnt=NOW - DAY, unlearnt=NOW - 2 * DAY),),
        "short_notice",
    ),
    "another calendar shows another year": (
        (FRESH, replace(OTHER, slot=a_slot(SLOT + 365 * DAY))),
        "agreement",
    ),
}


@pytest.mark.parametrize(("promises", "check"), PROMISES.values(), ids=list(PROMISES))
def test_doubtful_promise_is_not_ready(promises: tuple[Promise, ...], check: str) -> None:
    release = a_release(calendars=("govuk", "ons"))
    (line,) = not_ready(all_ready(a_due(*promises, release=release)))
    assert (line.check, line.state, line.release) == (check, Readiness.NOT_READY, "r")
    assert line.subject == "Malpractice"
    assert line.todo


def test_status_in_doubt_hides_no_time_in_doubt() -> None:
    promise = replace(FRESH, doubt=STATUS_DOUBT, status="on hold", slot=DOUBTFUL)
    lines = not_ready(all_ready(a_due(promise, release=a_release(calendars=("govuk",)))))
    assert [line.check for line in lines] == ["status", "reading"]


def test_day_without_a_time_is_not_known() -> None:
    promise = a_promise(a_slot(SLOT.astimezone(LONDON).date()), confirmed_at=SEEN)
    (line,) = not_ready(all_ready(a_due(promise)))
    assert (line.check, line.state) == ("time", Readiness.NOT_KNOWN)


def test_guessed_address_is_not_known_and_a_predicted_file_is_named() -> None:
    guessed = a_due(release=a_release(address=Address.GUESSED))
    (line,) = not_ready(all_ready(guessed))
    assert (line.check, line.state) == ("address", Readiness.NOT_KNOWN)
    predicted = a_due(release=a_release(replace(SHEET, origin=Origin.PREDICTED)))
    (address,) = (
        line for line in assess_readiness(all_ready(predicted), NOW) if line.check == "address"
    )
    assert address.state is Readiness.READY
    assert "1 file at predicted addresses" in address.reason


def test_address_that_leads_to_another_host_is_not_ready() -> None:
    away = a_run("sheet", UNKNOWN, SEEN, why=OTHER_HOST, status=301)
    (line,) = not_ready(all_ready(a_due(last_runs=(ABSENT_LATELY, away))))
    assert (line.check, line.state) == ("address", Readiness.NOT_READY)


LEAKS = {
    "an exposure is open": ({"public": ("https://x.example/t.ods",)}, Readiness.NOT_READY),
    "nothing was looked at": ({"last_runs": ()}, Readiness.NOT_KNOWN),
    "something is at a file's address": (
        {"last_runs": (ABSENT_LATELY, a_run("sheet", PRESENT, SEEN))},
        Readiness.NOT_KNOWN,
    ),
    "looks at the page fail": (
        {"last_runs": (a_run("page", UNKNOWN, SEEN, why="timeout"), a_run("page/origin"))},
        Readiness.NOT_KNOWN,
    ),
    "the last absence is old": ({"last_runs": (a_run(first=NOW - DAY),)}, Readiness.NOT_KNOWN),
    "one look of several fails": (
        {"last_runs": (ABSENT_LATELY, a_run("page/origin", UNKNOWN, SEEN, why="timeout"))},
        Readiness.READY,
    ),
}


@pytest.mark.parametrize(("fields", "state"), LEAKS.values(), ids=list(LEAKS))
def test_release_is_ready_only_if_looks_show_it_absent(
    fields: dict[str, object], state: Readiness
) -> None:
    lines = assess_readiness(all_ready(a_due(**fields)), NOW)
    (absent,) = (line for line in lines if line.check == "absent")
    assert absent.state is state


def test_absence_says_which_addresses_were_not_looked_at_lately() -> None:
    """A predicted address gets looks only near the slot."""
    sheet, other = SHEET, replace(SHEET, id="other", url="https://www.gov.uk/other.ods")
    release = a_release(replace(sheet, origin=Origin.PREDICTED), other)
    runs = (ABSENT_LATELY, a_run("other", first=NOW - DAY))
    lines = assess_readiness(all_ready(a_due(release=release, last_runs=runs)), NOW)
    (absent,) = (line for line in lines if line.check == "absent")
    assert absent.state is Readiness.READY
    assert absent.reason.startswith("1 of 2 looks show it absent")
    assert absent.reason.endswith("no look yet at 1 predicted file")


TICKS = {
    "nothing was ticked": ((), "ticks", Readiness.NOT_KNOWN),
    "files were not": (
        tuple(tick for tick in ALL_TICKED if "files" not in tick.what),
        "ticks",
        Readiness.NOT_KNOWN,
    ),
    "the tool then got another time": (
        (*ALL_TICKED, make_tick(DUTY, Tick.SCHEDULED_OTHERWISE, "r", NOW)),
        "scheduled",
        Readiness.NOT_READY,
    ),
    "the slot was moved later": (
        tuple(replace(tick, at=FRESH.learnt - HOUR) for tick in ALL_TICKED),
        "scheduled",
        Readiness.NOT_READY,
    ),
    "the tool says that it is out": (
        (*ALL_TICKED, make_tick(DUTY, Tick.PUBLISHED, "r", NOW)),
        "published",
        Readiness.NOT_READY,
    ),
}


@pytest.mark.parametrize(("ticks", "check", "state"), TICKS.values(), ids=list(TICKS))
def test_missing_tick_is_not_known_and_one_that_contradicts_is_not_ready(
    ticks: tuple[Act, ...], check: str, state: Readiness
) -> None:
    (line,) = not_ready(all_ready(a_due(ticks=ticks)))
    assert (line.check, line.state, line.release) == (check, state, "r")


def test_tool_that_was_corrected_is_ready() -> None:
    wrong = make_tick(DUTY, Tick.SCHEDULED_OTHERWISE, "r", NOW - 2 * HOUR)
    assert not_ready(all_ready(a_due(ticks=(wrong, *ALL_TICKED)))) == []


SHARED = {
    "a host fails": (
        {"hosts": (replace(ROW, failed=NOW, why="timeout"),)},
        ("host", Readiness.NOT_READY),
    ),
    "a host was never looked at": (
        {"hosts": (replace(ROW, answered=None),)},
        ("host", Readiness.NOT_KNOWN),
    ),
    "a budget is too small": (
        {"hosts": (replace(ROW, forecasts=(SCARCE,)),)},
        ("budget", Readiness.NOT_READY),
    ),
    "no budget is enough": (
        {"hosts": (replace(ROW, forecasts=(replace(SCARCE, sufficient_rate=None),)),)},
        ("budget", Readiness.NOT_READY),
    ),
    "a certificate ends before the slot": (
        {"hosts": (replace(ROW, certificate_ends=SLOT - SECOND),)},
        ("certificate", Readiness.NOT_READY),
    ),
    "no monitor runs": ({"monitors": ()}, ("running", Readiness.NOT_READY)),
    "the monitor was stopped": (
        {"monitors": (Heartbeat("edge", NOW, stopped=True),)},
        ("running", Readiness.NOT_READY),
    ),
    "a standby died": (
        {"names": (Lease("monitor two", "two 1", NOW - HOUR),)},
        ("standby", Readiness.NOT_READY),
    ),
    "looks prove nothing now": (
        {"blind": (Blind(NOW - HOUR, NOW, "clock"),)},
        ("sight", Readiness.NOT_READY),
    ),
    "a calendar was not read": (
        {"calendars": (CalendarFacts("govuk", NOW - HOUR, 30 * MINUTE),)},
        ("calendar", Readiness.NOT_READY),
    ),
    "no one is on call just before the slot": (
        {"rotas": {"on-call": LATER_SHIFT}},
        ("on_call", Readiness.NOT_READY),
    ),
    "no rota is configured": ({"rotas": {}}, ("on_call", Readiness.NOT_KNOWN)),
    "no channel is configured": ({"channels": ()}, ("channel", Readiness.NOT_READY)),
    "a channel took nothing yet": (
        {"channels": (ChannelFacts("phone"),)},
        ("channel", Readiness.NOT_KNOWN),
    ),
    "a channel gave up its last delivery": (
        {"channels": (ChannelFacts("phone", NOW - DAY, NOW - HOUR),)},
        ("channel", Readiness.NOT_READY),
    ),
    "a channel was last used in spring": (
        {"channels": (ChannelFacts("phone", NOW - 200 * DAY),)},
        ("channel", Readiness.NOT_KNOWN),
    ),
    "no link lets its reader acknowledge": (
        {"takes_acknowledgements": False},
        ("acknowledge", Readiness.NOT_READY),
    ),
    "a report has no contact": (
        {"producers": (ProducerFacts("ofqual", "Ofqual", ("contact",)),)},
        ("producer", Readiness.NOT_READY),
    ),
}


@pytest.mark.parametrize(("fields", "expected"), SHARED.values(), ids=list(SHARED))
def test_what_releases_share_has_one_line(
    fields: dict[str, object], expected: tuple[str, Readiness]
) -> None:
    (line,) = not_ready(all_ready(**fields))
    assert (line.check, line.state) == expected
    assert line.todo
    assert "None" not in line.todo
    assert not line.release


def test_release_that_one_of_two_calendars_cancels_is_not_ready() -> None:
    cancelled = replace(FRESH, state=State.CANCELLED)
    other = replace(OTHER, slot=FRESH.slot)
    lines = not_ready(all_ready(a_due(other, cancelled)))
    assert any("cancelled" in line.reason for line in lines)


RECOVERED = {
    "a monitor that was renamed last year": {
        "names": (Lease("monitor old", "old 1", NOW - 400 * DAY),)
    },
    "a leader that was killed and is a standby again": {
        "monitors": (Heartbeat("edge", NOW), Heartbeat("two", NOW - HOUR)),
        "names": (Lease("monitor two", "two 2", NOW + SECOND),),
    },
    "a blind span of the night": {"blind": (Blind(NOW - 9 * HOUR, NOW - 8 * HOUR, "killed"),)},
    "a delivery after one that was given up": {
        "channels": (ChannelFacts("phone", NOW - HOUR, NOW - DAY),)
    },
    "a certificate that outlives the slot": {"hosts": (replace(ROW, certificate_ends=SLOT + DAY),)},
}


@pytest.mark.parametrize("fields", RECOVERED.values(), ids=list(RECOVERED))
def test_fault_that_is_over_is_ready(fields: dict[str, object]) -> None:
    assert not_ready(all_ready(**fields)) == []


def test_what_is_not_ready_is_listed_before_what_is_not_known() -> None:
    lines = assess_readiness(all_ready(rotas={}, takes_acknowledgements=False), NOW)
    assert [line.state for line in lines[:3]] == [*Readiness]
