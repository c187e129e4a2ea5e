"""Ten further published cases: each draft contains the known facts in sentences that a person can
sign.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script

ROOT = Path(__file__).parents[2]
ACCOUNT = (
    "Please give an account of what happened including roles of persons involved, dates and times:"
)
DRAFTS = tomllib.loads(Path(__file__).with_name("further_cases.toml").read_text(encoding="utf-8"))
"""The expected answers: rehearsal → draft → question → the whole answer."""


def play_script(name: str, folder: Path) -> Mapping[str, str]:
    """Return the Markdown of each draft that a rehearsal leaves, by the draft's name."""
    script = read_script(ROOT / "rehearsals" / f"{name}.toml")
    base = read_settings(script.config) if script.config is not None else Settings()
    played = play(script, base, folder)
    assert [met.why for met in played.met if not met.met] == []
    return {
        file.stem: file.read_text(encoding="utf-8") for file in (folder / "drafts").glob("*.md")
    }


def read_answers(markdown: str) -> Mapping[str, str]:
    """Return each question of a draft with its answer, without hints and without what a person must
    complete.
    """
    rows = dict(re.findall(r"^\| ([^|]+) \| (.*) \|$", markdown, re.MULTILINE))
    answers = {
        question: _leave_out_open_parts(answer.split("<br>")) for question, answer in rows.items()
    }
    for title, section in re.findall(r"^## ([^\n]+)\n\n((?:>[^\n]*\n)+)", markdown, re.MULTILINE):
        answers[title] = _leave_out_open_parts(line.lstrip("> ") for line in section.splitlines())
    return {
        "account" if question == ACCOUNT else question: answer
        for question, answer in answers.items()
    }


def _leave_out_open_parts(paragraphs: Iterable[str]) -> str:
    kept = [each for each in paragraphs if each and not each.startswith("*")]
    return " ".join(kept).replace("\\", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAFTS)
def test_draft_of_a_published_case_says_what_was_measured_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    drafts = play_script(name, tmp_path)
    for draft, expected in DRAFTS[name].items():
        answers = read_answers(drafts[draft])
        assert {question: answers.get(question, "") for question in expected} == dict(expected)


@pytest.mark.slow
def test_release_that_was_postponed_in_time_has_no_draft(tmp_path: Path) -> None:
    # After the tenth case, ons-gdp-2010: postponed before its slot, so it was not late.
    assert not [
        draft for draft in play_script("fm13-other-slots", tmp_path) if draft.startswith("moved-")
    ]
