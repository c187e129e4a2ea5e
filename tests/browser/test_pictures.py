"""The pictures of README.md and docs/ show pages as they are now."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest

from tests.browser.pictures import FOLDER, play, texts

_SAME = 0.85
_LARGEST = 170_000


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return play(tmp_path_factory.mktemp("pictures"))


@pytest.mark.needs("chromium")
async def test_pictures_show_pages_as_they_are_now(kept: tuple[Path, Path]) -> None:
    shown = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    now = await texts(kept)
    assert shown.keys() == now.keys()
    changed = [name for name, text in now.items() if likeness(shown[name], text) < _SAME]
    assert changed == [], "run `make pictures`, look at the pictures, and commit them"


def likeness(before: str, after: str) -> float:
    """Return which share of the words is the same, from 0 to 1."""
    return SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio()


def test_pictures_are_small() -> None:
    files = list(FOLDER.glob("*.webp"))
    assert {path.stem.split("-")[0] for path in files} == {
        path.stem for path in FOLDER.glob("*.txt")
    }
    assert [path.name for path in files if path.stat().st_size > _LARGEST] == []
