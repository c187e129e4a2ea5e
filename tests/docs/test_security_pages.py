"""The pages that security people read name files that are there, and tests that are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "SECURITY.md", ROOT / "docs" / "threats.md", ROOT / "docs" / "asvs.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_every_section_of_the_standard_has_its_line_with_evidence_or_what_is_missing() -> None:
    rows = re.findall(
        r"^\| (V[\d.]+)(?: to (V[\d.]+))?(.*?) \| (\w+) \| (.*) \|$",
        PAGES[2].read_text(),
        re.MULTILINE,
    )
    chapters = {int(first[1:].split(".")[0]) for first, *_ in rows}
    assert chapters == set(range(1, 18))
    assert {state for *_, state, _ in rows} == {"met", "partly", "none"}
    assert [
        first
        for first, _, _, state, told in rows
        if state in {"met", "partly"} and not told.strip()
    ] == []
