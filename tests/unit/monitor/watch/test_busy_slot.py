"""The busiest slots, through the whole daemon: every release that a budget can prove is proved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script

PAGE_HOST, FILE_HOST = "www.gov.uk", "assets.publishing.service.gov.uk"
BUDGET = 5  # requests a second to each host
SLOT = datetime(2026, 11, 26, 9, 30)  # as scripts write it
HEAD = 'title = "A busy slot"\nfrom = 2026-11-26T09:27:00\nuntil = 2026-11-26T{until}\n'
RELEASE = """
[[release]]
id = "r{n}"
title = "Example series {name}: July to September 2026"
producer = "department-{of}"
url = "https://www.gov.uk/government/statistics/r{n}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
{part}
[[answer]]
url = "https://www.gov.uk/government/statistics/r{n}"
at = {at}
"""
SHEET = """
part = [{{ id = "sheet", role = "data", url = "https://assets.publishing.service.gov.uk/media/{n:024x}/t.ods" }}]
[[answer]]
url = "https://assets.publishing.service.gov.uk/media/{n:024x}/t.ods"
at = {at}
headers = {{ "Content-Type" = "application/vnd.oasis.opendocument.spreadsheet" }}
"""


@dataclass(frozen=True)
class BusySlot:
    """The results of a busy slot."""

    played: RehearsalOutcome

    @property
    def verdicts(self) -> Counter[str]:
        return Counter(release["verdict"] for release in self.played.results.releases)

    @property
    def median_interval_seconds(self) -> float:
        """Return the median length of the intervals in which pages came that were on time."""
        return median(
            interval_seconds(one)
            for one in self.played.results.releases
            if one["verdict"] == "on_time"
        )


def interval_seconds(release: dict[str, Any]) -> float:
    seen = release["first_seen"]
    length = datetime.fromisoformat(seen["by"]) - datetime.fromisoformat(seen["after"])
    return length.total_seconds()


def name_of(number: int) -> str:
    return "".join(chr(97 + number // 26**place % 26) for place in range(3))


def play_busy_slot(  # what a slot is made of
    folder: Path,
    pages: int,
    *,
    files: bool = False,
    late: int = 0,
    elsewhere: int = 0,
    until: str = "09:31:40",
) -> BusySlot:
    """Play a slot of `pages` releases that come 1 to 5 s after it, but `late` of them 150 s after
    it.

    The first `elsewhere` pages come at another address than their announcement's. It ends at
    `until`.
    """
    tables = [HEAD.format(until=until)]
    for n in range(pages):
        seconds = (
            150.0
            if late and n % (pages // late) == 0 and n < late * (pages // late)
            else 1 + n * 7919 % 4000 / 1000
        )
        at = (SLOT + timedelta(seconds=seconds)).isoformat()
        part, _, file = SHEET.format(n=n, at=at).strip().partition("\n") if files else ("", "", "")
        slug = f'announcement = "announced-{n}"' if n < elsewhere else ""
        tables += [RELEASE.format(n=n, name=name_of(n), of=n % 7, part=part + slug, at=at), file]
    path = folder / "busy.toml"
    path.write_text("\n".join(tables))
    return BusySlot(play(read_script(path), Settings(), folder))


@pytest.mark.slow
def test_sixty_pages_of_one_slot_are_on_time_without_notices(tmp_path: Path) -> None:
    """Sixty pages come 1 to 5 s after their slot. The budget is 5 requests a second, so one round
    of looks at all pages takes 12 s. An interval in which a page came goes from its last absence to
    its first presence. The median one is at most one round long.
    """
    slot = play_busy_slot(tmp_path, pages=60, until="09:30:40")
    assert slot.verdicts == {"on_time": 60}
    seconds_of_a_round = 60 / BUDGET  # one more second is tolerated
    assert slot.median_interval_seconds <= seconds_of_a_round + 1
    assert not slot.played.results.notices
    assert slot.played.peak_rate[PAGE_HOST] <= BUDGET


@pytest.mark.slow
def test_redirects_find_pages_at_unexpected_addresses(tmp_path: Path) -> None:
    """Sixty pages come 1 to 5 s after their slot. Six of them come at another address than their
    announcements suggest. The announcements redirect to these, so all sixty are found in time.
    """
    slot = play_busy_slot(tmp_path, pages=60, elsewhere=6, until="09:31:10")
    assert slot.verdicts == {"on_time": 60}
    assert not slot.played.results.notices
    found_by_redirect = {
        one["id"] for one in slot.played.results.releases if str(one["address"]) == "led_to"
    }
    pages_elsewhere = {f"r{n}" for n in range(6)}
    # The redirects of some other pages, at the expected addresses, are also seen before the pages
    # themselves.
    assert found_by_redirect >= pages_elsewhere
    assert slot.played.peak_rate[PAGE_HOST] <= BUDGET


@pytest.mark.slow
def test_of_175_pages_only_20_late_ones_have_notices(tmp_path: Path) -> None:
    """175 pages share a slot. Twenty of them, every eighth of the first 160, come 150 s after it,
    the others 1 to 5 s after it. The median interval in which a page came is at most one round of
    looks at all pages long.
    """
    slot = play_busy_slot(tmp_path, pages=175, late=20, until="09:33:20")
    assert slot.verdicts == {"on_time": 155, "late": 20}
    seconds_of_a_round = 175 / BUDGET  # one more second is tolerated
    assert slot.median_interval_seconds <= seconds_of_a_round + 1
    # A notice says that a page is due, that an incident was opened, or that the verdict is final.
    notices = slot.played.results.notices
    assert {notice["kind"] for notice in notices} <= {"due", "opened", "final"}
    every_eighth_is_late = {f"r{n}" for n in range(0, 8 * 20, 8)}
    assert {notice["release"] for notice in notices} == every_eighth_is_late
    assert slot.played.peak_rate[PAGE_HOST] <= BUDGET


@pytest.mark.slow
def test_175_pages_with_files_are_on_time_within_budgets(tmp_path: Path) -> None:
    """Each of 175 pages comes with a file on another host. The budget is 5 requests a second to
    each host. All pages are on time. The median interval in which a page came is at most one round
    of looks at all pages long.
    """
    slot = play_busy_slot(tmp_path, pages=175, files=True)
    assert slot.verdicts == {"on_time": 175}
    seconds_of_a_round = 175 / BUDGET  # one more second is tolerated
    assert slot.median_interval_seconds <= seconds_of_a_round + 1
    assert not slot.played.results.notices
    assert slot.played.peak_rate == {PAGE_HOST: BUDGET, FILE_HOST: BUDGET}


@pytest.mark.slow
def test_overloaded_slot_proves_every_page_with_a_useful_look(tmp_path: Path) -> None:
    """The budget is 5 requests a second, so 300 in a minute. 300 pages share a slot and come 1 to 5
    s after it. A page is on time if it is seen within a minute of its slot. So each page has only
    one look in that minute. If the page is there by then, it is on time. If not, the look was
    useless and the page stays unproven.
    """
    looks_in_a_minute = BUDGET * 60
    slot = play_busy_slot(tmp_path, pages=looks_in_a_minute, until="09:32:30")
    # Pages come 1 to 5 s after the slot. So all looks in the first second are useless, and half of
    # those in the next 4 s. One more second of useless looks is tolerated.
    useless_looks = (1 + 4 // 2 + 1) * BUDGET
    assert slot.verdicts["on_time"] >= looks_in_a_minute - useless_looks
    assert slot.verdicts.keys() <= {"on_time", "unproven"}
    assert slot.played.peak_rate[PAGE_HOST] <= BUDGET


@pytest.mark.slow
@pytest.mark.parametrize("published_at", ["09:44:00", "09:44:00.7", "09:44:01.3"])
def test_long_overdue_page_has_two_second_interval_if_budget_is_idle(
    tmp_path: Path, published_at: str
) -> None:
    """The slot is at 09:30, and the page comes at about 09:44. By then only one look a minute is
    planned. But the budget is idle, so further looks are made. So the interval in which the page
    came, from its last absence to its first presence, is at most 2 s long.
    """
    release = RELEASE.format(n=1, name="alone", of=1, part="", at=f"2026-11-26T{published_at}")
    path = tmp_path / "overdue.toml"
    path.write_text(HEAD.format(until="09:45:00") + release)
    # By default, the looks planned for an overdue page are 5 s apart for two hours, and then a
    # minute apart. Here that begins after 11 minutes. While the budget is idle, there is also a
    # look every 0.9 s (`overdue.free_every`).
    close_looks_until_09_41 = Settings.model_validate({"watch": {"overdue": {"until": "11m"}}})
    played = play(read_script(path), close_looks_until_09_41, tmp_path)
    (release,) = played.results.releases
    assert release["verdict"] == "late"
    assert interval_seconds(release) <= 2
