"""Recognises pages that answer with success although they are not content: missing, blank,
maintenance, a queue.

Only a blank page proves absence. The others prove nothing.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page, absolute_url
from monitor.look.recognise.result import NAMELESS, Context
from schedules.announcement import State
from schedules.called_off import read_called_off
from schedules.patterns import quick
from schedules.titles import read_title

BLANK = "a blank page"
MARKED_TITLE = "a page whose title is marked, for instance as a preview"
NOTICE_ONLY = "a page under its title that only says that it is not out or not available"
CLOSED = "a page under its title behind a password, a queue, a countdown or a script"
SAYS_CALLED_OFF = {
    word: f"a page under its title that says that this “has been {word}”"
    for word in ("postponed", "cancelled", "delayed")
}
"""All but the first are reasons of an unknown: the page is under the release's title, but is not
the release.
"""
FOREIGN = "a page that runs a script or has a form, and shows no sign of its site"
# Text, elements that may fill a page without text, redirects like those of bot walls, or 200
# elements: text that is nested deeper than 2048 is not read.
_SHOWS = (
    "boolean(/none|//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)]"
    "|//script|//form|//input|//button|//img|//iframe|//frame|//object|//embed|//svg|//canvas|//video|//meta[@http-equiv]"
    "|//body[@onload]|(//*)[200])"
)
# Scripts fill such an element, or a page that shows something else without scripts.
_SHELL = "//script|//noscript"
_EMPTY_SHELL = (
    "//app-root[not(normalize-space())]|//*[not(normalize-space()) and (@id='root' or @id='app'"
    " or @id='__next' or @id='__nuxt' or @id='___gatsby')]"
)
# A template that its script has not filled, or has filled with nothing
_UNFILLED = quick(
    r"\{\{|\[\[ ?[a-z_][\w.]{1,60} ?\]\]|\$\{[\w.]{1,60}\}|<%|\[object object\]"
    r"|^\W*(?:undefined|null|nan)\W*$",
    re.IGNORECASE,
)
_NEEDS_BROWSER = "//script|//noscript|//iframe|//form"
_LINK = quick(rb"<a\s[^>]{0,100}?href\s*=\s*[\"']?([^\"'\s>]{1,2000})", re.IGNORECASE)
_LEAST_LETTERS = 4
_MISSING = quick(
    r"^\W*(error )?(404|page not found|not found)\b|\bno longer (available|here)\b"
    r"|\bpublished in error\b|\b(page|file) (can ?not|can.?t|could not|couldn.?t) be found\b"
    r"|\bpage (does not|doesn.?t) exist\b|\b(can ?not|can.?t|could not|couldn.?t) find\b"
    r"|\bnot found\W*$|\bni ddaethpwyd o hyd\b|^\W*(no results|nothing found|search results)\b",
    re.IGNORECASE,
)
# Many sites answer maintenance, sign-in and cookie pages and apologies with success.
_OF_THE_SITE = quick(
    r"^\W*sorry\b|\b(under|planned|scheduled|essential|down for|(web)?site) maintenance\b"
    r"|\bmaintenance mode\b|\bbe (right )?back (soon|shortly)\b|\bbe right back\b"
    r"|\b(temporarily|currently) unavailable\b|\bwebsite (is )?coming soon\b"
    r"|\b(service|site|website|page) (is )?(unavailable|not available)\b"
    r"|\btechnical (difficult(y|ies)|problems?|issues?|faults?)\b"
    r"|^\W*(sign in|log ?in|please (sign|log) ?in)\b|^\W*((your )?(cookies?|privacy)"
    r" (on|settings|preferences|choices|consent)|we use cookies)\b|\bcookies are required\b"
    r"|\bjavascript is (required|disabled)\b|\benable javascript\b|\bchecking your browser\b"
    r"|\byou are (now )?in (line|(a|the) queue)\b|^\W*(queue-it|(the )?waiting room)\W*$"
    r"|^\W*(access denied|your access to|before you continue|just a moment|verify you are human"
    r"|(oops\W{1,3})?something went wrong|web application firewall)\b|\bweb app is stopped\b"
    r"|\b(internal server error|bad gateway|gateway time-?out|database connection)\b"
    r"|\btoo many requests\b|\bbandwidth (limit )?exceeded\b|\bbeen blocked\b"
    r"|\bsession (has )?(expired|timed out)\b|\b(domain|account) (name )?(has )?(been )?"
    r"(expired|suspended)\b"
    r"|^\W*(an|(an )?unexpected|server|runtime|database) error\b"
    r"|^\W*((http )?(error|status)\W{0,3})?[45]\d\d(\W*$|\W{1,3}(error|gone|service|forbidden))"
    r"|^\W*(30[1278]\W{1,3})?((document|object) )?moved (permanently|temporarily|to)?\W*$"
    r"|^\W*object moved\b|^\W*(you are being )?redirecting\b|\bweb server.s default page\b"
    r"|^\W*(welcome to nginx|iis windows|apache2 \w+ default page)\b",
    re.IGNORECASE,
)

# A mark at either end of a title, such as "[Preview]" or "(draft)".
_NOT_OUT = (
    "preview|draft|test|embargoed|private|placeholder|upcoming|forthcoming|coming soon"
    "|(?:pre-?)?announcement|unpublished|not (?:yet )?published"
)
_MARK = quick(
    r"^\W*(?-i:(?:DRAFT|PREVIEW|TEST|EMBARGOED|PLACEHOLDER)\b(?=.*[a-z]))"
    rf"|^\W*(?:{_NOT_OUT})\b *[\])}}:–—|-]|[\[({{](?:{_NOT_OUT})[\])}}]\W*$"
    r"|[–—|-] ?(?:coming soon|not (?:yet )?published)\W*$",
    re.IGNORECASE,
)
# These count only on a page without content. Figures for Wales may be "not yet available".
_NOT_AVAILABLE = quick(
    r"\bth(is|ese) (page|release|publication|report|statistics|figures|content) (is|are|has been"
    r"|have been) (now |currently |temporarily )?(unavailable|not (yet |currently )?available"
    r"|(?P<called_off>postponed|cancelled|delayed))\b|\btry again later\b|\bnot for publication\b"
    r"|^\W*(not yet|to be) published\W*$",
    re.IGNORECASE,
)
# These count however long the page is.
_QUEUE = (
    r"\byou (are|have been) (now |currently |placed )?(number [\d,]+ )?in (line(?! with)"
    r"|(the|a) (virtual )?queue)\b"
    r"|\b(users|people) (in line )?ahead of you\b|\byour (number|position) in (line|the queue)\b"
    r"|\byour (estimated )?wait(ing)? time( is| will be|:)"
    r"|\b(live|opens?|available|released|published) in:? \d+ days?\W{1,3}\d+ hours?\W{1,3}\d+ min"
)
_QUEUES = quick(_QUEUE, re.IGNORECASE)
_WAITING = quick(
    rf"{_QUEUE}|\b\d+ days?\W{{1,3}}\d+ hours?\W{{1,3}}\d+ min"
    r"|\bwaiting room\b|\bhigh volume of traffic\b|\byour (place|turn|position)\b"
    r"|\bcount ?down\b|\bgo(es)? live in\b"
    r"|\benter (your|the) [a-z]{0,12} ?(code|pin)\b",
    re.IGNORECASE,
)
_COUNTDOWN = ".//*[contains(@id, 'countdown') or contains(@class, 'countdown')]"
_LOADING = quick(
    r"\W*(loading|please wait|(you need to |please )?enable javascript|javascript (is|must)"
    r"|th(is|e) (page|site|app) (requires|needs) javascript)",
    re.IGNORECASE,
)


def is_blank(page: Page) -> bool:
    """Return whether a whole page shows nothing: it has no text, no script and no redirect."""
    return not page.root.xpath(_SHOWS) and page.is_closed and not page.has_refresh


def has_dummy_text(page: Page) -> bool:
    """Return whether a page has placeholder text."""
    # As plain text, because a pattern that ignores case takes fifty times as long.
    return "lorem ipsum" in page.text.lower()


def is_queue(page: Page) -> bool:
    """Return whether a page tells people how long they must wait for it."""
    return _QUEUES.search(page.text) is not None


def notice_reason(page: Page, title: str) -> str:
    """Return why a page is a notice in place of content, or an empty string.

    Its title or heading, but not the release's `title`, says that it does not exist or was removed,
    or it is a notice about the site.
    """
    if not _MISSING.search(title) and any(map(_MISSING.search, page.names)):
        return "the page says that it is not there"
    return site_notice_reason(page, title)


def site_notice_reason(page: Page, title: str) -> str:
    """Return why a page is about the site, such as maintenance or sign-in, or an empty string."""
    found = next(filter(None, map(_OF_THE_SITE.search, page.names)), None)
    if found is None or _OF_THE_SITE.search(title):
        return ""
    return f"a page of the site itself: {found[0].strip().lower()}"


def is_notice(words: str) -> bool:
    """Return whether a title or heading is that of a notice in place of content."""
    return bool(_MISSING.search(words) or _OF_THE_SITE.search(words))


def foreign_reason(page: Page, answer: Answer, context: Context) -> str:
    """Return why a page may be that of a bot wall, a consent form or a domain seller, or "".

    It has no name. Or it needs a browser, leads to no other page of its site, and is empty or has
    no word of the release's title in its own.
    """
    if not page.names:
        return NAMELESS
    if not page.find(_NEEDS_BROWSER) or _leads_into_site(answer):
        return ""
    shown = read_title(" ".join(page.names)).words
    shared = set(read_title(context.title or context.edition).words).intersection(shown)
    is_named = any(len(word) >= _LEAST_LETTERS for word in shared)
    return "" if is_named and page.content else FOREIGN


def _leads_into_site(answer: Answer) -> bool:
    """Return whether a page links to another page of its host."""
    here = urlsplit(answer.url)
    for link in _LINK.finditer(answer.body[:200_000]):
        there = urlsplit(absolute_url(answer.url, link[1].decode("utf-8", "replace")))
        if there.hostname == here.hostname and there.path != here.path:
            return True
    return False


def find_mark(page: Page, title: str) -> str:
    """Return which sign counts even against a page with content, or an empty string.

    Its title or heading is marked as a preview or calls it off, unless the release's `title` is so
    marked too, or its content asks for a password.
    """
    if page.find_content(".//input[@type='password']"):
        return CLOSED
    is_marked = any(map(_has_mark, page.names))
    return MARKED_TITLE if is_marked and not _has_mark(title) else ""


def _has_mark(words: str) -> bool:
    return _MARK.search(words) is not None or read_called_off(words)[0] != words


def find_sign_against(page: Page, title: str) -> str:
    """Return which sign counts against a page if it has no content, or an empty string.

    It is a notice, a queue, a countdown, or waits for a script. A part without a `title` of a
    release may need scripts, like a dashboard.
    """
    text = page.text
    notice = _NOT_AVAILABLE.search(text)
    if notice is not None and notice["called_off"]:
        return SAYS_CALLED_OFF[notice["called_off"].lower()]
    if notice is not None or has_dummy_text(page):
        return NOTICE_ONLY
    if _UNFILLED.search(page.content):
        return CLOSED
    must_wait = _WAITING.search(text) or page.find_content(_COUNTDOWN) or page.find("//frameset")
    return CLOSED if (title and is_shell(page)) or must_wait or page.has_refresh else ""


def is_shell(page: Page) -> bool:
    """Return whether a page without content waits for a script that fills it."""
    if not page.find(_SHELL):
        return False
    return bool(page.find(_EMPTY_SHELL) or not page.content or _LOADING.match(page.content))


def is_marked_withdrawn(page: Page, title: str) -> bool:
    """Return whether title or heading of a page say that it is withdrawn, and the release's `title`
    does not.
    """
    return any(map(_says_withdrawn, page.names)) and not _says_withdrawn(title)


def _says_withdrawn(title: str) -> bool:
    """Return whether a title says that its release is withdrawn, such as "[Withdrawn] …"."""
    is_cancelled = read_called_off(title)[1].state is State.CANCELLED
    return is_cancelled and "withdrawn" in title.lower()
