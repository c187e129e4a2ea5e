"""An HTML page as recognisers read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from monitor.look.fetch import Answer
from schedules.patterns import quick


def absolute(base: str, link: object) -> str:
    """Return the http or https address that a link at `base` leads to, empty for one that leads nowhere we may look.

    A link that bears a name and password is none: it would be shown as it stands.
    """
    try:
        url = urljoin(base, str(link).strip())
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    return url if is_usable and "@" not in parts.netloc else ""


_CHARSET = quick(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_LINKS = 2000
_OF_CONTENT = "//a[@href][not(ancestor::header or ancestor::footer or ancestor::nav or ancestor::aside)]"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page: its absolute address without fragment, and its words."""

    url: str
    text: str


class Page:
    """A parsed page. Any bytes make one; what is no page has no title, headings, words or links."""

    def __init__(self, answer: Answer) -> None:
        self._url = answer.url
        self.root = _parsed(answer)

    @cached_property
    def title(self) -> str:
        """Return the words of `<title>`."""
        return self._first("//title")

    @cached_property
    def heading(self) -> str:
        """Return the words of the first `<h1>`."""
        return self._first("//h1")

    @cached_property
    def text(self) -> str:
        """Return the words that a reader sees, in one line."""
        if self.root is None:
            return ""
        nodes = self.root.xpath("//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")
        return " ".join(" ".join(nodes).split())

    def told_in_head(self, name: str) -> str:
        """Return what the page tells under a name in its head (`<meta name=…>`), empty where it tells nothing."""
        told = [] if self.root is None else self.root.xpath("//head/meta[@name=$name]/@content", name=name)
        return str(told[0]) if told else ""

    def links(self, *, content_only: bool = False) -> list[Link]:
        """Return the links to http and https addresses, in page order; `content_only`: none of the site's own menus."""
        if self.root is None:
            return []
        anchors = self.root.xpath(_OF_CONTENT if content_only else "//a[@href]")[:_LINKS]
        links = [
            Link(absolute(self._url, anchor.get("href", "").partition("#")[0]), words_of(anchor)) for anchor in anchors
        ]
        return [link for link in links if link.url]

    def _first(self, path: str) -> str:
        nodes = [] if self.root is None else self.root.xpath(path)
        return words_of(nodes[0]) if nodes else ""


def words_of(node: Any) -> str:  # noqa: ANN401  # lxml's elements have no public type
    """Return the words inside an element, in one line."""
    return " ".join("".join(node.itertext()).split())


def is_html(answer: Answer) -> bool:
    """Tell whether an answer says it is a page, or begins like one."""
    kind = answer.headers.get("content-type", "").lower()
    if kind:
        return "html" in kind
    return answer.body.lstrip()[:1] == b"<"


def _parsed(answer: Answer) -> Any | None:  # noqa: ANN401  # as above
    charset = _CHARSET.search(answer.headers.get("content-type", ""))
    try:
        return html.document_fromstring(answer.body, parser=_parser(charset.group(1).lower() if charset else "utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


@lru_cache(maxsize=16)
def _parser(charset: str) -> html.HTMLParser:
    try:
        return html.HTMLParser(encoding=charset, no_network=True)
    except LookupError:
        return html.HTMLParser(encoding="utf-8", no_network=True)
