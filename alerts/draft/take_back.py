"""Find the words that a person typed into the .docx file of a draft: compare it with the text that we had written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from alerts.draft.edits import INSTEAD, STEP, UNSETTLED
from alerts.draft.read.docx import read_docx, stretches
from alerts.draft.read.places import PICTURE, Key, Place, Unreadable, outside
from alerts.draft.report import Field, Report
from alerts.draft.versions import Version, Versions
from alerts.draft.write.outline import NONE, SINCE, WHAT_TO_DO, Tone, pieces, stamp
from alerts.draft.write.registry import WRITERS

# The version that a file was written from, the text of each place in the file, and the text as we had written it.
Read: TypeAlias = tuple[Version, dict[Key, Place], dict[Key, Place]]
FALLBACK = 10
# Our prompts, as written and as a program saves them that makes a list's bullet a character of its text.
MARKS = ("{}", "• {}")
BOTH = UNSETTLED + "\n{}\n[as {} wrote it meanwhile]\n{}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A box that was changed in the file and, since the file was written, also by someone else."""

    field: str
    stood: str
    typed: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The changes in a file: words by field id, the version it was written from, and boxes that two people changed."""

    words: Mapping[str, str]
    base: int
    conflicts: tuple[Conflict, ...] = ()


def taken(versions: Versions, data: bytes, by: str, template: bytes | None = None) -> Taken:
    """Return what a person in the role `by` changed in a .docx file of one of the `versions`.

    The file may use an organisation's own `template`.
    If someone else has changed the same box since, both wordings are kept, one below the other. Raises
    Unreadable if the file is not one of our drafts, or if text outside the boxes changed, because it would be lost.
    """
    in_template = _in_template(versions, data, template) if template is not None else None
    base, theirs, ours = in_template or _find_base(versions, read_docx(data))
    homes = _homes(base.report)
    _refuse_strays(base.report, theirs, ours, homes)
    last = versions[-1].words
    changed = {
        name: said
        for name, said in _edits_by_person(base.report, theirs, ours, homes)
        if said != base.words.get(name, "") and said != last.get(name, "")
    }
    return together(changed, base.words, last, by, base.number)


def together(
    changed: Mapping[str, str], before: Mapping[str, str], last: Mapping[str, str], by: str, base: int = 0
) -> Taken:
    """Return the changes to the words `before`; a box that someone else changed since gets both wordings."""
    moved = {name for name in changed if last.get(name, "") not in (before.get(name, ""), changed[name], "")}
    # If a file is read twice, the second reading adds no words.
    changed = {name: text for name, text in changed.items() if name not in moved or text not in last[name] or not text}
    contested = moved & set(changed)
    conflicts = tuple(Conflict(name, last[name], changed[name]) for name in sorted(contested) if changed[name].strip())
    both = {each.field: BOTH.format(each.stood, by, each.typed) for each in conflicts}
    # A person who only removed an older wording did not mean to remove a newer one.
    said = {name: text for name, text in changed.items() if text.strip() or name not in contested}
    return Taken({**said, **both}, base, conflicts)


def _in_template(versions: Versions, data: bytes, template: bytes) -> Read | None:
    """Return the reading of a file in an organisation's own template, None if it is more like our own form."""
    from alerts.draft.read.template import apart, filled, read_template  # noqa: PLC0415 # heavy, and rarely needed
    from alerts.draft.write.template import BadTemplate  # noqa: PLC0415 # as above

    theirs = stretches(data)
    try:
        made = [(each, filled(template, each.report)) for each in versions[-FALLBACK:]]
    except BadTemplate:
        # In that case our own form had been written instead.
        return None
    base, ours = min(reversed(made), key=lambda each: apart(each[1].plain, theirs))
    if apart(stretches(WRITERS["docx"](base.report)), theirs) < apart(ours.plain, theirs):
        return None
    return (base, *read_template(base.report, ours, theirs))


def _find_base(versions: Versions, theirs: dict[Key, Place]) -> Read:
    """Return the version that a file was written from, with both texts: the most similar version with its stamp."""
    text = "\n".join(paragraph for place in theirs.values() for paragraph in place.paragraphs)
    likely = [each for each in versions if stamp(each.report) in text] or versions[-FALLBACK:]
    read = [(each, read_docx(WRITERS["docx"](each.report))) for each in likely]
    base, ours = min(reversed(read), key=lambda each: _distance(theirs, each[1]))
    return base, theirs, ours


def _distance(theirs: Mapping[Key, Place], ours: Mapping[Key, Place]) -> int:
    alike = sum(key in theirs and theirs[key].reads_as(place) for key, place in ours.items())
    return len(ours) + len(theirs) - 2 * alike


def _homes(report: Report) -> dict[Key, Field]:
    """Return the field at each place of a document."""
    homes: dict[Key, Field] = {}
    for section in report.sections:
        for field in section.fields:
            homes[Key(section.heading, field.label)] = field
    return homes


def _step_of(key: Key, report: Report) -> str:
    if key.heading != WHAT_TO_DO:
        return ""
    return next((f"{STEP}{step.id}" for step in report.steps if step.text == key.label), "")


def _refuse_strays(
    report: Report, theirs: Mapping[Key, Place], ours: Mapping[Key, Place], homes: Mapping[Key, Field]
) -> None:
    if not any(key in theirs for key in homes):
        raise Unreadable("it holds no box of this draft's form")
    headings = {key.heading for key in ours}
    for key, place in theirs.items():
        known = ours.get(key)
        where = f"under “{key.heading}”" if key.heading else "at its beginning"
        # Text of ours may be removed here, but text that was added here would be lost.
        added = Counter(place.said()) - Counter(known.said() if known else ())
        label = "" if known else (key.label or "")
        # A person may remove a section but leave its heading, or leave an empty row: neither contains their words.
        is_blank = not added and not label and key.heading in headings
        if not (is_blank or key in homes or _step_of(key, report)):
            raise outside(where, " ".join((label, *added)))
        if any(PICTURE in each for each in added):
            raise Unreadable(f"{where} it holds a picture, which no box keeps")
    for key in homes.keys() & ours.keys() - theirs.keys():
        _refuse_displaced(key, theirs, ours)


def _refuse_displaced(gone: Key, theirs: Mapping[Key, Place], ours: Mapping[Key, Place]) -> None:
    """Raise Unreadable if our text of a box is now in another box because its heading was removed."""
    texts = {each for each in ours[gone].paragraphs if each.strip()}
    for key, place in theirs.items():
        if key in ours and texts & {*place.paragraphs} - {*ours[key].paragraphs}:
            raise Unreadable(f"the heading “{gone.heading}” is missing; what it bore stands under “{key.heading}”")


def _edits_by_person(
    report: Report, theirs: Mapping[Key, Place], ours: Mapping[Key, Place], homes: Mapping[Key, Field]
) -> Iterator[tuple[str, str]]:
    """Yield the id and the new words of each field or step that a person changed in the document.

    `theirs` is the document as read back, `ours` as it was written. A reworded account also yields its `INSTEAD` mark.
    """
    for key, place in theirs.items():
        known = ours.get(key)
        if known is not None and place.reads_as(known):
            continue
        if key in homes and (whole := _reworded(place, homes[key], signed=bool(report.signed))):
            yield from ((homes[key].id, whole), (f"{INSTEAD}{homes[key].id}", "yes"))
        elif key in homes:
            yield homes[key].id, words_in(place, homes[key], signed=bool(report.signed))
        elif step := _step_of(key, report):
            yield step, "\n".join(place.paragraphs)


def _reworded(place: Place, field: Field, *, signed: bool) -> str:
    """Return the whole text of an account's box if a person changed or removed measured text, else an empty text."""
    if field.has_one_answer or field.replaced:
        return ""
    left = _without_prompts(place, field, signed=signed)
    rest = list(left)
    shown = [_drop(rest, text) for text in _shown(field, signed=signed)]
    return "" if all(shown) else "\n".join(left)


def words_in(place: Place, field: Field, *, signed: bool = False) -> str:
    """Return a person's words in a box.

    If their words replace the measured answer, this is the whole text of the box. Otherwise it is the
    text besides the measured answer.
    """
    left = _without_prompts(place, field, signed=signed)
    if not field.has_one_answer or field.answer is not None:
        for text in _shown(field, signed=signed):
            _drop(left, text)
    return "\n".join(left)


def _without_prompts(place: Place, field: Field, *, signed: bool) -> list[str]:
    left = list(place.paragraphs)
    for text in reversed(_asked(field, signed=signed)):
        _drop(left, text, from_end=True)
    prompts = [mark.format(text) for text in (field.placeholder, *field.guidance) if text for mark in reversed(MARKS)]
    for at, paragraph in enumerate(left):
        # A person may have typed before or after a prompt, in the same paragraph.
        found = next((prompt for prompt in prompts if prompt in paragraph), None)
        if found is not None:
            left[at] = " ".join(part.strip() for part in paragraph.split(found) if part.strip())
    return left


def _asked(field: Field, *, signed: bool) -> list[str]:
    return [field.placeholder, SINCE, *field.notes, *field.guidance, *([NONE] if signed else [])]


def _shown(field: Field, *, signed: bool) -> list[str]:
    return [piece.text for piece in pieces(field, signed=signed) if piece.tone is Tone.PLAIN and piece.text]


def _drop(left: list[str], text: str, *, from_end: bool = False) -> bool:
    """Remove the first (`from_end`: the last) occurrence of our text from paragraphs. Return whether there was one."""
    for mark in MARKS if text else ():
        for wanted in ([mark.format(text)], mark.format(text).split("\n")):
            spots = [at for at in range(len(left) - len(wanted) + 1) if _is_at(left, at, wanted)]
            if spots:
                at = spots[-1 if from_end else 0]
                del left[at : at + len(wanted)]
                return True
    return False


def _is_at(left: Sequence[str], at: int, wanted: Sequence[str]) -> bool:
    return [each.strip() for each in left[at : at + len(wanted)]] == [each.strip() for each in wanted]
