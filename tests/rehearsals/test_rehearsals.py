"""Each shipped rehearsal meets its expectations in the real daemon, and has the same result when
played again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.app.options import make_policies
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.store.evidence.chain import verify_evidence
from monitor.store.open import open_store
from monitor.watch.rejudge import replay

SCRIPTS = sorted((Path(__file__).parents[2] / "rehearsals").glob("*.toml"))
INCIDENTS = {"ipcc-2015", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03", "moj-2016"}
SHORT = "killed-over-the-slot"
SCRIPT_OF = {path.stem: path for path in SCRIPTS}
FAST = INCIDENTS | {
    "fm03-parts-of-the-release-late",
    "fm05-page-out-early",
    "fm15-split-view",
    "ordinary-day",
    SHORT,
}
"""The ten that `make test` plays. The others are in the slow tier."""
PLAYED = [
    name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in SCRIPT_OF
]


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal that was played, with the folder of its store, evidence and drafts."""

    played: RehearsalOutcome
    settings: Settings
    folder: Path


def rehearsed(path: Path, folder: Path) -> Rehearsed:
    script = read_script(path)
    base = read_settings(script.config) if script.config is not None else Settings()
    return Rehearsed(play(script, base, folder), rehearsal_settings(script, base, folder), folder)


def test_the_five_incidents_and_the_ordinary_day_are_there() -> None:
    assert {path.stem for path in SCRIPTS} >= INCIDENTS | {
        "ordinary-day",
        SHORT,
        "unavailable-over-the-slot",
    }


@pytest.mark.parametrize("name", PLAYED)
def test_a_rehearsal_meets_what_it_expects_and_leaves_a_whole_store(
    name: str, tmp_path: Path
) -> None:
    done = rehearsed(SCRIPT_OF[name], tmp_path)
    assert [met.why for met in done.played.met if not met.met] == []
    assert done.played.met
    over = {
        host: rate
        for host, rate in done.played.peak_rate.items()
        if rate > done.settings.rate(host)
    }
    assert over == {}
    _is_whole_and_replays_without_a_difference(done)
    ids = Counter(notice["id"] for notice in done.played.results.notices)
    assert [one for one, times in ids.items() if times > 1] == []
    if name in INCIDENTS:
        _has_a_draft_in_every_format(done)
    for more in MORE.get(name, ()):
        more(done)


def _is_whole_and_replays_without_a_difference(done: Rehearsed) -> None:
    store = open_store(done.settings.store.url)
    differing = {
        release: told
        for release, told in replay(store, make_policies(done.settings), None, None)
        if told
    }
    assert differing == {}
    assert (store.check(), verify_evidence(store.evidence, done.folder / "evidence")) == ([], [])
    store.close()


def _has_a_draft_in_every_format(done: Rehearsed) -> None:
    drafts = done.played.results.drafts
    assert drafts
    for draft in drafts:
        assert {Path(file).suffix for file in draft["files"]} >= {".docx", ".odt", ".html", ".md"}


def _tells_nothing(done: Rehearsed) -> None:
    results = done.played.results
    assert (results.notices, results.drafts) == ([], [])
    assert {release["verdict"] for release in results.releases} <= {"on_time", "pending", "moved"}


def _plays_the_same_twice(done: Rehearsed) -> None:
    again = rehearsed(SCRIPT_OF[SHORT], done.folder / "again")
    first, second = done.played.as_json(), again.played.as_json()
    for told in (first, second):
        del told["wall_seconds"]
    assert first == second


def _measures_no_wider_than_twice_the_spacing_of_looks(done: Rehearsed) -> None:
    (release,) = done.played.results.releases
    first = release["first_seen"]
    width = datetime.fromisoformat(first["by"]) - datetime.fromisoformat(first["after"])
    # An hour and a half after its slot it is looked at every 5 s.
    assert timedelta() < width <= timedelta(seconds=10)


def _says_at_the_slot_that_the_page_is_still_public(done: Rehearsed) -> None:
    store = open_store(done.settings.store.url)
    (slot,) = (script.slot for script in done.played.script.release)
    (told,) = (notice for notice in store.outbox.notices() if notice.at >= slot)
    assert told.at - slot < timedelta(seconds=2)
    assert (
        "What changed: its slot has come, and what was public before it still is; the measurement"
        in told.text
    )
    assert "seen gone" not in told.text
    store.close()


def _tells_the_edit_once_and_opens_the_breach_as_such(done: Rehearsed) -> None:
    told = [
        (notice["kind"], notice["subject"].partition(" (")[0])
        for notice in done.played.results.notices
    ]
    assert told == [
        ("calendar", "CALENDAR: 4 entries of rehearsal"),
        ("opened", "LATE: Example rents: October 2026"),
        ("final", "LATE, over: Example rents: October 2026"),
    ]


def _tells_what_comes_and_goes_once_and_how_it_ends(done: Rehearsed) -> None:
    kinds = [notice["kind"] for notice in done.played.results.notices]
    assert kinds == ["opened", "exposure_closed", "comes_and_goes", "final"]


def _accuses_only_what_its_script_has_late(done: Rehearsed) -> None:
    script, results = done.played.script, done.played.results
    came = {answer.url: answer.at for answer in script.answer}
    late = {one.title for one in script.release if came[one.url] - one.slot > timedelta(minutes=1)}
    titles = {release["id"]: release["title"] for release in results.releases}
    accused = [
        one
        for one in results.notices
        if one["subject"].startswith(("LATE", "OVERDUE", "PARTLY LATE"))
    ]
    assert {titles[one["release"]] for one in accused} == late
    assert {titles[one["release"]] for one in results.drafts} == late
    assert any(
        one["subject"].startswith("NOT FOUND YET: Example claims") for one in results.notices
    )


MORE = {
    "witnesses-behind-all-day": (_accuses_only_what_its_script_has_late,),
    "flapping": (_tells_what_comes_and_goes_once_and_how_it_ends,),
    "one-calendar-edit": (_tells_the_edit_once_and_opens_the_breach_as_such,),
    "ordinary-day": (_tells_nothing,),
    "fm05-page-out-early": (_says_at_the_slot_that_the_page_is_still_public,),
    SHORT: (_plays_the_same_twice,),
    "ofqual-2018-03": (_measures_no_wider_than_twice_the_spacing_of_looks,),
}
