"""Reads a draft in an organisation's own .docx template, by the text of the template around each answer.

The file has no marks, because a word processor could lose them. The template is filled again, with marks around the
text of each box, and compared with the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from alerts.draft.read.docx import read_stretches
from alerts.draft.read.places import BLANKS, Key, Place, Unreadable, make_outside_error
from alerts.draft.report import Report
from alerts.draft.write.template import BEGIN_MARK, BOX_FACTS, END_MARK, TEXT_MARK, fill_template, find_box

MARKED_BOX = re.compile(f"{BEGIN_MARK}([a-z_]{{1,40}}){TEXT_MARK}([^{BEGIN_MARK}{END_MARK}]*){END_MARK}")
PARAGRAPH_END = "\x1d"
# Paragraphs by the words for their place in a file.
Stretches: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """The paragraphs of a template that was filled, with marks around the text of each box and without."""

    marked: Stretches
    plain: Stretches


def count_differences(one: Stretches, other: Stretches) -> int:
    """Return how many paragraphs are in only one of the two files."""
    texts = ([text for each in file.values() for text in Place(each).normalised()] for file in (one, other))
    ours, theirs = map(Counter, texts)
    return ((ours - theirs) + (theirs - ours)).total()


def fill_with_marks(template: bytes, report: Report) -> FilledTemplate:
    """Return the paragraphs of a template that is filled with a report. Raises BadTemplate."""
    found = read_stretches(fill_template(template, report, marks=True))
    return FilledTemplate(found, {where: tuple(map(_remove_marks, each)) for where, each in found.items()})


def read_template(report: Report, ours: FilledTemplate, theirs: Stretches) -> tuple[dict[Key, Place], dict[Key, Place]]:
    """Return the text of each box in their file, and in ours.

    Raises Unreadable if text outside the boxes changed, or if it is not clear to which box a text belongs.
    """
    if missing := [where for where in (*theirs, *ours.plain) if (where in theirs) != (where in ours.plain)]:
        text = " ".join(theirs.get(missing[0], ())).strip()
        raise make_outside_error(missing[0], text) if text else Unreadable(f"{missing[0]} it is not as the template is")
    places = {field.id: Key(section.heading, field.label) for section in report.sections for field in section.fields}
    keys = {name: places[field.id] for name in BOX_FACTS if (field := find_box(report, name))}
    boxes = (box for each in ours.marked.values() for box in MARKED_BOX.findall("".join(each)))
    known = {keys[name]: _make_place(text) for name, text in boxes}
    found = dict(known)
    for where, paragraphs in ours.marked.items():
        for name, text in _find_changed_boxes(where, paragraphs, theirs[where]):
            key, place = keys[name], _make_place(text)
            if place.reads_as(known[key]) or place.reads_as(found[key]):
                continue
            if not found[key].reads_as(known[key]):
                raise Unreadable(f"the answer of “{key.label or key.heading}” stands in two places, and reads two ways")
            found[key] = place
    return found, known


def _remove_marks(text: str) -> str:
    return MARKED_BOX.sub(lambda found: found[2], text)


def _make_place(text: str) -> Place:
    return Place(tuple(text.replace(PARAGRAPH_END, "\n").split("\n")))


def _find_changed_boxes(where: str, paragraphs: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, new text) of each box in paragraphs that differ from ours."""
    marked = [each.strip() for each in paragraphs if each.strip()]
    changed = [each.strip() for each in theirs if each.strip()]
    ours, plain = ([BLANKS.sub(" ", each).strip() for each in every] for every in (map(_remove_marks, marked), changed))
    for what, first, last, begin, end in SequenceMatcher(None, ours, plain, autojunk=False).get_opcodes():
        if what == "delete":
            # A box that is missing on its own was emptied. One that was removed with the words around it is unchanged.
            yield from ((found[1], "") for each in marked[first:last] if (found := MARKED_BOX.fullmatch(each)))
        elif what == "insert" and first and marked[first - 1].endswith(END_MARK):
            yield from _split_boxes(where, marked[first - 1], PARAGRAPH_END.join(changed[begin - 1 : end]))
        elif what == "insert" and first < len(marked) and marked[first].startswith(BEGIN_MARK):
            yield from _split_boxes(where, marked[first], PARAGRAPH_END.join(changed[begin : end + 1]))
        elif what != "equal":
            ours_here, theirs_here = PARAGRAPH_END.join(marked[first:last]), PARAGRAPH_END.join(changed[begin:end])
            yield from _split_boxes(where, ours_here, theirs_here)


def _split_boxes(where: str, marked: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of each box in a text, found by the words of the template around it."""
    pieces = MARKED_BOX.split(marked)
    around = [each.strip(" ") or each for each in pieces[::3]]
    first, last = _cut_between(around, text, from_end=False), _cut_between(around, text, from_end=True)
    if first is None or last is None:
        raise make_outside_error(where, text.replace(PARAGRAPH_END, " "))
    if first != last:
        raise Unreadable(f"{where} answers stand side by side; whose this is cannot be known: “{text[:120]}”")
    yield from zip(pieces[1::3], (each.strip(" ") for each in first), strict=True)


def _cut_between(around: Sequence[str], text: str, *, from_end: bool) -> list[str] | None:
    """Return the parts of a text between the texts `around`; None if one of these is missing.

    Each is matched at its first place or, `from_end`, at its last.
    """
    if len(around) == 1 or not (text.startswith(around[0]) and text.endswith(around[-1])):
        return None
    body = text[len(around[0]) : len(text) - len(around[-1])]
    found: list[str] = []
    for each in around[-2:0:-1] if from_end else around[1:-1]:
        # If no text separates two boxes, all words go to one of them. The direction decides which.
        before, known, after = (body.rpartition if from_end else body.partition)(each) if each else ("", "", body)
        if each and not known:
            return None
        found.append(after if from_end else before)
        body = before if from_end else after
    return [body, *found[::-1]] if from_end else [*found, body]
