"""Finds days in the sentences of a page, such as "Due on Thursday 26 November", and results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from schedules.dates.words import MONTHS, WEEKDAYS
from schedules.patterns import quick
from schedules.slot import Precision, Slot, first_day, last_day
from schedules.titles import read_title

_DATE = quick(
    r"\b(?P<d>\d{1,2}) ?(?:st|nd|rd|th)?(?: of)?[ -](?P<m>[a-z]{3,12})\b[.,]?"
    r"(?:[ -](?P<y>\d{4})\b|-(?P<y5>\d\d)\b)?"
    r"|\b(?P<m2>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
    r" (?P<d2>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{4})\b)?"
    r"|\b(?P<y3>\d{4})-(?P<n3>\d\d)-(?P<d3>\d\d)\b"
    r"|\b(?P<d4>\d{1,2})[/.](?P<n4>\d{1,2})[/.](?P<y4>\d{4}|\d\d)\b"
)
_MONTH = quick(r"\b([a-z]{3,12}) (\d{4})\b")
_TIME = quick(r"\b\d{1,2}(?::\d\d|[:.]\d\d\s?[ap]m|\s?[ap]m)\b")
# In one text of the page. The first kind is only written when content is out.
_DATE_AFTER = (
    r"(?: on)?[\s:|]{0,5}(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )?(?=\d|[a-z]{3,9}\.? \d)"
)
_LABEL = quick(
    r"(?:^|[|.\u00b7\u2022]\s*)(?:(?P<done>(?:date )?(?:first |last )?(?:published|released|issued"
    r"|updated)|last update|cyhoeddwyd|diweddarwyd)|(?:release|publication) date|date of (?:release"
    rf"|publication)|dyddiad cyhoeddi){_DATE_AFTER}"
)
_LONGEST_DATE = 24
_LONGEST_EXPOSED = timedelta(days=14)
"""How long before its slot a release may be out. An earlier date is that of another edition."""
_NEXT = quick(rf"\bnext (?:release|update|edition|publication)(?: date| due)?{_DATE_AFTER}")
# The patterns from here on sort sentences. `_NOT_OUT` and `_OF_WORK` are words of the others.
# - Is something not out? `_SAYS_NOT_OUT`: surely. `_MAY_SAY_NOT_OUT`: unless a result follows.
# - What is it about? `_OF_THIS`: the release itself. `_OF_OTHER_EDITION`: the next or last one.
# - A result? `_CHANGE`, `_HAS_CHANGED`: yes. `_NOT_OF_RESULTS`: no.
# - Is it still to come on the slot's day, which the sentence names? `_ANNOUNCES`.
# Words about what is not out, also in Welsh
_NOT_OUT = (
    r"will|to (?:be (?:published|released|issued|updated|added|confirmed)|follow)|tbc|not yet"
    r"|forthcoming|upcoming|(?:coming|published|available) (?:soon|shortly|later)|embargo(?:ed)?"
    r"|bydd|caiff|i['\u2019]w gyhoeddi"
)
_OTHER_EDITION = r"(?:next|previous|last) (?:release|update|edition|publication)"
_OF_OTHER_EDITION = quick(_OTHER_EDITION)
# Words of titles that sentences about any publication have
_GENERAL_WORDS = {
    *("statistics", "statistic", "statistical", "release", "publication", "bulletin", "report"),
    *("edition", "data", "figures", "annual", "monthly", "quarterly", "weekly", "national"),
    *("official", "accredited", "department", "office", "england", "wales", "scotland"),
    *("northern", "ireland", "united", "kingdom", "great", "britain"),
}
# Of servers, networks and firewalls that give an error page instead of the content
_FAILURE = (
    r"error (?:occurred|code|id|ref|\d{3,5}|has occurred)|\d{3} error"
    r"|(?:unexpected|internal server|server|runtime|fatal|system|application|database) error"
    r"|forbidden|unauthori[sz]ed|bad request|too many requests|service unavailable"
    r"|http (?:error|status)|(?:support|request|correlation|incident|transaction|session|trace"
    r"|event|activity|ray) id|azure ref|reference ?#(?=\w)|guru medit?ation|xid|stack trace"
    r"|sqlstate|bad gateway|gateway time-?out|(?:connection|request|session)(?: \([^()]{1,40}\))?"
    r" (?:timed out|(?:was |has )?(?:expired|refused|reset|rejected|blocked|unsuccessful))"
    r"|url was rejected|request could not|requests in \d+ seconds"
    r"|rate limit|retry (?:in|after)|traceback|ddos protection|confirm (?:that )?you"
    r"|cloudflare|cloudfront|akamai|incapsula|imperva|nginx|varnish"
    r"|security (?:check|policy|service)|service desk|undergoing maintenance|please wait"
    r"|server is at capacity|operation timed out|gone away|bytes exhausted"
    r"|connection is secure|reload (?:this|the) page|please complete the"
)
# About the work on a publication, and no words of results
_OF_WORK = (
    rf"{_FAILURE}|we (?:apologi[sz]e"
    r"|are (?:sorry|aware|unable|(?:still |now |currently |also )*[a-z]{3,15}ing)"
    r"|regret"
    r"|(?:have|had to) (?:become aware|been made aware|identified|discovered|decided|temporarily"
    r"|removed|withdrawn?|paused?|delay(?:ed)?|postponed?|taken)"
    r"|(?:will|(?:now )?(?:expect|hope|aim|intend|plan) to) (?:not |now |therefore |only )*(?:be )?"
    r"(?:publish|releas|updat|announc|provid|issu|replac)[a-z]{1,3})"
    r"|(?:data|quality) (?:quality |source |supply |processing )?issues?|quality[- ]assur[a-z]{1,5}"
    r"|new (?:publication |release )?date|(?:further|another) announcement|in due course"
    r"|as soon as|correct(?:ed)? version|mark of respect|pre-?election|cyber[ -](?:incident|attack)"
    r"|volumes? of traffic|being (?:upload|check|investigat|finali[sz]|review|process|correct|fix"
    r"|restor|add|mov)ed"
    r"|no (?:publication|release)"
    r"|not be(?:ing)? (?:releas|publish)[a-z]{1,3}|therefore not"
    r"|(?:is|are|was|were)(?: now| originally| previously)? (?:due|expected|planned|scheduled)"
    r" (?:on|in|for|to be)"
    r"|(?:release|publication)(?: of [^.]{1,60})? (?:has been|is|was) (?:now )?"
    r"(?:moved|brought|changed|suspended|paused|cancelled|withdrawn|removed)"
    r"|date (?:of [^.]{1,40} )?(?:has been|was|is) (?:changed|moved|put)"
    r"|pre-?announcement|unforeseen|finali[sz](?:ed|ing)|in preparation|is coming|unavailable"
    r"|(?:suspend|pause)[a-z]{0,3} (?:the )?(?:[a-z]{3,20} )?"
    r"(?:publication|release|series|estimates)"
    r"|had hoped|regrettabl[ey]|not possible|watch this space|go(?:es)? here|this is a test"
    r"|(?:insert|replace) (?:this |the )?[a-z]{0,12} ?text|(?:insert|add) [a-z ]{3,40} here"
    r"|not for (?:circulation|publication|release|distribution)"
)
# A sentence with any of these says that something is not out or not here.
_SAYS_NOT_OUT = quick(
    rf"\b(?:{_NOT_OUT}|{_OF_WORK}|later today|under construction|(?:is|are) unpublished"
    r"|check back|try again|put back"
    r"|(?:time|date) (?:has )?changed|apolog(?:i[sz]es?|ies)|sorry|unexpected error"
    r"|(?:under|planned|scheduled|essential) maintenance"
    r"|technical (?:problem|issue|fault|difficult(?:y|ies))s?|being (?:updated|prepared|loaded)"
    r"|(?:no|not)(?: have)?(?: yet| been)* (?:permission|authori[sz]ed to|available|found|published"
    r"|released|live|documents?|results|ready|answering|responding)"
    r"|no (?:data|content|figures|records) (?:available|found|to (?:show|display))"
    r"|(?:log|sign) in|redirect(?:ing|ed)|nothing|none)\b"
    r"|^error\b|^(?:0|no) (?:results|documents)\b"
)
# One with these says it too, unless it tells a change or a number of something.
_MAY_SAY_NOT_OUT = quick(
    r"(?:^|\b(?:is|are|was|were|has|have|been|be|release|publication|bulletin|statistics) )"
    r"(?:now )?"
    r"(?:delayed|postponed|deferred|suspended|withdrawn|cancelled|discontinued)\b"
    r"|\b(?:(?:an?|the|further) delays?|delay(?:ed)? (?:until|to|due|by)|postpone"
    r"|rescheduled|(?<!is )(?<!are )(?<!was )(?<!were )scheduled|slipped|awaiting|pending"
    r"|unable to|can(?: ?not|['\u2019]t)"
    r"|could(?: not|n['\u2019]t)|gohiriwyd)\b"
)
# Sentences about the release itself, not about a part or other figures
_OF_THIS = quick(
    r"\b(?:(?:this|today['\u2019]s) (?:release|publication|bulletin|report|edition|page)"
    r"|these statistics) (?:is|are|has|have|was|were|will|can|could)|\bappear here\b"
    r"|^(?:(?:(?:this|these|the) )?"
    r"(?:release|publication|statistics|bulletin|report|edition|page)\b"
    r"|(?:we are |we're )?(?:very )?sorry\b|apologies|unfortunately|regrettably"
    r"|we (?:apologi[sz]e|regret)|delayed|postponed|cancelled|deferred|rescheduled|coming soon"
    r"|not (?:yet )?(?:available|published|released))"
)
_CHANGE = quick(
    r"\b(?:f[ae]ll(?:en|s|ing)?|r[io]s(?:e|en|es|ing)|gr[eo]w(?:n|s|ing|th)?"
    r"|(?:in|de)creas(?:e[sd]?|ing)|declin(?:e[sd]?|ing)|higher(?! education)|highest"
    r"|low(?:er|est)|largest|smallest|unchanged|average|median|per ?cent|proportion|share of"
    r"|number of|compared (?:with|to)|estimated|fewer|(?:more|less) than)\b|%"
)
# In others that tell no results: about the edition before, how the statistics are made, who may
# see them, and text to be replaced
_NOT_OF_RESULTS = quick(
    rf"\b(?:{_NOT_OUT}|{_OF_WORK}|{_OTHER_EDITION}"
    r"|survey (?:asks|asked|collects|covers)|(?:is|are) used (?:by|to)|code of practice"
    r"|contact|e-?mail|telephone|questions|questionnaires?|methods?|methodology"
    r"|pre-?release|before (?:their |its |the )?(?:release|publication)"
    r"|xx+|dolor(?:em|es)?|ipsum|voluptat(?:e|em|um))\b"
)
# In a sentence with the slot's day
_ANNOUNCES = quick(
    rf"\b(?:{_NOT_OUT}|until|due|expected|planned|scheduled|available (?:from|on|at)|tan)\b"
)
_HAS_CHANGED = quick(r"\b(?:fell|fallen|rose|risen|grew|grown|increased|decreased|declined)\b")
_SENTENCE_END = quick(
    r"(?<=[.!?])(?<![ap]\.m\.)(?<!\b(?:jan|feb|mar|apr|jun|jul|aug|oct|nov|dec)\.)(?<!\bsept\.)\s|\|"
)
# The end of an element within a sentence, or between a label and its value
_DIVIDED = quick(r"\b(on|at|until|by|for|from|is|are|be|been|id|code|ref|error|status):? \| ")
_ABOUT_DOCUMENT = quick(
    r"\b(?:(?:request|support|incident|event|correlation|transaction|session|trace|ray) id\b"
    r"|page views|downloads\b|[\d.]{1,9} ?[km]b\b|error code|client ip|ip address"
    r"|cookies?\b|isbn\b|issn\b|doi\b"
    r"|(?:item|document|content) type|(?:id|product|catalogue) code"
    r"|deposited on|reference(?: number)?:|pages:)"
)
# Not a year, and not a telephone number.
_FIGURE = quick(
    r"(?!\W{0,3}\+44)[^\w]{0,9}(?!0\d)(?!(?:19|20)\d\d\W*$)\d[\d,. ]{0,30}[^\w]{0,9}"
    r"[a-z]{0,3}[^\w]{0,9}"
)
# Not in an address
_WORD = quick(r"(?<![\w@./-])\w+(?![\w@/-]|\.\w)")
# Years, telephones, and the numbers of parts of a document and of errors
_NO_FIGURE = quick(
    r"\b(?:19|20)\d\d(?:[-/\u2013]\d\d)?\b|(?:\+44|\b0)[\d ]{9,12}\b"
    r"|(?:\b(?:id|ref|reference|code|error|ticket|version|build|line|port|http|status|attempt|step"
    r"|incident|event)(?: number)?|#)(?: is)?\W{0,3}\d[\w.-]{0,99}(?: of \d+)?"
    r"|\b(?:tables?|figures?|charts?|sections?|annex|notes?|pages?|parts?) \d+[a-z]?\b"
)
# Not an identifier, such as "18.2d1f1602" or "4.0.30319"
_NUMBER = quick(
    r"\W{0,4}(?!0\d)\d{1,7}(?:,\d{3}){0,4}(?:\.\d{1,4})?[a-z%\u2070-\u2079]{0,12}"
    r"(?:[-/\u2013\u2212]\W?\w[\w.,]{0,7})?\W{0,4}"
)
_LEAST_WORDS = 40
_LEAST_WORDS_AGAINST = 5  # "Here are the figures." tells nothing against a page
_YEARS_TO_LEAP_DAY = 9  # 29 February may be eight years after the last one


def names_day_of(text: str, slot: Slot) -> bool:
    """Return whether a text names the day of a slot or, if only months are announced, the first or
    last of them.
    """
    first, last = first_day(slot), last_day(slot)
    if first is None or last is None:
        return False
    words = text.lower()
    if first == last:
        return first in days_in(words, first)
    named_months = {(MONTHS.get(found[1]), int(found[2])) for found in _MONTH.finditer(words)}
    slot_months = {(day.month, day.year) for day in (first, last)}
    return slot.precision in (Precision.MONTH, Precision.RANGE) and not named_months.isdisjoint(
        slot_months
    )


def days_in(text: str, since: date | None) -> Iterator[date]:
    """Yield the dates that a lower-case text names.

    One without a year is the nearest at or after `since`, if that is known. Impossible dates are
    left out.
    """
    for found in _DATE.finditer(text):
        if (day := _read_date(found, since)) is not None:
            yield day


def has_date_of_publication(text: str, slot: Slot | None, *, is_before: bool) -> bool:
    """Return whether a label such as "Published: 26 November 2026" says that content is out.

    - A date after the slot's day is a promise.
    - The slot's own day is one too before the slot (`is_before`). After it, it counts if the label
      says that content was out then ("published", "last updated").
    - A date in the days before counts, unless the text announces the slot's day: then it is that of
      the announcement.
    """
    words = text.lower()
    last = None if slot is None else last_day(slot)
    # A date without a year is one from here on.
    earliest = last and last - _LONGEST_EXPOSED
    labels = []
    for label in _LABEL.finditer(words):
        day = next(days_in(words[label.end() : label.end() + _LONGEST_DATE], earliest), None)
        if day is not None:
            labels.append((day, label["done"] is not None))
    if last is None:
        return bool(labels)
    if (last, True) in labels:
        return not is_before
    is_announced = announces_day_of(text, slot) or (last, False) in labels
    return not is_announced and any(last - _LONGEST_EXPOSED <= day < last for day, _ in labels)


def is_about_document(text: str, slot: Slot | None) -> bool:
    """Return whether the text of a table is that of a timetable, with a whole date of the slot's
    last day or later, or about the document, such as its ISBN.
    """
    words = text.lower()
    last = None if slot is None else last_day(slot)
    is_timetable = last is not None and any(day >= last for day in days_in(words, None))
    return is_timetable or _ABOUT_DOCUMENT.search(words) is not None


def is_label(text: str) -> bool:
    """Return whether the text of a cell has words, and is not only a weekday or month."""
    plain = text.lower().strip(" .,")
    return any(map(str.isalpha, plain)) and plain not in WEEKDAYS and plain not in MONTHS


def is_figure(text: str, slot: Slot | None) -> bool:
    """Return whether the text of a cell is a number, without a date beside it."""
    return _FIGURE.fullmatch(without_dates(text, slot)) is not None


def names_as_next(text: str, slot: Slot | None) -> bool:
    """Return whether a text names the slot's day as that of the next release or update."""
    words = text.lower()
    last = None if slot is None else last_day(slot)
    labelled = (words[found.end() : found.end() + _LONGEST_DATE] for found in _NEXT.finditer(words))
    return last is not None and any(next(days_in(rest, last), None) == last for rest in labelled)


def announces_day_of(text: str, slot: Slot | None) -> bool:
    """Return whether a sentence says that something is not out before the slot's own day."""
    if slot is None:
        return False
    announcing = (each for each in _split_sentences(text) if _ANNOUNCES.search(each))
    return any(names_day_of(each, slot) for each in announcing)


def tells_results(text: str, slot: Slot | None) -> bool:
    """Return whether a text has enough words, without dates and sentences that tell no results.

    If it announces the slot's day, only sentences with a number count: others may be background.
    One must have a number or tell a change: labels of links and cards about the statistics do not.
    """
    results = [each for each in _split_sentences(text) if not _NOT_OF_RESULTS.search(each)]
    if announces_day_of(text, slot):
        results = [each for each in results if _has_number(each, slot)]
    if len(without_dates(" ".join(results), slot).split()) < _LEAST_WORDS:
        return False
    return any(
        _has_number(each, slot)
        or _HAS_CHANGED.search(each)
        or (_is_whole(each) and _CHANGE.search(each))
        for each in results
    )


def tells_nothing(text: str, slot: Slot | None, title: str, *, has_report: bool) -> bool:
    """Return whether a text has no result, but another statement: that something is not out or not
    here or, in a text of some words, any whole sentence.

    If the page links to a report (`has_report`), a whole sentence may introduce that, and does not
    count.
    """
    sentences = _split_sentences(text)
    is_long = len(_WORD.findall(text)) >= _LEAST_WORDS_AGAINST
    counts_any = is_long and not has_report
    is_said = any((counts_any and _is_whole(each)) or _says_not_out(each) for each in sentences)
    return is_said and not _tells_any_result(sentences, slot, title)


def denies_release(text: str, slot: Slot | None, title: str) -> bool:
    """Return whether a text says of this release that it is not out or not here, and tells no
    result.

    A sentence that it is due on the slot's own day does not count, because it may be left over from
    the announcement.
    """
    sentences = _split_sentences(text)
    is_said = any(
        _OF_THIS.search(each) and _says_not_out(each) and not _only_announces(each, slot)
        for each in sentences
    )
    return is_said and not _tells_any_result(sentences, slot, title)


def _only_announces(sentence: str, slot: Slot | None) -> bool:
    is_of_day = slot is not None and names_day_of(sentence, slot)
    return is_of_day and not _MAY_SAY_NOT_OUT.search(sentence)


def _is_whole(sentence: str) -> bool:
    return sentence.endswith((".", "!")) and bool(_WORD.search(sentence))


def _tells_any_result(sentences: Sequence[str], slot: Slot | None, title: str) -> bool:
    """Return whether a sentence tells a change or a number, and does not say that something is not
    out. If none says that, one about the subject is enough.
    """
    specific = set(read_title(title).words) - _GENERAL_WORDS
    if any(map(_says_not_out, sentences)):
        specific = set()
    for sentence in sentences:
        if _SAYS_NOT_OUT.search(sentence) or _NOT_OF_RESULTS.search(sentence):
            continue
        has_number = _has_number(sentence, slot)
        if _MAY_SAY_NOT_OUT.search(sentence):
            is_result = not _OF_THIS.search(sentence) and (
                has_number or _HAS_CHANGED.search(sentence)
            )
        else:
            is_about_subject = not specific.isdisjoint(_WORD.findall(sentence))
            is_result = _CHANGE.search(sentence) or has_number or is_about_subject
        if is_result:
            return True
    return False


def _has_number(sentence: str, slot: Slot | None) -> bool:
    """Return whether a sentence has a number that is not of a date or year. "Per cent" may follow
    one in letters.
    """
    words = _NO_FIGURE.sub("", without_dates(sentence, slot)).split()
    return "per cent" in sentence or any(map(_NUMBER.fullmatch, words))


def _says_not_out(sentence: str) -> bool:
    if _MAY_SAY_NOT_OUT.search(sentence) and _OF_THIS.search(sentence):
        return True
    is_said = _SAYS_NOT_OUT.search(sentence) or _MAY_SAY_NOT_OUT.search(sentence)
    return bool(is_said) and not _OF_OTHER_EDITION.search(sentence)


def _split_sentences(text: str) -> list[str]:
    """Return the sentences in lower case. A mark in the text ends one, unless the next word must
    follow.
    """
    return [each.strip() for each in _SENTENCE_END.split(_DIVIDED.sub(r"\1 ", text.lower()))]


def without_dates(text: str, slot: Slot | None) -> str:
    """Return a text in lower case without its dates and times of day.

    A date without a year is one from the slot's day on.
    """
    day = None if slot is None else first_day(slot)
    rest = _DATE.sub(lambda found: found[0] if _read_date(found, day) is None else "", text.lower())
    return _TIME.sub("", rest)


def without_days_since(text: str, slot: Slot | None, title: str) -> str:
    """Return a text without the dates of a slot's day and later: they say when it was published.

    Unchanged if the release's `title` has such a date itself: then they tell editions apart.
    """
    day = None if slot is None else first_day(slot)
    if day is None or any(named >= day for named in days_in(title.lower(), None)):
        return text

    def keep_earlier(found: re.Match[str]) -> str:
        named = _read_date(found, None)
        if named is not None and named >= day:
            return ""
        return found[0]

    return _DATE.sub(keep_earlier, text.lower())


def _read_date(found: re.Match[str], since: date | None) -> date | None:
    # Groups are named d (day), m (name of the month), n (number of the month) or y (year), with a
    # number.
    named = {name[0]: value for name, value in found.groupdict().items() if value is not None}
    # A word that is not a month counts as month 0, which is impossible.
    month = MONTHS.get(named["m"], 0) if "m" in named else int(named["n"])
    years = [int(named["y"])] if "y" in named else []
    if not years and since is not None:
        years = list(range(since.year, since.year + _YEARS_TO_LEAP_DAY))
    for year in years:
        try:
            day = date(year + 2000 if year < 100 else year, month, int(named["d"]))
        except ValueError:
            continue
        if "y" in named or since is None or day >= since:
            return day
    return None
