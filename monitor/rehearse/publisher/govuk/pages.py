"""GOV.UK's pages, with the wording that distinguishes each kind of page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from monitor.rehearse.publisher.calendar import CalendarEntry
from monitor.rehearse.publisher.govuk.dates import day_text, display_date, stamp
from monitor.rehearse.publisher.reply import Reply, html_reply
from monitor.rehearse.script.script import ScriptPart, ScriptRelease

_FRAME = """<!DOCTYPE html>
<html lang="en" class="govuk-template">
<head>
<meta charset="utf-8">
<title>{title} - GOV.UK</title>
{head}</head>
<body class="govuk-template__body">
<main class="govuk-main-wrapper" id="content" role="main">
<h1>{heading}</h1>
{inside}
</main>
</body>
</html>
"""
_ERROR_PAGES = {
    404: (
        "Page not found",
        "Page not found",
        "<p>If you entered a web address, check it is correct.</p><pre>Status code: 404</pre>",
    ),
    410: (
        "No longer available",
        "The page you're looking for is no longer available",
        "<p>The information on this page has been removed because it was published in error.</p>",
    ),
    429: (
        "Sorry, there is a problem",
        "Sorry, there is a problem",
        "<p>There have been too many attempts to access this page.</p><p>Try again later.</p>",
    ),
    503: (
        "Error",
        "Page Unavailable",
        "<p>We're experiencing technical difficulties. Please try again later.</p>",
    ),
}


def page(status: int, title: str, heading: str, inside: str, head: str = "") -> Reply:
    """Return a page in GOV.UK's layout.

    `title` and `heading` are text; `inside` and `head` are HTML.
    """
    heading = escape(heading, quote=False)
    return html_reply(
        status, _FRAME.format(title=escape(title), head=head, heading=heading, inside=inside)
    )


def error_page(status: int) -> Reply:
    """Return GOV.UK's error page for a status, the 503 page by default."""
    title, heading, inside = _ERROR_PAGES.get(status, _ERROR_PAGES[503])
    return page(status, title, heading, inside)


def publication_page(
    release: ScriptRelease,
    parts: Sequence[ScriptPart],
    updated: datetime,
    first: datetime | None = None,
) -> Reply:
    """Return a published release's page with links to `parts`.

    `first` is its first publication (None: `updated`).
    """
    links = "".join(
        '<section class="gem-c-attachment"><h3><a class="govuk-link gem-c-attachment__link" '
        f'href="{escape(part.url.removeprefix("https://www.gov.uk"))}">{escape(part.id)}</a></h3></section>\n'
        for part in parts
    )
    producers = escape(", ".join(release.producers))
    inside = (
        f"<dl><dt>From:</dt><dd>{producers}</dd><dt>Published</dt><dd>{day_text(updated)}</dd></dl>\n"
        f'<section id="documents"><h2>Documents</h2>\n{links}</section>\n'
        f'<section id="details"><h2>Details</h2><p>{escape(release.title)}.</p></section>'
    )
    head = f'<meta name="govuk:first-published-at" content="{stamp(first or updated)}">\n'
    return page(200, release.title, release.title, inside, head)


def announcement_page(entry: CalendarEntry) -> Reply:
    """Return the page of an announcement: its date and state, and a change of its date or its
    cancellation.
    """
    title, when = entry.release.announced_title, escape(display_date(entry.slot))
    if entry.state == "cancelled":
        why = escape(entry.why or "These statistics are cancelled.")
        inside = (
            f"<dl><dt>Proposed release:</dt><dd>{when}</dd></dl>\n"
            f"<section><h2>Statistics release cancelled</h2><p>{why}</p></section>"
        )
    else:
        # Like GOV.UK, do not break the line before the last word.
        start, _, last_word = when.rpartition(" ")
        unbroken = f"{start}&nbsp;{last_word}" if start else when
        preposition = "on"
        if isinstance(entry.slot, str):
            preposition = "between" if " to " in entry.slot else "in"
        inside = (
            f"<dl><dt>Release date:</dt><dd>{when}"
            f" ({entry.state})</dd></dl>\n{_date_change_section(entry)}<section><h2>These"
            f" statistics will be released {preposition} {unbroken}</h2></section>"
        )
    return page(200, f"{title} - Official statistics announcement", title, inside)


def _date_change_section(entry: CalendarEntry) -> str:
    """Return the HTML that says from which date an entry was moved and why, "" if it was not
    moved.
    """
    if entry.previous is None:
        return ""
    why = escape(entry.why or "The release date has been changed.")
    return (
        "<div><h2>The release date has been changed</h2><dl><dt>Previous"
        f" date:</dt><dd>{escape(display_date(entry.previous))}</dd><dt>Reason for"
        f" change:</dt><dd>{why}</dd></dl></div>\n"
    )
