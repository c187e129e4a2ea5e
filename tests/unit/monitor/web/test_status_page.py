"""The status page: checks that are good, or what is wrong with what to do, and no empty sections."""

from __future__ import annotations

import re
from datetime import timedelta

from monitor.health.checks import Check
from tests.unit.monitor.web.board import a_board


async def test_the_status_page_shows_what_was_given_up_and_why() -> None:
    async with a_board() as board:
        page = (await board.client.get("/status")).text
        assert "the number is not known" in page
        assert "pager" in page


async def test_the_status_page_lists_what_is_wrong_first_with_what_to_do() -> None:
    async with a_board() as board:
        todo = "Start chrony or systemd-timesyncd."
        clock = Check("Clock", "nothing synchronises it", todo, "NinethirtyClockOff")
        board.running.states = (Check("Store", "writable"), clock)
        page = (await board.client.get("/status")).text
    # The other one is the notice that was given up.
    assert "Ready, but 2 of 3 checks need attention" in page
    assert page.index("<strong>Clock</strong>: nothing synchronises it") < page.index(
        "<strong>Store</strong>: writable"
    )
    assert todo in page
    assert 'href="/runbook#ninethirtyclockoff"' in page


async def test_every_runbook_link_of_a_check_leads_to_a_section() -> None:
    async with a_board() as board:
        board.running.states = (Check("Clock", "off", "Set it.", "NinethirtyClockOff"),)
        links = re.findall('href="/runbook#([^"]+)"', (await board.client.get("/status")).text)
        runbook = (await board.client.get("/runbook")).text
    assert len(links) == 2
    assert all(f'id="{link}"' in runbook for link in links)


async def test_a_status_page_without_a_fault_has_no_empty_section() -> None:
    async with a_board() as board:
        board.clock.seconds += timedelta(days=8).total_seconds()
        page = (await board.client.get("/status")).text
    assert "Every check is good" in page
    assert not re.search(r"\b(None|Nothing)\b|<h2", page.partition("<main")[2])
