"""Parses bodies for recognisers: HTML pages and JSON."""

from __future__ import annotations

import codecs
import copy
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin

from lxml import etree, html

from monitor.look.fetch import Answer, Found
from schedules.clean import clean_address
from schedules.patterns import quick


def absolute_url(base: str, link: object) -> str:
    """Return the absolute http or https address of a link, empty if it may not be requested."""
    try:
        return clean_address(urljoin(base, str(link).strip()))
    except ValueError:
        return ""


def name_in(url: str) -> str:
    """Return the words of the last segment of an address, without its extension."""
    return as_words(PurePosixPath(url).stem)


def as_words(name: str) -> str:
    """Return a name in an address with blanks between its words."""
    return unquote(name).translate(_BETWEEN_WORDS)


def parse_json(body: bytes) -> Any:  # noqa: ANN401  # any JSON
    """Return the value of a JSON body, or None."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """Return the object of a JSON body. Empty if the body has no object."""
    content = parse_json(body)
    return content if isinstance(content, dict) else {}


def find_marked_charset(body: bytes) -> str | None:
    """Return the encoding that a mark at the begin of a text names, None without a mark."""
    return next((name for mark, name in _MARKED_CHARSETS.items() if body.startswith(mark)), None)


_CHARSET = quick(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_META = quick(r"<meta\s[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_REFRESH = "//meta[translate(@http-equiv, 'REFSH', 'refsh')='refresh']"
_BETWEEN_WORDS = str.maketrans("_+.-", "    ")
_PRESCANNED = 1024
_END_TAGS, _ENDING = 40, 4096
_MARKED_CHARSETS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16le",
    codecs.BOM_UTF16_BE: "utf-16be",
}
# By the Encoding Standard.
_READ_AS = dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "windows-1252")
_MOST_PROSE = 100_000
_LONGEST_NAME = 500  # comparing long texts takes time
_ON_ITS_OWN_LINE = ("br", "div", "p", "small", "span")
"""In a heading or link, these are shown apart from the text around them."""
_ROLES = "' banner contentinfo navigation complementary search dialog alertdialog '"
_CLASSES = ("footer", "site-footer", "page-footer", "sidebar", "breadcrumbs")
_HAS_CLASS_OF_FRAME = " or ".join(
    ["contains(@class, 'cookie')", "contains(@id, 'cookie')"]
    + [f"contains(concat(' ', @class, ' ', @id, ' '), ' {name} ')" for name in _CLASSES]
)
# The menus, notices and forms around the content, and what users do not see.
_FRAME = (
    "//footer|//nav|//aside|//dialog|//template[not(@shadowrootmode)]|//select|//textarea"
    "|//header[not(ancestor::main or ancestor::article)]"
    "|//*[(@hidden and @hidden != 'until-found') or @aria-hidden = 'true']"
    "|//*[contains(translate(@style, ' ', ''), 'display:none')]"
    f"|//*[@role and contains({_ROLES}, concat(' ', @role, ' '))]"
    f"|//body//*[(@class or @id) and not(.//h1) and ({_HAS_CLASS_OF_FRAME})]"
)
_SHOWN = "not(ancestor::template[not(@shadowrootmode)])"
"""Scripts copy what is in a template. Browsers show only one with the attribute."""
_CONTENT_TEXT = (
    ".//text()[normalize-space() and not(ancestor::head or ancestor::h1 or ancestor::script"
    " or ancestor::style or ancestor::noscript)]"
)
# Links are menus, lists of contents or buttons to share a page. A form around the content, which
# has headings, is its frame.
_PROSE = f"{_CONTENT_TEXT}[not(ancestor::a or ancestor::form[not(.//h1 or .//h2)])]"
_SITE_NAME = quick(r" (?:\||::|\u00bb|\u00b7) ")
_ISO_DAY = quick(r"\d{4}-\d\d-\d\d")


class Page:
    """A parsed page. Bytes that are not HTML have no title, heading, text or links."""

    def __init__(self, answer: Answer) -> None:
        self._url = answer.url
        self.root = _parse_html(answer)
        self.has_refresh = "refresh" in answer.headers or bool(self.find(_REFRESH))
        """It makes browsers load another page."""
        ending = answer.body[-_ENDING:].lower()
        self.is_closed = b"</" in ending[-_END_TAGS:] or b"</html" in ending
        """It ends with end tags, as a page that was cut short does not."""

    @cached_property
    def title(self) -> str:
        """Return the text of `<title>`. A drawing may have its own."""
        return self._first_text("//title[not(ancestor::svg)]")

    @cached_property
    def heading(self) -> str:
        """Return the text of the first `<h1>` in `<main>`, else of any, which may name the site."""
        return self._first_text(f"//main//h1[{_SHOWN}]") or self._first_text(f"//h1[{_SHOWN}]")

    @cached_property
    def names(self) -> list[str]:
        """Return title and heading, without an empty one."""
        return list(filter(None, (self.title, self.heading)))

    @cached_property
    def other_titles(self) -> list[str]:
        """Return `og:title`, the `<title>` without the site's name and, if there is no `<h1>`, the
        first `<h2>`.
        """
        found = self.find("//head/meta[@property='og:title']/@content")[:1]
        found.append(_SITE_NAME.split(self.title)[0])
        if not self.heading:
            found.append(self._first_text(f"//h2[{_SHOWN}]"))
        return found

    @cached_property
    def text(self) -> str:
        """Return the text in one line, without scripts and styles."""
        nodes = self.find(
            f"//text()[not(ancestor::script or ancestor::style or ancestor::noscript) and {_SHOWN}]"
        )
        return " ".join(" ".join(nodes).split())

    @cached_property
    def content(self) -> str:
        """Return the content's text in one line: no titles, header, footer and menus either."""
        return " ".join(" ".join(self.find_content(_CONTENT_TEXT)).split())

    @cached_property
    def prose(self) -> str:
        """Return the content's text without links and forms, with marks between its elements.

        Title and heading are left out there too, because they may name a day as the period.
        """
        text = " ".join(" | ".join(self.find_content(_PROSE))[:_MOST_PROSE].split())
        for words in self.names:
            text = text.replace(words, " ")
        return text

    def links(self, *, content_only: bool = False) -> list[Found]:
        """Return the http and https links in page order: addresses without fragment, with their
        text as title.
        """
        find = self.find_content if content_only else self.find
        base = self._url
        for href in self.find("//base/@href")[:1]:
            base = absolute_url(self._url, href) or base
        links = []
        for anchor in filter(is_shown, find(".//a[@href]|.//area[@href]")):
            url = absolute_url(base, anchor.get("href").partition("#")[0])
            if url:
                others = anchor.xpath("@aria-label|descendant-or-self::*/@alt|@title")[:1]
                title = text_of(anchor) or " ".join("".join(others).split())
                links.append(Found(url, title, "link"))
        return links

    def find(self, path: str) -> list[Any]:
        """Return the elements or texts at an XPath."""
        return list(self.root.xpath(path))

    def find_content(self, path: str) -> list[Any]:
        """Return those at a relative XPath in `main`, if there is one, and outside the site's
        frame.
        """
        return list(self._content_root.xpath(path))

    @cached_property
    def _content_root(self) -> Any:  # noqa: ANN401  # as above
        """Return a copy of `main`, else of the whole page, without the site's frame.

        A `<time>` with an ISO date has that as its text.
        """
        page = copy.deepcopy(self.root)
        main = page.xpath("//main|//*[@role='main']")
        for element in page.xpath(_FRAME):
            if element.getparent() is not None:
                element.drop_tree()
        for time in page.iter("time"):
            if day := _ISO_DAY.match(time.get("datetime", "")):
                time.text = day[0]
        return main[0] if main else page

    def _first_text(self, path: str) -> str:
        elements = self.find(path)
        return text_of(elements[0])[:_LONGEST_NAME] if elements else ""


def is_shown(node: Any) -> bool:  # noqa: ANN401  # as in `text_of`
    """Return whether an element is outside templates, which scripts copy."""
    return all(each.get("shadowrootmode") for each in node.iterancestors("template"))


def text_of(node: Any) -> str:  # noqa: ANN401  # lxml's elements have no public type
    """Return the text inside an element, in one line."""
    shown = copy.deepcopy(node)
    for element in shown.iter(*_ON_ITS_OWN_LINE):
        element.text = f" {element.text or ''}"
        element.tail = f" {element.tail or ''}"
    return " ".join(shown.text_content().split())


def is_html(answer: Answer) -> bool:
    """Return whether an answer is HTML by its type or, without one, by a first `<`."""
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind if kind else answer.body.lstrip()[:1] == b"<"


def is_json(answer: Answer) -> bool:
    """Return whether an answer is JSON by its type or its first character."""
    is_named = "json" in answer.headers.get("content-type", "")
    return is_named or answer.body.lstrip().startswith((b"{", b"["))


def _parse_html(answer: Answer) -> Any:  # noqa: ANN401  # as above
    """Return the root of a page, a lone element if the bytes are not HTML."""
    try:
        parser = html.HTMLParser(encoding=_find_charset(answer), huge_tree=True)
    except LookupError:
        parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        return html.document_fromstring(answer.body, parser=parser)
    except (etree.LxmlError, ValueError):
        return html.Element("none")


def _find_charset(answer: Answer) -> str:
    """Return the encoding as browsers find it: mark, header, first 1,024 bytes, else UTF-8 or, if
    the body is none, Windows-1252.
    """
    body = answer.body
    if marked := find_marked_charset(body):
        return marked
    by_header = _CHARSET.search(answer.headers.get("content-type", ""))
    stated = by_header or _META.search(body[:_PRESCANNED].decode("ascii", "replace"))
    name = stated[1].lower() if stated else _guess_charset(body)
    if not by_header and name.startswith("utf-16"):
        return "utf-8"  # or the statement itself could not be read
    return _READ_AS.get(name, name)


def _guess_charset(body: bytes) -> str:
    try:
        # The last character of a body that was cut may be incomplete.
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"
