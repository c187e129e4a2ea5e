"""The task of a confined worker: read one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.files.facts import FileFacts, UnreadableFile
from monitor.files.office import read_docx, read_ods, read_xlsx
from monitor.files.pdf import read_pdf
from monitor.files.tables import read_csv, read_zip

READERS: Mapping[str, Callable[[bytes], FileFacts]] = {
    "xlsx": read_xlsx,
    "ods": read_ods,
    "docx": read_docx,
    "csv": read_csv,
    "zip": read_zip,
    "pdf": read_pdf,
}
"""The reader of each kind of file, by the extension of its address."""


def inspect_file(body: bytes, extension: str) -> FileFacts:
    """Return what is read inside a file."""
    try:
        return READERS[extension](body)
    except UnreadableFile as exc:
        return FileFacts(fault=str(exc))
