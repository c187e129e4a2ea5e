"""Every configuration on a how-to page is one that the monitor accepts."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


def configurations(page: Path) -> Iterator[dict[str, Any]]:
    """Yield each block of TOML that has a table.

    A line by itself belongs to a table that its sentence names.
    """
    text = page.read_text(encoding="utf-8")
    for _, block in re.findall(r"^( *)```toml\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        if "[" in block.splitlines()[0]:
            yield tomllib.loads(textwrap.dedent(block))


def together(blocks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return the blocks of a page as one configuration: lists in order, of tables the later
    keys.
    """
    whole: dict[str, Any] = {}
    for block in blocks:
        for name, value in block.items():
            if isinstance(value, list):
                whole[name] = [*whole.get(name, []), *value]
            else:
                whole[name] = {**whole.get(name, {}), **value}
    return whole


CASES = [page for page in PAGES if any(configurations(page))]


@pytest.mark.parametrize("page", CASES, ids=lambda page: page.stem)
def test_configuration_on_a_page_has_no_fault(page: Path, tmp_path: Path) -> None:
    data = together(configurations(page))
    (tmp_path / "users").touch(mode=0o600)
    assert list(cross_faults(data, Settings.model_validate(data), tmp_path)) == []


def test_there_are_configurations_to_check() -> None:
    assert {"calendars", "channels", "firewall", "postgresql", "several-monitors", "sign-in"} <= {
        page.stem for page in CASES
    }


def test_prometheus_on_its_page_is_set_as_in_the_file_that_we_ship() -> None:
    page = (ROOT / "docs/how-to/prometheus.md").read_text(encoding="utf-8")
    shipped = yaml.safe_load(
        (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    )
    blocks = re.findall(r"^( *)```yaml\n(.*?)^\1```", page, re.MULTILINE | re.DOTALL)
    jobs, alerts = (yaml.safe_load(textwrap.dedent(block)) for _, block in blocks)
    ours = ("job_name", "scrape_interval", "scrape_timeout")
    assert [jobs["scrape_configs"][0][key] for key in ours] == [
        shipped["scrape_configs"][0][key] for key in ours
    ]
    assert alerts["global"]["evaluation_interval"] == shipped["global"]["evaluation_interval"]
    assert alerts["global"]["external_labels"].keys() == shipped["global"]["external_labels"].keys()
    assert (
        alerts["alerting"]["alert_relabel_configs"] == shipped["alerting"]["alert_relabel_configs"]
    )
