"""A slot of sixty releases, most of them on time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
HEAD = 'title = "Sixty"\nfrom = 2026-11-26T09:20:00\nuntil = 2026-11-26T09:30:15\n'
RELEASE = """
[[release]]
id = "r{n}"
title = "{title} {letter}: July to September 2026"
producer = "department-{of}"
url = "https://www.gov.uk/government/statistics/r{n}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
"""
PAGE = """
[[answer]]
url = "https://www.gov.uk/government/statistics/r{n}"
at = {at}
"""
SERIES = (
    "Apprenticeships and traineeships",
    "Hospital admissions for self-harm and assaults",
    "Criminal court statistics quarterly",
    "Immigration system statistics",
    "Reported road casualties in Great Britain, provisional estimates",
    "Cancer waiting times",
    "Consumer price inflation tables",
    "State-funded schools inspections and outcomes",
)
EARLY = (4, 13, 30, 47)
MISSING = (3, 11, 19, 27, 8, 22, 35, 43, 51, 6)
"""Six come after the end, four never. Most are of one producer."""


def play_sixty(folder: Path) -> None:
    """Play the slot until 15 s after it: 46 releases come within 5 s, 4 came minutes before."""
    tables = [HEAD]
    for n in range(60):
        producer = n % len(SERIES)
        letter = chr(65 + n // len(SERIES))
        tables.append(RELEASE.format(n=n, title=SERIES[producer], letter=letter, of=producer))
        seconds = -240 + n if n in EARLY else 1 + n * 7919 % 4000 / 1000
        at = (SLOT + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
        if n not in MISSING:
            tables.append(PAGE.format(n=n, at=at))
    path = folder / "sixty.toml"
    path.write_text("\n".join(tables))
    settings = Settings.model_validate({"budget": {"www.gov.uk": "10/s"}})
    play(read_script(path), settings, folder)
