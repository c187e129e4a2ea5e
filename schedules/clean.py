"""Texts and addresses of others made fit to be stored and shown: nothing in them that hides, turns round or breaks.

Called once, where an answer has been read, for everything that is taken from it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

import idna

LONGEST_TEXT = 500
LONGEST_ADDRESS = 2000
_LONGEST_HOST = 253
_MORE = "…"
_UNSHOWN = "\N{REPLACEMENT CHARACTER}"

# Control characters, marks that turn the direction of text or have no width, halves of pairs, and separators of lines.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UNFIT = frozenset('\\<>" ')


def clean_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text in one line, without control, direction and zero-width characters, cut where it is too long.

    Halves of a pair that stands for one character are replaced by the character for what cannot be shown.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    # Cut first: the rest would only cost time.
    text = " ".join("".join(map(_shown, text[: 4 * longest])).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + _MORE


def _shown(char: str) -> str:
    kind = unicodedata.category(char)
    if kind not in _HIDDEN:
        return char
    return {"Cf": "", "Cs": _UNSHOWN}.get(kind, " ")


@lru_cache(maxsize=20_000)
def clean_address(url: str) -> str:
    """Return a web address as what it is, empty for one that is none or pretends to be another's.

    None is one with a name before its host (`https://www.gov.uk@…`), a backslash, or more than two thousand
    characters. A host in other scripts is written in ASCII (`xn--…`), where letters cannot pass for others.
    """
    if len(url) > LONGEST_ADDRESS or "\\" in url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    if url.isascii() and url.isprintable() and _UNFIT.isdisjoint(url):
        return url
    name = _in_ascii(host)
    if not name:
        return ""
    place = name if parts.port is None else f"{name}:{parts.port}"
    return "".join(map(_escaped, parts._replace(netloc=place).geturl()))


def _in_ascii(host: str) -> str:
    """Return a host's name in ASCII, empty for what is no name."""
    if host.isascii():
        return host
    if len(host) > _LONGEST_HOST:
        return ""
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def _escaped(char: str) -> str:
    is_fit = char not in _UNFIT and unicodedata.category(char) not in _HIDDEN | {"Zs"}
    return char if is_fit else quote(char, safe="", errors="replace")
