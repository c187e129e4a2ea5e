"""A notice for telephones: a short subject, and an HTML page with buttons and inline styles, as
mail needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from itertools import chain

from alerts.finding import ReleaseFacts
from alerts.notice import Notice
from alerts.notice_text import OUT_NOW
from alerts.one_line import one_line
from alerts.plots import draw_slot_bars_for_mail, mark_release
from alerts.status import brief_length, find_main_late_part, measure_breach
from schedules.times.interval import Bounds

LONGEST_BRIEF = 78
"""The most characters of a brief subject: what a line of mail and a locked telephone show."""
_LONGEST_PRODUCER, _SHORTEST_PRODUCER, _SHORTEST_TITLE = 24, 6, 16
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif"
_BUTTON = (
    "display:block;margin:0 0 10px;padding:14px"
    " 16px;border-radius:6px;font-size:17px;font-weight:600"
)
_PRIMARY = (
    f"{_BUTTON};background:#0b5394;color:#ffffff;text-align:center;text-decoration:none;border:2px"
    " solid #0b5394"
)
_SECOND = (
    f"{_BUTTON};background:#ffffff;color:#0b5394;text-align:center;text-decoration:none;border:2px"
    " solid #0b5394"
)
_HEADING = "margin:0;padding:14px 16px;color:#ffffff;font-size:19px;line-height:1.35"
_COLOURS = {"report": "#a4161a", "note": "#8a5300"}
_LINK = re.compile(r"https?://[^\s<>\"]+")
_LABEL = re.compile(r"^(What changed|Release|Producer|Address|Promised|Incident): (.*)$")


def write_brief_subject(notice: Notice, facts: ReleaseFacts | None) -> str:
    """Return a subject of at most `LONGEST_BRIEF` characters: status, for how long, title and
    producer.

    A long title is cut, so that the producer stays.
    """
    subject = one_line(notice.subject)
    # The subject of a test begins with `TEST: ` and not with the status, so it is only shortened.
    if facts is None or notice.kind == "test":
        if len(subject) <= LONGEST_BRIEF:
            return subject
        without_producer = re.sub(r" \([^()]*\)", "", subject)  # drops ` (Ofqual)`
        without_slot = re.sub(r" due [^,]{0,200}(?=, )", "", without_producer)
        return one_line(without_slot, LONGEST_BRIEF)
    status = subject.partition(": ")[0]
    lasted = measure_breach(facts, notice.at)
    how_long = ""
    has_length = status.startswith(OUT_NOW)  # `OUT NOW, 12 min late`
    if lasted is not None and (lasted.max or 0) >= 1 and not has_length:
        how_long = f", {brief_length(lasted)}"
    head = f"{status}{how_long}: "
    room = LONGEST_BRIEF - len(head) - _SHORTEST_TITLE - len(" ()")
    producer = ""
    if room >= _SHORTEST_PRODUCER:
        producer = f" ({_shorten_producer(facts, room)})"
    return f"{head}{one_line(facts.title, LONGEST_BRIEF - len(head) - len(producer))}{producer}"


def _shorten_producer(facts: ReleaseFacts, room: int) -> str:
    """Return the name of the first producer, or its id if that is shorter and the name is long."""
    longest = min(room, _LONGEST_PRODUCER)
    names = [one_line(name) for name in (*facts.names[:1], facts.producer)]
    fitting = (name for name in names if len(name) <= longest)
    return next(fitting, one_line(min(names, key=len), longest))


def draw_release(facts: ReleaseFacts) -> str:
    """Return when a release was public early or late on the axis of its slot, for a mail.

    Empty if it was neither, or has no slot.
    """
    slot = facts.slot
    if slot is None:
        return ""
    exposures = []
    for one in facts.exposures:
        begins, ends = one.start.after or one.start.by, one.to.by or slot
        if begins is not None:
            exposures.append(((begins - slot).total_seconds(), (ends - slot).total_seconds()))
    state, delay = "late", Bounds()
    if (late := find_main_late_part(facts)) is not None:
        delay = late[1] or delay
        if delay.max is None:
            state = "open"
    marks = mark_release(state, delay.min, delay.max, exposures)
    return draw_slot_bars_for_mail(marks) if marks else ""


def write_notice_page(
    subject: str,
    text: str,
    grade: str,
    buttons: Mapping[str, str],
    *,
    linked: bool,
    picture: str,
) -> str:
    """Return a notice as HTML: its subject in the colour of its grade, a `picture`, its first
    block, buttons, and the other blocks.

    `buttons` are addresses by their labels, the first one to press first. Addresses in the text
    become links if `linked`. They do not for an exposure, so that no one opens it by accident.
    """
    first_block, *blocks = (block for block in text.strip("\n").split("\n\n") if block.strip())
    _subject, *summary = first_block.split("\n")
    colour = _COLOURS.get(grade, "#33475b")
    links = []
    style = _PRIMARY
    for label, address in buttons.items():
        links.append(f'<a href="{escape(address)}" style="{style}">{escape(label)}</a>\n')
        style = _SECOND
    body = [
        f'<h1 style="{_HEADING};background:{colour}">{escape(subject)}</h1>\n',
        '<div style="padding:16px">\n',
        picture,
        *_write_block(summary, linked=linked),
        *links,
        *chain.from_iterable(_write_block(block.split("\n"), linked=linked) for block in blocks),
        "</div>\n",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport"'
        ' content="width=device-width,'
        f' initial-scale=1"><title>{escape(subject)}</title></head>\n<body'
        ' style="margin:0;padding:0;background:#ffffff;color:#1a1a1a;'
        f'{_FONT};font-size:16px;line-height:1.5">\n<div'
        ' style="max-width:600px;margin:0'
        f' auto;overflow-wrap:anywhere">\n{"".join(body)}</div>\n</body></html>\n'
    )


def _write_block(lines: list[str], *, linked: bool) -> Iterator[str]:
    """Yield a block as HTML: a line that ends in `:` is a heading, `- ` or `1.

    ` begins an item, spaces continue it.
    """
    items: list[list[str]] = []
    ordered = False
    for line in lines:
        if line.startswith("- ") or re.match(r"\d+\. ", line):
            ordered = not line.startswith("- ")
            items.append([line.partition(" ")[2]])
        elif items and line.startswith("  "):
            items[-1].append(line.strip())
        elif line.endswith(":"):
            yield f'<h2 style="margin:18px 0 6px;font-size:17px">{escape(line[:-1])}</h2>\n'
        elif line.strip():
            yield f'<p style="margin:0 0 8px">{_write_line(line.strip(), linked=linked)}</p>\n'
    if items:
        written = ("<br>".join(_write_line(line, linked=linked) for line in item) for item in items)
        entries = "".join(f'<li style="margin:0 0 8px">{item}</li>\n' for item in written)
        tag = "ol" if ordered else "ul"
        yield f'<{tag} style="margin:0 0 8px;padding-left:22px">\n{entries}</{tag}>\n'


def _write_line(line: str, *, linked: bool) -> str:
    html = ""
    if label := _LABEL.match(line):
        html, line = f"<strong>{escape(label[1])}:</strong> ", label[2]
    end_of_last = 0
    for found in _LINK.finditer(line) if linked else ():
        address = found[0].rstrip(".,;:)")
        html += (
            f"{escape(line[end_of_last : found.start()])}<a"
            f' href="{escape(address)}">{escape(address)}</a>'
        )
        end_of_last = found.start() + len(address)
    return html + escape(line[end_of_last:])
