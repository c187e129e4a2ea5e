"""A draft as Markdown (CommonMark with pipe tables)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alerts.draft.report import Bars, Report, Table, Timeline
from alerts.draft.write.outline import HEADER, LINK, Block, Box, Document, Grid, Heading, Piece, Tone, Words, outline

RULE = "---\n\n"
# Characters that begin a list, a rule or an underlined heading at the start of a line.
OPENING = re.compile(r"^([^\S\n]*|\d+)([-+=.)])", re.MULTILINE)
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def write_md(report: Report, which: Document | None = None) -> str:
    """Return the draft as Markdown text ending in one newline."""
    return "\n\n".join(_block(block) for block in outline(report, which)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, text, new_page):
            return f"{RULE if new_page else ''}{'#' * level} {_escape(text)}"
        case Words(pieces):
            return "\n\n".join(_piece(piece) for piece in pieces)
        case Box(pieces):
            return "\n>\n".join(_quoted(_piece(piece)) for piece in pieces)
        case Grid(_, rows):
            cells = ((label, [_toned(one, _cell(one.text)) for one in parts]) for label, parts in rows)
            return _pipes(HEADER, [(_escape(label), "<br>".join(texts)) for label, texts in cells])
        case Table() | Bars():
            return _captioned(block if isinstance(block, Table) else block.table)
        case Timeline(title=title, alt=alt):
            return f"**{_escape(title)}**\n\n{_escape(alt)}"


def _captioned(table: Table) -> str:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return f"**{_escape(table.caption)}**\n\n{_pipes(table.header, rows)}"


def _pipes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    told = (f"<{part}>" if place % 2 else SPECIAL.sub(r"\\\1", part) for place, part in enumerate(LINK.split(text)))
    return OPENING.sub(r"\1\\\2", "".join(told))


def _cell(text: str) -> str:
    return _escape(text).replace("\n", "<br>")


def _piece(piece: Piece) -> str:
    return _toned(piece, "\\\n".join(_escape(line) for line in piece.text.split("\n")))


def _toned(piece: Piece, text: str) -> str:
    match piece.tone:
        case Tone.OPEN:
            return f"**{text}**"
        case Tone.ASK:
            return f"*• {text}*"
        case Tone.REMARK:
            return f"*{text}*"
    return text


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))
