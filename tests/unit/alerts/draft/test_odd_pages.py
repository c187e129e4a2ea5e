"""What an .odt file and a page can hold besides paragraphs: taken in where it stands, or named; never lost."""

from __future__ import annotations

import re

import pytest
from lxml import etree, html

from alerts.draft.read.places import Unreadable
from alerts.draft.take_back import taken
from alerts.incident import Incident
from tests.unit.alerts.draft.test_random_edits import part_of, with_part
from tests.unit.alerts.draft.test_take_back import ROLE, draft, file_of

SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("text", "text"), ("office", "office"), ("draw", "drawing"), ("table", "table"))
)
SAID = "<text:p>Extra checks.</text:p>"
CELL = f"<table:table-cell>{SAID}</table:table-cell>"
GRID = f"<table:table><table:table-row>{CELL}</table:table-row></table:table>"
NOTE = "<text:note><text:note-citation/><text:note-body><text:p>Is that all?</text:p></text:note-body></text:note>"
REGION = (
    "<text:changed-region><text:deletion><office:change-info/><text:p>Struck out.</text:p></text:deletion>"
    "</text:changed-region>"
)
CHECKS = {"B.4.corrective": "Extra checks."}


def odt_with(incident: Incident, told: str, instead: str, part: str = "content.xml") -> bytes:
    """Return our .odt file in which markup stands behind, or in place of, the paragraph or heading that tells this."""
    body = file_of(draft(incident)[-1].report, "odt")
    root = etree.fromstring(part_of(body, part))
    spot = next(each for each in root.iter("{*}p", "{*}h") if re.search(told, "".join(each.itertext())))
    made = etree.fromstring(f"<made {SPACES}>{instead.removeprefix('+')}</made>")
    holder = spot.getparent()
    assert holder is not None
    for each in reversed(made):
        spot.addnext(each)
    if not instead.startswith("+"):
        holder.remove(spot)
    return with_part(body, part, etree.tostring(root))


PROMPT = "corrective actions taken"


@pytest.mark.parametrize(
    "markup",
    [
        SAID,
        f"<text:section>{SAID}</text:section>",
        f"<text:list><text:list-item>{SAID}</text:list-item></text:list>",
        f"<text:p><draw:frame><draw:text-box>{SAID}</draw:text-box></draw:frame></text:p>",
        f"<draw:frame><draw:text-box>{SAID}</draw:text-box></draw:frame>",
        "<text:p>Extra<text:s/><text:span>che</text:span><draw:a><text:span>cks.</text:span></draw:a></text:p>",
        f"<text:tracked-changes>{REGION}</text:tracked-changes>{SAID}",
        "<text:p>  Extra \n <text:span> checks.</text:span></text:p>",
    ],
)
def test_words_in_an_odt_are_taken_in_wherever_they_stand_in_a_box(ofqual_january: Incident, markup: str) -> None:
    read = taken(draft(ofqual_january), odt_with(ofqual_january, PROMPT, markup), "odt", ROLE).words
    assert {name: text.strip() for name, text in read.items()} == CHECKS


def test_a_table_in_a_cell_of_an_odt_is_read_there(ofqual_january: Incident) -> None:
    file = odt_with(ofqual_january, "^ofqual$", GRID)
    assert taken(draft(ofqual_january), file, "odt", ROLE).words == {"B.1.producer": "Extra checks."}


@pytest.mark.parametrize(
    ("where", "markup", "part", "told"),
    [
        (
            "4. Corrective",
            "",
            "content.xml",
            "the heading “4. Corrective .*” is missing",
        ),
        (PROMPT, GRID, "content.xml", "under “4. Corrective .*Extra checks"),
        (PROMPT, f"<text:p>{NOTE}</text:p>", "content.xml", "under “the footnotes of the file” .*Is that all"),
        (
            PROMPT,
            "<text:p><office:annotation><text:p>Is that all?</text:p></office:annotation></text:p>",
            "content.xml",
            "under “the comments of the file” .*Is that all",
        ),
        (PROMPT, "<text:p><draw:frame><draw:image/></draw:frame></text:p>", "content.xml", "it holds a picture"),
        ("Page", "+<text:p>Not final.</text:p>", "styles.xml", "under “the footer of the file” .*Not final"),
    ],
)
def test_what_no_box_can_hold_of_an_odt_is_named_with_its_place(
    ofqual_january: Incident, where: str, markup: str, part: str, told: str
) -> None:
    with pytest.raises(Unreadable, match=told):
        taken(draft(ofqual_january), odt_with(ofqual_january, where, markup, part), "odt", ROLE)


def test_cells_of_an_odt_that_were_made_one_are_named(ofqual_january: Incident) -> None:
    body = file_of(draft(ofqual_january)[-1].report, "odt")
    one = part_of(body, "content.xml").replace(
        b"<table:table-cell ", b'<table:table-cell table:number-rows-spanned="2" '
    )
    with pytest.raises(Unreadable, match="were made one"):
        taken(draft(ofqual_january), with_part(body, "content.xml", one), "odt", ROLE)


def page_with(incident: Incident, told: str, instead: str) -> bytes:
    """Return our page in which markup stands in place of the paragraph or heading that tells this."""
    page = html.document_fromstring(file_of(draft(incident)[-1].report, "html").decode())
    spot = next(each for each in page.iter("p", "h2") if re.search(told, each.text_content()))
    text = html.tostring(page, encoding="unicode")
    return text.replace(html.tostring(spot, encoding="unicode", with_tail=False), instead).encode()


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Extra checks.</p>",
        "Extra checks.",
        "<div>Extra<br></div><div><font color=red>checks.</font></div>",
        "<p>Extra\n   <b>checks</b>.</p>",
        "<ul><li>Extra checks.</ul>",
        "<table><tr>Extra checks.<td></table>",
        "<p><del>Struck out.</del> <ins>Extra checks.</ins></p>",
        "<p><custom-tag>Extra</custom-tag> checks.</p>",
        "<p><span style='mso-list:Ignore'>·&nbsp;</span>Extra checks.</p>",
        "<!--[if gte mso 9]><xml>x</xml><![endif]--><p>Extra checks.</p>",
    ],
)
def test_words_in_a_page_are_taken_in_wherever_they_stand_in_a_box(ofqual_january: Incident, markup: str) -> None:
    read = taken(draft(ofqual_january), page_with(ofqual_january, PROMPT, markup), "html", ROLE).words
    assert {name: " ".join(text.split()) for name, text in read.items()} == CHECKS


def test_a_table_in_a_cell_of_a_page_is_read_there(ofqual_january: Incident) -> None:
    page = page_with(ofqual_january, "^ofqual$", "<table><tr><td>Ofqual</td></tr></table>")
    assert taken(draft(ofqual_january), page, "html", ROLE).words == {"B.1.producer": "Ofqual"}


@pytest.mark.parametrize(
    ("where", "markup", "told"),
    [
        ("4. Corrective", "", "the heading “4. Corrective .*” is missing"),
        (PROMPT, "<table><tr><td>Extra checks.</table>", "under “4. Corrective .*Extra checks"),
        (PROMPT, "<!-- Is that all? -->", "under “the comments of the file” .*Is that all"),
        (PROMPT, "<p><img src=x.png></p>", "under “4. Corrective .* it holds a picture"),
        (PROMPT, "<input value='Extra checks.'>", "under “4. Corrective .* it holds a picture"),
        (PROMPT, "<div title=header><p>Not final.</div>", "under “the header of the file” .*Not final"),
        ("^ofqual$", "</td></tr><tr><th rowspan=2>x</th><td>y", "were made one"),
    ],
)
def test_what_no_box_can_hold_of_a_page_is_named_with_its_place(
    ofqual_january: Incident, where: str, markup: str, told: str
) -> None:
    with pytest.raises(Unreadable, match=told):
        taken(draft(ofqual_january), page_with(ofqual_january, where, markup), "html", ROLE)


def test_a_page_in_another_encoding_that_it_names_is_read(ofqual_january: Incident) -> None:
    page = page_with(ofqual_january, PROMPT, "<p>Extra checks, “twice”.</p>").decode()
    named = page.replace('charset="utf-8"', 'charset="windows-1252"')
    read = taken(draft(ofqual_january), named.encode("cp1252", "xmlcharrefreplace"), "html", ROLE).words
    assert read == {"B.4.corrective": "Extra checks, “twice”."}
