"""Hostile answers of publishers: each costs its reader far more than its sender.

Tests use the same inputs, so that an input that once delayed looks cannot do it again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MANY = 1_000_000
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_JSON = (("Content-Type", "application/json"),)
_XML = (("Content-Type", "application/xml"),)
_GZIP = ("Content-Encoding", "gzip")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hostile:
    """One hostile answer. `reader` is a recogniser, or the kind of a calendar, which has `options`.

    `raw`, if given, is sent unchanged instead of an answer made of the other fields.
    """

    name: str
    reader: str
    body: Callable[[], bytes] = lambda: b""
    headers: Headers = _HTML
    status: int = 200
    is_calendar: bool = False
    options: tuple[tuple[str, str], ...] = ()
    raw: Callable[[], bytes] | None = None

    def answer(self) -> bytes:
        """Return the answer as it goes over the wire."""
        if self.raw is not None:
            return self.raw()
        body = self.body()
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers)]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
        return head.encode("latin-1", "replace") + body


def inputs() -> tuple[Hostile, ...]:
    """Return every hostile input."""
    return (
        *_pages(),
        *_structured(),
        *_listings(),
        *_wire(),
        *_tables(),
        *_icalendars(),
        *_services(),
    )


def page(title: str = "Births", body: str = "", heading: str = "Births: July 2026") -> bytes:
    """Return a page of these pieces."""
    text = f"<html><head><title>{title}</title></head><body><h1>{heading}</h1>{body}</body></html>"
    return text.encode("utf-8", "surrogatepass")


def _pages() -> Iterator[Hostile]:
    yield Hostile("title-suffixes", "titled", lambda: page("Births" + " - x gov.uk" * 60 + "!"))
    yield Hostile("title-dashes", "govuk", lambda: page("Births" + " -" * 200_000 + "!"))
    yield Hostile(
        "heading-suffixes",
        "titled",
        lambda: page(heading="Births" + " | a announcement" * 60 + "|"),
    )
    yield Hostile("title-blanks", "govuk", lambda: page("x" + " \n" * 400_000 + "x"))
    yield Hostile("title-marks", "status", lambda: page("\u202e" * 300_000))
    yield Hostile(
        "title-periods", "titled", lambda: page("2026 " + " " * 1000 + "- quarter  first" * 20_000)
    )
    yield Hostile("heading-long", "govuk", lambda: page(heading="births 2026 " * 80_000))
    yield Hostile(
        "attributes",
        "govuk",
        lambda: page(body="<p " + " ".join(f"a{n}=1" for n in range(80_000)) + ">"),
    )
    yield Hostile(
        "attributes-many",
        "status",
        lambda: page(body="".join(_thousand_attributes(n) for n in range(100))),
    )
    yield Hostile(
        "attributes-quoted",
        "status",
        lambda: page(body="<p " + "".join(f'a{n}=">"' for n in range(90_000))),
    )
    yield Hostile("nested", "govuk", lambda: page(body="<div>" * 190_000))
    yield Hostile(
        "nested-text",
        "text:Births",
        lambda: page(body=("<div>" * 250 + "x<b>y</b>" * 900 + "</div>" * 250) * 50),
    )
    yield Hostile("unclosed", "text:Deaths", lambda: page(body="<b><i><a href=x>y" * 55_000))
    yield Hostile("misnested", "status", lambda: page(body="<b><i>" * 30_000 + "</b></i>" * 90_000))
    yield Hostile("tables", "status", lambda: page(body="<table><tr><td>" * 60_000))
    yield Hostile("angles", "text:Deaths", lambda: b"<" * MANY)
    yield Hostile("nothing", "status", lambda: b"\0" * MANY)
    yield Hostile("comments", "text:Deaths", lambda: page(body="<!--" * 240_000))
    yield Hostile("entities", "text:Deaths", lambda: page(body="&amp;&#0;&#xD800;&bogus" * 40_000))
    yield Hostile("siblings", "css:a ~ a ~ b", lambda: page(body="<a></a>" * 120_000))
    yield Hostile(
        "descendants",
        "css:div div div div b",
        lambda: page(body=("<div>" * 200 + "x" + "</div>" * 200) * 400),
    )
    yield Hostile(
        "contains", "css:p:contains(x):not(:has(q))", lambda: page(body="<p>y</p>" * 110_000)
    )
    yield Hostile(
        "links",
        "link:*births*2026*figures*",
        lambda: page(body='<a href="/births">2026</a>' * 38_000),
    )
    yield Hostile(
        "link-long", "link:*a*a*a*a*b*", lambda: page(body=f'<a href="/{"a" * 900_000}">x</a>')
    )
    yield Hostile(
        "promises",
        "titled",
        lambda: page(body="these a b statistics will be published on " + "x " * 400_000),
    )
    yield Hostile(
        "promises-again",
        "status",
        lambda: page(body="the aaa bbb release will be published in " * 23_000),
    )
    yield Hostile(
        "attachments", "govuk", lambda: page(body="".join(_attachment(n) for n in range(2000)))
    )
    yield Hostile("below", "govuk", lambda: page(body="".join(_below(n) for n in range(2000))))
    yield Hostile(
        "charset", "text:Births", page, (("Content-Type", "text/html; charset=" + "utf-" * 2000),)
    )
    yield Hostile(
        "idn", "govuk", lambda: page(body=f'<a href="https://{"é." * 60_000}/x.csv">x</a>' * 3)
    )


def _thousand_attributes(number: int) -> str:
    return "<p " + " ".join(f"a{number}b{each}" for each in range(1000)) + ">"


def _attachment(number: int) -> str:
    return (
        f'<a href="https://assets.publishing.service.gov.uk/media/{number}/figures.csv">Figures'
        f" {number}</a>"
    )


def _below(number: int) -> str:
    """Return a link that the monitor follows: each page below a publication's is a part of it."""
    return f'<a href="/hostile/below/{number}">Figures {number}</a>'


def _structured() -> Iterator[Hostile]:
    bomb = gzip.compress(b'{"results":[' + b"[],{}," * 10_000_000 + b"0]}", 9)
    yield Hostile("json-bomb", "govuk", lambda: bomb, (*_JSON, _GZIP))
    yield Hostile("json-deep", "govuk", lambda: b'{"results":' + b"[" * 900_000, _JSON)
    yield Hostile(
        "json-arrays",
        "jmespath:[][][][][][][].x",
        lambda: b"[" + b"[[[[{}]]]]," * 90_000 + b"1]",
        _JSON,
    )
    yield Hostile(
        "json-product",
        "jmespath:@.a[*].b[*].c",
        lambda: b'{"a":[' + b'{"b":[{},{}]},' * 70_000 + b"1]}",
        _JSON,
    )
    yield Hostile(
        "json-sort",
        "jmespath:sort(keys(@))",
        lambda: json.dumps(dict.fromkeys(map(str, range(90_000)))).encode(),
        _JSON,
    )
    yield Hostile("json-numbers", "govuk", lambda: b'{"results":[' + b"9" * 900_000 + b"]}", _JSON)
    yield Hostile(
        "json-halves",
        "ons",
        lambda: b'{"description":{"published":true,"title":"' + b"\\ud800" * 150_000 + b'"}}',
        _JSON,
    )
    yield Hostile("json-related", "ons", _related, _JSON)
    yield Hostile(
        "json-entries",
        "ees",
        lambda: b'{"results":[' + b'{"releaseId":1,"published":1},' * 33_000 + b"0]}",
        _JSON,
    )
    yield Hostile("json-snippets", "govuk", _snippets, _JSON)
    yield Hostile(
        "json-mail",
        "govuk",
        lambda: _item(
            explanation="a." * 400_000,
            change_history=[{"public_timestamp": "2026-07-23T09:30:00Z", "note": "a.b-" * 100_000}],
        ),
        _JSON,
    )
    yield Hostile(
        "json-tags",
        "govuk",
        lambda: _item(
            change_history=[{"public_timestamp": "2026-07-23T09:30:00Z", "note": "<" * 900_000}]
        ),
        _JSON,
    )


def _related() -> bytes:
    row = b'{"uri":"/' + b"a" * 20 + b'","title":"x"},'
    return (
        b'{"description":{"published":true,"title":"Births"},"relatedDatasets":['
        + row * 23_000
        + b"0]}"
    )


def _item(**details: object) -> bytes:
    item = {"schema_name": "publication", "base_path": "/x", "title": "Births", "details": details}
    return json.dumps(item).encode()


def _snippets() -> bytes:
    snippet = "<a " + " ".join(f"a{n}" for n in range(20_000)) + " href=/x>"
    return _item(documents=[snippet] * 6)


def _listings() -> Iterator[Hostile]:
    yield Hostile(
        "feed-loose", "feed:*", lambda: b"<rss><channel>" + b"<item><title>x<b>" * 28_000, _XML
    )
    yield Hostile(
        "feed-entities", "feed:*", lambda: b"<rss><channel><item><title>" + b"&a;&" * 120_000, _XML
    )
    yield Hostile("feed-laughs", "feed:*", _make_feed_bomb, _XML)
    yield Hostile(
        "feed-globs",
        "feed:*a*a*a*a*b",
        lambda: (
            b"<rss><channel><item><title>" + b"a" * 400_000 + b"</title></item></channel></rss>"
        ),
        _XML,
    )
    yield Hostile("feed-spaces", "feed:*", lambda: b"<rss " + b"xmlns:a " * 60_000 + b">", _XML)
    yield Hostile(
        "sitemap",
        "feed:*a*b*c*",
        lambda: b"<urlset>" + b"<url><loc>https://a.example/a-b-a-b-a</loc></url>" * 19_000,
        _XML,
    )
    yield Hostile(
        "sitemap-packed",
        "feed:*",
        lambda: gzip.compress(b"<urlset>" + b"<url><loc>https://a.example/a</loc></url>" * 900_000),
        _XML,
    )
    yield Hostile("sitemap-deep", "feed:*", lambda: b"<urlset>" + b"<url>" * 190_000, _XML)
    yield Hostile(
        "search-results",
        "govuk",
        lambda: b'{"results":[' + b'{"link":"/x","title":"Births 2026"},' * 27_000 + b"0]}",
        _JSON,
    )


def make_entity_bomb(root: str, document: str) -> bytes:
    """Return XML in which `&aN;` stands for ten `&aN-1;`, down to `&a0;`, for N up to 11."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE {root} [<!ENTITY a0 "ha">{entities}]>{document}'.encode()


def _make_feed_bomb() -> bytes:
    return make_entity_bomb("rss", "<rss><channel><item><title>&a9;</title>")


def _wire() -> Iterator[Hostile]:
    """Yield answers with hostile headers, lengths or encodings."""
    yield Hostile("header-date", "status", page, (*_HTML, ("Date", "Thu, " * 12_000)))
    yield Hostile(
        "header-date-number",
        "status",
        page,
        (*_HTML, ("Date", "Thu, 26 Nov 2026 12:00:00 -" + "9" * 5000)),
    )
    yield Hostile("header-age", "status", page, (*_HTML, ("Age", "9" * 50_000)))
    yield Hostile(
        "header-control",
        "status",
        page,
        (*_HTML, ("Cache-Control", "max-age " * 7000), ("Age", "1")),
    )
    yield Hostile("header-retry", "status", page, (*_HTML, ("Retry-After", "9" * 5000)), status=503)
    yield Hostile(
        "header-link",
        "status",
        page,
        (*_HTML, ("Location", "https://" + "a." * 30_000 + "@b/")),
        status=302,
    )
    yield Hostile("header-location", "status", page, (*_HTML, ("Location", "//[::1")), status=301)
    yield Hostile(
        "header-idn",
        "status",
        page,
        (*_HTML, ("Location", "https://" + "\xe9" * 60_000 + "/")),
        status=301,
    )
    yield Hostile("header-tag", "status", page, (*_HTML, ("ETag", '"' + "\xe9" * 60_000 + '"')))
    yield Hostile("header-many", "status", page, tuple((f"X-{n}", "y") for n in range(6000)))
    yield Hostile("gzip-cut", "status", lambda: gzip.compress(b"x" * MANY)[:200], (*_HTML, _GZIP))
    yield Hostile("gzip-twice", "status", lambda: gzip.compress(page()) * 2000, (*_HTML, _GZIP))
    yield Hostile("gzip-empty", "status", lambda: gzip.compress(b"") * 50_000, (*_HTML, _GZIP))
    yield Hostile("interim", "status", raw=lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000)
    yield Hostile("no-http", "status", raw=lambda: b"\x16\x03\x01" * 50_000)
    yield Hostile("chunks", "status", raw=_tiny_chunks)
    yield Hostile("no-end", "status", raw=lambda: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000)


def _tiny_chunks() -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1;a=b\r\nx\r\n" * 100_000
        + b"0\r\n\r\n"
    )


def _calendar(
    name: str, body: Callable[[], bytes], headers: Headers = (), **options: str
) -> Hostile:
    """Return a hostile calendar. Its kind is the first word of its name."""
    kind = name.split("-", 1)[0]
    return Hostile(
        f"cal-{name}", kind, body, headers, is_calendar=True, options=tuple(options.items())
    )


def _tables() -> Iterator[Hostile]:
    """Yield calendars of rows: web pages and CSV."""
    row, wide = (
        b"<tr><td>Births</td><td>23 July 2026 9:30am</td></tr>",
        b"<tr><td colspan=2000 rowspan=2000>x</td></tr>",
    )
    pair, dates = b"<p><i>x</i><b>y</b></p>", b"a,%d - - ; early   -\n"
    heading = b"<table><tr><th>Title</th><th>Date</th></tr>"
    yield _calendar("html", lambda: heading + row * 280_000, _HTML)
    yield _calendar("html-spans", lambda: heading + wide * 20_000, _HTML)
    yield _calendar(
        "html-rows", lambda: pair * 40_000, _HTML, rows="p ~ p ~ p", title="i", date="b"
    )
    yield _calendar("html-nested", lambda: heading + b"<tr><td>" * 90_000, _HTML)
    yield _calendar("csv", lambda: b"title,date\n" + b"Births,2026-07-23\n" * 3_300_000)
    yield _calendar("csv-field", lambda: b'title,date\n"' + b"x" * 4_000_000)
    yield _calendar(
        "csv-dates", lambda: b"title,date\n" + b"".join(dates % n for n in range(90_000))
    )


def _icalendars() -> Iterator[Hostile]:
    event = (
        b"BEGIN:VEVENT\r\nUID:%d\r\nSUMMARY:Births\r\nDTSTART:20260723T083000Z\r\nEND:VEVENT\r\n"
    )
    each_second = event.replace(b"END:", b"RRULE:FREQ=SECONDLY\r\nEND:", 1) % 1
    zone, daily = (
        b"BEGIN:VTIMEZONE\r\nTZID:x\r\n",
        b"BEGIN:STANDARD\r\nRRULE:FREQ=DAILY\r\nEND:STANDARD\r\n",
    )
    yield _calendar("ics", lambda: _ics(b"".join(event % n for n in range(450_000))))
    yield _calendar("ics-series", lambda: _ics(each_second * 50))
    yield _calendar("ics-folds", lambda: _ics(b"SUMMARY:" + b"x\r\n " * 1_500_000 + b"\r\n"))
    yield _calendar("ics-params", lambda: _ics(b"SUMMARY" + b';A="' * 500_000 + b"\r\n"))
    yield _calendar("ics-zones", lambda: _ics(zone + daily * 9000))


def _services() -> Iterator[Hostile]:
    """Yield calendars as services answer them: feeds, JSON, and the three of the government."""
    item, row = b"<item><title>x</title></item>", b'{"a":[[[1]]]},'
    entry = (
        b'{"link":"/government/statistics/announcements/1","title":"x","display_date":"early - "},'
    )
    yield _calendar("feed-end", lambda: b"<rss></rss>" + b"<!-- -->" * 30 + b"x", _XML)
    yield _calendar("feed", lambda: _rss(item * 250_000), _XML)
    yield _calendar(
        "feed-pattern",
        lambda: _rss(b"<item><title>" + b"a" * 60_000 + b"</title></item>"),
        _XML,
        pattern="(a+)+b",
    )
    yield _calendar(
        "json", lambda: gzip.compress(b"[" + b"{}," * 21_000_000 + b"{}]", 9), (*_JSON, _GZIP)
    )
    yield _calendar(
        "json-find",
        lambda: b"[" + row * 500_000 + b"0]",
        _JSON,
        entries="[?a[][][]]",
        title="a",
        date="b",
    )
    yield _calendar(
        "govuk", lambda: b'{"total":400000,"results":[' + entry * 60_000 + b"0]}", _JSON
    )
    yield _calendar("govuk-pages", lambda: b'{"total":99999999,"results":[{"link":"/x"}]}', _JSON)
    yield _calendar("ons", lambda: b'{"releases":[' + b"{}," * 1_500_000 + b"0]}", _JSON)
    yield _calendar("ees", lambda: b"[" * 3_000_000, _JSON)


def _rss(inner: bytes) -> bytes:
    return b"<rss version='2.0'><channel>" + inner + b"</channel></rss>"


def _ics(inner: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + inner + b"END:VCALENDAR\r\n"
