"""The results of a rehearsal for releases without a final verdict."""

from __future__ import annotations

from pathlib import Path

from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script

SCRIPT = """
title = "One release"
from = 2018-01-05T09:20:00
until = {until}
[[release]]
id = "figures"
title = "Figures: December 2017"
producer = "ofqual"
url = "https://www.gov.uk/government/statistics/figures-december-2017"
slot = {slot}
[[expect]]
drafts = {drafts}
"""


def play_without_publication(
    folder: Path, *, slot: str, until: str, expected_drafts: int
) -> RehearsalOutcome:
    """Play a script whose release is never published, check the number of drafts, and return the
    outcome.
    """
    path = folder / "script.toml"
    path.write_text(SCRIPT.format(slot=slot, until=until, drafts=expected_drafts), encoding="utf-8")
    played = play(read_script(path), Settings(), folder)
    assert [expectation.why for expectation in played.met if not expectation.met] == []
    return played


def test_a_release_due_next_month_is_pending(tmp_path: Path) -> None:
    played = play_without_publication(
        tmp_path, slot="2018-02-05T09:30:00", until="2018-01-05T09:22:00", expected_drafts=0
    )
    # The script ends on 5 January, a month before the slot.
    (release,) = played.results.releases
    assert (release["id"], release["verdict"]) == ("figures", "pending")
    assert played.results.notices == []


def test_draft_of_an_overdue_release_gives_its_last_delay(tmp_path: Path) -> None:
    played = play_without_publication(
        tmp_path, slot="2018-01-05T09:30:00", until="2018-01-05T12:30:00", expected_drafts=1
    )
    assert [release["verdict"] for release in played.results.releases] == ["overdue"]
    (draft,) = played.results.drafts
    (text,) = (
        Path(file).read_text(encoding="utf-8") for file in draft["files"] if file.endswith(".md")
    )
    # 12:26 is the last look before the script ends at 12:30, and 2 h 56 min after the slot.
    assert "It was still not found at 12.26pm." in text
    assert "delayed by at least 2 hours 56 minutes so far" in text
