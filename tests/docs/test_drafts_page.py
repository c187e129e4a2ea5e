from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from alerts.draft.form import load_forms
from alerts.draft.write.registry import WRITERS
from alerts.draft.write.template import TEMPLATE_NAMES
from monitor.config.checks import reporting_faults
from monitor.config.settings import Settings


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "drafts.md").read_text(encoding="utf-8")


def test_the_page_lists_the_fields_of_a_template_and_no_others(page: str) -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == TEMPLATE_NAMES


def test_every_format_and_form_is_named(page: str) -> None:
    assert all(f"`.{ending}`" in page for ending in WRITERS)
    row = re.search(r"^\| `form` \|(.*)\|$", page, re.MULTILINE)
    assert row is not None
    assert all(re.search(rf"\b{name}\b", row[1]) for name in load_forms() if name != "period")


def test_the_configuration_on_the_page_is_right(page: str, tmp_path: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        settings = Settings.model_validate(tomllib.loads(block))
        faults = [key for key, _, _ in reporting_faults(settings, tmp_path)]
        assert faults in ([], ["producer[1].report.template"])
