"""Drafts as .docx files, edited and saved again as a person does."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docx
from docx.document import Document
from docx.text.paragraph import Paragraph

from alerts.draft.take_back import find_file_changes
from alerts.draft.versions import Versions


def save_with_libreoffice(
    soffice: str, folder: Path, files: Sequence[Path], ending: str, into: str
) -> list[Path]:
    """Return files of one ending as LibreOffice saves them with another, in the folder `into`."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        soffice,
        "--headless",
        profile,
        "--convert-to",
        ending,
        "--outdir",
        str(folder / into),
    ]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=240)
    return [folder / into / f"{file.stem}.{ending}" for file in files]


def edit_docx(body: bytes, edit: Callable[[Document], object]) -> bytes:
    """Return a .docx file after an edit."""
    document = docx.Document(io.BytesIO(body))
    edit(document)
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def all_paragraphs(document: Document) -> Iterator[Paragraph]:
    """Yield the paragraphs of the text, then those in the cells of tables."""
    yield from document.paragraphs
    for table in document.tables:
        yield from (each for row in table.rows for cell in row.cells for each in cell.paragraphs)


def find_paragraph(document: Document, pattern: str) -> Paragraph:
    """Return the first paragraph in which a pattern is found."""
    return next(each for each in all_paragraphs(document) if re.search(pattern, each.text))


def replace_paragraph(body: bytes, pattern: str, text: str) -> bytes:
    """Return a .docx file in which the first paragraph with this pattern has another text."""

    def edit(document: Document) -> None:
        find_paragraph(document, pattern).text = text

    return edit_docx(body, edit)


def read_answers(versions: Versions, file: bytes, template: bytes | None = None) -> dict[str, str]:
    """Return the answers that a person changed in a file of one of these versions, by the id of
    their box.
    """
    return dict(find_file_changes(versions, file, "press officer", template).words)
