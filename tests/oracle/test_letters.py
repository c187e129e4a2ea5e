"""Drafts and letters about random incidents contain no untrue sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.draft.report import Report
from tests.oracle.letters import reasons_against_draft
from tests.oracle.oracle import find_discrepancies
from tests.oracle.player import play_world
from tests.oracle.scripts import random_world
from tests.oracle.world import Place, Release, Showing, World

SLOT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
URL, NEWS = "https://figures.example.org/releases/example-claims", "https://www.example.org/news"
TITLE = "Example claims: October 2026"
AT_ONCE, AT_MOST = 5, 20
"""How many incidents one test checks, and in how many worlds it may look for them: 200 incidents in
40 tests.
"""


def at(minutes: float) -> datetime:
    return SLOT + timedelta(minutes=minutes)


def place(name: str, role: str, url: str, *shows: Showing) -> Place:
    return Place(name, role, url, role != "alternative", shows)


LATE = (
    place("page", "page", URL, Showing(at(49.4), "ours", cache=600)),
    place("news", "alternative", NEWS, Showing(at(30), "ours")),
)
EARLY = (
    place(
        "page",
        "page",
        URL,
        Showing(at(-90), "ours"),
        Showing(at(-60), "absent"),
        Showing(at(0.2), "ours"),
    ),
)


def early_and_back_after_8_minutes(copied_for: float) -> tuple[Place]:
    """Return a page that an edge still shows for some seconds after its removal."""
    shows = (
        Showing(at(-90), "ours"),
        Showing(at(-60), "absent", cache=copied_for),
        Showing(at(-52), "ours"),
    )
    return (place("page", "page", URL, *shows),)


EARLY_UNTIL_ITS_SLOT = (
    "The release was available for about 1 hour 30 minutes before the announced time."
)


def reasons_against_text(places: tuple[Place, ...], text: str) -> list[str]:
    """Return why a paragraph is untrue, in a draft written an hour after the slot."""
    release = Release("claims", TITLE, "example-office", SLOT, places[0], places[1:])
    return reasons_in_world(World(0, at(-120), at(60), (release,)), text)


def reasons_in_world(world: World, text: str) -> list[str]:
    """Return why a paragraph about the first release of a world is untrue, written an hour after
    the slot.
    """
    slot = f"“{TITLE}” was pre-announced for 9.30am on Wednesday 4 March 2026."
    day = "4 March 2026"
    names = {"incident": "inc-1", "form": "B", "title": "", "subject": TITLE, "producer": ""}
    report = Report(
        **names, at=at(60), date_of_report=day, sections=(), covering=(slot,), holding=(text,)
    )
    return list(reasons_against_draft(world, world.releases[0], report))


IN_PLACE = (
    place("page", "page", URL, Showing(at(-1440), "other", TITLE), Showing(at(49), "ours", TITLE)),
)
CHANGED = (
    "It is not known whether the landing page was published as announced; what had been at its"
    " address before changed at about {}."
)
FILE_IN_PLACE = (
    *IN_PLACE,
    place("data", "data", f"{URL}/data.csv", Showing(at(-1440), "other"), Showing(at(49), "ours")),
)
SOMETHING_WAS_THERE = (
    "It is not known whether the data file was published as announced; something was at its"
    " address by {}."
)
TRUE = {
    "something in place": (FILE_IN_PLACE, SOMETHING_WAS_THERE.format("9.40am")),
    "changed in place": (IN_PLACE, CHANGED.format("10.19am")),
    "late": (LATE, "The release was not available until 10.19am."),
    "late behind a placeholder": (
        LATE,
        (
            "It was not on its landing page until about 10.19am. Access to the release on its landing"
            " page was delayed by about 49 minutes."
        ),
    ),
    "elsewhere for someone": (LATE, "A news story on the release was at another address by 10am."),
    "late between two times": (
        LATE,
        "The landing page became available between 10.10am and 10.20am.",
    ),
    "late and in a cache": (
        LATE,
        "The landing page was published at about 10.19am, but users had no access until 10.29am.",
    ),
    "still missing": (LATE, "The release was still not available at 10.18am."),
    "elsewhere": (LATE, f"A news story on the release was available at {NEWS} from about 10am."),
    "delay": (LATE, "Access to the release was delayed by about 49 minutes."),
    "out": (LATE, f"“{TITLE}” was published at {URL}."),
    "early": (EARLY, "The release became available at about 8am, about 1 hour 30 minutes early."),
    "on another day": (
        (place("page", "page", URL, Showing(at(-1440), "ours")),),
        "The landing page became available between 9.28am and 9.34am on 3 March.",
    ),
    "removed": (
        EARLY,
        "The release became available by 8am. It was removed at about 8.30am.",
    ),
    "then in time": (EARLY, "The release was published as announced at 9.30am."),
    "early and back before the copies ran out": (
        early_and_back_after_8_minutes(copied_for=600),
        EARLY_UNTIL_ITS_SLOT,
    ),
    "no times": (EARLY, "We apologise for the inconvenience."),
}
FALSE = {
    "nothing in place": (LATE, SOMETHING_WAS_THERE.format("9.40am")),
    "another change in place": (IN_PLACE, CHANGED.format("10.10am")),
    "another time": (LATE, "The release was not available until 10.17am."),
    "another time behind a placeholder": (
        LATE,
        "The release was still not on its landing page at 10.25am.",
    ),
    "another interval": (LATE, "The landing page became available between 10.10am and 10.15am."),
    "another end in a cache": (
        LATE,
        "The landing page was published at about 10.19am, but users had no access until 10.24am.",
    ),
    "already public": (LATE, "The release was still not available at 10.25am."),
    "another place": (LATE, f"A news story on the release was available at {URL} from about 10am."),
    "out at another place": (LATE, f"“{TITLE}” was published at {URL}-statistics."),
    "another delay": (LATE, "Access to the release was delayed by about 30 minutes."),
    "another slot": (EARLY, "It was pre-announced for 10am on Wednesday 4 March 2026."),
    "another lead": (EARLY, "The release became available at about 8am, about 20 minutes early."),
    "another end": (
        EARLY,
        "The release became available at about 8am. It was removed at about 8.45am.",
    ),
    "early and back after the copies ran out": (
        early_and_back_after_8_minutes(copied_for=60),
        EARLY_UNTIL_ITS_SLOT,
    ),
    "early, not in time": (LATE, "The release was published as announced at 9.30am."),
    "a length that no rule checks": (LATE, "The release took about 20 minutes."),
    "a second": (LATE, "The release was published at 09:31:07."),
    "a length in seconds": (LATE, "Access to the release was delayed by 12 s."),
    "a time in UTC": (LATE, "The release was published at 9.31am UTC."),
    "an id": (LATE, "This is incident inc-1."),
    "the monitor's own word": (LATE, "The verdict on the release is late."),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_sentence_is_accepted(name: str) -> None:
    assert reasons_against_text(*TRUE[name]) == []


@pytest.mark.parametrize("name", FALSE)
def test_a_false_sentence_is_rejected(name: str) -> None:
    assert reasons_against_text(*FALSE[name])


def test_content_of_the_release_may_be_on_the_page_of_another_entry() -> None:
    merged = place("page", "page", NEWS, Showing(at(5), "ours"))
    old = Release("claims", TITLE, "example-office", SLOT, place("page", "page", URL))
    both = World(
        0,
        at(-120),
        at(60),
        (old, Release("both", "Example claims and rents", "example-office", SLOT, merged)),
    )
    true = "Content of the release was at another address from about 9.35am."
    at_its_address = f"Content of the release at {NEWS} became available at about 9.35am."
    false = "Content of the release was at another address from about 9.45am."
    assert [bool(reasons_in_world(both, text)) for text in (true, at_its_address, false)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("file", "owner", "times", "is_true"),
    [
        ("a.csv", "Example rents", "from 9.35am", True),
        ("a.csv", "Example rents", "from 9.35am until about 9.50am", True),
        ("a.csv", "Example rents", "from 9.35am until 10.10am", False),
        ("a.csv", "Example rents", "from 9.31am", False),
        ("a.csv", "Example rents", "from 9.45am", False),
        ("b.csv", "Example rents", "from 9.35am", False),
        ("a.csv", "Example prices", "from 9.35am", False),
        ("a.csv", TITLE, "from 9.35am", False),
    ],
)
def test_a_file_is_of_the_release_that_also_has_it(
    file: str, owner: str, times: str, *, is_true: bool
) -> None:
    """Two releases have the file `a.csv`, from 9.35am to 9.50am. A third has none."""
    shared = place("file", "data", f"{URL}/a.csv", Showing(at(5), "ours"), Showing(at(20), "gone"))
    releases = (
        Release("claims", TITLE, "example-office", SLOT, place("page", "page", URL), (shared,)),
        Release("rents", "Example rents", "example-office", SLOT, LATE[0], (shared,)),
        Release("prices", "Example prices", "example-office", SLOT, LATE[0]),
    )
    text = f"The file {file} was there {times}, but it was the file of “{owner}”."
    reasons = reasons_in_world(World(0, at(-120), at(60), releases), text)
    assert (reasons == []) is is_true


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2000, 2800, AT_MOST))
def test_every_sentence_about_random_incidents_is_true(first: int) -> None:
    incidents: set[str] = set()
    for seed in range(first, first + AT_MOST):
        told = play_world(random_world(seed))
        assert [
            str(find)
            for find in find_discrepancies(random_world(seed), told)
            if find.what == "draft"
        ] == [], f"seed {seed}"
        incidents |= {draft.report.incident for draft in told.drafts}
        if len(incidents) >= AT_ONCE:
            return
    pytest.fail(f"only {len(incidents)} incidents in {AT_MOST} worlds")
