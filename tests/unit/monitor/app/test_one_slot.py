"""Several calendars that announce one release for different times: everything names the one slot in
force.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from monitor.app.options import make_policies, make_stored_judge, make_watch_rules
from monitor.judge.case import case_of
from monitor.judge.explain.explain import explain
from monitor.judge.policy import Policy
from monitor.ledger.export import export_calendar
from monitor.watch.day_plan import plan_releases
from monitor.watch.rejudge import stored_case
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from tests.unit.monitor.app.calendar_monitor import (
    START,
    CalendarMonitor,
    csv,
    row,
    run_calendar_monitor,
)
from tests.worlds.fetcher import Reply

TIME_BY_CALENDAR = {"early": "07:00", "usual": "09:30"}
NAMES = ("silent", *TIME_BY_CALENDAR)
"""Calendars. `silent` does not announce the release."""
RELEASE = "fuel"
DAY = START.replace(day=18, hour=0)


def calendar_reply(calendar: str) -> Reply:
    others = [row(f"other-{n}", title=f"Example other {n}") for n in range(3)]
    return csv(
        *(
            [row(RELEASE, "2026-11-18", TIME_BY_CALENDAR[calendar])]
            if calendar in TIME_BY_CALENDAR
            else []
        ),
        *others,
    )


def slot_in_json(text: str) -> str:
    hour, minute = map(int, text.split(":"))
    return f"{DAY.replace(hour=hour, minute=minute):%Y-%m-%dT%H:%M:%S.000Z}"


def slots_of_frequent_looks(monitor: CalendarMonitor) -> Iterator[str]:
    """Yield the slots around which the targets of the release are looked at every second."""
    every, ahead = monitor.daemon.parts.watch.releases[RELEASE], timedelta(minutes=2)
    for state in every.states.values():
        yield from (
            _instant_json(one.begins + ahead) for one in state.windows if one.name == "slot"
        )


def _instant_json(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


def _slot_in_explanation(monitor: CalendarMonitor, now: datetime) -> str:
    case = stored_case(monitor.store, RELEASE)
    assert case is not None
    explanation = explain(case.judge(make_policies(monitor.settings), now), case, Policy())
    return next(
        fact.text for fact in explanation.facts if fact.text.startswith("the slot in force")
    )


class ShownSlot(NamedTuple):
    """The slot of the release as the parts of the monitor give it, two of them in a longer text."""

    by_part: dict[str, Any]
    export: str
    explanation: str


async def read_slot_everywhere(monitor: CalendarMonitor) -> ShownSlot:
    daemon, now = monitor.daemon, monitor.clock.now()
    store, settings = daemon.core.store, monitor.settings
    case = stored_case(store, RELEASE)
    assert case is not None
    in_force = case_of(case.release, case.promises, [], Policy(), now).in_force
    judged = make_stored_judge(settings, store).body_of_unwatched(
        RELEASE, now
    ) or monitor.app.status.body(RELEASE)
    live = monitor.app.status.body(RELEASE)
    day = plan_releases(store, make_watch_rules(settings), DAY, DAY + timedelta(days=1), now)
    plan = next(one for one in day if one.release.id == RELEASE)
    board = await Queries(
        store,
        monitor.app.status,
        monitor.clock,
        settings.timezone,
        throttle=Throttle(monitor.clock),
        sees_all=True,
    ).list_releases(DAY.date(), DAY.date())
    content, _ = export_calendar(
        store.ledger, "json", (DAY, DAY + timedelta(days=1)), now, settings.timezone
    )
    assert judged is not None
    assert live is not None
    slot_by_part = {
        "judge": _instant_json(in_force.slot and in_force.slot.begins()),
        "today": judged["slot"]["start"],
        "watch": live["slot"]["start"],
        "plan": _instant_json(plan.slot.begins()),
        "board": next(one["slot"]["start"] for one in board if one["id"] == RELEASE),
        "calendar reads": _instant_json(
            min(daemon.parts.admission.slots_by_calendar(DAY, DAY + timedelta(days=1))["usual"])
        ),
    }
    return ShownSlot(slot_by_part, content.decode(), _slot_in_explanation(monitor, now))


@pytest.mark.parametrize("configured_order", list(permutations(NAMES)), ids=" ".join)
@pytest.mark.parametrize("read_order", [NAMES, NAMES[::-1]], ids=["early first", "usual first"])
def test_first_configured_calendar_with_the_release_sets_its_slot(
    tmp_path: Path, configured_order: Sequence[str], read_order: Sequence[str]
) -> None:
    """The calendar `early` announces the release for 07:00, `usual` for 09:30, and `silent` not at
    all. If they are configured in the order `silent`, `early`, `usual`, everything shows 07:00, in
    any order of reads.
    """
    calendars_with_release = [name for name in configured_order if name != "silent"]
    right_time = TIME_BY_CALENDAR[calendars_with_release[0]]

    async def act(monitor: CalendarMonitor) -> None:
        # Read the calendars, a minute apart.
        for name in read_order:
            await monitor.clock.sleep(60)
            await monitor.read_calendar(calendar_reply(name), name)
        await monitor.daemon.parts.watch.judging.judge_all([RELEASE])
        slot = await read_slot_everywhere(monitor)
        # The board, the API, the plan of the day and the verdict give an instant.
        assert set(slot.by_part.values()) == {slot_in_json(right_time)}, slot.by_part
        assert f'"release_time": "{right_time}"' in slot.export
        assert f" {right_time}" in slot.explanation
        # The calendars disagree, so looks are frequent around both times, whichever is right.
        assert set(slots_of_frequent_looks(monitor)) == {
            slot_in_json("07:00"),
            slot_in_json("09:30"),
        }

    calendars = [
        {"name": name, "kind": "csv", "url": f"https://{name}.example/calendar.csv"}
        for name in configured_order
    ]
    run_calendar_monitor(tmp_path, act, *calendars)
