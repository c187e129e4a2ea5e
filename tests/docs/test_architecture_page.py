"""The map of the code names exactly the existing packages, with their floors of imports."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.test_imports import ORDER, OURS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = [
    name.replace(".", "/") + "/" for name in ORDER if (ROOT / name.replace(".", "/")).is_dir()
]


def test_the_table_names_every_package_with_its_floor_in_the_order_of_imports() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|.*\| (\d+) \|$", PAGE, re.MULTILINE)
    floors = {package: int(floor) for package, floor in rows}
    assert [floors[package] for package in PACKAGES] == list(range(1, len(floors) + 1))


def test_the_table_follows_data_from_calendar_to_notice() -> None:
    rows = re.findall(r"^\| `monitor/(\w+)/` \|", PAGE, re.MULTILINE)
    assert rows[:6] == ["ledger", "plan", "watch", "look", "judge", "deliver"]


def test_every_path_that_the_page_names_is_there() -> None:
    named = [
        path
        for path in re.findall(r"`([^`\s]+/[^`\s]*)`", PAGE)
        if path.split("/")[0] in {*OURS, "tests", "docs"}
    ]
    assert len(named) > len(PACKAGES)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
