"""The case files in `join_cases`: which entries are one release; their parts; and what holds of any
entries.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import Address, Announcement, Part, Role
from schedules.join import JoinResult, JoinRules, Pin, Split, join_entries
from schedules.release import Release
from schedules.slot import Precision, Slot
from tests.worlds.case_files import FileCase, Toml, matches, read_cases
from tests.worlds.work import counted_calls

CASES = read_cases(Path(__file__).with_name("join_cases"))
BASE = "https://www.gov.uk/government/statistics"
AT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
ENTRY = re.compile(
    r"(?P<calendar>\w+) (?P<uid>[\w-]+): (?P<title>.*?)(?: at (?P<url>\S+))?(?: by (?P<producer>\w+))?"
    r"(?: on (?P<day>no day|July|\d+ \w+))?(?: announced at (?P<link>\S+))?"
)


def an_entry(
    uid: str,
    title: str = "Widgets: July 2026",
    url: str = "",
    days: int = 0,
    producer: str = "dfx",
    parts: tuple[Part, ...] = (),
) -> Announcement:
    slot = Slot(Precision.INSTANT, instant=AT + timedelta(days=days))
    return Announcement(uid, title, producer, url, slot, parts=parts)


def release_ids(joined: JoinResult) -> list[str]:
    return [release.id for release in joined.releases]


# Entries that are one release


@pytest.mark.parametrize("case", CASES, ids=str)
def test_entries_are_the_releases_that_their_case_says(case: FileCase) -> None:
    joined = join_case(case.facts)
    facts = {
        "count": len(joined.releases),
        "titles": [release.title for release in joined.releases],
        "ambiguous": [", ".join(sorted(map(" ".join, group))) for group in joined.ambiguous],
        "releases": sorted(release_text(release, joined) for release in joined.releases),
    }
    right = {key: case.facts[key] for key in facts if key in case.facts}
    assert right, f"{case}: say what is right"
    if "releases" in right:
        facts["releases"] = in_words_of(right["releases"], facts["releases"])
    assert {key: facts[key] for key in right} == right, case.where


def join_case(facts: Toml) -> JoinResult:
    entries: dict[str, list[Announcement]] = {}
    for text in facts["entries"]:
        match = ENTRY.fullmatch(text)
        assert match is not None, f"not an entry like “a 1: Widgets at x”: “{text}”"
        entries.setdefault(match["calendar"], []).append(entry_of(match))
    rules = JoinRules(
        order=tuple(facts.get("order", ())),
        pins=tuple(Pin(**each) for each in facts.get("pins", ())),
        splits=tuple(Split(**each) for each in facts.get("splits", ())),
        hand_kept=frozenset(facts.get("hand_kept", ())),
    )
    known = {tuple(entry.split()): id_ for entry, id_ in facts.get("known", {}).items()}
    return join_entries(entries, rules, known)


def entry_of(match: re.Match[str]) -> Announcement:
    url, link = (match[name] and f"{BASE}/{match[name]}" for name in ("url", "link"))
    entry = an_entry(match["uid"], match["title"], url or "", producer=match["producer"] or "dfx")
    return replace(entry, slot=slot_on(match["day"]), link=link or entry.link)


def slot_on(day: str | None) -> Slot:
    if day == "no day":
        return Slot(Precision.NONE, reason="tbc")
    if day == "July":
        return Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
    instant = datetime.strptime(f"{day or '23 July'} 2026 08:30 +0000", "%d %B %Y %H:%M %z")
    return Slot(Precision.INSTANT, instant=instant)


def release_text(release: Release, joined: JoinResult) -> str:
    entries = [" ".join(key) for key, id_ in joined.release_of.items() if id_ == release.id]
    return f"{release.id} = {', '.join(sorted(entries))} by {release.joined_by}"


def in_words_of(patterns: list[str], texts: list[str]) -> list[str]:
    """Return the patterns if each is that of one text, in any order."""
    left = list(texts)
    for pattern in patterns:
        fitting = next((text for text in left if matches(pattern, text)), None)
        if fitting is None:
            return texts
        left.remove(fitting)
    return texts if left else patterns


# Their parts


ADDS_A_PART = replace(
    an_entry(
        "a",
        "Another title",
        producer="",
        parts=(Part("added", Role.ALTERNATIVE, "https://x.example/"),),
    ),
    slot=Slot(Precision.NONE),
    of="widgets-july-2026",
)


def test_entry_that_adds_a_part_changes_nothing_else() -> None:
    """A person adds a part to a release of GOV.UK.

    Its title, producer and address stay those of GOV.UK.
    """
    entry = an_entry(
        "1", title="Widgets: July 2026", producer="dfx", url=f"{BASE}/widgets-july-2026"
    )
    from_govuk, by_hand = (
        replace(entry, address=Address.GUESSED),
        replace(ADDS_A_PART, address=Address.ANNOUNCED),
    )
    entries = {"govuk": [from_govuk], "by-hand": [by_hand]}
    known_ids = {("govuk", "1"): "widgets-july-2026"}  # by an earlier join
    (release,) = join_entries(entries, JoinRules(order=("govuk", "by-hand")), known_ids).releases
    assert [part.id for part in release.parts] == ["page", "added"]
    assert release.id == "widgets-july-2026"
    assert (release.title, release.producer, release.address) == (
        "Widgets: July 2026",
        "dfx",
        Address.GUESSED,
    )


def test_part_for_unknown_release_makes_its_own_release() -> None:
    """A person adds a part to the release `widgets-july-2026`. But the only other release is called
    `another-id`. So the part becomes a release of its own.
    """
    known_ids = {("govuk", "1"): "another-id"}
    joined = join_entries({"govuk": [an_entry("1")], "by-hand": [ADDS_A_PART]}, known=known_ids)
    assert len(joined.releases) == 2


def test_landing_page_comes_first_and_other_parts_follow_once() -> None:
    """Both calendars list the sheet.

    The report and the notes have other addresses but the same id, so their ids get a number.
    """
    sheet = Part("sheet", Role.DATA, f"{BASE}/x/tables")
    report_of_same_id = Part("sheet", Role.HTML, f"{BASE}/x/report")
    notes_of_same_id = Part("sheet", Role.HTML, f"{BASE}/x/notes")
    in_a = an_entry("1", url=f"{BASE}/x", parts=(sheet,))
    in_b = an_entry("2", url=f"{BASE}/x", parts=(sheet, report_of_same_id, notes_of_same_id))
    (release,) = join_entries({"a": [in_a], "b": [in_b]}).releases
    assert [(part.id, part.role, part.url) for part in release.parts] == [
        ("page", Role.PAGE, f"{BASE}/x"),
        ("sheet", Role.DATA, f"{BASE}/x/tables"),
        ("sheet-2", Role.HTML, f"{BASE}/x/report"),
        ("sheet-3", Role.HTML, f"{BASE}/x/notes"),
    ]


def test_stray_spaces_in_addresses_are_removed() -> None:
    """The addresses of the page and of the sheet have a space after the last slash, and the title
    has one in front.
    """
    sheet = Part("sheet", Role.DATA, f"{BASE}/ tables.ods")
    entry = an_entry("1", " Widgets \u2013 July 2026", f"{BASE}/ widgets", parts=(sheet,))
    (release,) = join_entries({"a": [entry]}).releases
    assert [part.url for part in release.parts] == [release.url, f"{BASE}/tables.ods"]
    assert (release.url, release.title) == (f"{BASE}/widgets", "Widgets \u2013 July 2026")


# What holds of any entries


_titles = st.sampled_from(
    ["Widgets: July 2026", "Widgets July 2026", "Widgets: June 2026", "Gadgets"]
)
_urls = st.sampled_from(["", f"{BASE}/x", f"{BASE}/y/", f"{BASE}/y"])
_entries = st.builds(
    an_entry,
    st.text("abc", min_size=1, max_size=2),
    _titles,
    _urls,
    st.integers(0, 20),
    st.sampled_from(["p", "q"]),
)
_announced = st.dictionaries(
    st.sampled_from("ABC"), st.lists(_entries, max_size=5, unique_by=lambda each: each.uid)
)


@given(_announced, st.integers())
def test_the_order_of_calendars_and_entries_does_not_matter(
    announced: dict[str, list[Announcement]], seed: int
) -> None:
    """Calendars and entries are random. They are joined as given, and again in a random order."""
    shuffler = random.Random(seed)  # noqa: S311
    names = shuffler.sample(sorted(announced), len(announced))
    shuffled = {name: shuffler.sample(announced[name], len(announced[name])) for name in names}
    assert join_entries(shuffled) == join_entries(announced)


@given(_announced)
def test_no_release_has_two_entries_of_one_calendar(
    announced: dict[str, list[Announcement]],
) -> None:
    """Calendars and entries are random. Each entry belongs to one release, and a release has at
    most one entry of each calendar. No two releases have the same id.
    """
    joined = join_entries(announced)
    keys = [(name, each.uid) for name, entries in announced.items() for each in entries]
    assert sorted(joined.release_of) == sorted(keys)
    assert sum(len(release.calendars) for release in joined.releases) == len(keys)
    for release in joined.releases:
        assert len(set(release.calendars)) == len(release.calendars)
    assert len(set(release_ids(joined))) == len(joined.releases)


@given(_announced)
def test_joining_again_with_the_known_ids_changes_nothing(
    announced: dict[str, list[Announcement]],
) -> None:
    """Calendars and entries are random. The second join knows the ids that the first one gave."""
    first = join_entries(announced)
    assert join_entries(announced, known=first.release_of) == first


@pytest.mark.slow
def test_work_of_joining_grows_in_proportion_to_releases() -> None:
    """Three calendars announce the same releases, first 1000 and then 4000 of them. Four times as
    many releases must take less than six times as many calls of functions.
    """

    def calendar(name: str, count: int) -> list[Announcement]:
        links = [f"{BASE}/{n}" if name != "c" else "" for n in range(count)]
        titles = [f"Series {n % 500} of widgets: {2000 + n // 500}" for n in range(count)]
        return [an_entry(f"{name}{n}", titles[n], links[n], days=n) for n in range(count)]

    def work(count: int) -> int:
        """Return how many calls joining so many releases of three calendars takes."""
        announced = {name: calendar(name, count) for name in "abc"}
        with counted_calls() as calls:
            joined = join_entries(announced)
        assert len(joined.releases) == count
        return calls["call"] + calls["c_call"]

    work(1000)  # fills the caches, so that they do not count below
    # Quadratic work would be 16 times as much.
    assert work(4000) < 6 * work(1000)
