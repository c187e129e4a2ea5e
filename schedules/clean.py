"""Cleans texts and addresses from other sites, so that they can be stored and shown safely.

Every source calls it once for everything that it takes from a response.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

import idna

from schedules.patterns import quick

LONGEST_TEXT = 500
LONGEST_ADDRESS = 2000
_LONGEST_HOST = 253
_MORE = "…"
_UNSHOWN = "\N{REPLACEMENT CHARACTER}"

# Control characters, direction and zero-width marks, lone surrogates and line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NEEDS_ESCAPE = frozenset('\\<>" ')
# Most addresses are such, and splitting them takes longer.
_PLAIN_ADDRESS = quick(r'https?://[a-z0-9.-]+(?:[/?#][^\x00-\x20"<>\\\x7f-\U0010ffff]*)?')


def clean_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text in one line without control, direction and zero-width characters, cut to
    `longest` characters.

    Lone surrogates become the replacement character.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    # Cut first, because the rest would only cost time. Blanks and hidden characters that are
    # dropped get some room.
    text = " ".join("".join(map(_clean_char, text[: 4 * longest])).split())
    if len(text) <= longest:
        return text
    return text[: longest - 1].rstrip() + _MORE


def _clean_char(char: str) -> str:
    """Return what a character becomes: hidden ones a blank, nothing or the replacement
    character.
    """
    kind = unicodedata.category(char)
    if kind not in _HIDDEN:
        return char
    return {"Cf": "", "Cs": _UNSHOWN}.get(kind, " ")


@lru_cache(maxsize=20_000)
def clean_address(url: str) -> str:
    """Return a web address that is safe to show, "" for anything else.

    Refused are a user before the host (`https://www.gov.uk@…`, which looks like another site), a
    backslash and more than two thousand characters. A host in other scripts is written in ASCII
    (`xn--…`), so that no letter passes for another.
    """
    if len(url) > LONGEST_ADDRESS or "\\" in url:
        return ""
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    return _clean_parts(url)


def _clean_parts(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # such as a port that is not a number
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    if url.isascii() and url.isprintable() and _NEEDS_ESCAPE.isdisjoint(url):
        return url
    name = _encode_host(host)
    if not name:
        return ""
    host_and_port = name
    if port is not None:
        host_and_port = f"{name}:{port}"
    return "".join(map(_escape_char, parts._replace(netloc=host_and_port).geturl()))


def _encode_host(host: str) -> str:
    """Return the name of a host in ASCII, "" if it is not a valid name."""
    if host.isascii():
        return host
    if len(host) > _LONGEST_HOST:
        return ""
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def _escape_char(char: str) -> str:
    """Return a character of an address, percent-encoded if it is hidden, a blank, a quote or a
    bracket.
    """
    is_fit = char not in _NEEDS_ESCAPE and unicodedata.category(char) not in _HIDDEN | {"Zs"}
    if is_fit:
        return char
    return quote(char, safe="", errors="replace")
