"""Several calendars that announce one release for different times: everything names the one slot in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from monitor.app.options import make_policies, make_watch_rules
from monitor.judge.case import case_of
from monitor.judge.explain.explain import explain
from monitor.judge.policy import Policy
from monitor.ledger.export import export_calendar
from monitor.watch.day_plan import plan_releases
from monitor.watch.rejudge import body_of_unwatched, stored_case
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from tests.unit.monitor.app.office import START, Office, at_work, csv, row
from tests.worlds.fetcher import Reply

TIME_BY_CALENDAR = {"early": "07:00", "usual": "09:30"}
NAMES = ("silent", *TIME_BY_CALENDAR)
"""Calendars. `silent` does not announce the release."""
RELEASE = "fuel"
DAY = START.replace(day=18, hour=0)


def calendar_reply(calendar: str) -> Reply:
    others = [row(f"other-{n}", title=f"Example other {n}") for n in range(3)]
    return csv(
        *([row(RELEASE, "2026-11-18", TIME_BY_CALENDAR[calendar])] if calendar in TIME_BY_CALENDAR else []), *others
    )


def instant_text(text: str) -> str:
    hour, minute = map(int, text.split(":"))
    return f"{DAY.replace(hour=hour, minute=minute):%Y-%m-%dT%H:%M:%S.000Z}"


def slot_window_times(office: Office) -> Iterator[str]:
    """Yield when the poller begins to look every second, of each target of the release."""
    every, ahead = office.daemon.watch.releases[RELEASE], timedelta(minutes=2)
    for state in every.states.values():
        yield from (_json(one.begins + ahead) for one in state.windows if one.name == "slot")


def _json(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


def _explained(office: Office, now: datetime) -> str:
    case = stored_case(office.daemon.core.store, RELEASE)
    assert case is not None
    explanation = explain(
        case.verdict(make_policies(office.settings), now), case.release, case.promises, case.runs, case.blind, Policy()
    )
    return next(fact.text for fact in explanation.facts if fact.text.startswith("the slot in force"))


async def slots_by_surface(office: Office) -> dict[str, Any]:
    """Return the slot that each part of the monitor shows, by the name of the part. Two parts give a longer text."""
    daemon, now = office.daemon, office.clock.now()
    store, settings = daemon.core.store, office.settings
    case = stored_case(store, RELEASE)
    assert case is not None
    in_force = case_of(case.release, case.promises, [], Policy(), now).in_force
    judged = body_of_unwatched(store, make_policies(settings), RELEASE, now) or office.app.status.body(RELEASE)
    live = office.app.status.body(RELEASE)
    day = plan_releases(store, make_watch_rules(settings), DAY, DAY + timedelta(days=1), now)
    plan = next(one for one in day if one.release.id == RELEASE)
    board = await Queries(
        store, office.app.status, office.clock, settings.timezone, throttle=Throttle(office.clock), sees_all=True
    ).list_releases(DAY.date(), DAY.date())
    content, _ = export_calendar(store.ledger, "json", (DAY, DAY + timedelta(days=1)), now, settings.timezone)
    assert judged is not None
    assert live is not None
    return {
        "judge": _json(in_force.slot and in_force.slot.begins()),
        "today": judged["slot"]["start"],
        "watch": live["slot"]["start"],
        "plan": _json(plan.slot.begins()),
        "board": next(one["slot"]["start"] for one in board if one["id"] == RELEASE),
        "calendar reads": _json(min(daemon.admission.slots_by_calendar(DAY, DAY + timedelta(days=1))["usual"])),
        "export": content.decode(),
        "explain": _explained(office, now),
    }


@pytest.mark.parametrize("configured_order", list(permutations(NAMES)), ids=" ".join)
@pytest.mark.parametrize("read_order", [NAMES, NAMES[::-1]], ids=["early first", "usual first"])
def test_all_surfaces_name_the_slot_of_the_first_configured_calendar_that_has_the_release(
    tmp_path: Path, configured_order: Sequence[str], read_order: Sequence[str]
) -> None:
    # Two calendars announce the release, for different times. The third, `silent`, does not.
    time_in_force = TIME_BY_CALENDAR[next(name for name in configured_order if name in TIME_BY_CALENDAR)]

    async def act(office: Office) -> None:
        for name in read_order:
            await office.clock.sleep(60)
            await office.read(calendar_reply(name), name)
        await office.daemon.watch.judging.judge_all([RELEASE])
        slots = await slots_by_surface(office)
        # These two are whole texts. All others are only the slot.
        export, explanation = slots.pop("export"), slots.pop("explain")
        assert set(slots.values()) == {instant_text(time_in_force)}, slots
        assert f'"release_time": "{time_in_force}"' in export
        assert f" {time_in_force}" in explanation
        # Looks are frequent around both times, because the calendars disagree.
        assert set(slot_window_times(office)) == {instant_text(time) for time in TIME_BY_CALENDAR.values()}

    tables = [{"name": name, "kind": "csv", "url": f"https://{name}.example/calendar.csv"} for name in configured_order]
    at_work(tmp_path, act, *tables)
