"""The results of a rehearsal for releases without a final verdict."""

from __future__ import annotations

from pathlib import Path

from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script

DUE_NEXT_MONTH = """
title = "A month before"
from = 2018-01-05T09:00:00
until = 2018-01-05T09:02:00

[[release]]
id = "far-off"
title = "Far-off figures: December 2017"
producer = "ofqual"
url = "https://www.gov.uk/government/statistics/far-off-figures-december-2017"
slot = 2018-02-05T09:30:00

[[expect]]
notices = 0
drafts = 0
"""


def play_as_expected(text: str, folder: Path) -> RehearsalOutcome:
    """Play a script, check that its expectations are met, and return its outcome."""
    path = folder / "script.toml"
    path.write_text(text, encoding="utf-8")
    played = play(read_script(path), Settings(), folder)
    assert [expectation.why for expectation in played.met if not expectation.met] == []
    return played


def test_a_release_due_next_month_is_pending(tmp_path: Path) -> None:
    played = play_as_expected(DUE_NEXT_MONTH, tmp_path)
    assert [(release["id"], release["verdict"]) for release in played.results.releases] == [("far-off", "pending")]


OVERDUE_UNTIL_12_30 = """
title = "Not out for three hours"
from = 2018-01-05T09:20:00
until = 2018-01-05T12:30:00

[[release]]
id = "overdue"
title = "Overdue figures: December 2017"
producer = "ofqual"
url = "https://www.gov.uk/government/statistics/overdue-figures-december-2017"
slot = 2018-01-05T09:30:00

[[expect]]
release = "overdue"
verdict = "overdue"
drafts = 1
"""


def test_the_draft_of_an_overdue_release_gives_its_delay_near_the_end_of_the_script(tmp_path: Path) -> None:
    played = play_as_expected(OVERDUE_UNTIL_12_30, tmp_path)
    (draft,) = played.results.drafts
    (text,) = (Path(file).read_text(encoding="utf-8") for file in draft["files"] if file.endswith(".md"))
    assert "It was still not found at 12.26pm." in text
    assert "delayed by at least 2 hours 56 minutes so far" in text
