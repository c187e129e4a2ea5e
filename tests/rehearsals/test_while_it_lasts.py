"""Notices and drafts during an incident are true by its script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from alerts.notice import Notice
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.rehearse.drive import RehearsalOutcome, play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.store.open import open_store

OFQUAL = Path(__file__).parents[2] / "rehearsals" / "ofqual-2018-01.toml"
REPORT = (
    "https://www.gov.uk/government/publications/malpractice-for-gcse-and-a-level-2017-main-report"
)
NEWS = "https://www.gov.uk/government/news/malpractice-for-gcse-and-a-level-summer-2017-exam-series-documents"
OUT = {REPORT: "09:51:00", NEWS: "10:35:00"}
"""When each address had the release. The announced page had it at 12:19:00."""


@dataclass(frozen=True)
class Cut:
    """A rehearsal that was stopped early: its outcome, its notices in order, and its last draft."""

    played: RehearsalOutcome
    notices: Sequence[Notice]
    letters: Mapping[str, Sequence[str]]


def cut(until: str, folder: Path) -> Cut:
    """Play Ofqual, January 2018, until a time of its day."""
    whole = read_script(OFQUAL)
    assert whole.config is not None
    script = whole.model_copy(
        update={"ends": datetime.fromisoformat(f"2018-01-05T{until}Z"), "expect": ()}
    )
    base = read_settings(whole.config)
    played = play(script, base, folder)
    store = open_store(rehearsal_settings(script, base, folder).store.url)
    notices = sorted(store.outbox.notices(), key=lambda one: one.at)
    letters = store.verdicts.drafts(notices[0].incident)[-1].facts
    store.close()
    return Cut(played, notices, letters)


@pytest.fixture(scope="module")
def at_1050(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    return cut("10:50:00", tmp_path_factory.mktemp("ofqual"))


def clock_of(notice: Notice) -> str:
    return f"{notice.at:%H:%M:%S}"


def test_a_listed_alternative_does_not_stop_the_clock_of_the_announced_page(
    at_1050: Cut,
) -> None:
    (release,) = at_1050.played.results.releases
    assert release["verdict"] == "overdue"
    # Witnesses prove an absence only two minutes later.
    assert 77 * 60 <= release["delay"]["min"] <= 80 * 60
    assert [(one["url"], one["to"]) for one in release["available_elsewhere"]] == [
        (url, {"after": None, "by": None}) for url in OUT
    ]


def test_each_alternative_is_a_notice_as_soon_as_it_is_seen(at_1050: Cut) -> None:
    found = {clock_of(one)[:5]: one for one in at_1050.notices if one.kind == "elsewhere"}
    assert list(found) == ["09:51", "10:35"]
    assert f"report available at {REPORT} since 09:51 GMT" in found["09:51"].subject
    assert f"news available at {NEWS} since 10:35 GMT" in found["10:35"].text


def test_every_notice_leads_with_what_users_can_get(at_1050: Cut) -> None:
    for notice in at_1050.notices:
        public = [url for url, came in OUT.items() if came <= clock_of(notice)]
        head, first = notice.subject.partition(": ")[0], notice.text.split("\n")[0]
        assert ("out elsewhere since 09:51 GMT" in head) is bool(public), notice.subject
        assert first == notice.subject
        listed = notice.text.partition("Users can get it now:\n")[2].partition("\n\n")[0]
        assert re.findall(r"https://\S+", listed) == public


def test_no_notice_says_that_the_page_was_absent_later_than_it_was_made(
    at_1050: Cut,
) -> None:
    for notice in at_1050.notices:
        proved = re.search(
            r"(?:absent at|page at|found yet at|found yet, as of) (\d\d:\d\d:\d\d) GMT",
            notice.subject,
        )
        assert proved is not None
        assert "09:31:00" <= proved[1] <= clock_of(notice)


@pytest.mark.parametrize("which", ["holding", "lines", "covering", "correction"])
def test_no_letter_says_that_it_is_not_out_without_the_links_that_are_public(
    at_1050: Cut, which: str
) -> None:
    told = " ".join(at_1050.letters[which])
    assert "not out yet" not in told
    assert REPORT in told
    assert NEWS in told


def test_people_hear_that_it_is_not_found_yet_when_the_tolerance_is_over(at_1050: Cut) -> None:
    first, confirmed = at_1050.notices[:2]
    assert (first.kind, clock_of(first)) == ("due", "09:31:00")
    assert first.subject.startswith("NOT FOUND YET: ")
    assert "not found yet at 09:31:00 GMT, confirming; the last look got 200" in first.subject
    assert "LATE" not in first.text
    assert "draft" not in first.text.lower()
    assert (confirmed.kind, confirmed.follows) == ("opened", first.id)
    assert confirmed.subject.startswith("LATE: ")
    assert "What changed: it was not found yet before, and that is confirmed now" in confirmed.text


FOUND = """
title = "Found after it was reported as not found yet"
from = 2018-01-05T09:28:00
until = 2018-01-05T09:40:00

[[release]]
id = "claims"
title = "Example claims: July to September 2017"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/example-claims-july-to-september-2017--1"
slot = 2018-01-05T09:30:00
announcement = "example-claims-july-to-september-2017"
redirect_after = "100s"
listed_after = "110s"

[[answer]]
url = "https://www.gov.uk/government/statistics/example-claims-july-to-september-2017--1"
at = 2018-01-05T09:30:05
"""


def test_what_was_not_found_yet_is_reported_as_found_and_never_as_late(tmp_path: Path) -> None:
    (tmp_path / "found.toml").write_text(FOUND)
    script = read_script(tmp_path / "found.toml")
    play(script, Settings(), tmp_path)
    store = open_store(rehearsal_settings(script, Settings(), tmp_path).store.url)
    notices = sorted(store.outbox.notices(), key=lambda one: one.at)
    incidents = store.verdicts.incidents()
    store.close()
    assert [one.kind for one in notices][:2] == ["due", "appeared"]
    assert "09:31:40" < clock_of(notices[1]) < "09:32:00"
    assert not any("LATE" in one.text for one in notices)
    assert [one.kind for one in incidents] == ["unproven"]
