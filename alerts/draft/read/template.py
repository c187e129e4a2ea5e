"""Reads a draft in an organisation's own .docx template, by the text of the template around each
answer.

A word processor could lose marks, so the file has none. It is compared with the template, filled
again with marks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from alerts.draft.read.docx import read_paragraphs
from alerts.draft.read.places import BLANKS, Key, Place, Unreadable, make_outside_error
from alerts.draft.report import Report
from alerts.draft.write.template import (
    BEGIN_MARK,
    BOX_FACTS,
    END_MARK,
    TEXT_MARK,
    fill_template,
    find_box,
)

MARKED_BOX = re.compile(
    f"{BEGIN_MARK}([a-z_]{{1,40}}){TEXT_MARK}([^{BEGIN_MARK}{END_MARK}]*){END_MARK}"
)
PARAGRAPH_END = "\x1d"
# The paragraphs of a file by where they are in it, in words such as `in table 1, row 2, cell 1`.
Paragraphs: TypeAlias = Mapping[str, tuple[str, ...]]


def count_differences(one: Paragraphs, other: Paragraphs) -> int:
    """Return how many paragraphs are in only one of two files.

    Our marks around boxes and extra spaces do not count.
    """

    def count_paragraphs(file: Paragraphs) -> Counter[str]:
        unmarked = (_remove_marks(text) for paragraphs in file.values() for text in paragraphs)
        return Counter(Place(tuple(unmarked)).normalised())

    in_one, in_other = count_paragraphs(one), count_paragraphs(other)
    return (in_one - in_other).total() + (in_other - in_one).total()


def fill_with_marks(template: bytes, report: Report) -> Paragraphs:
    """Return the paragraphs of a template filled with a report, with marks around each box.

    Raises BadTemplate.
    """
    return read_paragraphs(fill_template(template, report, marks=True))


def read_template(
    report: Report, edited: Paragraphs, written: Paragraphs
) -> tuple[dict[Key, Place], dict[Key, Place]]:
    """Return the text of each box twice: as a person `edited` the file, and as we had `written` it
    in the template.

    `edited` has no marks, `written` has our marks around each box. Raises Unreadable if text
    outside the boxes changed, if the box of a text is not clear, or if a box that is in the
    template twice was changed in two ways.
    """
    # `where` names a place such as `in table 1, row 2, cell 1`. A person may have added or removed
    # a cell.
    in_one_file = [
        where for where in (*edited, *written) if (where in edited) != (where in written)
    ]
    if in_one_file:
        where = in_one_file[0]
        text = " ".join(edited.get(where, ())).strip()
        raise (
            make_outside_error(where, text)
            if text
            else Unreadable(f"{where} it is not as the template is")
        )
    # The heading and label on our form of each box of the template, by the box's name such as
    # `reasons`.
    key_of_field = {
        each.id: Key(section.heading, each.label)
        for section in report.sections
        for each in section.fields
    }
    field_of_box = {name: find_box(report, name) for name in BOX_FACTS}
    key_of_box = {
        name: key_of_field[field.id] for name, field in field_of_box.items() if field is not None
    }
    boxes = (
        box for paragraphs in written.values() for box in MARKED_BOX.findall("".join(paragraphs))
    )
    written_boxes = {key_of_box[name]: _make_place(text) for name, text in boxes}
    edited_boxes = dict(written_boxes)
    for where, paragraphs in written.items():
        for name, text in _find_changed_boxes(where, paragraphs, edited[where]):
            key, new_text = key_of_box[name], _make_place(text)
            # A box can be in the template twice. So an earlier copy of this box may have a change
            # already.
            if new_text.reads_as(written_boxes[key]) or new_text.reads_as(edited_boxes[key]):
                continue
            is_changed_already = not edited_boxes[key].reads_as(written_boxes[key])
            if is_changed_already:
                raise Unreadable(
                    f"the answer of “{key.label or key.heading}” stands in two places, and reads"
                    " two ways"
                )
            edited_boxes[key] = new_text
    return edited_boxes, written_boxes


def _remove_marks(text: str) -> str:
    return MARKED_BOX.sub(lambda found: found[2], text)


def _make_place(text: str) -> Place:
    return Place(tuple(text.replace(PARAGRAPH_END, "\n").split("\n")))


def _find_changed_boxes(
    where: str, written: Sequence[str], edited: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield (name, new text) of each box that a person changed, from the paragraphs at one place of
    the file.

    The paragraphs as we have `written` them have marks around each box. As `edited` by the person
    they have none. Error messages name the place, `where`, such as `in table 1, row 2, cell 1`.
    """
    ours = [text.strip() for text in written if text.strip()]
    theirs = [text.strip() for text in edited if text.strip()]
    our_texts = [BLANKS.sub(" ", _remove_marks(text)).strip() for text in ours]
    their_texts = [BLANKS.sub(" ", text).strip() for text in theirs]
    # An `edit` (`insert`, `delete`, `replace` or `equal`) turns `ours[our_begin:our_end]` into some
    # of `theirs`.
    differences = SequenceMatcher(None, our_texts, their_texts, autojunk=False).get_opcodes()
    for edit, our_begin, our_end, their_begin, their_end in differences:
        replaced, new = ours[our_begin:our_end], theirs[their_begin:their_end]
        belongs_to_box_before = (
            edit == "insert" and our_begin > 0 and ours[our_begin - 1].endswith(END_MARK)
        )
        belongs_to_box_after = (
            edit == "insert" and our_begin < len(ours) and ours[our_begin].startswith(BEGIN_MARK)
        )
        if edit == "delete":
            # A box that was a whole paragraph is now empty. A box that shared its paragraph with
            # words of the template keeps its answer, because perhaps only those words were
            # unwanted.
            for paragraph in replaced:
                if box := MARKED_BOX.fullmatch(paragraph):
                    name, _ = box.groups()
                    yield name, ""
        elif belongs_to_box_before:
            yield from _split_boxes(
                where, ours[our_begin - 1], PARAGRAPH_END.join([theirs[their_begin - 1], *new])
            )
        elif belongs_to_box_after:
            yield from _split_boxes(
                where, ours[our_begin], PARAGRAPH_END.join([*new, theirs[their_end]])
            )
        elif edit != "equal":
            yield from _split_boxes(where, PARAGRAPH_END.join(replaced), PARAGRAPH_END.join(new))


def _split_boxes(where: str, written: str, edited: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of each box in a text that a person `edited`, found by the template's
    words around each box.

    The text as we had `written` it has marks around each box. With brackets for marks, `To
    [reader|Ann] by [day|].` edited to `To Bob by 5 May.` yields ("reader", "Bob") and ("day", "5
    May"). Raises Unreadable if words of the template changed, or if it is not clear where one box
    ends and the next begins.
    """
    # The pieces of the example are `To `, `reader`, `Ann`, ` by `, `day`, an empty text, and `.`.
    pieces = MARKED_BOX.split(written)
    template_words, names = pieces[::3], pieces[1::3]
    # Spaces beside words do not count, but spaces alone between two boxes are the only way to tell
    # these boxes apart.
    around = [words.strip(" ") or words for words in template_words]
    texts = _split_between(around, edited, from_end=False)
    if texts is None:
        raise make_outside_error(where, edited.replace(PARAGRAPH_END, " "))
    # A person may have typed words that are also the template's. Then a search from the end gives
    # other boxes.
    if texts != _split_between(around, edited, from_end=True):
        raise Unreadable(
            f"{where} answers stand side by side; whose this is cannot be known: “{edited[:120]}”"
        )
    yield from zip(names, (text.strip(" ") for text in texts), strict=True)


def _split_between(around: Sequence[str], text: str, *, from_end: bool) -> list[str] | None:
    """Return the parts of a text between the words `around` them; None if these do not fit, or if
    there is no part.

    For the words `["To ", " from ", "."]`, the text "To A from B." has the parts "A" and "B". The
    first words must begin the text, and the last must end it. The others are matched at their first
    place or, `from_end`, at their last. If there are no words between two parts, the first part
    (`from_end`: the last) is empty.
    """
    has_no_part = len(around) == 1
    if has_no_part:
        return None
    first, *inner, last = around
    if not (text.startswith(first) and text.endswith(last)):
        return None
    rest = text[len(first) : len(text) - len(last)]
    parts: list[str] = []
    for words in reversed(inner) if from_end else inner:
        part = ""
        if words not in rest:
            return None
        if words and from_end:
            rest, _, part = rest.rpartition(words)
        elif words:
            part, _, rest = rest.partition(words)
        parts.append(part)
    # From the end, the parts were found in reverse order.
    return [rest, *reversed(parts)] if from_end else [*parts, rest]
