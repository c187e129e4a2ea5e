"""What titles say of their release: `payloads/titles.tsv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedules.announcement import State
from schedules.called_off import read_called_off
from schedules.dates.status import Status
from schedules.sources.row import clean_title

_LINES = (Path(__file__).parent / "payloads" / "titles.tsv").read_text("utf-8").splitlines()[1:]
_STATUS = {
    "cancelled": Status(State.CANCELLED),
    "postponed": Status(State.POSTPONED),
    "doubt": Status(is_understood=False),
    "stands": Status(),
}


@pytest.mark.parametrize("line", _LINES)
def test_a_title_says_whether_its_release_stands(line: str) -> None:
    title, says, *rest = line.split("\t")
    is_called_off = says != "stands"
    bare = "".join(rest) if is_called_off else clean_title(title)
    assert read_called_off(clean_title(title)) == (bare, _STATUS[says])


def test_a_title_of_marks_alone_is_read_at_once() -> None:
    for title in ("(" * 500, "- " * 250, "(cancelled" * 50, "(" * 100_000):
        assert read_called_off(title)[1] in _STATUS.values()
