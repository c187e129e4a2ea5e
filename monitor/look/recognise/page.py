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


# What may fill a page without words in its HTML.
_FILLING = ("script", "img", "iframe", "frame", "object", "embed", "svg", "canvas", "video")
_WORDS = "boolean(//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)])"
# Sought as plain words: a pattern that ignores case takes fifty times as long over the text of a page.
_FILLER = "lorem ipsum"
_PROMISES = ("will be released", "will be published", "not yet", "coming soon")
_STANDS_IN = quick(r"\W*(placeholder|coming soon|test page)\b", re.IGNORECASE)
# A date must follow: figures that "will be published on a quarterly basis" may well be out.
_PROMISED = quick(
    r"\b(these|the|this) ([a-z]+ ){0,2}(statistics|figures|release|publication)"
    r" will be (released|published) (on|in|between|at) [^.]{0,30}\d"
    r"|\bnot yet (been )?(published|released)\b|\bcoming soon\b",
    re.IGNORECASE,
)
_PUBLISHED = quick(r"(?<!be )\b(published|updated):? \d{1,2} [a-z]+ \d{4}\b", re.IGNORECASE)


def says_nothing(page: Page) -> str:
    """Return why a page is blank or a test of its layout; empty when it may be more, or is no page at all."""
    if page.root is None:
        return ""
    if not page.root.xpath(_WORDS) and next(page.root.iter(*_FILLING), None) is None:
        return "a blank page"
    if _FILLER in page.text.lower() or _STANDS_IN.match(page.title) or _STANDS_IN.match(page.heading):
        return "a test page"
    return ""


def says_nothing_of_it(page: Page) -> str:
    """Return why a page speaks of the site and not of what is published on it; empty when it may be content."""
    for words in (page.title, page.heading):
        if found := _OF_THE_SITE.search(words[:_LONGEST_TITLE]):
            return f"a page of the site itself: {found[0].strip().lower()}"
    return ""


def says_not_yet(page: Page) -> bool:
    """Tell whether a page promises its release in running words and bears no date of publication.

    A page that is out may say so of the edition after it: hence the second half.
    """
    words = page.text.lower()
    if not any(promise in words for promise in _PROMISES):
        return False
    return _PROMISED.search(page.text) is not None and _PUBLISHED.search(page.text) is None


_LONGEST_TITLE = 300
# Maintenance, sign-in and cookie walls, and apologies are answered with success by many sites.
_OF_THE_SITE = quick(
    r"^\W*sorry\b|\bunder maintenance\b|\b(planned|scheduled|essential) maintenance\b|\bdown for maintenance\b"
    r"|\b(temporarily|currently) unavailable\b|\b(service|site|website|page) (is )?unavailable\b"
    r"|^\W*(sign in|log ?in|please (sign|log) ?in)\b|^\W*(cookies? (on|settings|preferences|consent)|we use cookies)\b"
    r"|^\W*(access denied|before you continue|just a moment|verify you are human)\b",
    re.IGNORECASE,
)
_CHARSET = quick(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_LINKS = 2000


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

    def links(self) -> list[Link]:
        """Return the links to http and https addresses, in the order of the page."""
        if self.root is None:
            return []
        anchors = self.root.xpath("//a[@href]")[:_LINKS]
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
