"""Finds titles of other releases that may be confused with the title of a release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from monitor.look.recognise.title import periods_contradict
from schedules.release import Release
from schedules.titles import may_be_confused, read_title


class SimilarTitles:
    """An index of the titles of known releases by their words."""

    def __init__(self) -> None:
        """Begin empty."""
        self._releases: Mapping[str, Release] = {}
        self._titles: set[str] = set()
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._cached: dict[str, tuple[str, ...]] = {}

    def find(self, title: str, releases: Mapping[str, Release]) -> tuple[str, ...]:
        """Return which titles of these releases a page may have that looks like one titled `title`.

        The mapping is replaced when releases change, never changed itself.
        """
        if releases is not self._releases:
            self._releases = releases
            self._update({release.title for release in releases.values()})
        if title not in self._cached:
            self._cached[title] = tuple(sorted(self._search(title)))
        return self._cached[title]

    def _update(self, titles: set[str]) -> None:
        """Index these titles in place of those before."""
        if titles == self._titles:
            return
        for title in self._titles - titles:
            for word in read_title(title).words:
                self._by_word[word].discard(title)
        for title in titles - self._titles:
            for word in read_title(title).words:
                self._by_word[word].add(title)
        self._titles = titles
        self._cached.clear()

    def _search(self, title: str) -> set[str]:
        own = read_title(title)
        rarest_first = sorted(set(own.words), key=lambda word: len(self._by_word.get(word, ())))
        # A title that has half of the words has one of these.
        enough = rarest_first[: len(rarest_first) // 2 + 1]
        candidates = {other for word in enough for other in self._by_word.get(word, ())}
        return {
            other
            for other in candidates
            if may_be_confused(own, read_title(other))
            and not periods_contradict(own.period, read_title(other).period)
        }
