"""The scripted answers, found by the address that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from monitor.rehearse.publisher.cdn import Shown, at_edge, at_origin
from monitor.rehearse.publisher.reply import Asked
from monitor.rehearse.script.script import ScriptAnswer

Query = frozenset[tuple[str, str]]


class Timelines:
    """Every scripted address with its answers in time order. The scheme of an address does not matter."""

    def __init__(self, answers: Sequence[ScriptAnswer]) -> None:
        found: dict[tuple[str, str], dict[Query, list[ScriptAnswer]]] = defaultdict(lambda: defaultdict(list))
        for answer in sorted(answers, key=lambda answer: answer.at):
            place = urlsplit(answer.url)
            found[_place(answer.url)][_query(place.query)].append(answer)
        self._found = {place: dict(queries) for place, queries in found.items()}

    def shown(self, asked: Asked, now: datetime) -> Shown | None:
        """Return what the script has this address show at `now`; None for an address it does not tell of.

        An address of the script answers every query that holds its own. A query beyond that is one that no
        cache has seen, so it gets the origin's answer.
        """
        queries = self._found.get((asked.host, asked.path), {})
        wanted = _query(asked.query)
        fitting = [query for query in queries if query <= wanted]
        if not fitting:
            return None
        nearest = max(fitting, key=len)
        return (at_edge if nearest == wanted else at_origin)(queries[nearest], now)

    def tells_of(self, url: str) -> bool:
        """Tell whether the script has answers of this address itself."""
        return bool(self.answers(url))

    def answers(self, url: str) -> Sequence[ScriptAnswer]:
        """Return the answers of exactly this address, in time order."""
        return self._found.get(_place(url), {}).get(_query(urlsplit(url).query), [])


def _place(url: str) -> tuple[str, str]:
    place = urlsplit(url)
    return place.hostname or "", place.path or "/"


def _query(text: str) -> Query:
    return frozenset(parse_qsl(text, keep_blank_values=True))
