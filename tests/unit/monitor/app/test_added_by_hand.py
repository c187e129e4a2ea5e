"""Releases and addresses added while the daemon runs are watched from then on.

Earlier looks do not count for them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.config.settings import Settings
from monitor.web.hand_calendar import Json, add_address, add_release, remove_addition
from tests.unit.monitor.app.monitor_in_test import (
    PUBLISHED_AT_SLOT,
    URL,
    MonitorInTest,
    run_monitor,
    with_daemon,
)
from tests.worlds.scripts import a_web_page

OTHER = "https://stats.example/other"
MIRROR = "https://stats.example/claims-mirror"
CLAIMS, OTHERS = "Example claims: July to September 2026", "Other claims: July 2026"
OTHER_RELEASE = "other-claims-july-2026-2026-11-26"
"""The id of the release that `add_other_release` adds."""
BY_HAND = {"name": "by-hand", "kind": "toml", "file": "by-hand.toml"}
GOVUK = {"name": "govuk", "kind": "govuk"}


def answer_with_page(url: str, at: str, title: str = CLAIMS) -> str:
    page = a_web_page(title)
    return f'\n[[answer]]\nurl = "{url}"\nat = 2026-11-26T{at}\nbody = "{page}"\n'


def settings_with_hand_calendar(folder: Path) -> Settings:
    return Settings.model_validate(
        {"calendar": [BY_HAND | {"file": str(folder / "by-hand.toml")}, GOVUK]}
    )


async def edit_calendar(monitor: MonitorInTest, edit: Callable[[list[Json]], object]) -> None:
    """Change the calendar as the page does, and wait until it was read."""
    queries = monitor.app.reload.parts.queries
    assert queries.by_hand is not None
    await queries.by_hand.edit(edit)
    read = await queries.read_calendar("by-hand")
    assert read is not None
    assert read.usable, read.fault


def add_other_release(tables: list[Json], at: str = "09:45") -> str:
    slot = datetime.fromisoformat(f"2026-11-26T{at}")
    return add_release(tables, OTHERS, "department-for-example", OTHER, slot, "added by hand: duty")


def add_address_of_claims(tables: list[Json], *, required: bool = False, url: str = MIRROR) -> None:
    entry = {
        "id": "addresses-claims-q3",
        "of": "claims-q3",
        "title": "Claims",
        "reason": "added by hand: duty",
    }
    add_address(tables, entry, url, required=required)


def release_json_now(monitor: MonitorInTest, release: str = "claims-q3") -> dict[str, Any]:
    found = monitor.daemon.parts.watch.judging.verdict_now(release)
    assert found is not None
    return found


def part_json(monitor: MonitorInTest, name: str = "added-1") -> dict[str, Any]:
    return next(one for one in release_json_now(monitor)["parts"] if one["id"] == name)


def finding_kinds(monitor: MonitorInTest, release: str = "claims-q3") -> list[str]:
    return [one["kind"] for one in release_json_now(monitor, release)["findings"]]


@with_daemon(
    PUBLISHED_AT_SLOT + answer_with_page(OTHER, "09:45:00", OTHERS),
    base=settings_with_hand_calendar,
)
async def test_release_added_by_hand_is_watched_at_once_without_finding(
    monitor: MonitorInTest,
) -> None:
    """A hand entry shows when it was typed, not when the producer announced it.

    So it is no finding of short notice.
    """
    await monitor.until("09:31:00")
    await edit_calendar(monitor, add_other_release)  # its slot and its page are at 09:45
    assert OTHER_RELEASE in monitor.daemon.parts.watch.releases
    await monitor.until("09:46:30")
    assert release_json_now(monitor, OTHER_RELEASE)["verdict"] == "on_time"
    assert finding_kinds(monitor, OTHER_RELEASE) == []
    assert monitor.notice_kinds() == []


@with_daemon(PUBLISHED_AT_SLOT, base=settings_with_hand_calendar)
async def test_release_removed_by_hand_stays_cancelled_and_sends_no_notice(
    monitor: MonitorInTest,
) -> None:
    """Its page stays absent, but a cancelled release is not overdue, also after a restart."""
    await edit_calendar(monitor, add_other_release)  # its slot is 09:45
    await monitor.until("09:28:30")
    # Without a part, the release itself is removed, here by the user "duty".
    await edit_calendar(
        monitor,
        lambda tables: remove_addition(
            tables, entry=OTHER_RELEASE, part="", reason="removed: duty"
        ),
    )
    await monitor.until("09:29:30")
    await monitor.end()
    await monitor.start()
    await monitor.until("09:47:00")
    row = monitor.verdict_row(OTHER_RELEASE)
    assert (row.word, monitor.notice_kinds()) == ("cancelled", [])


@with_daemon(PUBLISHED_AT_SLOT, base=settings_with_hand_calendar)
async def test_address_added_by_hand_is_an_optional_part_until_removed(
    monitor: MonitorInTest,
) -> None:
    """The added address is the part `added-1`.

    Its absence makes nothing overdue, and a restart changes nothing.
    """
    await edit_calendar(monitor, add_address_of_claims)
    await monitor.until("09:29:00")
    await monitor.end()
    await monitor.start()
    await monitor.until("09:29:30")
    added_part = part_json(monitor)
    assert (added_part["url"], added_part["required"]) == (MIRROR, False)
    assert monitor.runs("claims-q3/added-1/edge") != []
    await edit_calendar(
        monitor,
        lambda tables: remove_addition(
            tables, entry="addresses-claims-q3", part="added-1", reason="removed: duty"
        ),
    )
    # Only the release's own page is left.
    assert [one["id"] for one in release_json_now(monitor)["parts"]] == ["page"]
    await monitor.until("09:32:00")
    assert release_json_now(monitor)["verdict"] == "on_time"
    assert finding_kinds(monitor) == monitor.notice_kinds() == []


@pytest.mark.parametrize("mirror_published_at", ["09:20:00", "09:50:00", "10:20:00"])
def test_address_added_after_the_slot_changes_no_verdict(
    tmp_path: Path, mirror_published_at: str
) -> None:
    """The added page is published before the slot, 09:30, some minutes after it was added, or only
    after the test.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:45:00")
        assert release_json_now(monitor)["verdict"] == "on_time"
        await edit_calendar(monitor, add_address_of_claims)
        await monitor.until("10:10:00")
        # The added address was looked at.
        assert monitor.runs("claims-q3/added-1/edge") != []
        assert release_json_now(monitor)["verdict"] == "on_time"
        assert (
            release_json_now(monitor)["exposures"]
            == finding_kinds(monitor)
            == monitor.notice_kinds()
            == []
        )

    run_monitor(
        tmp_path,
        PUBLISHED_AT_SLOT + answer_with_page(MIRROR, mirror_published_at),
        act,
        base=settings_with_hand_calendar(tmp_path),
    )


@with_daemon(
    PUBLISHED_AT_SLOT + answer_with_page(MIRROR, "09:20:00"), base=settings_with_hand_calendar
)
async def test_address_already_public_when_added_proves_no_early_release(
    monitor: MonitorInTest,
) -> None:
    """No look saw it absent, so it is unknown since when it has been public."""
    await monitor.until("09:28:30")
    await edit_calendar(monitor, add_address_of_claims)  # public since 09:20
    await monitor.until("09:35:00")
    assert release_json_now(monitor)["verdict"] == "on_time"
    assert release_json_now(monitor)["exposures"] == monitor.notice_kinds() == []


@with_daemon(
    PUBLISHED_AT_SLOT + answer_with_page(MIRROR, "09:29:30"), base=settings_with_hand_calendar
)
async def test_figures_that_appear_early_at_an_added_address_are_early(
    monitor: MonitorInTest,
) -> None:
    """They are due at 09:30.

    At 09:28:10 a person adds another address, where they are published at 09:29:30.
    """
    await monitor.until("09:28:10")
    await edit_calendar(monitor, add_address_of_claims)
    # Looks from 09:28:10 to 09:29:30 found the address absent. So it was published while it was
    # watched.
    await monitor.until("09:31:00")
    assert release_json_now(monitor)["verdict"] == "early"
    assert "early_exposure" in finding_kinds(monitor)


@with_daemon(PUBLISHED_AT_SLOT, base=settings_with_hand_calendar)
async def test_absent_required_file_added_by_hand_makes_release_overdue(
    monitor: MonitorInTest,
) -> None:
    await monitor.until("09:28:10")
    never_published = f"{URL}-tables"
    await edit_calendar(
        monitor, lambda tables: add_address_of_claims(tables, required=True, url=never_published)
    )
    # The page itself is published at the slot, 09:30.
    await monitor.until("09:36:00")
    assert part_json(monitor)["verdict"] == release_json_now(monitor)["verdict"] == "overdue"
