"""Tells by a file's name that it is the file of an earlier edition or of another release.

A name that is only unlike the title says nothing, because a wrong finding is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from monitor.look.fetch import Answer
from monitor.look.recognise.page import as_words, name_in
from monitor.look.recognise.title import names_earlier_edition
from schedules.patterns import quick
from schedules.titles import Title, read_title

# The parts of the header `Content-Disposition` that are not the file's name.
_NOT_A_NAME = quick(
    r"^\s*(?:attachment|inline)\s*;|\bfilename\*?=(?:utf-8'')?|\.[a-z]{3,4}\b", re.IGNORECASE
)
# Words that names of files have beside those of a title.
_OF_FILES = frozenset({"data", "dataset", "file", "download", "figures", "table", "tables"})


def list_file_names(answer: Answer, own_url: str) -> Iterator[str]:
    """Yield the names of a file as words: that of its header, and that of the address to which
    `own_url` redirected.
    """
    header = _NOT_A_NAME.sub(" ", answer.headers.get("content-disposition", ""))
    names = [as_words(header).strip(' ";')]
    address = answer.url.partition("?")[0]
    if address != own_url.partition("?")[0]:
        names.append(name_in(address))
    yield from filter(None, names)


def is_file_of_earlier_edition(title: str, name: str) -> bool:
    """Return whether a name has half of a title's words, no others, and the period of an earlier
    edition.
    """
    if names_earlier_edition(title, name):
        return True
    own, seen = read_title(title), read_title(name)
    is_as_precise = len(own.end) == len(seen.end)
    return _has_half_of(own, seen) and is_as_precise and seen.end < own.end


def is_file_of_another(title: str, name: str, others: Iterable[str]) -> bool:
    """Return whether a name is that of a file of one of the `others`, titles of known releases.

    It has their period, half of their words, no others, and one that `title` lacks.
    """
    own, seen = read_title(title), read_title(name)
    if not seen.period or set(seen.words) - _OF_FILES <= set(own.words):
        return False
    known = map(read_title, others)
    return any(seen.period == other.period and _has_half_of(other, seen) for other in known)


def _has_half_of(title: Title, name: Title) -> bool:
    words, wanted = set(name.words) - _OF_FILES, set(title.words)
    return words <= wanted and 2 * len(words) >= len(wanted) > 0
