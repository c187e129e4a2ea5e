"""What one address shows, at the origin and through a simulated edge cache in front of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor
from urllib.parse import parse_qsl, urlsplit

from monitor.rehearse.publisher.reply import Asked
from monitor.rehearse.script.script import ScriptAnswer

Query = frozenset[tuple[str, str]]

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is answered: None stands for "nothing scripted yet", which is a 404.

    `since` is when it became so at the origin. `age` is the whole seconds of the `Age` header, None when no
    cache answers; `missed` is True when a cache stands in front and was passed by.
    """

    answer: ScriptAnswer | None
    since: datetime | None = None
    age: int | None = None
    missed: bool = False

    def headers(self) -> Mapping[str, str]:
        """Return what a cache in front adds to the answer."""
        if self.age is not None:
            return {"Age": str(self.age), "X-Cache": "HIT"}
        return {"X-Cache": "MISS"} if self.missed else {}


def at_origin(answers: Sequence[ScriptAnswer], now: datetime) -> Shown:
    """Return what the origin answers at `now`; `answers` of one address are in time order."""
    past = [answer for answer in answers if answer.at <= now]
    if not past:
        return Shown(None)
    return Shown(past[-1], past[-1].at, missed=any(answer.edge_cache for answer in answers))


def at_edge(answers: Sequence[ScriptAnswer], now: datetime) -> Shown:
    """Return what users get at `now` through the edge.

    An answer with an `edge_cache` stays behind the one before it for that long. The stale copy tells an
    `Age` that puts it before the change, and the copy after it one that never does.
    """
    stages = [(_ALWAYS, None), *_stages(answers)]
    newest = max(place for place, (_, answer) in enumerate(stages) if answer is None or answer.at <= now)
    shown = max(place for place, (begins, _) in enumerate(stages[: newest + 1]) if begins <= now)
    begins, answer = stages[shown]
    since = None if answer is None else answer.at
    if shown < newest:
        changed = answers[shown].at
        return Shown(answer, since, floor((now - changed).total_seconds()) + 1)
    if answer is None or not answer.edge_cache:
        return Shown(answer, since)
    return Shown(answer, since, floor((now - begins) % answer.edge_cache / timedelta(seconds=1)))


def _stages(answers: Sequence[ScriptAnswer]) -> Iterator[tuple[datetime, ScriptAnswer]]:
    """Yield each answer with the instant from which the edge shows it."""
    keeps_until = _ALWAYS
    for answer in answers:
        if answer.edge_cache and answer.at >= keeps_until:
            keeps_until = answer.at + answer.edge_cache
        # Without a cache of its own an answer is seen at once, as after a purge.
        begins = max(answer.at, keeps_until) if answer.edge_cache else answer.at
        keeps_until = keeps_until if answer.edge_cache else answer.at
        yield begins, answer


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
    return frozenset(parse_qsl(text, keep_blank_values=True)) if text else frozenset()
