"""The search over the releases of all days, by words of title and producer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.web.pages import render
from monitor.web.queries import Queries, is_fresh
from monitor.web.request import check_parameters, queries_of

_MOST_FOUND, _MOST_WORDS = 50, 10
_CACHED_FOR = timedelta(minutes=5)
_BEFORE_ID = "\x1f"


@dataclass
class TitleIndex:
    """The titles and producers of all releases in memory, read again after five minutes.

    In memory, because a search inside titles would read the whole table.
    """

    _lines: list[str] = field(default_factory=list)
    _read_at: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, queries: Queries, words: Sequence[str]) -> list[str]:
        """Return the ids of at most fifty releases with all of the words, the latest slot first."""
        now = queries.now()
        async with self._lock:
            if not is_fresh(self._read_at, now, _CACHED_FOR):
                self._lines = await queries.ask(lambda: _read_lines(queries), is_slow=True)
                self._read_at = now
        lines = self._lines
        return await queries.ask(lambda: _match_lines(lines, words))


def _read_lines(queries: Queries) -> list[str]:
    names = queries.producers
    return [
        f"{title} {names.get(producer, '')} {producer}".casefold() + _BEFORE_ID + release
        for release, title, producer in queries.store.ledger.titles()
    ]


def _match_lines(lines: Sequence[str], words: Sequence[str]) -> list[str]:
    for word in sorted(words, key=len, reverse=True):  # a long word leaves few lines
        lines = [line for line in lines if word in line]
    return [line.rpartition(_BEFORE_ID)[2] for line in lines[:_MOST_FOUND]]


async def show_search(request: Request) -> Response:
    """Show the releases of all days with the words in their title or producer.

    Strangers see no more of a release than on other pages.
    """
    check_parameters(request, ("q",))
    queries, query = queries_of(request), request.query_params.get("q", "").strip()
    words = query.casefold().split()[:_MOST_WORDS]
    index: TitleIndex = request.app.state.titles
    found = await queries.find_releases(await index.find(queries, words)) if words else []
    return render(request, "search.html", searched=query, rows=found, most=_MOST_FOUND)


ROUTES = [Route("/search", show_search)]
