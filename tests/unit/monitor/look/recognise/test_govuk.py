"""GOV.UK pages and content items, the JSON of pages, beside `cases/govuk.toml`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.recognise.govuk import recognise
from monitor.look.recognise.result import Context
from monitor.look.sighting import State
from monitor.look.version import advanced_fields, first_published, parse_version
from tests.unit.monitor.look.recognise.pages import OUR_RELEASE, OUR_TITLE, URL, answer, item
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN

SAMPLES = Path(__file__).parents[6] / "shared" / "samples" / "govuk"
needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason="the shared samples are not beside the repository"
)


def test_deep_json_is_unknown() -> None:
    assert recognise(answer(b"[" * 100_000, "application/json"), OUR_RELEASE).state is UNKNOWN


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = (
    "title",
    "base_path",
    "details",
    "redirects",
    "withdrawn_notice",
    "links",
    "public_updated_at",
    "results",
)


@given(
    st.sampled_from(["publication", "gone", "redirect", "statistics_announcement"]),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)
def test_no_json_breaks_the_govuk_recogniser(schema: str, fields: dict[str, object]) -> None:
    """Fields of a content item, the JSON of a page, have random values. Reading it never fails."""
    recognise(item(schema, **({"title": OUR_TITLE} | fields)), OUR_RELEASE)


def state_of_sampled_item(sample: Path) -> State:
    """Return the state that a sampled content item has for the release with its title."""
    body = sample.read_bytes()
    # Redirects and removed pages have no title. For them, the title of the release makes no
    # difference.
    title = json.loads(body).get("title") or OUR_TITLE
    return recognise(answer(body, "application/json"), Context(URL, title)).state


@needs_samples
@pytest.mark.parametrize(
    ("folder", "allowed_states"),
    [
        ("announcements", {ABSENT}),
        ("html_publication", {PRESENT, WITHDRAWN}),
        ("publications", {PRESENT, WITHDRAWN}),
        ("gone_redirect", {WITHDRAWN, UNKNOWN}),
    ],
)
def test_sampled_content_items_have_a_state_their_folder_allows(
    folder: str, allowed_states: set[State]
) -> None:
    for sample in sorted((SAMPLES / folder).iterdir()):
        assert state_of_sampled_item(sample) in allowed_states, sample.name


@needs_samples
@pytest.mark.parametrize(
    "folder", ["announcements", "html_publication", "publications", "gone_redirect"]
)
def test_sampled_content_item_is_withdrawn_if_its_name_says_so(folder: str) -> None:
    for sample in sorted((SAMPLES / folder).iterdir()):
        name_says_so = "withdrawn" in sample.name or "gone" in sample.name
        is_withdrawn = state_of_sampled_item(sample) is WITHDRAWN
        assert is_withdrawn == name_says_so, sample.name


@needs_samples
def test_sampled_publication_is_present_and_announcements_are_absent() -> None:
    """Of the sampled pages, only `publication_200.html` is that of a release: ours."""
    samples = (SAMPLES / "pages").iterdir()
    states = {
        sample.name: recognise(answer(sample.read_bytes()), OUR_RELEASE).state for sample in samples
    }
    present = {name for name in states if states[name] is PRESENT}
    assert present == {"publication_200.html"}
    absent = {name for name in states if states[name] is ABSENT}
    assert absent == {name for name in states if name.startswith("announcement")}


def test_page_and_item_state_when_they_were_first_published() -> None:
    """The page says it in a `meta` element, and the item, which is the page's JSON, in a field."""
    stamp = "2026-11-26T09:30:01+00:00"
    head = (
        f'<head><title>{OUR_TITLE} - GOV.UK</title><meta name="govuk:first-published-at"'
        f' content="{stamp}"></head>'
    )
    html = answer(f"<html>{head}<body><h1>{OUR_TITLE}</h1></body></html>".encode())
    for page_or_item in (html, item("publication", first_published_at=stamp)):
        assert first_published(
            recognise(page_or_item, OUR_RELEASE).version
        ) == datetime.fromisoformat(stamp)


@needs_samples
def test_corrected_page_has_version_with_update_and_change_history() -> None:
    """A page is corrected on the day after its release. Two values in its JSON have grown.

    They are the number of changes and the time of the last update. The version is a line with such
    values.
    """

    def version_of(sample: str) -> str:
        body = (SAMPLES / f"publications/{sample}.json").read_bytes()
        return recognise(answer(body, "application/json"), OUR_RELEASE).version or ""

    first = parse_version(version_of("2026_on_time_scheduled"))
    later = parse_version(version_of("2026_corrected_next_day"))
    assert advanced_fields(first, later) == ["change_history", "public_updated_at"]
