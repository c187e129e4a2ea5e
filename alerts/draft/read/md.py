"""A draft as Markdown, read back: the counterpart of `write.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alerts.draft.read.places import Key, Place, Places, Unreadable

# A character that is protected, or an address that is marked as a link.
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|<(https?://[^\s<>]*)>")
# A cell: anything but a bar or a backslash, or a backslash with what it protects.
CELL = re.compile(r"((?:[^|\\]|\\.)*)\|", re.DOTALL)
BREAK = re.compile(r"(?<!\\)((?:\\\\)*)<br ?/?>")
RULED = re.compile(r"\|(?: *:?-+:? *\|)+ *")


def read_md(data: bytes) -> dict[Key, Place]:
    """Return the text of each place in a Markdown file. Raises Unreadable if it is not UTF-8 text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Unreadable("it is not UTF-8 text") from exc
    places = Places()
    for block in _blocks(text.replace("\r\n", "\n")):
        _take(places, block)
    places.close()
    return places.found


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield lines that belong together: a heading, a table, a paragraph."""
    held: list[str] = []
    for line in text.split("\n"):
        bare = line in ("", ">") and not (held and _goes_on(held[-1]))
        if held and (bare or _sort(line) != _sort(held[-1])):
            yield held
            held = []
        if not bare:
            held.append(line)
    if held:
        yield held


def _sort(line: str) -> str:
    return line[0] if line[:1] in ("#", "|", ">") else ""


def _goes_on(line: str) -> bool:
    """Return whether a line ends in an unescaped backslash, which marks a line end inside a paragraph."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _take(places: Places, block: list[str]) -> None:
    match _sort(block[0]):
        case "#":
            for line in block:
                places.head(_plain(line.lstrip("#").removeprefix(" ")))
        case "|":
            _table(places, block)
        case sort:
            lines = [line.removeprefix(">").removeprefix(" ") if sort else line for line in block]
            if lines != ["---"]:
                places.say("\n".join(_plain(_ended(line)) for line in lines), "\n\n")


def _ended(line: str) -> str:
    return line[:-1] if _goes_on(line) else line


def _table(places: Places, block: list[str]) -> None:
    rows = [_cells(line) for line in block]
    ruled = len(block) > 1 and RULED.fullmatch(block[1]) is not None
    header = tuple("\n".join(cell) for cell in rows[0]) if ruled else ()
    for row in [rows[0], *rows[2:]] if ruled else rows:
        places.row(header, row)


def _cells(line: str) -> list[tuple[str, ...]]:
    found = [each.removeprefix(" ").removesuffix(" ") for each in CELL.findall(line.rstrip(" ").removeprefix("|"))]
    return [tuple(_plain(part) for part in BREAK.sub("\\1\n", cell).split("\n")) for cell in found] or [("",)]


def _plain(text: str) -> str:
    return ESCAPED.sub(lambda found: found[1] or found[2], text)
