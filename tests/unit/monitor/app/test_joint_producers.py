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
from monitor.judge.policy import Policies, Policy, PolicyTable, UsualTime
from monitor.ledger.export import export_calendar
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from schedules.announcement import Announcement, announcement_from_json
from schedules.join import JoinRules, join_entries
from schedules.slot import Precision, Slot
from tests.unit.alerts.test_routes import make_notice
from tests.unit.monitor.app.life import Life, live
from tests.worlds.instants import MINUTE, SLOT
from tests.worlds.routes import a_route

OURS, THEIRS = "department-for-example", "agency-of-examples"
SLOTTED = Slot(Precision.INSTANT, instant=SLOT, raw="5 January 2018 9:30am")


def announcement_of(*producers: str, title: str = "Claims: March 2018") -> Announcement:
    first, *others = producers
    return Announcement("u", title, first, "https://e.org/claims", SLOTTED, others=tuple(others))


@pytest.mark.parametrize("order", [(OURS, THEIRS), (THEIRS, OURS)])
def test_joint_release_is_listed_exported_and_expected_in_listings_of_each_producer(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    async def act(life: Life) -> None:
        # The script names both producers of its release `claims-q3`, in either order.
        await life.until("09:29:00")
        store, clock = life.daemon.core.store, life.clock
        queries = Queries(store, life.app.status, clock, "Europe/London", throttle=Throttle(clock))
        day = date(2026, 11, 26)
        for name in order:
            (body,) = await queries.list_releases(day, day, name)
            # Only OURS is configured, so it leads in either order.
            assert (body["producer"], body["producers"]) == (OURS, [OURS, THEIRS])
            # Entries in the listings of a producer are compared with these releases.
            assert [one.release.id for one in life.daemon.admission.near_releases(name)] == ["claims-q3"]
            span = clock.now() - timedelta(days=1), clock.now() + timedelta(days=1)
            content, _ = export_calendar(store.ledger, "csv", span, clock.now(), "Europe/London", producer=name)
            assert b"claims-q3" in content
        assert await queries.list_releases(day, day, "somebody-else") == []
        queries.close()

    # This key is appended to the table of the release.
    organisations = f"organisations = {json.dumps(order)}\n"
    live(tmp_path, organisations, act, base=Settings.model_validate({"producer": [{"id": OURS, "name": "Ours"}]}))


def test_the_lead_producer_is_the_first_configured_one_or_if_none_is_configured_the_first_named() -> None:
    entries = {"govuk": [announcement_of(THEIRS, OURS)]}
    (without_configured,) = join_entries(entries, JoinRules(producer_order=())).releases
    assert without_configured.producers == (THEIRS, OURS)
    (with_ours_configured,) = join_entries(entries, JoinRules(producer_order=("somebody-else", OURS))).releases
    assert with_ours_configured.producers == (OURS, THEIRS)


def test_two_calendars_join_by_any_producer_that_they_share() -> None:
    # The announcements have the same title and slot, and THEIRS in common. Addresses and ids differ.
    of_both = announcement_of(OURS, THEIRS)
    of_theirs_only = replace(announcement_of(THEIRS), url="https://agency.example/claims", uid="x")
    (release,) = join_entries({"govuk": [of_both], "own": [of_theirs_only]}).releases
    assert release.calendars == ("govuk", "own")


def test_an_announcement_is_read_back_with_all_its_producers() -> None:
    made = announcement_of(OURS, THEIRS)
    assert made.as_json()["producers"] == [OURS, THEIRS]
    assert announcement_from_json(made.as_json()) == made


def test_the_policy_of_any_producer_applies_to_a_joint_release() -> None:
    own = PolicyTable.model_validate({"on_time_within": "5s"})
    # `own` is configured for THEIRS only. A release of OURS only has the default policy.
    assert Policies(producers={THEIRS: own}).of(OURS, THEIRS).on_time_within == timedelta(seconds=5)
    assert Policies(producers={THEIRS: own}).of(OURS) == Policy()


def test_a_time_granted_to_any_producer_fits_a_joint_release() -> None:
    # THEIRS may publish at 9:30. SLOT is 9:30 in London.
    granted = UsualTime(time(9, 30), "letter of 2017", producer=THEIRS)
    assert granted.fits(announcement_of(OURS, THEIRS), SLOT, "Europe/London")
    assert not granted.fits(announcement_of(OURS), SLOT, "Europe/London")


def test_a_route_matches_any_of_a_releases_producers() -> None:
    # OURS leads. The only route is for the releases of THEIRS, and sends their notices to `pager`, not to `mail`.
    route_of_theirs = a_route("pager", producer=THEIRS)
    notice = replace(make_notice(), producer=OURS)
    chosen = select_channels(
        notice, [route_of_theirs], ("mail", "pager"), SLOT + 10 * MINUTE, "Europe/London", producers=(OURS, THEIRS)
    )
    assert [channel for channel, _at in chosen] == ["pager"]


def test_a_period_report_of_a_producer_includes_joint_releases() -> None:
    # OURS leads, and THEIRS is among the other producers. The slot is on 5 January 2018.
    joint = Row("r", "t", OURS, "https://e.org/", "Europe/London", SLOT, "late", other_producers=(THEIRS,))
    day = date(2018, 1, 5)
    assert select_period([joint], day, day, OURS).rows == select_period([joint], day, day, THEIRS).rows != []
    assert len(select_period([joint], day, day, "another").rows) == 0
