from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.test_prometheus import exported

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = sorted((FOLDER / "dashboards").glob("*.json"))


def read(board: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(board.read_text(encoding="utf-8"))
    return found


def targets(board: Path) -> list[dict[str, Any]]:
    return [target for panel in read(board)["panels"] for target in panel["targets"]]


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {
        (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    }


def test_there_is_a_board_of_today_one_of_delays_and_one_of_the_watch_itself() -> None:
    assert [board.stem for board in BOARDS] == ["delays", "health", "today"]
    assert len({read(board)["uid"] for board in BOARDS}) == 3


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_panels_have_ids_of_their_own_and_do_not_overlap(board: Path) -> None:
    panels = read(board)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert all(not cells(one) & cells(other) for one, other in combinations(panels, 2))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_query_goes_to_the_chosen_source_and_asks_for_what_we_export(board: Path) -> None:
    for target in targets(board):
        assert target["datasource"] == {"type": "prometheus", "uid": "${ds}"}
        assert target["refId"]
        asked = set(re.findall(r"\bninethirty_\w+", target["expr"]))
        assert {re.sub(r"_bucket$", "", name) for name in asked} <= exported()
        known = {variable["name"] for variable in read(board)["templating"]["list"]}
        assert set(re.findall(r"\$(\w+)", target["expr"])) <= known | {"__rate_interval", "__range"}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_whatever_is_shown_release_by_release_links_to_our_page_of_it(board: Path) -> None:
    for panel in read(board)["panels"]:
        if not any(
            re.match(r"(topk\(15, )?max by \(release\b", each["expr"]) for each in panel["targets"]
        ):
            continue
        fields = panel["fieldConfig"]
        given = [*fields["defaults"].get("links", [])]
        for one in (one for each in fields["overrides"] for one in each["properties"]):
            given += one["value"] if one["id"] == "links" else []
        assert [link["url"].partition("/releases/")[0] for link in given] == ["${board:raw}"], (
            panel["title"]
        )
        (address,) = (
            one["query"] for one in read(board)["templating"]["list"] if one["name"] == "board"
        )
        assert httpx.URL(address).port == 9030


def test_provisioning_finds_prometheus_and_the_boards_where_compose_puts_them() -> None:
    compose = yaml.safe_load((FOLDER.parent / "compose.yaml").read_text(encoding="utf-8"))
    mounts = dict(mount.split(":")[:2] for mount in compose["services"]["grafana"]["volumes"])
    provider = yaml.safe_load(
        (FOLDER / "provisioning/dashboards/ninethirty.yml").read_text(encoding="utf-8")
    )
    source = yaml.safe_load(
        (FOLDER / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    )
    assert provider["providers"][0]["options"]["path"] == mounts["./grafana/dashboards"]
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]
