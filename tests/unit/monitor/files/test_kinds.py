"""Sixty files as publishers shape them, each with the signs that are right.

Ten shapes of content, in each kind of file that can show them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

import pytest

from monitor.files.compare import Expectation, find_signs
from monitor.files.inspect import inspect_file
from tests.worlds.files import (
    Properties,
    Sheet,
    csv_file,
    docx,
    ods,
    pdf,
    xlsx,
    zip_of_csv,
    zipped,
)

TITLE = "Monthly deaths registered in England and Wales: November 2017"
EARLIER = "Monthly deaths registered in England and Wales: October 2017"
WEEKLY = "Weekly deaths registered in England and Wales: November 2017"
EXPECTED = Expectation(TITLE, date(2018, 1, 5), (WEEKLY,))
TEAM, PERSON = "Office for National Statistics", "Smith, Jane (Health Analysis)"


@dataclass(frozen=True)
class Content:
    """What a file shows: first lines, and the name in its properties."""

    lines: Sequence[str]
    author: str = TEAM


CONTENTS = {
    "right": (Content([TITLE, "Released: 5 January 2018"]), set()),
    "right, named by a team": (Content([TITLE], "Mortality Statistics Team"), set()),
    "right, with the last edition": (Content([TITLE, f"Previous: {EARLIER}"]), set()),
    "right, without a title": (Content(["Table 1", "Area"]), set()),
    "right, with words of marks": (Content([TITLE, "Draft legislation, 2017"]), set()),
    "earlier edition": (Content([EARLIER, "Table 1"]), {"wrong_edition"}),
    "weekly file": (Content([WEEKLY, "Table 1"]), {"wrong_content"}),
    "marked": (Content([TITLE, "DRAFT - not for publication"]), {"marked_draft"}),
    "named by a person": (Content([TITLE], PERSON), {"personal_metadata"}),
    "all at once": (
        Content([EARLIER, "Pre-release version"], PERSON),
        {"wrong_edition", "marked_draft", "personal_metadata"},
    ),
}
NAMELESS_KINDS = ("csv", "zip")


def _sheets(content: Content) -> list[Sheet]:
    table = Sheet("Table_1", [["Area", "Deaths"], ["England", 45678], ["Wales", 2890]])
    return [Sheet("Cover", [[line] for line in content.lines]), table]


BUILDERS: dict[str, Callable[[Content], bytes]] = {
    "xlsx": lambda content: xlsx(*_sheets(content), properties=Properties(author=content.author)),
    "ods": lambda content: ods(*_sheets(content), properties=Properties(author=content.author)),
    "docx": lambda content: docx(content.lines, properties=Properties(author=content.author)),
    "csv": lambda content: csv_file([[line] for line in content.lines]),
    "zip": lambda content: zip_of_csv(data=[[line, "", ""] for line in content.lines]),
    "pdf": lambda content: pdf(content.lines, author=content.author),
}


@pytest.mark.parametrize("extension", list(BUILDERS))
@pytest.mark.parametrize("name", list(CONTENTS))
def test_each_file_has_the_signs_that_are_right(name: str, extension: str) -> None:
    content, right = CONTENTS[name]
    facts = inspect_file(BUILDERS[extension](content), extension)
    if extension in NAMELESS_KINDS:
        right = right - {"personal_metadata"}
    assert {str(sign.kind) for sign in find_signs(facts, EXPECTED)} == right


def test_five_hundred_clean_files_have_no_sign() -> None:
    random = Random(72)  # noqa: S311  # which files, no secret
    series = ("Rail fares", "Housing starts", "Hospital waits", "School meals", "Road traffic")
    notations = {
        "August 2017": ("08/2017", "Aug-17", "2017 AUG", "third quarter of 2017"),
        "September 2017": ("09/2017", "2017-09", "2017Q3", "Sep 17"),
        "October 2017": ("10.2017", "201710", "31/10/2017", "2017 OCT"),
        "November 2017": ("2017-11", "Nov 17", "1 to 30 Nov 2017", "20171130"),
    }
    months = list(notations)
    notes = (
        "Source: administrative data",
        "Notes",
        "Contents",
        "Contact the team",
        "Draft Bill",
        "Draft",
        "Pre-release access list",
        "Released: 5 January 2018",
        "Figures are not for publication",
        "See also",
        "Embargoed goods",
    )
    authors = (TEAM, "Apache POI", "Sport England", "Microsoft Office User", "Home Office", "")
    for _ in range(500):
        name, month = random.choice(series), random.choice(months)
        title = f"{name} in {random.choice(('England', 'Wales', 'Scotland'))}: {month}"
        heading = random.choice((title, f"Table 1: {name}", name, f"{name}, {month}"))
        others = [f"{other} in England: {month}" for other in series if other != name]
        listed = [f"Related: {others[0]}", others[0], f"Previous release: {name}: August 2017"]
        lines = [heading, *random.sample(notes, 3), random.choice(months)]
        compared = [f"{title.partition(':')[0]}: July 2017", random.choice(notations[month])]
        lines += random.choice((listed, [], [f"{name}: {month}"], compared))
        content = Content(lines, random.choice(authors))
        extension = random.choice(list(BUILDERS))
        facts = inspect_file(BUILDERS[extension](content), extension)
        assert find_signs(facts, Expectation(title, date(2018, 1, 5), others)) == ()


def test_pdf_without_tags_is_not_accessible() -> None:
    facts = inspect_file(pdf(author=TEAM, tagged=False), "pdf")
    assert [str(sign.kind) for sign in find_signs(facts, EXPECTED)] == ["not_accessible"]


@pytest.mark.parametrize("is_compressed", [False, True])
def test_objects_of_a_pdf_may_be_compressed(*, is_compressed: bool) -> None:
    facts = inspect_file(pdf([TITLE], author="Jane Smith", compressed=is_compressed), "pdf")
    assert facts.people == ("Jane Smith",)
    assert facts.headings == (TITLE,)
    assert facts.is_tagged is True


def test_tracked_changes_of_a_text_are_read() -> None:
    facts = inspect_file(docx(["A"], inserted="B"), "docx")
    assert facts.has_tracked_changes
    assert not inspect_file(docx(["A"]), "docx").has_tracked_changes


def test_watermark_of_a_text_is_a_mark() -> None:
    facts = inspect_file(docx([TITLE], watermark="DRAFT"), "docx")
    assert [(str(sign.kind), sign.text) for sign in find_signs(facts, EXPECTED)] == [
        ("marked_draft", "draft")
    ]


def test_zip_that_a_mac_made_is_read() -> None:
    """It has a second part beside each file, which is no table."""
    parts = {"__MACOSX/._data.csv": b"\0\5\x16\7", "data.csv": csv_file([[EARLIER]])}
    facts = inspect_file(zipped(parts), "zip")
    assert facts.headings == (EARLIER,)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-16"])
def test_table_may_be_in_the_encodings_of_excel(encoding: str) -> None:
    heading = "Earnings in \N{POUND SIGN} \N{EN DASH} 2016\N{EN DASH}17"
    facts = inspect_file(csv_file([[heading]], encoding), "csv")
    assert facts.headings == (heading,)


def test_headers_and_hidden_sheets_of_an_open_document() -> None:
    sheets = (
        Sheet("A", [["x", date(2017, 11, 30)]], header="DRAFT"),
        Sheet("B", [["secret"]], is_hidden=True),
    )
    facts = inspect_file(ods(*sheets), "ods")
    assert "DRAFT" in facts.lines
    assert "secret" not in facts.lines
    assert facts.latest == date(2017, 11, 30)


LONG_TITLE = (
    "Monthly deaths registered in England and Wales by area of usual residence,",
    "age group and cause: October 2017",
)


def test_title_of_a_pdf_may_take_two_lines() -> None:
    facts = inspect_file(pdf(["Statistical bulletin", *LONG_TITLE, "Deaths rose."]), "pdf")
    title = " ".join(LONG_TITLE).replace("October", "November")
    signs = find_signs(facts, Expectation(title, date(2018, 1, 5)))
    assert [(str(sign.kind), sign.text) for sign in signs] == [("wrong_edition", "October 2017")]


BODY = ["Deaths rose."] * 5


@pytest.mark.parametrize(
    "pages",
    [
        [[EARLIER, "Deaths in November", "2017 rose."]],
        [[EARLIER], ["Revised on 5 January", "2018"]],
        [[TITLE, "See also:", WEEKLY]],
        [[TITLE, *BODY, "DRAFT", *BODY]],
        [[TITLE, "Deaths in February, a", "draft."]],
        [[TITLE, "Regional figures are", "not for publication."]],
        [[], [TITLE]],
    ],
    ids=["wrapped period", "wrapped day", "related", "column", "draft.", "sentence", "cover"],
)
def test_right_pdf_has_no_sign(pages: Sequence[Sequence[str]]) -> None:
    assert find_signs(inspect_file(pdf(*pages), "pdf"), EXPECTED) == ()


def test_stamp_at_the_edge_of_a_page_is_a_mark() -> None:
    for stamped in ([TITLE], ["DRAFT", "Deaths rose."]), ([TITLE, "Deaths rose.", "DRAFT"],):
        (sign,) = find_signs(inspect_file(pdf(*stamped), "pdf"), EXPECTED)
        assert (str(sign.kind), sign.text) == ("marked_draft", "draft")


STAGES = [["Stage", "Bills"], ["DRAFT", 12], ["Draft", 3], ["Not for publication", 4]]


@pytest.mark.parametrize(
    ("body", "extension"),
    [
        (xlsx(Sheet("Bills", STAGES)), "xlsx"),
        (xlsx(Sheet("Stages", [["Stage"], ["Draft"], ["Final"]])), "xlsx"),
        (ods(Sheet("Bills", STAGES)), "ods"),
        (csv_file(STAGES), "csv"),
        (zip_of_csv(bills=STAGES), "zip"),
        (docx(["Pre-release", "Ministers had it a day before.", "Draft", "Of the bill."]), "docx"),
        (docx([TITLE], table=["DRAFT", "12"]), "docx"),
    ],
    ids=["xlsx", "list", "ods", "csv", "zip", "sections", "table of a text"],
)
def test_word_of_a_table_or_section_is_no_mark(body: bytes, extension: str) -> None:
    assert find_signs(inspect_file(body, extension), EXPECTED) == ()
