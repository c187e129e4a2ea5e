"""The status page: good checks, failing checks with advice, and no empty sections."""

from __future__ import annotations

import re
from datetime import timedelta

from monitor.health.self_check import Check
from tests.unit.monitor.web.board import Board


async def test_status_page_lists_given_up_notices_with_their_reasons(board: Board) -> None:
    page = await board.read_page("/status")
    # The board gave up sending a notice to the channel "pager" for this reason.
    assert "the number is not known" in page
    assert "pager" in page


async def test_status_page_lists_failing_checks_first_with_advice(board: Board) -> None:
    todo = "Start chrony or systemd-timesyncd."
    clock = Check("Clock", "no service synchronises it", todo, "NinethirtyClockOff")
    board.running.states = (Check("Store", "writable"), clock)
    page = await board.read_page("/status")
    # The board also has a notice that could not be sent, so two checks fail.
    assert "Ready, but 2 of 3 checks need attention" in page
    assert page.index("<strong>Clock</strong>: no service synchronises it") < page.index(
        "<strong>Store</strong>: writable"
    )
    assert todo in page
    assert 'href="/runbook#ninethirtyclockoff"' in page


async def test_status_page_links_failing_checks_to_the_runbook(board: Board) -> None:
    # Two checks fail: the clock is off, and the board has given up sending a notice.
    clock = Check("Clock", "off", todo="Set it.", alert="NinethirtyClockOff")
    board.running.states = (clock,)
    linked_sections = re.findall('href="/runbook#([^"]+)"', await board.read_page("/status"))
    assert linked_sections == ["ninethirtyclockoff", "ninethirtynoticegivenup"]
    runbook = await board.read_page("/runbook")
    assert all(f'id="{section}"' in runbook for section in linked_sections)


async def test_status_page_without_faults_has_no_empty_section(board: Board) -> None:
    """The board has a notice that could not be sent. This is shown as a fault, but only for a
    week.
    """
    board.clock.seconds += timedelta(days=8).total_seconds()
    page = await board.read_page("/status")
    assert "Every check is good" in page
    assert not re.search(r"\b(None|Nothing)\b|<h2", page.partition("<main")[2])


async def test_status_page_warns_for_a_week_of_monitors_that_were_killed(board: Board) -> None:
    """One that stops normally, leader or standby, drops the lease on its name."""
    now = board.clock.now()
    with board.store.transaction() as tx:
        # It is 09:40. A lease that ends in five seconds is of a monitor that runs. One of 600 s ago
        # ended at 09:30.
        for name, lease_ends_in in (("north", 5), ("south", -600), ("east", -8 * 86400)):
            lease_end = now + timedelta(seconds=lease_ends_in)
            tx.take_lease(f"monitor {name}", f"host-of-{name}", now - timedelta(days=9), lease_end)
    page = await board.read_page("/status")
    assert "<strong>Monitor north</strong>: held by host-of-north until" in page
    assert "<strong>Monitor south</strong>: no sign of it since 5 Jan 2018 09:30" in page
    assert 'href="/runbook#ninethirtydown"' in page
    assert "Monitor east" not in page
