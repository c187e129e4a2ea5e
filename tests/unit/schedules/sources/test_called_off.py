"""A title calls its release off in every kind of calendar, and the entry still joins its
release.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from schedules.announcement import State
from schedules.join import join_entries
from tests.unit.schedules.sources.conftest import Parse

TITLE = "Example trade: October 2026"
SLOT = "15 December 2026 9:30am"
_GOVUK = {"link": "/government/statistics/announcements/trade", "display_date": SLOT}
_ONS = {"release_date": "2026-12-15T09:30:00.000Z", "finalised": True}
_EES = {
    "slug": "trade",
    "nextReleaseDate": {"year": 2026, "month": 12, "day": 15},
    "latestRelease": None,
}


def _govuk(title: str) -> bytes:
    entry = {**_GOVUK, "title": title, "statistics_announcement_state": "confirmed"}
    return json.dumps({"results": [entry], "total": 1}).encode()


BODIES: dict[str, Callable[[str], bytes]] = {
    "toml": lambda title: (
        f'[[release]]\ntitle = "{title}"\nslot = "{SLOT}"\nstate = "confirmed"\n'.encode()
    ),
    "csv": lambda title: f'title,date,state\n"{title}",{SLOT},confirmed\n'.encode(),
    "govuk": _govuk,
    "ons": (
        lambda title: json.dumps(
            {"releases": [{"uri": "/releases/trade", "description": {**_ONS, "title": title}}]}
        ).encode()
    ),
    "ees": lambda title: json.dumps({**_EES, "title": title}).encode(),
    "ics": (
        lambda title: (
            f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:{title}\nDTSTART:20261215T093000Z\nSTATUS:CONFIRMED\n"
            "END:VEVENT\nEND:VCALENDAR"
        ).encode()
    ),
    "feed": (
        lambda title: (
            "<rss"
            f" version='2'><channel><item><title>{title}</title><pubDate>{SLOT}</pubDate></item></channel></rss>"
        ).encode()
    ),
    "html": (
        lambda title: (
            f"<table><tr><th>Title<th>Date<th>Status<tr><td>{title}<td>{SLOT}<td>confirmed</table>"
        ).encode()
    ),
    "json": (
        lambda title: json.dumps([{"title": title, "date": SLOT, "state": "confirmed"}]).encode()
    ),
}


@pytest.mark.parametrize("kind", sorted(BODIES))
@pytest.mark.parametrize(
    ("title_form", "state"),
    [
        ("CANCELLED: {}", State.CANCELLED),
        ("Postponed: {}", State.POSTPONED),
        ("{} (cancelled)", State.CANCELLED),
    ],
)
def test_cancelled_or_postponed_title_sets_state_and_keeps_key(
    parse: Parse, kind: str, title_form: str, state: State
) -> None:
    """For example, an entry titled “CANCELLED: …” is cancelled, whatever the field for the state
    says. This is so in every kind of calendar.
    """
    (before,) = parse(kind, BODIES[kind](TITLE)).announcements
    (after,) = parse(kind, BODIES[kind](title_form.format(TITLE))).announcements
    assert before.state not in (State.CANCELLED, State.POSTPONED)
    assert (after.state, after.uid) == (state, before.uid)


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_entry_titled_cancelled_joins_same_entry_of_another_calendar(
    parse: Parse, kind: str
) -> None:
    """Calendar "a" titles an entry "CANCELLED: …", and calendar "b" has it without that word.

    They are one release.
    """
    (entry,) = parse(kind, BODIES[kind](TITLE), producer="p").announcements
    (cancelled,) = parse(kind, BODIES[kind](f"CANCELLED: {TITLE}"), producer="p").announcements
    # The entry of "a", which comes first by its name, gives the release its title, without
    # "CANCELLED".
    (release,) = join_entries({"a": [cancelled], "b": [entry]}).releases
    assert release.title == TITLE
    # In some kinds of calendar the entries have no address, so that only their titles can join
    # them.
    assert release.joined_by == ("link" if entry.url else "title, period, producer and date")
