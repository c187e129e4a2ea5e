"""Every configuration on a how-to page is read as it stands."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from monitor.config.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
BLOCKS = [
    (page.stem, textwrap.dedent(block))
    for page in sorted(FOLDER.glob("*.md"))
    for block in re.findall(r"^ *```toml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[f"{page} {number}" for number, (page, _) in enumerate(BLOCKS)])
def test_configuration_on_a_how_to_page_is_read(page: str, block: str) -> None:
    del page
    # A line without its table is one key, of which the text says where it belongs.
    if not block.startswith("["):
        assert tomllib.loads(block)
        return
    Settings.model_validate(tomllib.loads(block))


def test_there_are_configurations_to_read() -> None:
    assert len(BLOCKS) > 15
