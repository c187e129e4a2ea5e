"""Finds what a person changed in the .docx file of a draft, by comparison with the file as it was
written.
"""

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
from alerts.draft.write.outline import (
    MEASURED_SINCE,
    WHAT_TO_DO,
    Tone,
    build_pieces,
    write_stamp,
)
from alerts.draft.write.registry import WRITERS

# The version that a file was written from, the text of each place in the file, and that text as it
# was written.
BaseAndTexts: TypeAlias = tuple[Version, dict[Key, Place], dict[Key, Place]]
FALLBACK_VERSIONS = 10
# Forms of a text that we wrote: as it is, and with the bullet of a list, which some programs turn
# into text.
PLAIN_TEXT, TEXT_WITH_BULLET = "{}", "• {}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A box that was changed in the file (`typed`) and, since it was written, also by another
    person (`stored`).
    """

    field: str
    stored: str
    typed: str


@dataclass(frozen=True, slots=True)
class FileChanges:
    """The changes in a file: words by field id, the number of its version, and the boxes that two
    people changed.
    """

    words: Mapping[str, str]
    base: int
    conflicts: tuple[Conflict, ...] = ()


def find_file_changes(
    versions: Versions, data: bytes, by: str, template: bytes | None = None
) -> FileChanges:
    """Return the changes that a person in the role `by` made in a .docx file, which was written
    from one of `versions`.

    `template` is the organisation's own. Raises Unreadable if this is no draft of ours or text
    outside boxes changed.
    """
    # None if the file was not written in the template.
    in_template = _read_in_template(versions, data, template) if template is not None else None
    # `base` is the version from which the file was written. `edited` are the texts of the file now,
    # `written` its texts as we wrote them. The key of a text is the heading above it with the label
    # beside it.
    base, edited, written = in_template or _find_base(versions, read_docx(data))
    boxes = {
        Key(section.heading, field.label): field
        for section in base.report.sections
        for field in section.fields
    }
    if not edited.keys() & boxes.keys():
        raise Unreadable("it holds no box of this draft's form")
    _refuse_words_outside_boxes(base.report, edited, written, boxes)
    for key in boxes:
        is_box_removed = key in written and key not in edited
        if is_box_removed:
            _refuse_displaced_text(key, edited, written)
    newest_words = versions[-1].words
    # If the version of the file or the newest version has the same words, they are no change.
    changed = {
        name: typed
        for name, typed in _find_edits(base.report, edited, written, boxes)
        if typed not in (base.words.get(name, ""), newest_words.get(name, ""))
    }
    return combine_changes(changed, base.words, newest_words, by, base.number)


def combine_changes(
    changed: Mapping[str, str],
    base_words: Mapping[str, str],
    newest_words: Mapping[str, str],
    by: str,
    base: int = 0,
) -> FileChanges:
    """Return the words to store in each box that a person `changed`: theirs, or two wordings if
    another person did too.

    All words are by box. The person in the role `by` started from `base_words`, the words of the
    version with the number `base`. The stored words are now `newest_words`.
    """
    words_to_store: dict[str, str] = {}
    conflicts = []
    for name, typed in changed.items():
        stored = newest_words.get(name, "")
        is_changed_by_other = stored != base_words.get(name, "") and stored not in ("", typed)
        if not is_changed_by_other:
            words_to_store[name] = typed
        # The stored words stay alone if the person emptied the box, or if they already contain what
        # the person typed.
        elif typed.strip() and typed not in stored:
            words_to_store[name] = (
                f"{TWO_WORDINGS}\n{stored}\n[as {by} wrote it meanwhile]\n{typed}"
            )
            conflicts.append(Conflict(name, stored, typed))
    return FileChanges(
        words_to_store, base, tuple(sorted(conflicts, key=lambda conflict: conflict.field))
    )


def _read_in_template(versions: Versions, data: bytes, template: bytes) -> BaseAndTexts | None:
    """Return the version from which a file was written, and the file's texts: as edited, and as
    written.

    None if the template cannot be filled, or if the file was not written in it.
    """
    # heavy, and rarely needed
    from alerts.draft.read.template import (  # noqa: PLC0415 # heavy, and rarely needed
        count_differences,
        fill_with_marks,
        read_template,
    )
    from alerts.draft.write.template import BadTemplate  # noqa: PLC0415 # as above

    paragraphs = read_paragraphs(data)
    try:
        filled = [
            (version, fill_with_marks(template, version.report))
            for version in versions[-FALLBACK_VERSIONS:]
        ]
    except BadTemplate:
        return None
    # Of versions that are equally similar to the file, take the newest.
    base, in_template = min(
        reversed(filled), key=lambda candidate: count_differences(candidate[1], paragraphs)
    )
    # A file that is more similar to our own form was written in our form, for example before there
    # was a template.
    in_our_form = read_paragraphs(WRITERS["docx"](base.report))
    if count_differences(in_our_form, paragraphs) < count_differences(in_template, paragraphs):
        return None
    edited, written = read_template(base.report, paragraphs, in_template)
    return base, edited, written


def _find_base(versions: Versions, edited: dict[Key, Place]) -> BaseAndTexts:
    """Return the version that a file was written from, its texts as they are now, `edited`, and
    those as written.
    """
    text = "\n".join(paragraph for place in edited.values() for paragraph in place.paragraphs)
    # A draft contains the stamp of its version, unless a person removed it.
    likely = [version for version in versions if write_stamp(version.report) in text] or versions[
        -FALLBACK_VERSIONS:
    ]

    def count_differences(candidate: tuple[Version, dict[Key, Place]]) -> int:
        _, written = candidate
        equal = sum(key in edited and edited[key].reads_as(place) for key, place in written.items())
        return (len(written) - equal) + (len(edited) - equal)

    candidates = [
        (version, read_docx(WRITERS["docx"](version.report))) for version in reversed(likely)
    ]
    base, written = min(candidates, key=count_differences)  # of equally similar versions the newest
    return base, edited, written


def _find_step(key: Key, report: Report) -> str:
    """Return the id (`step.NAME`) of the step that people must take and note at this place, empty
    if it has none.
    """
    if key.heading != WHAT_TO_DO:
        return ""
    return next((f"{STEP_PREFIX}{step.id}" for step in report.steps if step.text == key.label), "")


def _refuse_words_outside_boxes(
    report: Report,
    edited: Mapping[Key, Place],
    written: Mapping[Key, Place],
    boxes: Mapping[Key, Field],
) -> None:
    """Raise Unreadable if a file has a new picture, or new words outside its boxes, which would be
    lost.

    `edited` are the texts of the file, `written` those that we wrote. A key is the heading and
    label of a text.
    """
    our_headings = {key.heading for key in written}
    for key, place in edited.items():
        where = f"under “{key.heading}”" if key.heading else "at its beginning"
        our_paragraphs = written[key].normalised() if key in written else []
        new_paragraphs = Counter(place.normalised()) - Counter(our_paragraphs)
        new_label = "" if key in written else key.label or ""
        has_new_words = new_paragraphs or new_label or key.heading not in our_headings
        # The note on a step that people must take is a box too.
        is_box = key in boxes or _find_step(key, report) != ""
        if has_new_words and not is_box:
            raise make_outside_error(where, " ".join((new_label, *new_paragraphs)))
        if any(PICTURE in paragraph for paragraph in new_paragraphs):
            raise Unreadable(f"{where} it holds a picture, which no box keeps")


def _refuse_displaced_text(
    removed: Key, edited: Mapping[Key, Place], written: Mapping[Key, Place]
) -> None:
    """Raise Unreadable if only the heading of a box was removed, so that our text of the box is now
    in another box.
    """
    texts = {text for text in written[removed].paragraphs if text.strip()}
    for key, place in edited.items():
        if key in written and texts & {*place.paragraphs} - {*written[key].paragraphs}:
            raise Unreadable(
                f"the heading “{removed.heading}” is missing; what it bore stands under"
                f" “{key.heading}”"
            )


def _find_edits(
    report: Report,
    edited: Mapping[Key, Place],
    written: Mapping[Key, Place],
    boxes: Mapping[Key, Field],
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
    """Yield the id of a field with the words that a person wrote into its box.

    A person may add words to our measured text. If they changed some of it, the whole text of the
    box replaces it.
    """
    paragraphs = _remove_prompts(place, field)
    whole = "\n".join(paragraphs)
    pieces = build_pieces(field, signed=signed)
    # the tone of measured text
    measured = [piece.text for piece in pieces if piece.tone is Tone.PLAIN and piece.text]
    added = list(paragraphs)
    is_measured_text_changed = False
    for text in measured:
        was_removed = _remove_text(added, text)
        if not was_removed:
            is_measured_text_changed = True
    if field.has_one_answer and field.answer is None:
        # Any words in a field for one answer replace the measured text, so they need no mark for
        # this.
        yield field.id, whole
    elif whole and is_measured_text_changed and not field.is_replaced and not field.has_one_answer:
        yield field.id, whole
        # records that the words replace the measured text
        yield f"{INSTEAD_PREFIX}{field.id}", "yes"
    else:
        # The words were added. Or an earlier answer has replaced the measured text, and only that
        # answer changed.
        yield field.id, "\n".join(added)


def _remove_prompts(place: Place, field: Field) -> list[str]:
    """Return the paragraphs of a box without the prompts, questions and warnings that we wrote into
    it.
    """
    paragraphs = list(place.paragraphs)
    # `placeholder` is a prompt such as `[to be completed: …]`, `guidance` are questions, `notes`
    # are warnings.
    our_texts = [field.placeholder, MEASURED_SINCE, *field.notes, *field.guidance]
    # Remove our paragraphs. A person may have typed the same text before ours, so remove the last
    # such paragraph.
    for text in reversed(our_texts):
        _remove_text(paragraphs, text, from_end=True)
    # A person may also have typed words before or after a prompt or question, in the same
    # paragraph.
    prompts = []
    for text in (field.placeholder, *field.guidance):
        if text:
            # some programs turn the bullet of a question into text
            prompts += [TEXT_WITH_BULLET.format(text), text]
    for index, paragraph in enumerate(paragraphs):
        found = [prompt for prompt in prompts if prompt in paragraph]
        if found:
            typed = [words.strip() for words in paragraph.split(found[0])]
            paragraphs[index] = " ".join(filter(None, typed))
    return paragraphs


def _remove_text(paragraphs: list[str], text: str, *, from_end: bool = False) -> bool:
    """Remove the first (`from_end`: last) occurrence of our text from paragraphs.

    Return whether there was one.
    """
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
