"""The scripted answers of each address, as served by the origin and by a simulated edge cache in
front of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor
from urllib.parse import parse_qsl, urlsplit

from monitor.rehearse.publisher.reply import ReceivedRequest
from monitor.rehearse.script.script import ScriptAnswer

Query = frozenset[tuple[str, str]]

_BEFORE_ANY_ANSWER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """The answer that an address serves; None is a 404, because no scripted answer has begun.

    `since` is when the answer began at the origin. `age` is the `Age` header in whole seconds, None
    when the response comes from no cache. `is_cache_miss` is True when a request passed the cache
    and reached the origin.
    """

    answer: ScriptAnswer | None
    since: datetime | None = None
    age: int | None = None
    is_cache_miss: bool = False

    def cache_headers(self) -> Mapping[str, str]:
        """Return the headers that the cache adds; empty if no cache is in front."""
        if self.age is not None:
            return {"Age": str(self.age), "X-Cache": "HIT"}
        return {"X-Cache": "MISS"} if self.is_cache_miss else {}


def answer_at_origin(answers: Sequence[ScriptAnswer], now: datetime) -> ServedAnswer:
    """Return what the origin serves at `now`, from one address's `answers` in time order."""
    past = [answer for answer in answers if answer.at <= now]
    if not past:
        return ServedAnswer(None)
    return ServedAnswer(
        past[-1], past[-1].at, is_cache_miss=any(answer.edge_cache for answer in answers)
    )


def answer_at_edge(answers: Sequence[ScriptAnswer], now: datetime) -> ServedAnswer:
    """Return what users get from the edge, which serves an old answer for `edge_cache` longer."""
    # A stage is an instant, and the answer that the edge serves from then on. The first stage is a
    # 404.
    stages = [(_BEFORE_ANY_ANSWER, None), *_edge_stages(answers)]
    # The stages of origin and edge at `now`.
    origin_index = max(
        index for index, (_, answer) in enumerate(stages) if answer is None or answer.at <= now
    )
    edge_index = max(
        index for index, (begins, _) in enumerate(stages[: origin_index + 1]) if begins <= now
    )
    at_edge_since, answer = stages[edge_index]
    at_origin_since = None if answer is None else answer.at
    if edge_index < origin_index:
        _, next_answer = stages[edge_index + 1]
        assert next_answer is not None  # noqa: S101 # only the first stage has none
        # The copy is from just before the origin had the next answer: if that was 5 s ago, its
        # `Age` is 6 s.
        return ServedAnswer(
            answer, at_origin_since, floor((now - next_answer.at).total_seconds()) + 1
        )
    if answer is None or not answer.edge_cache:
        return ServedAnswer(answer, at_origin_since)
    # The edge fetches the same answer again each time its copy expires, so the `Age` begins again
    # at 0.
    age = (now - at_edge_since) % answer.edge_cache
    return ServedAnswer(answer, at_origin_since, floor(age / timedelta(seconds=1)))


def _edge_stages(answers: Sequence[ScriptAnswer]) -> Iterator[tuple[datetime, ScriptAnswer]]:
    """Yield each stage of the edge in time order: its instant and its answer."""
    copy_expires = _BEFORE_ANY_ANSWER  # when the edge's copy of an older answer expires
    for answer in answers:
        if not answer.edge_cache:
            copy_expires = answer.at  # the cache is purged
        elif answer.at >= copy_expires:
            # The worst case: the edge fetched the old answer just before the change, and keeps it
            # for `edge_cache`.
            copy_expires = answer.at + answer.edge_cache
        # Else the edge still has a copy. When it expires, the edge fetches the newest of the
        # answers until then.
        yield max(answer.at, copy_expires), answer


class Timelines:
    """Every scripted address with its answers in time order.

    The scheme of an address does not matter.
    """

    def __init__(self, answers: Sequence[ScriptAnswer]) -> None:
        grouped: dict[tuple[str, str], dict[Query, list[ScriptAnswer]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for answer in sorted(answers, key=lambda answer: answer.at):
            place, query = _split_address(answer.url)
            grouped[place][query].append(answer)
        self._answers = {place: dict(queries) for place, queries in grouped.items()}

    def find_answer(self, request: ReceivedRequest, now: datetime) -> ServedAnswer | None:
        """Return what the script serves for a request at `now`; None if the script has no answers
        for its address.

        A request with additional query parameters gets the origin's answer, because no cache has a
        copy for it.
        """
        answers_by_query = self._answers.get((request.host, request.path), {})
        requested = _parse_query(request.query)
        matching = [query for query in answers_by_query if query <= requested]
        if not matching:
            return None
        nearest = max(matching, key=len)
        serve = answer_at_edge if nearest == requested else answer_at_origin
        return serve(answers_by_query[nearest], now)

    def answers(self, url: str) -> Sequence[ScriptAnswer]:
        """Return the answers of exactly this address in time order; empty if the script has
        none.
        """
        place, query = _split_address(url)
        return self._answers.get(place, {}).get(query, [])


def _split_address(url: str) -> tuple[tuple[str, str], Query]:
    """Return host and path of an address, and its query."""
    parts = urlsplit(url)
    return (parts.hostname or "", parts.path or "/"), _parse_query(parts.query)


def _parse_query(text: str) -> Query:
    return frozenset(parse_qsl(text, keep_blank_values=True)) if text else frozenset()
