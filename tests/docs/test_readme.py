"""README.md is short, its configuration works, and its links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from monitor.config.checks import cross_faults
from monitor.config.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def test_readme_has_at_most_600_words() -> None:
    assert len(README.split()) <= 600


def test_configuration_in_the_readme_works_and_has_at_most_twelve_lines(tmp_path: Path) -> None:
    (text,) = CONFIGURATION
    data = tomllib.loads(text)
    assert list(cross_faults(data, Settings.model_validate(data), tmp_path)) == []
    assert len(text.splitlines()) <= 12


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r'\]\(([^):#]+)[^)]*\)|(?:src|srcset)="([^"]+)"', README)
    assert [path for pair in linked for path in pair if path and not (ROOT / path).exists()] == []


def test_readme_names_the_three_commands_to_try_and_test_it() -> None:
    assert all(command in README for command in ("make demo", "make test", "make verify"))
