"""Drafts edited at random in the file and read back: no typed word is lost, and none of ours becomes a person's."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import docx
import pytest
from docx.document import Document
from docx.text.paragraph import Paragraph
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from lxml import etree
from lxml.html import HTMLParser, document_fromstring, tostring

from alerts.draft.fill import fill
from alerts.draft.form import form_named, forms
from alerts.draft.read.md import ESCAPED
from alerts.draft.report import Field, Report
from alerts.draft.take_back import taken
from alerts.draft.versions import Versions, edited, remeasured
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import saved_by

PROMPT_EDITS = ("instead", "behind", "before", "below", "out")
MEASURED_EDITS = ("instead", "out")
WORDS = (
    *("A certificate had expired", "at 09:41", "https://example.org/a_b?x=1.", "(https://example.org/z)", "<b>", "~"),
    *(
        "*twice*",
        "| bar",
        "• bullet",
        "- item",
        "# one",
        "1. first",
        "[to do]",
        "\\slash",
        "`x`",
        "None",
        "&amp;",
        "“ŵy”",
    ),
)
# As what a word processor saves a file, one after the other.
OTHER = {"docx": ("odt", "docx"), "odt": ("docx", "odt"), "html": ("html", "html")}
P = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}p"
TYPED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


def in_md(body: bytes, ours: str, how: str, typed: str) -> bytes | None:
    """Edit a paragraph of ours in Markdown; a person protects what Markdown would read. None where it is not found."""
    chunks = re.split(r"(\n|<br>| \| )", body.decode())
    for at, chunk in enumerate(chunks):
        lead, tail = "> " * chunk.startswith("> "), " |" * chunk.endswith(" |")
        bare = chunk.removeprefix(lead).removesuffix(tail)
        if ESCAPED.sub(lambda found: found[1] or found[2], bare.strip("*").removeprefix("• ")) == ours:
            gap = "\n>\n> " if lead else "<br>"
            said = re.sub(r"([\\`*_{}\[\]<>|#~])|^(\d*)([-.])", r"\2\\\1\3", typed)
            made = {"instead": said, "behind": f"{bare} {said}", "before": f"{said} {bare}", "below": bare + gap + said}
            chunks[at] = lead + made.get(how, "") + tail
            return "".join(chunks).encode()
    return None


def in_docx(body: bytes, ours: str, how: str, typed: str) -> bytes | None:
    """Edit a paragraph of ours in a word processor's file. None where it is not found."""
    document = docx.Document(io.BytesIO(body))
    paragraph = next((each for each in paragraphs(document) if each.text == ours), None)
    if paragraph is None:
        return None
    match how:
        case "instead":
            paragraph.text = typed
        case "behind":
            paragraph.add_run(f" {typed}")
        case "before":
            paragraph.text = f"{typed} {ours}"
        case "below":
            below = copy.deepcopy(paragraph._p)
            paragraph._p.addnext(below)
            Paragraph(below, paragraph._parent).text = typed
        case _:
            paragraph.text = ""
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def in_odt(body: bytes, ours: str, how: str, typed: str) -> bytes | None:
    """Edit a paragraph of ours in an .odt file. None where it is not found."""
    content = etree.fromstring(part_of(body, "content.xml"))
    paragraph = next((each for each in content.iter(P) if "".join(each.itertext()) == ours), None)
    if paragraph is None:
        return None
    rewritten(paragraph, ours, how, typed)
    return with_part(body, "content.xml", etree.tostring(content))


def in_html(body: bytes, ours: str, how: str, typed: str) -> bytes | None:
    """Edit a paragraph of ours in a page, as a text editor would. None where it is not found."""
    page = document_fromstring(body, parser=HTMLParser(encoding="utf-8"))
    paragraph = next((each for each in page.iter("p", "li") if "".join(each.itertext()) == ours), None)
    if paragraph is None:
        return None
    rewritten(paragraph, ours, how, typed)
    return tostring(page, encoding="utf-8", doctype="<!doctype html>")


def rewritten(paragraph: etree._Element, ours: str, how: str, typed: str) -> None:
    """Leave in a paragraph, or behind it, what a person made of it."""
    if how == "below":
        paragraph.addnext(etree.Element(paragraph.tag))
        paragraph = paragraph.getnext()  # type: ignore[assignment]
    for child in [*paragraph]:
        paragraph.remove(child)
    made = {"instead": typed, "below": typed, "behind": f"{ours} {typed}", "before": f"{typed} {ours}"}
    paragraph.text = made.get(how, "")


def part_of(body: bytes, name: str) -> bytes:
    with ZipFile(io.BytesIO(body)) as file:
        return file.read(name)


def with_part(body: bytes, name: str, content: bytes) -> bytes:
    """Return a file of parts with one of them changed."""
    held = io.BytesIO()
    with ZipFile(io.BytesIO(body)) as file, ZipFile(held, "w") as made:
        for each in file.infolist():
            made.writestr(each, content if each.filename == name else file.read(each))
    return held.getvalue()


def paragraphs(document: Document) -> Iterator[Paragraph]:
    yield from document.paragraphs
    yield from (
        each for table in document.tables for row in table.rows for cell in row.cells for each in cell.paragraphs
    )


EDITS: Mapping[str, Callable[[bytes, str, str, str], bytes | None]] = {
    "md": in_md,
    "docx": in_docx,
    "odt": in_odt,
    "html": in_html,
}


def choices(report: Report) -> list[tuple[Field, str, str]]:
    """Return what can be edited: a box, a text of ours that stands once in the draft, and how."""
    every = [text for field in report.fields() for text in (*field.paragraphs, *field.guidance, field.placeholder)]
    every += [*report.certainty, *(cell for table in report.annex for row in table.rows for cell in row)]
    every += [line for table in report.measured for row in table.rows for cell in row for line in cell.split("\n")]
    found = []
    for field in report.fields():
        prompts = (*field.guidance, field.placeholder) if field.answer is None else ()
        measured = field.paragraphs if not field.replaced else ()
        found += [(field, text, how) for text in prompts for how in PROMPT_EDITS]
        found += [(field, text, how) for text in measured for how in MEASURED_EDITS]
    return [each for each in found if each[1] and "\n" not in each[1] and every.count(each[1]) == 1]


def draft(data: st.DataObject, five: Mapping[str, Incident], own: Mapping[str, str]) -> tuple[Versions, Versions]:
    """Return a draft as it was when its file was saved, and as it is when the file is read."""
    incident = data.draw(st.sampled_from(sorted(five.values(), key=lambda each: each.id)))
    form = form_named(data.draw(st.sampled_from([name for name in forms() if name != "period"])))
    known = data.draw(st.sampled_from([{}, dict(own)]))
    now = max(incident.opened, incident.facts.at if incident.facts else incident.opened)
    saved = remeasured((), fill(incident, form, known, [], now))
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from([field.id for field in saved[-1].report.fields()]))
        saved = edited(saved, {name: data.draw(TYPED)}, "web editor", now)
    if data.draw(st.booleans()):
        return saved, saved
    later = replace(incident, title=f"{incident.title}, revised")
    again = fill(later, form, {**known, "contact": "new desk"}, [], now + timedelta(minutes=5))
    return saved, remeasured(saved, again)


@dataclass(frozen=True)
class Edited:
    """A file as a person saved it, and what they did to it."""

    now: Versions
    field: Field
    how: str
    typed: str
    ending: str
    body: bytes

    def hold(self, body: bytes, ending: str) -> None:
        """Hold what is read from the file, as it may have been saved again, against what was done to it."""
        words = taken(self.now, body, ending, "statistician").words
        field, said = self.field, words.get(self.field.id, "")
        assert set(words) <= {field.id, f"instead.{field.id}"}
        assert self.how == "out" or self.typed.strip() in said
        assert not [text for text in (*field.guidance, field.placeholder) if text and text in said]
        # Where what a person says takes the place of what was measured, all that the box holds is theirs.
        is_all_theirs = field.has_one_answer or f"instead.{field.id}" in words
        assert is_all_theirs or not [text for text in field.paragraphs if text in said and text not in self.typed]


def at_random(
    data: st.DataObject, five: Mapping[str, Incident], own: Mapping[str, str], endings: Iterable[str]
) -> Edited | None:
    """Return a draft edited at random, None where the text to be edited is not found as it stands."""
    saved, now = draft(data, five, own)
    report = saved[-1].report
    field, ours, how = data.draw(st.sampled_from(choices(report)))
    ending, typed = data.draw(st.sampled_from(sorted(endings))), data.draw(TYPED)
    body = EDITS[ending](WRITERS[ending](report), ours, how, typed)
    return None if body is None else Edited(now, field, how, typed, ending, body)


@pytest.mark.slow
@pytest.mark.explored
@given(data=st.data())
@limits(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_word_is_lost_and_none_of_ours_becomes_a_persons(
    five: dict[str, Incident], settings: Mapping[str, str], data: st.DataObject
) -> None:
    made = at_random(data, five, settings, EDITS)
    assume(made is not None)
    assert made is not None
    made.hold(made.body, made.ending)


@pytest.mark.explored
@pytest.mark.needs("libreoffice")
@given(data=st.data())
@limits(max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_no_word_is_lost_where_a_word_processor_saves_the_file_as_another_and_back(
    five: dict[str, Incident], settings: Mapping[str, str], soffice: str, tmp_path: Path, data: st.DataObject
) -> None:
    every = [made for _ in range(12) if (made := at_random(data, five, settings, OTHER))]
    for source, (first, then) in OTHER.items():
        mine = {f"{place}.{source}": made for place, made in enumerate(every) if made.ending == source}
        for name, made in mine.items():
            (tmp_path / name).write_bytes(made.body)
        ending, names = source, [tmp_path / name for name in mine]
        for place, into in enumerate((first, then)):
            names = saved_by(soffice, tmp_path, names, into, f"{source}-{place}") if names else []
            ending = into
            for name, made in zip(names, mine.values(), strict=True):
                made.hold(name.read_bytes(), ending)
