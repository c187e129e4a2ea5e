"""Texts and addresses of others, made fit to be stored and shown."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.clean import LONGEST_ADDRESS, LONGEST_TEXT, clean_address, clean_text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Births: July 2026", "Births: July 2026"),
        (
            "Ystadegau gofal iechyd — Cymru, Gorffennaf 2026",
            "Ystadegau gofal iechyd — Cymru, Gorffennaf 2026",
        ),
        ("Births\u200b in\u00ad England\ufeff", "Births in England"),
        ("Births\u202etxt.exe", "Birthstxt.exe"),
        ("Births\x00\x1b[31m\x9b2J red", "Births [31m 2J red"),
        ("Births\r\n\tand\u2028deaths", "Births and deaths"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("\u2066\u2069\u200f", ""),
    ],
)
def test_hidden_and_direction_characters_are_removed_from_a_text(text: str, clean: str) -> None:
    """Hidden characters (such as U+200B) and direction marks (U+202E) are dropped. Control
    characters and line ends become a blank. Half a surrogate pair becomes U+FFFD.
    """
    assert clean_text(text) == clean


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert clean_text("a" * 5_000_000) == "a" * (LONGEST_TEXT - 1) + "…"


@given(ANY_TEXT)
def test_a_clean_text_can_be_stored_shown_and_cleaned_again(text: str) -> None:
    """A random text, once cleaned, survives JSON in UTF-8, has no hidden characters, and is cleaned
    no further.
    """
    clean = clean_text(text)
    assert json.loads(json.dumps(clean, ensure_ascii=False).encode()) == clean
    # No controls, hidden formats, surrogates, or separators of lines and paragraphs are left.
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in clean)
    assert clean_text(clean) == clean


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.uk/government/statistics/births",
        "http://a.example:8080/x?y=1&z=%20#top",
        "https://a.example/ystadegau/gorffennaf-2026/tŷ",
    ],
)
def test_a_plain_address_stays_as_it_is(url: str) -> None:
    assert clean_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.uk@evil.example/",
        "https://www.gov.uk:443@evil.example/",
        "https://@evil.example/",
        "https://www.gov.uk\\@evil.example/",
        "https://evil.example\\.www.gov.uk/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//a.example/",
        "https:///x",
        "https://a.example:99999/",
        "https://[::1/",
        "https://a\ud800.example/",
        "https://" + "é" * 300 + ".example/",
        "https://a.example/" + "x" * LONGEST_ADDRESS,
        "",
    ],
)
def test_an_invalid_or_misleading_address_is_refused(url: str) -> None:
    """For example, https://www.gov.uk@evil.example/ leads to evil.example: what stands before the @
    is a user name.
    """
    assert clean_address(url) == ""


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.g\N{CYRILLIC SMALL LETTER O}v.uk/", "www.xn--gv-fmc.uk"),
        ("https://www。gov。uk/", "www.gov.uk"),
        ("https://bücher.example:444/x", "xn--bcher-kva.example"),
    ],
)
def test_a_host_in_another_script_is_written_in_ascii(url: str, host: str) -> None:
    assert urlsplit(clean_address(url)).hostname == host


@pytest.mark.parametrize(("length", "host"), [(253, "xn--tda.example"), (254, None)])
def test_a_host_of_more_than_253_characters_is_refused(length: int, host: str | None) -> None:
    """Soft hyphens are no part of the name, but each must be read."""
    soft_hyphens = "\u00ad" * (length - len("ü.example"))
    assert urlsplit(clean_address(f"https://ü{soft_hyphens}.example/x")).hostname == host


def test_hidden_characters_in_an_address_become_visible() -> None:
    assert (
        clean_address("https://a.example/\u202efdp.exe\x00\u200b")
        == "https://a.example/%E2%80%AEfdp.exe%00%E2%80%8B"
    )


@given(
    st.one_of(
        ANY_TEXT, ANY_TEXT.map("https://{}/".format), ANY_TEXT.map("https://a.example/{}".format)
    )
)
def test_clean_address_is_empty_or_can_be_requested(url: str) -> None:
    """The address is random. Cleaned, it is empty, or it has http or https, a host in ASCII and no
    user name before an @. It then stays the same if it is cleaned again.
    """
    clean = clean_address(url)
    if clean:
        parts = urlsplit(clean)
        assert parts.scheme in {"http", "https"}
        assert parts.netloc.isascii()
        assert "@" not in parts.netloc
        assert clean_address(clean) == clean
        assert clean.encode()  # a lone surrogate would raise
