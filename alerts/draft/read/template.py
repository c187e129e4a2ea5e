"""A draft in an organisation's own .docx template, read back: by what the template itself says around each answer.

No mark is left in the file, so none can be lost in it: the template is filled in once more, with marks around what each
box says, and laid beside the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from alerts.draft.read.docx import stretches
from alerts.draft.read.places import BLANKS, Key, Place, Unreadable, outside
from alerts.draft.report import Report
from alerts.draft.write.template import BEGIN, BOXES, END, SAYS, field_of, write_template

BOX = re.compile(f"{BEGIN}([a-z_]{{1,40}}){SAYS}([^{BEGIN}{END}]*){END}")
NEXT = "\x1d"
# Paragraphs by where they are.
Stretches: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A template as it was filled in: its stretches with marks, and without."""

    marked: Stretches
    plain: Stretches


def apart(one: Stretches, other: Stretches) -> int:
    """Return how many paragraphs are in only one of the two files."""
    ours, theirs = (Counter(said for each in file.values() for said in Place(each).said()) for file in (one, other))
    return ((ours - theirs) + (theirs - ours)).total()


def filled(template: bytes, report: Report) -> Filled:
    """Return a template filled in with a report. Raises BadTemplate."""
    found = stretches(write_template(template, report, marks=True))
    return Filled(found, {where: tuple(map(_plain, each)) for where, each in found.items()})


def read_template(report: Report, ours: Filled, theirs: Stretches) -> tuple[dict[Key, Place], dict[Key, Place]]:
    """Return what each box says in their file, and what it says in ours.

    Raises Unreadable where something else was written, or where it cannot be known into which box.
    """
    if missing := [where for where in (*theirs, *ours.plain) if (where in theirs) != (where in ours.plain)]:
        told = " ".join(theirs.get(missing[0], ())).strip()
        raise outside(missing[0], told) if told else Unreadable(f"{missing[0]} it is not as the template is")
    keys = _keys(report)
    known = {keys[name]: _place(text) for each in ours.marked.values() for name, text in BOX.findall("".join(each))}
    found = dict(known)
    for where, paragraphs in ours.marked.items():
        for name, text in _said(where, paragraphs, theirs[where]):
            key, place = keys[name], _place(text)
            if place.reads_as(known[key]) or place.reads_as(found[key]):
                continue
            if not found[key].reads_as(known[key]):
                raise Unreadable(f"the answer of “{key.label or key.heading}” stands in two places, and reads two ways")
            found[key] = place
    return found, known


def _keys(report: Report) -> dict[str, Key]:
    homes = {field.id: Key(section.heading, field.label) for section in report.sections for field in section.fields}
    return {name: homes[field.id] for name in BOXES if (field := field_of(report, name))}


def _plain(text: str) -> str:
    return BOX.sub(lambda found: found[2], text)


def _place(text: str) -> Place:
    return Place(tuple(text.replace(NEXT, "\n").split("\n")))


def _said(where: str, paragraphs: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield boxes with what they say, where paragraphs differ from ours."""
    marked = [each.strip() for each in paragraphs if each.strip()]
    said = [each.strip() for each in theirs if each.strip()]
    ours, plain = ([BLANKS.sub(" ", each).strip() for each in every] for every in (map(_plain, marked), said))
    for what, first, last, begin, end in SequenceMatcher(None, ours, plain, autojunk=False).get_opcodes():
        if what == "delete":
            # A box that is missing on its own was emptied. One that was removed with the words around it is unchanged.
            yield from ((found[1], "") for each in marked[first:last] if (found := BOX.fullmatch(each)))
        elif what == "insert" and first and marked[first - 1].endswith(END):
            yield from _split(where, marked[first - 1], NEXT.join(said[begin - 1 : end]))
        elif what == "insert" and first < len(marked) and marked[first].startswith(BEGIN):
            yield from _split(where, marked[first], NEXT.join(said[begin : end + 1]))
        elif what != "equal":
            yield from _split(where, NEXT.join(marked[first:last]), NEXT.join(said[begin:end]))


def _split(where: str, marked: str, told: str) -> Iterator[tuple[str, str]]:
    """Yield what each box says in a text, by the words of the template around them."""
    pieces = BOX.split(marked)
    around = [each.strip(" ") or each for each in pieces[::3]]
    first, last = _cut(around, told, from_end=False), _cut(around, told, from_end=True)
    if first is None or last is None:
        raise outside(where, told.replace(NEXT, " "))
    if first != last:
        raise Unreadable(f"{where} answers stand side by side; whose this is cannot be known: “{told[:120]}”")
    yield from zip(pieces[1::3], (each.strip(" ") for each in first), strict=True)


def _cut(around: Sequence[str], told: str, *, from_end: bool) -> list[str] | None:
    """Return the texts between the texts `around`, each matched first or, `from_end`, last; None if one is missing."""
    if len(around) == 1 or not (told.startswith(around[0]) and told.endswith(around[-1])):
        return None
    body = told[len(around[0]) : len(told) - len(around[-1])]
    found: list[str] = []
    for each in around[-2:0:-1] if from_end else around[1:-1]:
        # If no text separates two boxes, all words go to one of them: which one depends on the direction.
        before, known, after = (body.rpartition if from_end else body.partition)(each) if each else ("", "", body)
        if each and not known:
            return None
        found.append(after if from_end else before)
        body = before if from_end else after
    return [body, *found[::-1]] if from_end else [*found, body]
