"""Tells by a file's name that it is the file of an earlier edition or of another release.

Both need a positive sign, because a wrong finding is worse than none. So a name that is only unlike
the title says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from monitor.look.fetch import Answer
from monitor.look.recognise.title import last_month, names_earlier_edition
from schedules.patterns import quick
from schedules.titles import Title, read_title

# The parts of the header `Content-Disposition` that are not the file's name.
_NOT_A_NAME = quick(
    r"^\s*(?:attachment|inline)\s*;|\bfilename\*?=(?:utf-8'')?|\.[a-z]{3,4}\b", re.IGNORECASE
)
_AS_WORDS = str.maketrans("_+.-", "    ")
# Words that names of files have beside those of a title.
_OF_FILES = frozenset({"data", "dataset", "file", "download", "figures", "table", "tables"})


def list_file_names(answer: Answer, own_url: str) -> Iterator[str]:
    """Yield the names of a file as words: that of its header, and that of the address to which
    `own_url` redirected.
    """
    names = [answer.headers.get("content-disposition", "")]
    if answer.url.partition("?")[0] != own_url.partition("?")[0]:
        names.append(urlsplit(answer.url).path.rpartition("/")[2])
    for name in names:
        bare = unquote(_NOT_A_NAME.sub(" ", name)).translate(_AS_WORDS).strip(' ";')
        if bare:
            yield bare


def is_file_of_earlier_edition(title: str, name: str) -> bool:
    """Return whether a name has words of a title, no others, and the period of an earlier edition.

    If it has less than half of the words, its period must name a month or quarter.
    """
    if names_earlier_edition(title, name):
        return True
    own, seen = read_title(title), read_title(name)
    words = _words_of_file(seen)
    ours, theirs = last_month(own.period), last_month(seen.period)
    is_precise = len(theirs) > 1 or 2 * len(words) >= len(own.words)
    is_part = bool(words) and words <= set(own.words)
    return is_part and is_precise and len(ours) == len(theirs) and () != theirs < ours


def is_file_of_another(title: str, name: str, others: Iterable[str]) -> bool:
    """Return whether a name is that of a file of one of the `others`, titles of known releases.

    It has their period, at least half of their words, no others, and one that `title` lacks.
    """
    own, seen = read_title(title), read_title(name)
    words = _words_of_file(seen)
    if not seen.period or words <= set(own.words):
        return False
    for other in map(read_title, others):
        is_half = 2 * len(words) >= len(set(other.words))
        if seen.period == other.period and words <= set(other.words) and is_half:
            return True
    return False


def _words_of_file(name: Title) -> set[str]:
    return set(name.words) - _OF_FILES
