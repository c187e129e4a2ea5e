"""Parses bodies for recognisers: HTML pages and JSON."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from monitor.look.fetch import Answer, Found
from schedules.patterns import quick


def absolute_url(base: str, link: object) -> str:
    """Return the absolute http or https address of a link, empty if it may not be requested."""
    try:
        url = urljoin(base, str(link).strip())
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    # People see addresses, so one with a user name is refused.
    return url if is_usable and "@" not in parts.netloc else ""


def parse_json(body: bytes) -> Any:  # noqa: ANN401  # any JSON
    """Return the value of a JSON body, or None."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """Return the object of a JSON body, empty if there is none."""
    content = parse_json(body)
    return content if isinstance(content, dict) else {}


def find_marked_charset(body: bytes) -> str | None:
    """Return the encoding that a mark at the begin of a text names, None without a mark."""
    return next((name for mark, name in _MARKED_CHARSETS.items() if body.startswith(mark)), None)


_CHARSET = quick(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_META = quick(r"<meta\s[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_PRESCANNED = 1024
_END_TAGS = 40
_MARKED_CHARSETS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16le",
    codecs.BOM_UTF16_BE: "utf-16be",
}
# By the Encoding Standard.
_READ_AS = dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "windows-1252")
_MOST_LINKS = 2000
_LONGEST_NAME = 500  # comparing long texts takes time
_IN_FRAME = (
    "ancestor::footer or ancestor::nav or ancestor::aside or ancestor::*[@hidden]"
    " or ancestor::header[not(ancestor::main or ancestor::article)]"
)
_CONTENT_TEXT = (
    ".//text()[normalize-space() and not(ancestor::head or ancestor::h1 or ancestor::script"
    " or ancestor::style or ancestor::noscript)]"
)
_ISO_DAY = quick(r"\d{4}-\d\d-\d\d")


class Page:
    """A parsed page. Bytes that are not HTML have no title, heading, text or links."""

    def __init__(self, answer: Answer) -> None:
        self._url = answer.url
        self.root = _parse_html(answer)
        self.has_refresh = "refresh" in answer.headers
        """A header makes browsers load another page."""
        self.is_closed = b"</" in answer.body[-_END_TAGS:]
        """It ends with end tags, as a page that was cut short does not."""

    @cached_property
    def title(self) -> str:
        """Return the text of `<title>`. A drawing may have its own."""
        return self._first_text("//title[not(ancestor::svg)]")

    @cached_property
    def heading(self) -> str:
        """Return the text of the first `<h1>` in `<main>`, else of any, which may name the site."""
        return self._first_text("//main//h1") or self._first_text("//h1")

    @cached_property
    def names(self) -> list[str]:
        """Return title and heading, without an empty one."""
        return [words for words in (self.title, self.heading) if words]

    @cached_property
    def other_titles(self) -> list[str]:
        """Return `og:title`, and the first `<h2>` if there is no `<h1>`."""
        found = self.find("//head/meta[@property='og:title']/@content")[:1]
        second = "" if self.heading else self._first_text("//h2")
        return [" ".join(text.split()) for text in (second, *found) if text]

    @cached_property
    def text(self) -> str:
        """Return the text in one line, without scripts and styles."""
        nodes = self.find(
            "//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]"
        )
        return " ".join(" ".join(nodes).split())

    @cached_property
    def content(self) -> str:
        """Return the content's text in one line: no titles, header, footer and menus either."""
        return " ".join(self.content_texts)

    @cached_property
    def content_texts(self) -> list[str]:
        """Return each text of the content, an ISO date for a `<time>` that has one."""
        texts = []
        for node in self.find_content(_CONTENT_TEXT):
            parent = node.getparent()
            stamp = parent.get("datetime", "") if node.is_text and parent.tag == "time" else ""
            day = _ISO_DAY.match(stamp)
            texts.append(day[0] if day else " ".join(node.split()))
        return texts

    def links(self, *, content_only: bool = False) -> list[Found]:
        """Return the http and https links in page order: addresses without fragment, with their
        text as title.
        """
        find = self.find_content if content_only else self.find
        links = []
        for anchor in find(".//a[@href]")[:_MOST_LINKS]:
            url = absolute_url(self._url, anchor.get("href").partition("#")[0])
            if url:
                links.append(Found(url, text_of(anchor), "link"))
        return links

    def find(self, path: str) -> list[Any]:
        """Return the elements or texts at an XPath, none if it is not HTML."""
        return [] if self.root is None else list(self.root.xpath(path))

    def find_content(self, path: str) -> list[Any]:
        """Return those at a relative XPath in `main`, if there is one, and outside the site's
        frame.
        """
        if self._content_root is None:
            return []
        return list(self._content_root.xpath(f"({path})[not({_IN_FRAME})]"))

    @cached_property
    def _content_root(self) -> Any | None:  # noqa: ANN401  # as above
        main = self.find("//main|//*[@role='main']")
        return main[0] if main else self.root

    def _first_text(self, path: str) -> str:
        elements = self.find(path)
        return text_of(elements[0])[:_LONGEST_NAME] if elements else ""


def text_of(node: Any) -> str:  # noqa: ANN401  # lxml's elements have no public type
    """Return the text inside an element, in one line."""
    return " ".join("".join(node.itertext()).split())


def is_html(answer: Answer) -> bool:
    """Return whether an answer is HTML by its type or, without one, by a first `<`."""
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind if kind else answer.body.lstrip()[:1] == b"<"


def is_json(answer: Answer) -> bool:
    """Return whether an answer is JSON by its type or its first character."""
    is_named = "json" in answer.headers.get("content-type", "")
    return is_named or answer.body.lstrip().startswith((b"{", b"["))


def _parse_html(answer: Answer) -> Any | None:  # noqa: ANN401  # as above
    parser = _html_parser(_find_charset(answer))
    try:
        return html.document_fromstring(answer.body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _find_charset(answer: Answer) -> str:
    """Return the encoding as browsers find it: mark, header, first 1,024 bytes, else UTF-8."""
    body = answer.body
    if marked := find_marked_charset(body):
        return marked
    in_page = body[:_PRESCANNED].decode("ascii", "replace")
    by_header = _CHARSET.search(answer.headers.get("content-type", ""))
    stated = by_header or _META.search(in_page)
    name = stated[1].lower() if stated else "utf-8"
    if not by_header and name.startswith("utf-16"):
        return "utf-8"  # or the statement itself could not be read
    return _READ_AS.get(name, name)


@lru_cache(maxsize=16)
def _html_parser(charset: str) -> html.HTMLParser:
    try:
        return html.HTMLParser(encoding=charset, no_network=True)
    except LookupError:
        return html.HTMLParser(encoding="utf-8", no_network=True)
