"""Finds titles of other releases that may be confused with the title of a release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from schedules.address import canonical_address
from schedules.release import Release
from schedules.titles import are_other_editions, may_be_confused, read_title


class SimilarTitles:
    """An index of the titles of known releases by their words."""

    def __init__(self) -> None:
        """Begin empty."""
        self._releases: Mapping[str, Release] = {}
        self._urls_by_title: dict[str, set[str]] = {}
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._cached: dict[str, tuple[str, ...]] = {}

    def find(
        self, title: str, releases: Mapping[str, Release], named: str | None = None
    ) -> tuple[str, ...]:
        """Return which titles of other releases a page may have that looks like one titled `title`,
        or its file `named` like this.

        Two releases that share a page are both out with it, so the title of the other does not
        count. The mapping is replaced when releases change, never changed itself.
        """
        if releases is not self._releases:
            self._releases = releases
            self._index_titles(releases.values())
        if named is not None:
            return tuple(sorted(self._find_similar(named, title)))
        if title not in self._cached:
            self._cached[title] = tuple(sorted(self._find_similar(title, title)))
        return self._cached[title]

    def _index_titles(self, releases: Iterable[Release]) -> None:
        urls_by_title = defaultdict[str, set[str]](set)
        for release in releases:
            urls_by_title[release.title].add(release.url)
        if urls_by_title == self._urls_by_title:
            return
        for title in self._urls_by_title.keys() - urls_by_title.keys():
            for word in read_title(title).words:
                self._by_word[word].discard(title)
        for title in urls_by_title.keys() - self._urls_by_title.keys():
            for word in read_title(title).words:
                self._by_word[word].add(title)
        self._urls_by_title = urls_by_title
        self._cached.clear()

    def _find_similar(self, text: str, title: str) -> set[str]:
        own = read_title(text)
        rarest_first = sorted(set(own.words), key=lambda word: len(self._by_word.get(word, ())))
        # A title that has half of the words has one of these.
        enough = rarest_first[: len(rarest_first) // 2 + 1]
        candidates = set(chain.from_iterable(self._by_word.get(word, ()) for word in enough))
        return {
            other
            for other in candidates
            if other != title
            and may_be_confused(own, read_title(other))
            and not are_other_editions(own, read_title(other))
            and not self._share_page(title, other)
        }

    def _share_page(self, title: str, other: str) -> bool:
        """Return whether both titles were announced at one address."""
        return not self._addresses_of(title).isdisjoint(self._addresses_of(other))

    def _addresses_of(self, title: str) -> set[str]:
        return {canonical_address(url) for url in self._urls_by_title.get(title, ())} - {""}
