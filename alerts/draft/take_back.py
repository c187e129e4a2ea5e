"""Finds what a person changed in the .docx file of a draft, by comparison with the file as it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from alerts.draft.edits import INSTEAD_PREFIX, STEP_PREFIX, TWO_WORDINGS
from alerts.draft.read.docx import read_docx, read_paragraphs
from alerts.draft.read.places import PICTURE, Key, Place, Unreadable, make_outside_error
from alerts.draft.report import Field, Report
from alerts.draft.versions import Version, Versions
from alerts.draft.write.outline import MEASURED_SINCE, NO_ANSWER, WHAT_TO_DO, Tone, build_pieces, write_stamp
from alerts.draft.write.registry import WRITERS

# The version that a file was written from, the text of each place in the file, and that text as it was written.
BaseAndTexts: TypeAlias = tuple[Version, dict[Key, Place], dict[Key, Place]]
FALLBACK_VERSIONS = 10
# Forms of a text that we wrote: as it is, and with the bullet of a list, which some programs turn into text.
PLAIN_TEXT, TEXT_WITH_BULLET = "{}", "• {}"
BOTH_WORDINGS = TWO_WORDINGS + "\n{}\n[as {} wrote it meanwhile]\n{}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A box that was changed in the file (`typed`) and, since it was written, also by another person (`stored`)."""

    field: str
    stored: str
    typed: str


@dataclass(frozen=True, slots=True)
class FileChanges:
    """The changes in a file: words by field id, the number of its version, and the boxes that two people changed."""

    words: Mapping[str, str]
    base: int
    conflicts: tuple[Conflict, ...] = ()


def find_file_changes(versions: Versions, data: bytes, by: str, template: bytes | None = None) -> FileChanges:
    """Return the changes that a person in the role `by` made in a .docx file, which was written from one of `versions`.

    `template` is the organisation's own. Raises Unreadable if this is no draft of ours or text outside boxes changed.
    """
    # None without a valid template, or if the file resembles our own form more.
    in_template = _read_in_template(versions, data, template) if template is not None else None
    # `base` is the version that the file is most similar to, `edited` the texts of the file, and `written` the texts of
    # that version as we wrote them. Texts are by place: heading and label.
    base, edited, written = in_template or _find_base(versions, read_docx(data))
    boxes = {Key(section.heading, field.label): field for section in base.report.sections for field in section.fields}
    if not edited.keys() & boxes.keys():
        raise Unreadable("it holds no box of this draft's form")
    _refuse_words_outside_boxes(base.report, edited, written, boxes)
    # If a person removed the heading of a box, its text now belongs to the box before. Refuse the file then.
    removed_places = written.keys() - edited.keys()
    for removed in boxes.keys() & removed_places:
        _refuse_displaced_text(removed, edited, written)
    newest_words = versions[-1].words
    # A text that is as in `base`, or that the newest version has too, is no change.
    changed = {
        name: text
        for name, text in _find_edits(base.report, edited, written, boxes)
        if text not in (base.words.get(name, ""), newest_words.get(name, ""))
    }
    return combine_changes(changed, base.words, newest_words, by, base.number)


def combine_changes(
    changed: Mapping[str, str], before: Mapping[str, str], newest: Mapping[str, str], by: str, base: int = 0
) -> FileChanges:
    """Return the words that the role `by` `changed` since `before`, the words of version `base`.

    A box that has other words in the `newest` version, because someone else changed it too, gets both wordings.
    """
    texts: dict[str, str] = {}
    conflicts = []
    for name, text in changed.items():
        stored = newest.get(name, "")
        is_changed_by_other = stored not in (before.get(name, ""), text, "")
        if not is_changed_by_other:
            texts[name] = text
        # There is nothing to add if the file has the box empty, or if the stored words already contain its text.
        elif text.strip() and text not in stored:
            texts[name] = BOTH_WORDINGS.format(stored, by, text)
            conflicts.append(Conflict(name, stored, text))
    return FileChanges(texts, base, tuple(sorted(conflicts, key=lambda conflict: conflict.field)))


def _read_in_template(versions: Versions, data: bytes, template: bytes) -> BaseAndTexts | None:
    """Return (version, edited texts, written texts) of a file in a template; None if that is bad or fits badly."""
    from alerts.draft.read.template import count_differences, fill_with_marks, read_template  # noqa: PLC0415 # heavy, and rarely needed
    from alerts.draft.write.template import BadTemplate  # noqa: PLC0415 # as above

    edited = read_paragraphs(data)
    try:
        filled = [(version, fill_with_marks(template, version.report)) for version in versions[-FALLBACK_VERSIONS:]]
    except BadTemplate:
        return None
    # Of versions that are equally similar, the newest.
    base, written = min(reversed(filled), key=lambda candidate: count_differences(candidate[1], edited))
    in_our_form = read_paragraphs(WRITERS["docx"](base.report))
    if count_differences(in_our_form, edited) < count_differences(written, edited):
        return None
    return (base, *read_template(base.report, edited, written))


def _find_base(versions: Versions, edited: dict[Key, Place]) -> BaseAndTexts:
    """Return the version from which a file was written, the texts `edited` of the file, and its texts as written.

    Of versions that are equally similar, it is the newest.
    """
    text = "\n".join(paragraph for place in edited.values() for paragraph in place.paragraphs)
    # A draft contains the stamp of its version, unless a person removed it.
    likely = [version for version in versions if write_stamp(version.report) in text] or versions[-FALLBACK_VERSIONS:]

    def count_differences(candidate: tuple[Version, dict[Key, Place]]) -> int:
        _, written = candidate
        equal = sum(key in edited and edited[key].reads_as(place) for key, place in written.items())
        return (len(written) - equal) + (len(edited) - equal)

    candidates = [(version, read_docx(WRITERS["docx"](version.report))) for version in reversed(likely)]
    base, written = min(candidates, key=count_differences)
    return base, edited, written


def _find_step(key: Key, report: Report) -> str:
    """Return the id of the step (`step.NAME`) at a place of the document, empty if it has none."""
    if key.heading != WHAT_TO_DO:
        return ""
    return next((f"{STEP_PREFIX}{step.id}" for step in report.steps if step.text == key.label), "")


def _refuse_words_outside_boxes(
    report: Report, edited: Mapping[Key, Place], written: Mapping[Key, Place], boxes: Mapping[Key, Field]
) -> None:
    """Raise Unreadable if a file has a new picture, or new words outside its boxes, which would be lost."""
    our_headings = {key.heading for key in written}
    for key, place in edited.items():
        where = f"under “{key.heading}”" if key.heading else "at its beginning"
        our_texts = written[key].normalised() if key in written else []
        added = Counter(place.normalised()) - Counter(our_texts)
        added_label = "" if key in written else key.label or ""
        # A new place without text and label under a heading of ours, such as an empty row, has no new words.
        is_new_heading = key.heading not in our_headings
        has_new_words = added or added_label or is_new_heading
        is_box = key in boxes or _find_step(key, report) != ""
        if has_new_words and not is_box:
            raise make_outside_error(where, " ".join((added_label, *added)))
        if any(PICTURE in text for text in added):
            raise Unreadable(f"{where} it holds a picture, which no box keeps")


def _refuse_displaced_text(removed: Key, edited: Mapping[Key, Place], written: Mapping[Key, Place]) -> None:
    """Raise Unreadable if our text of a removed box is now in another box because its heading was removed."""
    texts = {text for text in written[removed].paragraphs if text.strip()}
    for key, place in edited.items():
        if key in written and texts & {*place.paragraphs} - {*written[key].paragraphs}:
            raise Unreadable(f"the heading “{removed.heading}” is missing; what it bore stands under “{key.heading}”")


def _find_edits(
    report: Report, edited: Mapping[Key, Place], written: Mapping[Key, Place], boxes: Mapping[Key, Field]
) -> Iterator[tuple[str, str]]:
    """Yield the id and the new words of each field or step that a person changed in a file."""
    for key, place in edited.items():
        if key in written and place.reads_as(written[key]):
            continue
        if field := boxes.get(key):
            yield from _read_box(place, field, signed=bool(report.signed))
        elif step := _find_step(key, report):
            yield step, "\n".join(place.paragraphs)


def _read_box(place: Place, field: Field, *, signed: bool) -> Iterator[tuple[str, str]]:
    """Yield the id of a field with a person's words in its box, which is one place of a file.

    Where we wrote measured text into the box, the words are usually those that a person added to it. If the person
    removed or changed some of it, the words are the whole text of the box and replace the measured text.
    """
    paragraphs = _remove_prompts(place, field, signed=signed)
    added = list(paragraphs)
    # Only measured text has the tone PLAIN.
    measured = [piece.text for piece in build_pieces(field, signed=signed) if piece.tone is Tone.PLAIN and piece.text]
    missing = [text for text in measured if not _remove_text(added, text)]
    whole = "\n".join(paragraphs)
    # In a field for only one answer, any answer replaces the measured text. An earlier answer may have replaced it too.
    can_add_answer = not (field.has_one_answer or field.is_replaced)
    if whole and missing and can_add_answer:
        yield field.id, whole
        yield f"{INSTEAD_PREFIX}{field.id}", "yes"  # records that the words replace the measured text
    elif field.has_one_answer and field.answer is None:  # the box had only the measured text, which is replaced
        yield field.id, whole
    else:
        yield field.id, "\n".join(added)


def _remove_prompts(place: Place, field: Field, *, signed: bool) -> list[str]:
    """Return the paragraphs of a returned box without the texts that we wrote for the person, such as questions."""
    paragraphs = list(place.paragraphs)
    text_of_empty_box = [NO_ANSWER] if signed else []  # only a signed report has this text in empty boxes
    our_texts = [field.placeholder, MEASURED_SINCE, *field.notes, *field.guidance, *text_of_empty_box]
    # Remove the paragraphs that are only ours. They come after the person's words, which may contain the same text.
    for text in reversed(our_texts):
        _remove_text(paragraphs, text, from_end=True)
    questions = [text for text in (field.placeholder, *field.guidance) if text]
    # Some programs turn the bullet before a question into text. So look for "• question" first, then for "question".
    prompts = [pattern.format(text) for text in questions for pattern in (TEXT_WITH_BULLET, PLAIN_TEXT)]
    for index, paragraph in enumerate(paragraphs):
        # A prompt that is left has a person's words before or after it in the same paragraph.
        prompt = next((prompt for prompt in prompts if prompt in paragraph), None)
        if prompt is not None:
            paragraphs[index] = " ".join(part.strip() for part in paragraph.split(prompt) if part.strip())
    return paragraphs


def _remove_text(paragraphs: list[str], text: str, *, from_end: bool = False) -> bool:
    """Remove the first (`from_end`: last) occurrence of our text from paragraphs. Return whether there was one."""
    stripped = [paragraph.strip() for paragraph in paragraphs]
    for form in (PLAIN_TEXT, TEXT_WITH_BULLET) if text else ():
        written = form.format(text)
        # A program may save the lines of one paragraph as several paragraphs.
        for lines in ([written.strip()], [line.strip() for line in written.split("\n")]):
            starts = range(len(stripped) - len(lines) + 1)
            found = [at for at in starts if stripped[at : at + len(lines)] == lines]
            if found:
                at = found[-1 if from_end else 0]
                del paragraphs[at : at + len(lines)]
                return True
    return False
