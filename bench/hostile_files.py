"""Hostile files (bombs, laughing entities, broken documents), each read by a new worker."""

from __future__ import annotations

import asyncio
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from bench.figures import cpu_seconds_of
from bench.hostile_inputs import make_entity_bomb
from monitor.look.sandbox.process import TooCostly, Worker, start_worker
from monitor.look.sandbox.workers import Workers
from monitor.watch.file_readings import READ_SECONDS

_MANY = 10_000_000
_SAMPLED_EVERY = 0.01


def hostile_files() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Yield the name, the extension and the maker of every hostile file."""
    laughs = make_entity_bomb("a", "<a>&a11;</a>")
    for extension, part in _FIRST_PARTS.items():
        yield f"laughs-{extension}", extension, lambda part=part: _make_zip({part: laughs})
        yield (
            f"bomb-{extension}",
            extension,
            lambda part=part: _make_zip({part: _make_elements(part)}),
        )
        yield (
            f"nested-{extension}",
            extension,
            lambda part=part: _make_zip({part: b"<a>" * 300_000}),
        )
    yield "bomb-zip", "zip", lambda: _make_zip({f"{n}.csv": b"1," * _MANY for n in range(8)})
    yield "entries-zip", "zip", lambda: _make_zip({f"{n}.csv": b"" for n in range(60_000)})
    yield "strings-xlsx", "xlsx", _workbook_of_strings
    yield "commas-csv", "csv", lambda: b"," * _MANY
    yield "quotes-csv", "csv", lambda: b'"' * _MANY
    yield "rows-csv", "csv", lambda: b"DRAFT\n" * 2_000_000
    yield from _yield_pdfs()


def _yield_pdfs() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    texts = {
        "bomb": b"0 " * (4 * _MANY),
        "words": b"BT /F1 12 Tf " + b"(x) Tj T* " * 90_000 + b"ET",
        "array": b"BT /F1 12 Tf [" + b"(x) -200 " * 100_000 + b"] TJ ET",
        "brackets": b"[" * 500_000,
        "states": b"q " * 400_000,
    }
    for name, text in texts.items():
        yield f"{name}-pdf", "pdf", lambda text=text: _make_pdf("[3 0 R]", text)
    yield "loop-pdf", "pdf", lambda: _make_pdf("[2 0 R 2 0 R 2 0 R]", b"")
    yield "pages-pdf", "pdf", lambda: _make_pdf(f"[{'3 0 R ' * 90_000}]", b"")
    yield "dictionaries-pdf", "pdf", lambda: b"%PDF-1.7\n" + b"1 0 obj << " * 1_000_000
    yield "objects-pdf", "pdf", lambda: b"%PDF-1.7\n" + b"1 0 obj\nnull\nendobj\n" * 500_000
    yield "cut-pdf", "pdf", lambda: _make_pdf("[3 0 R]", b"BT (x) Tj ET")[:-60]


_FIRST_PARTS = {"xlsx": "xl/workbook.xml", "ods": "content.xml", "docx": "word/document.xml"}


def _make_zip(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _make_elements(part: str) -> bytes:
    """Return a long XML document with the elements that the reader of a part looks for."""
    element = {"content.xml": b"<table><table-row/></table>", "word/document.xml": b"<p>x</p>"}
    return b"<a>" + element.get(part, b'<sheet name="x" id="1"/>') * 2_000_000


def _workbook_of_strings() -> bytes:
    links = b'<a><Relationship Id="1" Target="a.xml"/></a>'
    row = b"<row>" + b'<c t="s"><v>1</v></c>' * 100 + b"</row>"
    return _make_zip(
        {
            "xl/workbook.xml": b'<a><sheet name="x" id="1"/></a>',
            "xl/_rels/workbook.xml.rels": links,
            "xl/sharedStrings.xml": b"<sst>" + b"<si><t>x</t></si>" * 500_000,
            "xl/a.xml": b"<a>" + row * 20_000,
        }
    )


def _make_pdf(kids: str, text: bytes) -> bytes:
    """Return a PDF with these pages, of which object 3 is one that shows a text."""
    packed = zlib.compress(text)
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids {kids} /Count {kids.count('R')} >>".encode(),
        page,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(packed), packed),
    ]
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 6\n0000000000 65535 f \n" + rows + b"trailer << /Size 6 /Root 1 0 R >>\n"
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


async def measure(body: bytes, extension: str) -> tuple[float, float]:
    """Return the processor seconds of a task, and its MB beyond those of an idle worker."""
    started: list[Worker] = []

    def start(megabytes: int) -> Worker:
        started.append(start_worker(megabytes))
        return started[-1]

    workers = Workers(1, start=start)
    try:
        await workers.try_start(eager=True)
        pid = started[0].process.pid
        idle_seconds, idle_mb = cpu_seconds_of(pid), _read_peak_mb(pid)
        seconds, mb = idle_seconds, idle_mb
        task = asyncio.ensure_future(
            workers.run("inspect", "h", body, extension, seconds=READ_SECONDS, size=len(body))
        )
        is_done = False
        while not is_done:
            is_done = bool((await asyncio.wait({task}, timeout=_SAMPLED_EVERY))[0])
            # A worker that reaches its limits is gone.
            with suppress(OSError):
                seconds, mb = cpu_seconds_of(pid), max(mb, _read_peak_mb(pid))
        fault = task.exception()
        if fault is not None and not isinstance(fault, TooCostly):
            raise fault
        return seconds - idle_seconds, mb - idle_mb
    finally:
        workers.close()


def _read_peak_mb(pid: int) -> float:
    """Return the most resident memory that a process had, 0 if it has ended."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else 0.0
