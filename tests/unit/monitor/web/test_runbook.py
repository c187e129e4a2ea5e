"""The runbook explains every alert, for all readers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.unit.monitor.web.board import Board, a_board

RULES = Path(__file__).parents[4] / "deploy" / "prometheus" / "rules.yml"


@pytest.mark.parametrize("public", [True, False])
async def test_every_reader_finds_every_alert_in_the_runbook(*, public: bool) -> None:
    """Each alert links to a section of the runbook.

    Strangers can read the runbook even on a closed board.
    """
    async with a_board(public=public) as board:
        result = await board.client.get("/runbook")
    assert result.status_code == 200
    anchors = re.findall(r'<h[23] id="([^"]+)"', result.text)
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    linked = {alert["annotations"]["runbook_url"].partition("#")[2] for alert in alerts}
    assert linked <= set(anchors)
    # Notices link to this section.
    assert "at-931" in anchors


async def test_runbook_links_only_to_itself(board: Board) -> None:
    text = await board.read_page("/runbook")
    main_part = text.partition("<main")[2].partition("</main>")[0]
    links, ids = re.findall(r'href="([^"]+)"', main_part), re.findall(r'id="([^"]+)"', text)
    assert links != []
    assert set(links) <= {f"#{name}" for name in ids}
