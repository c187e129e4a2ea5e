"""Which titles of other releases may be confused with the title of a release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.ledger.similar_titles import SimilarTitles
from schedules.release import Release

OURS = "Example claims: October 2026"


def releases_titled(*titles: str) -> dict[str, Release]:
    return {title: Release(title, title, "one", "", ()) for title in titles}


@pytest.mark.parametrize(
    ("other", "is_similar"),
    [
        ("Example claims in Wales: October 2026", True),
        ("Example claims (provisional): October 2026", True),
        ("Example claims: data tables, October 2026", True),
        ("Example claims: 12 October 2026", True),
        ("Example claims: September 2026", False),
        (OURS, False),
        ("EXAMPLE CLAIMS, official statistics: October 2026", False),
        ("Prison population: October 2026", False),
    ],
)
def test_titles_that_a_similar_title_may_be_of(other: str, is_similar: bool) -> None:  # noqa: FBT001
    found = SimilarTitles().find(OURS, releases_titled(OURS, other))
    assert (other in found) is is_similar


def test_titles_are_those_of_the_releases_known_now() -> None:
    wales, tables = "Example claims in Wales: October 2026", "Example claims tables: October 2026"
    index = SimilarTitles()
    assert index.find(OURS, releases_titled(OURS, wales)) == (wales,)
    assert index.find(OURS, releases_titled(OURS, tables)) == (tables,)
    assert index.find(OURS, releases_titled(OURS)) == ()


def test_title_of_a_release_with_the_same_page_is_not_similar() -> None:
    """A calendar replaces an entry by one that covers more, at the same address."""
    merged, page = "Example claims and costs of claims: October 2026", "https://x.example/claims"
    ours = Release("ours", OURS, "one", page, ())
    other = Release("other", merged, "one", f"{page}/", ())
    index = SimilarTitles()
    assert index.find(OURS, {"ours": ours, "other": other}) == ()
    moved = replace(other, url=f"{page}-and-costs")
    assert index.find(OURS, {"ours": ours, "other": moved}) == (merged,)


def test_name_of_a_file_may_be_that_of_any_other_release_but_one_on_the_same_page() -> None:
    prison, page = "Prison population by region: October 2026", "https://x.example/claims"
    ours = Release("ours", OURS, "one", page, ())
    other = Release("other", prison, "one", f"{page}/prison", ())
    index = SimilarTitles()
    for name, url, found in (
        ("prison population october 2026", other.url, (prison,)),
        ("prison population october 2026", page, ()),
        ("example claims october 2026", other.url, ()),
    ):
        releases = {"ours": ours, "other": replace(other, url=url)}
        assert index.find(OURS, releases, name) == found
