"""Which entries belong to one edition."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import Address, Announcement, Part, Role
from schedules.join import JoinResult, JoinRules, Pin, Split, join_entries
from schedules.slot import Precision, Slot

BASE = "https://www.gov.uk/government/statistics"
AT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)


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


def test_entries_with_same_link_are_one_release() -> None:
    """The release takes its title from the calendar that comes first in `order`, here govuk."""
    in_ics = an_entry("1", "Widgets (July)", f"{BASE}/widgets-july-2026/")
    in_govuk = an_entry("2", "Widgets: July 2026", f"{BASE}/widgets-july-2026")
    joined = join_entries({"ics": [in_ics], "govuk": [in_govuk]}, JoinRules(order=("govuk", "ics")))
    (release,) = joined.releases
    assert (release.id, release.title) == ("widgets-july-2026", "Widgets: July 2026")
    assert (release.calendars, release.joined_by) == (("govuk", "ics"), "link")
    assert joined.release_of == {("ics", "1"): release.id, ("govuk", "2"): release.id}


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


def test_link_of_announcement_joins_like_the_landing_page() -> None:
    """The first entry has two addresses: that of its landing page and, as `link`, that of its
    announcement. The second entry has only the latter.
    """
    announcement_page = f"{BASE}/announcements/widgets"
    govuk = replace(an_entry("1", "Widgets", f"{BASE}/widgets"), link=announcement_page)
    joined = join_entries(
        {"govuk": [govuk], "ics": [an_entry("2", "Other", url=announcement_page)]}
    )
    assert len(joined.releases) == 1


def test_entries_without_link_join_by_title_period_producer_and_date() -> None:
    entry = an_entry("1", "Widgets: July 2026", days=0)
    # Dates up to 7 days apart join. Case, dashes and brackets of the title do not count.
    same_in_other_words = an_entry("2", "WIDGETS \u2013 July 2026 (statistical bulletin)", days=7)
    joined = join_entries({"a": [entry], "b": [same_in_other_words]})
    assert [release.joined_by for release in joined.releases] == [
        "title, period, producer and date"
    ]


@pytest.mark.parametrize(
    "other",
    [
        an_entry("2", days=8),
        an_entry("2", producer="dfy"),
        an_entry("2", "Widgets: June 2026"),
        an_entry("2", "Gadgets: July 2026"),
    ],
    ids=["eight days later", "another producer", "another period", "another title"],
)
def test_entries_without_link_stay_apart_if_one_fact_differs(other: Announcement) -> None:
    widgets_of_july = an_entry("1", "Widgets: July 2026", producer="dfx")
    assert len(join_entries({"a": [widgets_of_july], "b": [other]}).releases) == 2


def test_a_month_joins_a_day_inside_it() -> None:
    july = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
    on_23_july, month = an_entry("1"), replace(an_entry("2"), slot=july)
    assert len(join_entries({"a": [on_23_july], "b": [month]}).releases) == 1


def test_an_entry_without_a_date_does_not_join_by_title() -> None:
    undated = replace(an_entry("2"), slot=Slot(Precision.NONE, reason="tbc"))
    assert len(join_entries({"a": [an_entry("1")], "b": [undated]}).releases) == 2


def test_entry_with_two_candidates_joins_neither_and_is_ambiguous() -> None:
    """An entry of "a" fits two entries of "b": all have the same title and producer, and dates near
    each other. No one knows which it is, so there are three releases.
    """
    candidates = [an_entry("2", days=1), an_entry("3", days=2)]
    joined = join_entries({"a": [an_entry("1")], "b": candidates})
    assert len(joined.releases) == 3
    assert joined.ambiguous == (frozenset({("a", "1"), ("b", "2"), ("b", "3")}),)
    release = next(each for each in joined.releases if each.id == joined.release_of["a", "1"])
    assert release.joined_by == "ambiguous-join: b 2, b 3"


def test_entry_joined_by_link_cannot_join_by_title() -> None:
    """All three entries have the same title. The one of "a" and the first one of "b" also have the
    same link, so they are one release. The second one of "b" is another.
    """
    first, second, third = (
        an_entry("1", url=f"{BASE}/x"),
        an_entry("2", url=f"{BASE}/x"),
        an_entry("3", days=1),
    )
    joined = join_entries({"a": [first], "b": [second, third]})
    assert len(joined.releases) == 2
    assert joined.ambiguous == ()


def test_entries_of_one_calendar_are_never_joined_to_each_other() -> None:
    """The two entries have the same title, date and link.

    In two calendars, they would be one release.
    """
    joined = join_entries({"a": [an_entry("1", url=f"{BASE}/x"), an_entry("2", url=f"{BASE}/x")]})
    assert len(joined.releases) == 2
    assert joined.ambiguous == ()


def test_editions_at_one_address_are_joined_edition_by_edition() -> None:
    """Both calendars announce both editions at one address, so title and period decide. The first
    edition gets the last part of the address as its id.
    """
    july, august = "Widgets: July 2026", "Widgets: August 2026"
    page = f"{BASE}/widgets"
    joined = join_entries(
        {
            "a": [an_entry("1", july, page), an_entry("2", august, page, days=30)],
            "b": [an_entry("3", august, page, days=30), an_entry("4", july, page)],
        }
    )
    assert [release.joined_by for release in joined.releases] == ["link, title and period"] * 2
    assert joined.release_of["a", "1"] == joined.release_of["b", "4"] == "widgets"
    assert joined.release_of["a", "2"] == joined.release_of["b", "3"]


def test_three_calendars_are_joined_step_by_step() -> None:
    """Calendars "a" and "b" share the link, "b" and "c" the title."""
    page, title = f"{BASE}/x", "Widgets: July 2026"
    in_a, in_b, in_c = (
        an_entry("1", "Gadgets", page),
        an_entry("2", title, page),
        an_entry("3", title, url=""),
    )
    joined = join_entries({"a": [in_a], "b": [in_b], "c": [in_c]})
    (release,) = joined.releases
    assert release.calendars == ("a", "b", "c")
    assert release.joined_by == "link; title, period, producer and date"


def test_a_pin_names_the_release_announced_at_an_address() -> None:
    """A pin is a setting by a person: an entry with this address is the release with this id."""
    rules = JoinRules(pins=(Pin(id="malpractice-2017", url=f"{BASE}/malpractice/"),))
    joined = join_entries({"govuk": [an_entry("1", url=f"{BASE}/malpractice")]}, rules)
    assert release_ids(joined) == ["malpractice-2017"]


def test_a_pin_joins_entries_that_share_nothing() -> None:
    """Two pins give the same id `w`: one to the entry with this title and producer, one to the
    entry with this address.
    """
    by_title, by_url = (
        Pin(id="w", title="Widgets: July 2026", producer="dfx"),
        Pin(id="w", url=f"{BASE}/gadgets"),
    )
    widgets = an_entry("1", "Widgets: July 2026", producer="dfx")
    gadgets = an_entry("2", "Gadgets", f"{BASE}/gadgets", days=90)
    joined = join_entries({"a": [widgets], "b": [gadgets]}, JoinRules(pins=(by_title, by_url)))
    assert [(release.id, release.joined_by) for release in joined.releases] == [("w", "pin")]


def test_a_pin_of_another_producer_does_not_apply() -> None:
    """A pin gives the id `w` to the entry of this title by dfy.

    The entry is by dfx, so it gets another id.
    """
    rules = JoinRules(pins=(Pin(id="w", title="Widgets: July 2026", producer="dfy"),))
    joined = join_entries({"a": [an_entry("1", "Widgets: July 2026", producer="dfx")]}, rules)
    assert release_ids(joined) == ["dfx-widgets-july-2026"]


def test_two_pins_keep_entries_with_the_same_link_apart() -> None:
    """A pin is a setting that gives an entry the id of its release. Without the two pins, the
    entries would be one release, because they have the same link.
    """
    rules = JoinRules(
        pins=(Pin(id="one", title="Widgets: July 2026"), Pin(id="two", title="Gadgets"))
    )
    widgets = an_entry("1", "Widgets: July 2026", f"{BASE}/x")
    joined = join_entries({"a": [widgets], "b": [an_entry("2", "Gadgets", f"{BASE}/x")]}, rules)
    assert release_ids(joined) == ["one", "two"]


def test_pins_of_one_address_are_distinguished_by_title() -> None:
    """Two entries have the same address and different titles.

    Two pins have that address, too, and one title each.
    """
    page = f"{BASE}/widgets"
    pins = (
        Pin(id="one", url=page, title="Widgets: July 2026"),
        Pin(id="two", url=page, title="Gadgets"),
    )
    entries = [an_entry("1", "Widgets: July 2026", page), an_entry("2", "Gadgets", page)]
    joined = join_entries({"a": entries}, JoinRules(pins=pins))
    assert joined.release_of == {("a", "1"): "one", ("a", "2"): "two"}


def test_entry_keeps_pinned_id_when_new_entry_has_same_page() -> None:
    """A pin gives the id `w` to the entry of an address. Both entries have that address. By
    `known`, the old one has had the id since an earlier join.
    """
    rules = JoinRules(pins=(Pin(id="w", url=f"{BASE}/w"),))
    old, new = (
        an_entry("2", url=f"{BASE}/w"),
        an_entry("1", "Widgets and gadgets: July 2026", f"{BASE}/w"),
    )
    joined = join_entries({"a": [new, old]}, rules, known={("a", old.uid): "w"})
    assert joined.release_of["a", old.uid] == "w"
    assert joined.release_of["a", new.uid] != "w"


def test_a_split_keeps_an_entry_by_itself() -> None:
    """A split is a setting: this entry of "b" is a release of its own, although it has the same
    link as that of "a".
    """
    rules = JoinRules(splits=(Split(calendar="b", title="Widgets: July 2026"),))
    joined = join_entries(
        {"a": [an_entry("1", url=f"{BASE}/x")], "b": [an_entry("2", url=f"{BASE}/x")]}, rules
    )
    assert len(joined.releases) == 2
    assert "split by configuration" in {release.joined_by for release in joined.releases}


def test_hand_written_id_is_kept_and_joins_calendars() -> None:
    """`hand_kept` names the calendars whose ids a person wrote.

    Without it, the two titles would be two releases.
    """
    rules = JoinRules(hand_kept=frozenset({"csv", "toml"}))
    joined = join_entries(
        {"csv": [an_entry("w-2026-07")], "toml": [an_entry("w-2026-07", "Other")]}, rules
    )
    assert [(release.id, release.joined_by) for release in joined.releases] == [("w-2026-07", "id")]


def test_hash_as_key_never_becomes_a_release_id() -> None:
    """`hand_kept` names the calendars whose keys a person wrote, so that they become ids of
    releases. But this key is a hash from our own code. So the id is made of producer and title.
    """
    entry = an_entry("0123456789abcdef", "Widgets: July 2026", producer="dfx")
    joined = join_entries({"csv": [entry]}, JoinRules(hand_kept=frozenset({"csv"})))
    assert release_ids(joined) == ["dfx-widgets-july-2026"]


def test_release_keeps_known_id_when_title_and_address_change() -> None:
    """`known` says that an earlier join gave this entry the id."""
    renamed = an_entry("1", "Renamed", f"{BASE}/renamed")
    joined = join_entries({"a": [renamed]}, known={("a", "1"): "widgets-july-2026"})
    assert release_ids(joined) == ["widgets-july-2026"]


def test_contested_id_goes_to_earlier_release_and_other_gets_hash() -> None:
    """Two entries of one calendar, 30 days apart, have the same title and producer, of which the id
    is made. They are two releases, so only one can have that id.
    """
    later, earlier = an_entry("later", days=30), an_entry("earlier", days=0)
    joined = join_entries({"a": [later, earlier]})
    assert joined.release_of["a", "earlier"] == "dfx-widgets-july-2026"
    assert joined.release_of["a", "later"].startswith("dfx-widgets-july-2026-")


def test_landing_page_comes_first_and_other_parts_follow_once() -> None:
    """Both calendars list the sheet.

    The report has another address but the same id, so its id gets a number.
    """
    sheet = Part("sheet", Role.DATA, f"{BASE}/x/tables")
    report_of_same_id = Part("sheet", Role.HTML, f"{BASE}/x/report")
    in_a = an_entry("1", url=f"{BASE}/x", parts=(sheet,))
    in_b = an_entry("2", url=f"{BASE}/x", parts=(sheet, report_of_same_id))
    (release,) = join_entries({"a": [in_a], "b": [in_b]}).releases
    assert [(part.id, part.role, part.url) for part in release.parts] == [
        ("page", Role.PAGE, f"{BASE}/x"),
        ("sheet", Role.DATA, f"{BASE}/x/tables"),
        ("sheet-2", Role.HTML, f"{BASE}/x/report"),
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
        calls = Counter[str]()
        sys.setprofile(lambda _frame, event, _of: calls.update([event]))
        try:
            joined = join_entries(announced)
        finally:
            sys.setprofile(None)
        assert len(joined.releases) == count
        return calls["call"] + calls["c_call"]

    work(1000)  # fills the caches, so that they do not count below
    # Quadratic work would be 16 times as much.
    assert work(4000) < 6 * work(1000)
