"""A document as .pdf, made from its .docx or .odt by LibreOffice where that is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.errors import SurroundingsFault

# Tagged, so that a screen reader finds headings and table headers; titled by the document and not by its file.
_EXPORT = (
    'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"},'
    '"DisplayPDFDocumentTitle":{"type":"boolean","value":"true"}}'
)
_LONGEST = 120.0


def as_pdf(document: bytes, ending: str, program: str = "soffice") -> bytes:
    """Return a .docx or .odt document as the bytes of a .pdf file. Raises `SurroundingsFault` without LibreOffice."""
    found = shutil.which(program)
    if found is None:
        raise SurroundingsFault(f"no .pdf: LibreOffice ({program}) is not installed")
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        source = Path(folder) / f"document.{ending}"
        source.write_bytes(document)
        # A profile of its own: one that a person has open would refuse to convert.
        command = [found, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", _EXPORT]
        try:
            subprocess.run(  # noqa: S603 # our own words and files of our own
                [*command, "--outdir", folder, str(source)], capture_output=True, check=True, timeout=_LONGEST
            )
            return source.with_suffix(".pdf").read_bytes()
        except (OSError, subprocess.SubprocessError) as exc:
            raise SurroundingsFault(f"no .pdf: LibreOffice did not convert it ({type(exc).__name__})") from exc
