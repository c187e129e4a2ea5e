from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings
from tests.docs.settings_tables import Described, described

PAGE = (Path(__file__).parents[2] / "docs" / "configure.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def section(heading: str) -> str:
    found = re.search(rf"^## `?{re.escape(heading)}`?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/configure.md has no heading for {heading}"
    return found[1]


@pytest.mark.parametrize("table", described(), ids=lambda table: table.heading)
def test_every_key_has_its_row_with_its_default_and_what_it_means(table: Described) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `?(.*?)`? \| (.+) \|$", section(table.heading), re.MULTILINE)
    assert {key: default for key, default, _ in rows} == table.keys


def test_the_page_describes_no_table_that_is_not_there() -> None:
    headings = [heading.strip("`") for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)]
    assert headings == [table.heading for table in described()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_is_in_order(example: str, tmp_path: Path) -> None:
    data = tomllib.loads(example)
    settings = Settings.model_validate(data)
    assert list(cross_faults(data, settings, tmp_path)) == []


def test_every_table_stands_in_an_example() -> None:
    headings = re.findall(r"^\[+([a-z_]+)", "\n".join(EXAMPLES), re.MULTILINE)
    assert {name for name in Settings.model_fields if name != "timezone"} <= set(headings)
