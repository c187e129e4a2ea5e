"""Words that say whether an entry stands: in a status, beside a date, or in a title."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from schedules.announcement import State
from schedules.dates.words import LONGEST, normalise
from schedules.patterns import quick
from schedules.titles import MONTH

_LONGEST_NOTE = 2000
_LONGEST_STATUS = 4
"""Words of the longest status at the end of a date text, such as "still to be confirmed"."""
DOUBT = "status"
"""The doubt of an entry whose status is not understood."""
_PUT_OUT = r"(?:published|released|produced|issued)"
_WEDI = r"wedi(?:'?i| ei)"
"""Welsh for "has been"."""
_WORDS = {
    "provisional": (
        r"(?:date )?provisional(?:ly)?(?: date)?|tentative(?:ly)?|estimated|unconfirmed|dros dro"
        r"|(?:date )?subject to (?:change|confirmation)"
    ),
    "confirmed": rf"(?:date )?confirmed|{_WEDI} gadarnhau|cadarnhawyd",
    "tbc": (
        r"(?:(?:exact |specific |new )?(?:date|time|day)s? )?(?:to follow|(?:is |are )?(?:still )?"
        r"(?:to be|tbc|tba|tbd)(?: (?:confirmed|announced|decided|determined|agreed))?|not(?: yet)?"
        r" (?:confirmed|announced|known))|i'w gadarnhau"
    ),
    "cancelled": (
        r"cancel(?:l?ed)?|cancell?ation|discontinued|withdrawn|abandoned|scrapped|terminated"
        r"|ceased|dropped|(?:will )?not (?:now )?(?:be )?(?:go(?:ing)? ahead|proceed(?:ing)?"
        rf"|taking place)|will (?:now )?not (?:now )?be {_PUT_OUT}"
        rf"|no longer (?:going ahead|being {_PUT_OUT}|{_PUT_OUT}|planned|required)"
        rf"|canslwyd|(?:{_WEDI} )?(?:ganslo|canslo)"
    ),
    "postponed": (
        r"postpone(?:d|ment)|delayed|deferred|re-?schedul(?:ed|ing)|moved(?: back)?|suspended"
        r"|paused|(?:put |placed )?on hold|held (?:back|over)|(?:put|pushed|set) back"
        r"|brought forward|slipped|re-?arranged|halted"
        rf"|gohiriwyd|(?:{_WEDI} )?(?:ohirio|gohirio)"
    ),
}
_STATUS = "|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items())
_SUBJECT = (
    r"(?:(?:this |these |the |the following )?"
    r"(?:release|publication|statistic|report|bulletin|series|event|edition|update|entry)s? "
    r"(?:that |which )?|it |these |the following )?"
    r"(?:(?:has|have) been |is |are |now |currently |temporarily |indefinitely |permanently )*"
)
_WHOLE = quick(rf"{_SUBJECT}(?:{_STATUS})(?: (?:date|release|indefinitely|until further notice))?")
_FIRST_WORDS = quick(rf"{_SUBJECT}(?:{_STATUS})(?![a-z0-9])")
_CALLED_OFF = frozenset({"cancelled", "postponed"})
CALLS = rf"(?:{_WORDS['cancelled']}|{_WORDS['postponed']})"
"""Words that call a release off."""
# A word calls off only if one of these follows it. "Delayed discharges" is a subject of statistics.
_END_OF_CALL = quick(
    rf"(?: ?[/&] ?{CALLS}| (?:and|or) {CALLS}(?= releases| publications))?"
    r"(?: (?:date|releases?|publications?|series|event|indefinitely|until further notice))?"
    r"(?:$| ?[:;,.!()\[\]*]| -|- | (?:(?:until|till|to|by|due|owing|pending|because|as|see"
    r"|following|while|tan|oherwydd)(?![a-z-])|this (?:week|month|quarter|year)|(?:from|on) \d"
    r"|\d\d?[/.]\d|(?:an?|one|two|three|\d\d?) (?:day|week|month)))"
)
_NEW_DATE = (
    r"(?:new|revised|changed?(?: of)?) (?:(?:release|publication) )?date"
    r"(?! format| of birth)|(?:release |publication )?date (?:has |is )?(?:changed?(?! from|: no)"
    r"|amended|under review)|awaiting (?:a )?(?:new )?date"
)
INSTEAD = (
    rf"superseded|replaced|merged (?:with|into) .*|to be re-?scheduled|{_NEW_DATE}"
    rf"|will (?:now|instead) be {_PUT_OUT}|delay (?:to|in) (?:publication|release)(?: of .*)?"
    r"|notice of (?:cancellation|postponement|delay)"
)
"""Words with which a text begins that says that something is wrong, but not what."""
_REDATED = quick(
    rf"{_SUBJECT}(?:{INSTEAD}|now (?:due|expected|planned|scheduled)"
    rf"|will be {_PUT_OUT} (?:in|on) (?:[a-z]{{3,9}} )?(?:\d|{MONTH}\b)[^.]{{0,30}} instead(?! of)"
    r"|(?:release|publication) date (?:is )?(?:tbc|to be confirmed|to be announced)"
    r"|not (?:being )?publish(?:ed|ing) this (?:week|month|quarter|year))\b"
    r"|(?:delay|deleted|deletion|suspension|withdrawal)(?:$|:(?! (?:none|nil|no|n/a)\b))"
    r"|(?:is |date )?(?:(?:confirmed|finali[sz]ed)(?: date)?: ?(?:no|not yet)"
    r"|provisional(?: date)?: ?(?:yes|y|true|1))$"
    rf"|{_SUBJECT}now (?:on |for )?(?:[a-z]{{3,9}} )?\d{{1,2}}(?:st|nd|rd|th)?"
    rf"(?:[/.-]\d| {MONTH}\b)|{CALLS} (?:and|or) {CALLS}$"
)
_DAY = rf"\b\d{{1,2}}(?:(?:st|nd|rd|th)? {MONTH}(?: \d{{4}})?|[/.]\d{{1,2}}[/.]\d{{2,4}})"
_SENTENCE_END = quick(
    r"[.!?](?=\s)|[\n|]|<[^<>]{0,200}>|\b(?:status|update|sorry)\s?[^\w\s]", re.IGNORECASE
)
_INTRODUCED = quick(
    rf"^(?:update )?{_DAY} ?[:-]\W*|^[^a-z0-9]+"
    r"|^(?:(?:please )?note|nb|unfortunately|update|important|we regret)(?: that)?\W+"
)
_WORK = r"(?:release|publication|report|bulletin|edition|statistics|series|event|update|entry)"
# "The publication of these statistics, planned for 3 December, has", "this release", "this has"
_THIS = (
    rf"(?:(?:(?:the|these) (?:{MONTH} )?{_WORK}|publication)(?: of (?:this|these) [a-z]{{1,20}})?"
    rf"(?:, [^.,]{{1,60}},)? (?:has|have|is|are|will)"
    rf"|this (?:(?:one |{_WORK}(?:, [^.,]{{1,60}},)? )?(?:has|is|will)))"
)
# Sentences that call a release off, at any place in a note
_SAID_OF_THIS = quick(
    rf"\b{_THIS}(?: now)?(?: been| be| being)? (?:now )?(?:{CALLS}(?! from)|running late)\b"
    rf"|\b(?:it|{_THIS})(?: will)? no longer (?:be|being|take)\b"
    r"|\bhave (?:cancelled|postponed|delayed|withdrawn) this\b"
    r"|\b(?:(?:cancel|postpon|delay|withdr|suspend|paus|re-?schedul|defer)[a-z]{0,6}"
    r"|(?<!do )not (?:to )?(?:publish|releas|produc)[a-z]{0,3}) (?:(?:publication|release) of )?"
    rf"(?:this|these) {_WORK}\b|\b{_WEDI} (?:ohirio|ganslo)\b"
    r"|\bdelay (?:to|in) (?:publication|release)\b|\bdate shown is no longer\b"
    r"|\b(?:to|have) (?:postpone|delay|cancel|suspend|pause)d? (?:the )?(?:publication|release)\b"
    r"|\b(?:unable|not able) to (?:publish|release) (?:this|these|it|on|as|until)\b"
    r"|\bpublish(?:ed|ing) (?:an?|one|two|three|\d\d?) (?:day|week|month)s? later\b"
    r"|\b(?:date|dates?(?: of this [a-z]{1,20})? (?:has|have))(?: has)?(?: been)?"
    r" (?:changed|moved|put back)\b(?! from|: no)"
)
# Before such a sentence, these leave open whether it is so: "If this release is postponed, …".
_LEFT_OPEN = quick(r"\b(?:if|should|unless|whether|when|in case|in the event(?: that)?) (?:the )?$")
# Names of schema.org, such as "https://schema.org/EventCancelled"
_SCHEMA_ORG = quick(r"^(?:https?://schema\.org/)?event(?=cancel|postpon|reschedul|schedul)")
# Other words of an entry that stands, also kinds of statistics
_OTHERS_THAT_STAND = quick(
    r"(?:finali[sz]ed|final|firm|fixed|definite|planned|scheduled|expected|upcoming|forthcoming"
    r"|due|future|on (?:track|schedule)|as (?:planned|scheduled)|unchanged|no change"
    r"|going ahead(?: as planned)?$|coming soon$|(?:pre[ -]?)?announced|unpublished"
    rf"|to be {_PUT_OUT}|awaiting (?:release|publication)(?! date)"
    rf"|not yet (?:{_PUT_OUT}|available)|not (?:{_PUT_OUT}|available) yet"
    r"|(?:accredited )?(?:official|national|experimental) statistics?(?: in development)?"
    r"|i'w gyhoeddi)(?![a-z0-9])"
)
_PUBLISHED = quick(
    r"(?:now |already |has been )?(?:published|released|out|live|available|issued|cyhoeddwyd)"
    rf"(?: now)?(?: ?[-:,;(\[].*| (?:on )?\d.*)?|{_WEDI} gyhoeddi"
)
_CALL_INSIDE = quick(rf"\b{CALLS}\b(?! from)")
_NOT_OUT = quick(
    rf"{_CALL_INSIDE.pattern}|\b(?:no|not|false|never|draft|embargo(?:ed)?)\b|^available on\b"
)
# An entry that was moved from another date stands at its new one.
MOVED_FROM = (
    r"(?:date )?(?:postponed|delayed|moved|re-?scheduled|re-?arranged|deferred|changed|revised"
    r"|amended|updated|slipped|brought forward|(?:put|pushed|set) back) from"
)
_MOVED_HERE = quick(rf"{MOVED_FROM}\b")
_SAYS_MOVED_HERE = quick(rf"{_SUBJECT}{MOVED_FROM}\b")
# "Next release" is about another edition.
_MAY_MOVE = quick(
    rf"^(?!.*\bnext\b).*(?:{MOVED_FROM}|\b(?:instead|mov(?:e|ed|ing)|re-?scheduled"
    r"|(?:amended|revised|new) (?:release |publication )?date)\b)"
)
# Also empty cells as programs export them
NO_STATUS = frozenset({"", "-", "--", "n/a", "na", "nil", "none", "not applicable"}) | frozenset(
    ("nan", "nat", "null", "undefined", "<na>", "(blank)", "(null)")
)
_EARLIER_DATE = quick(
    rf"\b(?:was|previously|originally|formerly|{MOVED_FROM}):? (?P<date>[^()\[\]]+?)"
    r"(?= to |[()\[\]]|$)"
)
_HARMLESS = quick(rf"\b(?:{MOVED_FROM}\b|subject to (?:change|confirmation))")
# After a word that stands, any of these may take it back.
_TAKES_BACK = quick(
    rf"\b{CALLS}\b"
    r"|\b(?:cancel|postpon|delay|defer|withdr|suspen|paus|hold\b|moved?\b|re-?schedul|discontin"
    r"|re-?arrang|slip|halt|stop|pull|merg|under review|overdue\b|late\b|pending\b"
    r"|remov|replac|supersed|not\b|no\b|never\b|but\b|until\b|unless\b|except|risk\b)|\?"
)
# "Confirmed, time to follow": a word that stands, and what is still open.
_LEAVES_OPEN = quick(
    r"\b(?:to follow|in principle|provisional|tentative|tb[acd]"
    r"|to be (?:confirmed|announced|decided|agreed)|not (?:yet )?(?:confirmed|announced))\b"
)
_REVIVES = quick(
    r"\?|\b(?:reinstat|restored|(?:back|still) on\b|going ahead"
    r"|under (?:consideration|discussion)|(?:being )?considered|proposed|possible|might\b)"
)
_BRACKETS = quick(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_WAS = quick(
    rf"(?:was|previously|originally|formerly|replac(?:es|ing)|{MOVED_FROM})"
    r"(?: scheduled| planned| due)?:? (?:for )?(.+)"
)
# Brackets about another date: "(latest census: 31 March 2027)".
_LABELLED = quick(
    r"(?:latest|last|next|reference|period|data|covering|coverage|week)\b.*"
    r"|(?:new|revised)(?: date)?|r|(?:now )?(?:final|published|released|available)"
)
_DASH = quick(r"^(?P<left>.+?) ?(?: - |, |; |: )(?P<right>[^,;:]+)$")
_AFTER_STATUS = quick(r"(?: ?[:,-] ?| (?:to |until |till |for )?)(?=[0-9a-z])")
_SOME_TIME = quick(
    r"(?:due|expected|planned|scheduled)(?: to be (?:published|released))?"
    r" (?:in|for(?! release| publication)|during|after|before|early|late|later|mid|sometime)\b"
)
_INTRODUCTION = quick(
    r"^(?:(?:date of (?:release|publication)|(?:new |revised )?(?:date|release date"
    r"|publication date)|to be (?:published|released)"
    r"|(?:(?:this release )?will be )?(?:published|released)"
    r"|(?:next )?(?:publication|release|update)|cyhoeddir"
    r"|(?:expected|due|planned|scheduled)(?: for)?(?: publication| release)?)"
    r"(?: (?:on|in))?(?: ?[:-] ?| ))+"
)

# Not after a status: "Confirmed on 1 June" is about another date.
_ON = quick(r"^on (?=(?:[a-z]{3,9},? )?\d)")

_STATES = {
    "provisional": State.PROVISIONAL,
    "tbc": State.PROVISIONAL,
    "confirmed": State.CONFIRMED,
    "cancelled": State.CANCELLED,
    "postponed": State.POSTPONED,
}


@dataclass(frozen=True, slots=True)
class Status:
    """What the text of a status says.

    `state` is None if it names none. If it is not `is_understood`, a person must read it. `earlier`
    is the text of the date before a move, else "".
    """

    state: State | None = None
    is_published: bool = False
    is_understood: bool = True
    earlier: str = ""


def read_status(text: str, stands: Collection[str] = ()) -> Status:
    """Read a status by its first words, which a reason may follow.

    `stands` are a producer's own words for an entry that stands.
    """
    return _read_status(text, tuple(stands))


# Thousands of entries have one of a few texts.
@lru_cache(maxsize=1024)
def _read_status(text: str, stands: tuple[str, ...]) -> Status:
    plain = _SCHEMA_ORG.sub("", normalise(text))
    found = _EARLIER_DATE.search(plain)
    earlier = found["date"].strip() if found else ""
    if plain in NO_STATUS:
        return Status()
    if _PUBLISHED.fullmatch(plain) and not _NOT_OUT.search(plain):
        return Status(is_published=True)
    own_words = (normalise(words) for words in stands)
    first = _FIRST_WORDS.match(plain)
    if any(plain == words or _begins_with(plain, words) for words in own_words):
        return Status(State.CONFIRMED, earlier=earlier)
    if first is not None and first.lastgroup in _CALLED_OFF:
        is_revived = _REVIVES.search(plain, first.end()) is not None
        state = None
        if not is_revived:
            state = state_of(first.lastgroup)
        return Status(state, is_understood=not is_revived, earlier=earlier)
    # Beside "new date to be confirmed", the date that the calendar shows is an old one.
    is_replaced = plain.startswith("new ")
    known = first or _OTHERS_THAT_STAND.match(plain)
    if known is None or is_replaced or _TAKES_BACK.search(_HARMLESS.sub("", plain[known.end() :])):
        return Status(is_understood=False)
    if _LEAVES_OPEN.search(plain, known.end()):
        state = State.PROVISIONAL
    else:
        state = None
        if first:
            state = state_of(first.lastgroup)
    return Status(state, earlier=earlier)


def _begins_with(plain: str, words: str) -> bool:
    """Return whether a text begins with these words and nothing after them may take them back."""
    rest = plain.removeprefix(words)
    is_whole_word = bool(words) and rest != plain and not rest[:1].isalnum()
    return is_whole_word and not _TAKES_BACK.search(_HARMLESS.sub("", rest))


def without_earlier(text: str) -> str:
    """Return a normalised text without the dates before a move."""
    return _EARLIER_DATE.sub(" ", normalise(text))


def find_moves(note: str) -> Iterator[str]:
    """Yield the sentences of a note that may say when an entry was moved, without the date before
    that.
    """
    for sentence in _SENTENCE_END.split(note[:_LONGEST_NOTE]):
        if _MAY_MOVE.search(sentence.casefold()):
            yield without_earlier(sentence)


def is_moved_here(text: str) -> bool:
    """Return whether a status begins by saying from when an entry was moved: "Moved from 3 May"."""
    return _SAYS_MOVED_HERE.match(normalise(text)) is not None


def names_some_time(text: str) -> bool:
    """Return whether a status says in words when a release is due: "Expected in the New Year"."""
    return _SOME_TIME.match(normalise(text)) is not None


@dataclass(frozen=True, slots=True)
class StrippedText:
    """A date text without its status words, their `status` (a name in `_STATES`), and the text of
    an earlier date.
    """

    rest: str
    status: str | None = None
    previous: str | None = None


def status_word(text: str) -> str | None:
    """Return the status if a normalised text is only a status word, else None."""
    match = _WHOLE.fullmatch(text.strip(" .,;:-"))
    return match.lastgroup if match else None


def called_off_word(text: str) -> str | None:
    """Return the status of a normalised text that begins by calling a release off, else None."""
    match = _FIRST_WORDS.match(text.strip(" .,;:-"))
    if match and match.lastgroup in _CALLED_OFF:
        return match.lastgroup
    return None


@dataclass(frozen=True, slots=True)
class CallOff:
    """How a text calls a release off.

    `has_subject`: "release" or a verb is before its `word`. `reason` is what follows the word.
    """

    word: str
    state: State
    has_subject: bool
    reason: str


def find_call_off(text: str) -> CallOff | None:
    """Return how a text begins by calling a release off, such as "Postponed to 3 December", else
    None.
    """
    plain = _SCHEMA_ORG.sub("", normalise(text[:LONGEST]))
    first = _FIRST_WORDS.match(plain)
    name = first.lastgroup if first else None
    if first is None or name not in _CALLED_OFF:
        return None
    is_moved_here = _MOVED_HERE.match(plain, first.start(name))
    if is_moved_here or not _END_OF_CALL.match(plain, first.end()):
        return None
    return CallOff(first[name], _STATES[name], first.start(name) > 0, plain[first.end() :])


@lru_cache(maxsize=1024)
def calls_off(text: str) -> bool:
    """Return whether a sentence of a note begins by calling a release off or with another date,
    such as "Will now be published in May", or says so of this release anywhere.
    """
    note = text[:_LONGEST_NOTE]
    plain = normalise(note)
    said = _SAID_OF_THIS.finditer(plain)
    if any(_LEFT_OPEN.search(plain, 0, found.start()) is None for found in said):
        return True
    sentences = (_INTRODUCED.sub("", normalise(each)) for each in _SENTENCE_END.split(note))
    return any(_REDATED.match(each) or find_call_off(each) for each in sentences)


def word_of_call_off(text: str) -> str:
    """Return the first word of a sentence that may call releases off, at any place, or ""."""
    found = _CALL_INSIDE.search(normalise(text))
    return found[0] if found else ""


def state_of(status: str | None) -> State | None:
    """Return the state that a status word means, None for None."""
    if status is None:
        return None
    return _STATES[status]


def strip_status(text: str) -> StrippedText:
    """Split a normalised date text into the date, its status, and the earlier date that brackets
    give.

    "provisional: 9 may (was 2 may)" becomes the date "9 may", the status "provisional" and the
    earlier date "2 may".
    """
    status_in_brackets: str | None = None
    previous: str | None = None

    def take_brackets(match: re.Match[str]) -> str:
        """Store the status or the earlier date in these brackets.

        Return the text that replaces the brackets.
        """
        nonlocal status_in_brackets, previous
        inner = (match[1] or match[2] or "").strip()  # round or square brackets
        if _LABELLED.fullmatch(inner) and not _CALL_INSIDE.search(inner):
            return " "
        was = _WAS.fullmatch(inner)
        if was:
            previous = was[1]
            return " "
        found = status_word(inner) or status_word(inner.partition(",")[0])
        found = "provisional" if inner == "p" else found
        status_in_brackets = found or status_in_brackets  # the last one counts
        return " " if found else f" {inner} "

    rest = " ".join(_BRACKETS.sub(take_brackets, text).split())
    rest, status_at_end = _strip_trailing_status(rest)
    rest = _INTRODUCTION.sub("", _ON.sub("", rest))  # words such as "to be published on"
    first = _FIRST_WORDS.match(rest)
    after = None
    if first:
        after = _AFTER_STATUS.match(rest, first.end())
    status_at_start = None
    if first and after:
        status_at_start = first.lastgroup
    rest = rest[after.end() :] if after else rest
    found = [one for one in (status_in_brackets, status_at_end, status_at_start) if one]
    # A word that calls the release off counts before any other.
    status = next((one for one in found if one in _CALLED_OFF), found[0] if found else None)
    return StrippedText(_INTRODUCTION.sub("", rest), status, previous)


def _strip_trailing_status(text: str) -> tuple[str, str | None]:
    """Return a text without a status word at its end, and that word, None if there is none."""
    match = _DASH.match(text)
    if match and _MOVED_HERE.match(match["right"]):
        return text, None
    word = None
    if match:
        word = status_word(match["right"]) or called_off_word(match["right"])
    if match and word:
        return match["left"], word
    words = text.split(" ")
    for start in range(max(1, len(words) - _LONGEST_STATUS), len(words)):
        word = status_word(" ".join(words[start:]))
        if word:
            return " ".join(words[:start]).rstrip(" -,;:"), word
    return text, None
