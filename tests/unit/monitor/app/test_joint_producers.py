"""A release of several producers belongs to all of them, in any order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from alerts.draft.period import Row, select_period
from alerts.routes import select_channels
from monitor.config.settings import Settings
from monitor.judge.policy import Policies, Policy, PolicySettings, PolicyTable, UsualTime
from monitor.ledger.export import export_calendar
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from schedules.announcement import Announcement, announcement_from_json
from schedules.join import JoinRules, join_entries
from schedules.slot import Precision, Slot
from tests.unit.alerts.test_routes import make_notice
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, run_monitor
from tests.worlds.instants import MINUTE, SLOT
from tests.worlds.releases import a_release
from tests.worlds.routes import a_route

OURS, THEIRS = "department-for-example", "agency-of-examples"
SLOTTED = Slot(Precision.INSTANT, instant=SLOT, raw="5 January 2018 9:30am")


def announcement_of(*producers: str, title: str = "Claims: March 2018") -> Announcement:
    first, *others = producers
    return Announcement("u", title, first, "https://e.org/claims", SLOTTED, others=tuple(others))


@pytest.mark.parametrize("producers_in_script", [(OURS, THEIRS), (THEIRS, OURS)])
def test_joint_release_is_listed_for_each_of_its_producers(
    tmp_path: Path, producers_in_script: tuple[str, str]
) -> None:
    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        store, clock = monitor.store, monitor.clock
        queries = Queries(
            store, monitor.app.status, clock, "Europe/London", throttle=Throttle(clock)
        )
        day = date(2026, 11, 26)
        period_to_export = clock.now() - timedelta(days=1), clock.now() + timedelta(days=1)
        for producer in (OURS, THEIRS):
            # In the API. Only OURS is configured, so it is named first, whatever the order in the
            # script.
            (listed,) = await queries.list_releases(day, day, producer)
            assert (listed["producer"], listed["producers"]) == (OURS, [OURS, THEIRS])
            # Among the releases that the monitor looks for on the producer's own lists of
            # publications.
            near_releases = monitor.daemon.parts.admission.near_releases(producer)
            assert [near.release.id for near in near_releases] == ["claims-q3"]
            # In the calendar that can be exported.
            exported, _ = export_calendar(
                store.ledger,
                "csv",
                period_to_export,
                clock.now(),
                "Europe/London",
                producer=producer,
            )
            assert b"claims-q3" in exported
        assert await queries.list_releases(day, day, "another-producer") == []
        queries.close()

    # The script ends with the table of `claims-q3`, which gets this key. It names both producers.
    key_of_release = f"organisations = {json.dumps(producers_in_script)}\n"
    ours_configured = Settings.model_validate({"producer": [{"id": OURS, "name": "Ours"}]})
    run_monitor(tmp_path, key_of_release, act, base=ours_configured)


@pytest.mark.parametrize(
    ("configured_producers", "expected_producers"),
    [(("another-producer", OURS), (OURS, THEIRS)), ((), (THEIRS, OURS))],
    ids=["the second is configured", "none is configured"],
)
def test_configured_producer_leads_a_joint_release_or_else_the_first(
    configured_producers: tuple[str, ...], expected_producers: tuple[str, str]
) -> None:
    """The calendar names THEIRS and then OURS. If OURS is configured, it leads, so it comes first
    in `producers`. If neither is, THEIRS leads.
    """
    announcement = announcement_of(THEIRS, OURS)
    (release,) = join_entries(
        {"govuk": [announcement]}, JoinRules(producer_order=configured_producers)
    ).releases
    assert release.producers == expected_producers


def test_two_calendars_join_by_any_producer_that_they_share() -> None:
    """One calendar names the producers OURS and THEIRS, the other only THEIRS. The two
    announcements have the same title and slot, but other addresses and ids.
    """
    of_both = announcement_of(OURS, THEIRS)
    of_theirs_only = replace(announcement_of(THEIRS), url="https://agency.example/claims", uid="x")
    (release,) = join_entries({"govuk": [of_both], "own": [of_theirs_only]}).releases
    assert release.calendars == ("govuk", "own")


def test_an_announcement_is_read_back_with_all_its_producers() -> None:
    made = announcement_of(OURS, THEIRS)
    assert made.as_json()["producers"] == [OURS, THEIRS]
    assert announcement_from_json(made.as_json()) == made


def test_the_policy_of_any_producer_applies_to_a_joint_release() -> None:
    """A policy is configured for the releases of THEIRS: they may be 5 s late. It applies to a
    release of OURS and THEIRS, but not to one of OURS only.
    """
    policy_of_theirs = PolicyTable.model_validate({"on_time_within": "5s"})
    policies = Policies(table=PolicySettings(producer={THEIRS: policy_of_theirs}))
    assert policies.of(a_release(producer=OURS, others=(THEIRS,))).on_time_within == timedelta(
        seconds=5
    )
    default_policy = Policy()
    assert policies.of(a_release(producer=OURS)) == default_policy


def test_a_time_granted_to_any_producer_fits_a_joint_release() -> None:
    """THEIRS may publish at 9:30. SLOT is 9:30 in London."""
    granted = UsualTime(time(9, 30), "letter of 2017", producer=THEIRS)
    assert granted.fits(announcement_of(OURS, THEIRS), SLOT, "Europe/London")
    assert not granted.fits(announcement_of(OURS), SLOT, "Europe/London")


def test_a_route_matches_any_of_a_releases_producers() -> None:
    """OURS leads.

    The only route is for the releases of THEIRS, and sends their notices to `pager`, not to `mail`.
    """
    route_of_theirs = a_route("pager", producer=THEIRS)
    notice = replace(make_notice(), producer=OURS)
    chosen = select_channels(
        notice,
        [route_of_theirs],
        ("mail", "pager"),
        SLOT + 10 * MINUTE,
        "Europe/London",
        producers=(OURS, THEIRS),
    )
    assert [channel for channel, _at in chosen] == ["pager"]


def test_a_period_report_of_a_producer_includes_joint_releases() -> None:
    """OURS leads, and THEIRS is among the other producers. The slot is on 5 January 2018."""
    joint = Row(
        "r", "t", OURS, "https://e.org/", "Europe/London", SLOT, "late", other_producers=(THEIRS,)
    )
    day = date(2018, 1, 5)
    assert (
        select_period([joint], day, day, OURS).rows
        == select_period([joint], day, day, THEIRS).rows
        != []
    )
    assert len(select_period([joint], day, day, "another").rows) == 0
