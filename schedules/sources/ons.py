"""The ONS release calendar: the search list of releases, and the data of releases that left it.

Source: `facts/calendars.md` §1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from schedules.announcement import Announcement
from schedules.source import Ask, Page, Reading, UnreadableCalendar
from schedules.sources.body import good, json_object, place
from schedules.sources.last_listed import LastListed
from schedules.sources.ons_items import announce, release_item
from schedules.sources.options import SourceOptions
from schedules.sources.row import Remark, reading

API = "https://api.beta.ons.gov.uk/v1/search/releases"
SITE = "https://www.ons.gov.uk"
LIMIT = 1000  # the most that one page may hold
MOST = 10_000  # where the index behind the list stops

_JSON = "application/json"


class OnsSource:
    """Upcoming and cancelled releases of the ONS.

    `type-upcoming` drops a late release at midnight, so releases that left the list are looked up one by one.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._site = options.options.get("site", SITE).rstrip("/")
        self._memory = LastListed()

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Take the latest known announcements of this calendar, as they stand in the store."""
        self._memory.remember(announcements)

    def kept(self) -> object:
        """Return what it remembers, as plain facts."""
        return self._memory.kept()

    def keep(self, kept: tuple[dict[str, Announcement], bool]) -> None:
        """Remember what `kept` returned, in another process perhaps."""
        self._memory.take(kept)

    def first(self, now: datetime) -> Sequence[Ask]:
        """Ask for the first page of upcoming releases, and for what was cancelled lately."""
        self._memory.asked = False
        return (
            Ask(self._list("type-upcoming", now, 0), accept=_JSON),
            Ask(self._list("type-cancelled", now, 0), accept=_JSON, optional=True),
        )

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:
        """Ask for further pages of upcoming releases, then for the data of releases that left the list."""
        try:
            listed = self._listed(pages, [])
            total = _total(pages[0])
        except UnreadableCalendar:
            return ()  # `read` will say so
        asked = {page.url for page in pages}
        starts = range(LIMIT, min(total, MOST), LIMIT)
        further = [pages[0].url.replace("offset=0", f"offset={start}") for start in starts]
        if further and not asked & set(further):
            return [Ask(url, accept=_JSON) for url in further]
        if self._memory.asked:
            return ()
        self._memory.asked = True
        gone = self._memory.unlisted(listed, now)
        return [Ask(f"{self._site}{uri}/data", accept=_JSON, optional=True) for uri in gone]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn lists and data into one reading. Raises `UnreadableCalendar`."""
        remarks: list[Remark] = []
        made = self._listed(pages, remarks)
        self._memory.keep(made, now)
        return reading(list(made.values()), remarks, lists_overdue=False)

    def published(self, begin: datetime, end: datetime, offset: int) -> Ask:
        """Ask for a page of what was published on the days between two instants."""
        listed = self._list("type-published", begin, offset)
        return Ask(f"{listed}&toDate={end.date().isoformat()}", accept=_JSON)

    def told(self, page: Page) -> tuple[list[Announcement], int]:
        """Return what a page of those tells, and how many there are in all. Raises `UnreadableCalendar`."""
        releases = [release_item(one) for one in _releases(page, [], needed=True)]
        return [announce(one, self._options, self._site, []) for one in releases], _total(page)

    def _list(self, kind: str, now: datetime, offset: int) -> str:
        # The server compares dates in UTC: a day wider than London needs.
        start = (now - timedelta(days=self._options.number("back", 30) + 1)).date()
        query = {
            "release-type": kind,
            "fromDate": start.isoformat(),
            "limit": str(self._options.number("count", LIMIT)),
            "offset": str(offset),
            "sort": "release_date_asc",
            "highlight": "false",
        }
        words = self._options.filters.get("query", ())
        query |= {"query": " ".join(words)} if words else {}
        return f"{self._options.url or API}?{urlencode(query)}"

    def _listed(self, pages: Sequence[Page], remarks: list[Remark]) -> dict[str, Announcement]:
        if not pages:
            raise UnreadableCalendar(f"{self._options.url or API}: no answer")
        good(pages[0])
        made: dict[str, Announcement] = {}
        for page in pages:
            for release in _releases(page, remarks, needed=page is pages[0] or _is_upcoming(page)):
                announcement = announce(release_item(release), self._options, self._site, remarks)
                made[announcement.uid] = announcement
        return made


def _is_upcoming(page: Page) -> bool:
    return parse_qs(urlsplit(page.url).query).get("release-type") == ["type-upcoming"]


def _releases(page: Page, remarks: list[Remark], *, needed: bool) -> Iterator[dict[str, object]]:
    """Yield the releases of one page: those of a list, or the one whose data this is."""
    if not needed and (page.status != 200 or not page.body.strip()):
        # 404 with Sunset, and 200 without a body, mean that the route is being retired, not that the release is gone.
        retired = page.status == 200 or "sunset" in page.headers
        remarks.append(Remark(place(page), "the source is retired" if retired else f"answers {page.status}"))
        return
    data = json_object(page)
    if isinstance(data.get("description"), dict):
        yield data
        return
    if "releases" not in data:
        raise UnreadableCalendar(f"{place(page)}: JSON without releases")
    # A Go nil slice arrives as null.
    for release in data["releases"] or ():
        if isinstance(release, dict) and isinstance(release.get("description"), dict):
            yield release


def _total(page: Page) -> int:
    breakdown = json_object(page).get("breakdown")
    total = breakdown.get("total") if isinstance(breakdown, dict) else None
    return total if isinstance(total, int) else 0
