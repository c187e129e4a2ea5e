"""A draft as Markdown (CommonMark with pipe tables)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from alerts.draft.report import Bars, Report, SlotStrip, Table, Timeline
from alerts.draft.write import outline

PAGE_BREAK = "---\n\n"
# What begins a list, a rule or an underlined heading at the start of a line: "- ", "1. ", "===".
LINE_MARK = re.compile(r"^([^\S\n]*(?:(?=[-+=](?:[-=\s]|$))|\d+(?=[.)](?:\s|$))))(.)", re.MULTILINE)
MARKS = {
    **dict.fromkeys((outline.Tone.PLAIN, outline.Tone.TYPED), "{}"),
    outline.Tone.OPEN: "**{}**",
    outline.Tone.ASK: "*• {}*",
    outline.Tone.REMARK: "*{}*",
}
# Anywhere else: emphasis, code, links, tables, headings and entities such as "&lt;".
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~]|&(?=#?\w+;))")


def write_md(report: Report, which: outline.Document | None = None) -> str:
    """Return the draft, or only the document `which` of it, ending in one newline."""
    blocks = (_write_block(block) for block in outline.build_outline(report, which))
    return outline.make_printable("\n\n".join(blocks) + "\n")


def _write_block(block: outline.Block) -> str:
    match block:
        case outline.Heading(level, text, new_page):
            return f"{PAGE_BREAK if new_page else ''}{'#' * level} {_escape_text(text)}"
        case outline.Words(pieces):
            return "\n\n".join(_write_piece(piece) for piece in pieces)
        case outline.Box(pieces):
            quoted = (_write_piece(piece).replace("\n", "\n> ") for piece in pieces)
            return "\n>\n".join(f"> {text}" for text in quoted)
        case outline.Grid(_, rows):
            answers = (
                [MARKS[piece.tone].format(_escape_cell(piece.text)) for piece in pieces]
                for _, pieces in rows
            )
            labels = (_escape_text(label) for label, _ in rows)
            return _write_pipe_table(
                outline.GRID_HEADER, list(zip(labels, map("<br>".join, answers), strict=True))
            )
        case Table() | Bars():
            table = block if isinstance(block, Table) else block.table
            cells = [[_escape_cell(cell) for cell in row] for row in table.rows]
            return f"**{_escape_text(table.caption)}**\n\n{_write_pipe_table(table.header, cells)}"
        case Timeline(title=title, alt=alt) | SlotStrip(title=title, alt=alt):
            return f"**{_escape_text(title)}**\n\n{_escape_lines(alt)}"


def _write_pipe_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *rows])


def _escape_text(text: str) -> str:
    """Return a text that does not begin a line, such as a heading or a cell."""
    return "".join(outline.write_parts(text, "<{}>".format, partial(SPECIAL.sub, r"\\\1")))


def _escape_lines(text: str) -> str:
    """Return a text that begins a line."""
    return LINE_MARK.sub(r"\1\\\2", _escape_text(text))


def _escape_cell(text: str) -> str:
    return _escape_text(text).replace("\n", "<br>")


def _write_piece(piece: outline.Piece) -> str:
    return MARKS[piece.tone].format(
        "\\\n".join(_escape_lines(line) for line in piece.text.split("\n"))
    )
