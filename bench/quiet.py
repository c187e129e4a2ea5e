"""Plays releases that are on time through the daemon in virtual time, to fill a store
realistically.
"""

from __future__ import annotations

from pathlib import Path

from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script

_HEAD = """title = "quiet"
from = 2026-11-26T09:00:00
until = 2026-11-26T10:45:00
"""
_RELEASE = """[[release]]
id = "r{number}"
title = "Example statistics {number}: October 2026"
producer = "example"
url = "https://h{number}.example/statistics/{number}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
part = [{parts}]

[[answer]]
url = "https://h{number}.example/statistics/{number}"
at = 2026-11-26T09:30:00
"""
_PART = (
    '{{ id = "file{file}", role = "data", url = "https://h{number}.example/files/{file}.csv",'
    ' recognise = "status" }}'
)
_FILE = """
[[answer]]
url = "https://h{number}.example/files/{file}.csv"
at = 2026-11-26T09:30:00
"""


_WATCH = {
    "slot": {"from": "30s", "until": "3m", "every": "1s"},
    "near": {"from": "60m", "every": "60s"},
}


def play_quiet_releases(place: Path, releases: int, files: int = 0) -> RehearsalOutcome:
    """Play releases that are published at their slot with `files` files each.

    The store is `place`/ninethirty.db.

    Raises AssertionError if one was not on time, because the measurement would not be comparable.
    """
    source = place / "quiet.toml"
    source.write_text(_script(releases, files), encoding="utf-8")
    done = play(read_script(source), Settings.model_validate({"watch": _WATCH}), place)
    words = {str(row["verdict"]) for row in done.results.releases}
    assert words <= {"on_time"}, words  # noqa: S101  # see above
    return done


def _script(releases: int, files: int) -> str:
    text = [_HEAD]
    for number in range(releases):
        parts = ", ".join(_PART.format(number=number, file=file) for file in range(files))
        text.append(_RELEASE.format(number=number, parts=parts))
        text += [_FILE.format(number=number, file=file) for file in range(files)]
    return "\n".join(text)
