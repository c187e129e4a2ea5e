"""The configuration page is made from the settings, every key and table is explained, and every
example works.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings
from tests.docs.configure_page import (
    EXAMPLES,
    Section,
    page_text,
    read_examples,
    sections_of_settings,
)

PAGE = Path(__file__).parents[2] / "docs" / "configure.md"
SECTIONS = sections_of_settings()


def test_the_committed_page_is_made_from_the_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_text(), "make reference"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.heading)
def test_every_table_and_every_key_is_explained(section: Section) -> None:
    assert section.text or section.heading == "Top level"
    assert {key for key in section.defaults if not section.descriptions.get(key)} == set()


def test_the_examples_are_one_configuration_without_a_fault(tmp_path: Path) -> None:
    data = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    assert list(cross_faults(data, Settings.model_validate(data), tmp_path)) == []


def test_every_example_has_its_place_on_the_page() -> None:
    assert read_examples().keys() <= {section.heading for section in SECTIONS}


def test_every_table_is_in_an_example() -> None:
    data = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    kinds = {section.heading for section in SECTIONS if "kind =" in section.heading}
    assert data.keys() == Settings.model_fields.keys()
    assert kinds <= read_examples().keys()
