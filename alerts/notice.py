"""Notices made into messages: the one that opens a thread by hand, many folded into one, and the data of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.channel import Attachment, Message
from alerts.fact_rules import is_early
from alerts.finding import Part, ReleaseFacts
from alerts.incident import SIGNED, Incident, findings_of, notice_in, to_do
from alerts.notice_html import brief, page
from alerts.one_line import one_line
from alerts.steps import numbered
from alerts.telling import Notice, notice_id, thread_id
from schedules.times.json import bounds_json, instant_from_json, instant_json, interval_json

__all__ = ["DIGESTED", "OPENINGS", "Digest", "Notice", "digest", "message", "notice_id", "opening", "thread_id"]

SCHEMA = "ninethirty.notice/1"
_LONGEST_TITLE = 70
OPENINGS = frozenset({"opened", "due", "lead", "altered", "unproven", "calendar", "too_costly"})
DIGESTED = frozenset({"opened", "due", "unproven"})
"""Openings that one fault can cause by the dozen: many at once are told as one."""
ACTS = ("acknowledged", "closed", "signed")
"""What people do, of which machines are told alone."""
_EVENTS = {"digest": "opened", "final": "over"} | {kind: kind for kind in ("reminder", *ACTS, "summary", "test")}
_TOGETHER: dict[str, tuple[str, str]] = {
    "opened": (
        "in trouble together",
        "Many at once share a cause more often than not. Look for what they have in common first.",
    ),
    "due": (
        "NOT FOUND YET",
        "Nothing is proved against them. Whether they are out somewhere is being confirmed.",
    ),
    "unproven": (
        "NOT PROVEN",
        "Nobody says that they were late. A host that failed, or a budget too small may be why.",
    ),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """One notice in place of many: `covers` holds the ids it stands for."""

    notice: Notice
    covers: tuple[str, ...]


def opening(incident: Incident, now: datetime | None = None) -> Notice:
    """Return the notice that opens the thread of an incident logged by hand.

    What the person typed stays in the incident: it may tell of content that was not public yet.
    """
    title = one_line(incident.title, _LONGEST_TITLE)
    subject = f"LOGGED: {title} ({incident.producer}), an incident was logged by hand"
    lines = [
        subject,
        "",
        f"Release: {one_line(incident.title)}",
        f"Producer: {incident.producer}",
        *([f"Address: {incident.facts.url}"] if incident.facts is not None else []),
        "",
        *numbered(to_do(incident)),
        "",
        f"Incident: {incident.id}",
    ]
    words = subject, "\n".join(lines) + "\n"
    return notice_in(incident, "opened", "thread", (str(incident.kind),), now or incident.opened, words)


def acts(before: Incident, after: Incident, now: datetime, closed_by: str = "by hand") -> Iterator[Notice]:
    """Yield webhook and pager notices for acknowledge, close (again after a reopening) and sign, each once."""
    who, signed = after.acknowledged, after.words.get(SIGNED)
    closed = after.closed if before.closed is None else None
    done = {
        "acknowledged": ("first", f"by {who.by}") if who is not None and before.acknowledged is None else None,
        "closed": (closed.isoformat(), closed_by) if closed is not None else None,
        "signed": (signed, "its report is signed off") if signed and signed != before.words.get(SIGNED) else None,
    }
    for kind, told in done.items():
        if told is not None:
            title = one_line(after.title, _LONGEST_TITLE)
            subject = f"{kind.upper()}: {title} ({after.producer}), {told[1]}"
            words = subject, f"{subject}\n\nIncident: {after.id}\n"
            yield notice_in(after, kind, told[0], findings_of(after), now, words)


def message(
    notice: Notice,
    incident: Incident | None,
    attachments: Sequence[Attachment] = (),
    link: str = "",
    board: str = "",
    runbook: str = "",
) -> Message:
    """Make the message of a notice, the same for every channel.

    `attachments` is the draft, where there is one; `link` an address at which the incident can be read or acknowledged,
    `board` that of its page, `runbook` that of what is to be done. `data` is versioned by its `schema`.
    """
    text = notice.text + "".join(f"\n{line}" for line in _extras(notice, attachments, link))
    # What is told of several releases at once says nothing of one of them.
    facts = incident.facts if incident is not None and notice.release else None
    is_open = facts is None or not is_early(facts)
    grade = notice.grade if notice.kind not in ("final", "appeared") else ""
    buttons = _buttons(incident, link, board, facts.url if facts is not None and is_open else "")
    return Message(
        id=notice.id,
        notice=notice.follows or notice.id,
        kind=notice.kind,
        subject=one_line(notice.subject),
        text=text,
        html=page(one_line(notice.subject), _readable(notice, attachments), grade, buttons, linked=is_open),
        brief=brief(notice, facts),
        data=_data(notice, incident, facts, attachments, link) | {"page": board, "runbook": runbook},
        attachments=tuple(attachments),
    )


def digest(notices: Sequence[Notice], now: datetime, threshold: int = 5) -> Digest | None:
    """Fold the openings, all of one kind, of many releases that go wrong together into one notice.

    None while fewer than `threshold` different releases are among them: then each speaks for itself. Of those that
    are unproven nothing is claimed but that.
    """
    opened = sorted((one for one in notices if one.kind in DIGESTED), key=lambda one: (one.at, one.id))
    releases = {one.release for one in opened}
    if len(releases) < threshold:
        return None
    covers = tuple(one.id for one in opened)
    producers = sorted({one.producer for one in opened})
    together, advice = _TOGETHER[opened[0].kind]
    subject = f"{len(releases)} RELEASES of {len(producers)} producers {together}: {', '.join(producers)}"
    lines = "\n".join(f"- {one.subject}\n  Incident: {one.incident}" for one in opened)
    text = f"{subject}\n\n{advice}\n\n{lines}\n"
    grade = "report" if any(one.grade == "report" for one in opened) else opened[0].grade
    findings = tuple(sorted({kind for one in opened for kind in one.findings}))
    identity = notice_id("digest", "digest", " ".join(sorted(covers)))
    producer = producers[0] if len(producers) == 1 else ""
    return Digest(Notice(identity, "digest", "", "", producer, grade, findings, now, subject, text), covers)


def _extras(notice: Notice, attachments: Sequence[Attachment], link: str) -> list[str]:
    attached = [f"Draft attached: {one.name}" for one in attachments]
    if link:
        return [*attached, f"Read it, and say that you have it: {link}"]
    # Without pages there is the command line alone.
    by_hand = f"On the monitor's machine: ninethirty incident show {notice.incident} (note: say that you have it)"
    return [*attached, *([by_hand] if notice.incident else [])]


def _readable(notice: Notice, attachments: Sequence[Attachment]) -> str:
    return notice.text + "".join(f"\nDraft attached: {one.name}" for one in attachments)


def _buttons(incident: Incident | None, link: str, board: str, address: str) -> dict[str, str]:
    """Return what can be pressed, the first thing first."""
    draft = f"{board}#draft" if board and incident is not None and incident.has_draft else ""
    has_page = link == board
    named = {
        "I'm on it": "" if has_page else link,
        "The incident" if not has_page else "The incident: read it, say that you have it": board or link,
        "The draft of the report": draft,
        "The announced page": address,
    }
    return {label: where for label, where in named.items() if where}


def _data(
    notice: Notice,
    incident: Incident | None,
    facts: ReleaseFacts | None,
    attachments: Sequence[Attachment],
    link: str,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": notice.id,
        "thread": notice.follows or notice.id,
        "kind": notice.kind,
        "event": event_of(notice.kind),
        "at": instant_json(notice.at),
        "release": notice.release,
        "producer": notice.producer,
        "grade": notice.grade,
        "findings": list(notice.findings),
        "subject": one_line(notice.subject),
        "link": link,
        "attachments": [one.name for one in attachments],
        "incident": None if incident is None else _incident(incident),
        "measured": None if facts is None else _facts(facts),
    }


def event_of(kind: str) -> str:
    """Return what sort of event a kind of notice is, in one of a few words."""
    return "opened" if kind in OPENINGS else _EVENTS.get(kind, "changed")


def _incident(incident: Incident) -> dict[str, Any]:
    who = incident.acknowledged
    return {
        "id": incident.id,
        "kind": str(incident.kind),
        "title": one_line(incident.title),
        "opened": instant_json(incident.opened),
        "closed": instant_json(incident.closed),
        "acknowledged": {"at": instant_json(who.at), "by": who.by} if who is not None else None,
        "signed": instant_json(instant_from_json(incident.words.get(SIGNED))),
    }


def _facts(facts: ReleaseFacts) -> dict[str, Any]:
    return {
        "url": facts.url,
        "timezone": facts.timezone,
        "slot": instant_json(facts.slot),
        "slot_text": facts.slot_text,
        "verdict": facts.verdict,
        "final": facts.final,
        "at": instant_json(facts.at),
        "unproven_because": facts.unproven_because,
        "available_elsewhere": [one.as_json() for one in facts.elsewhere],
        "parts": [_part(part) for part in facts.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "id": part.id,
        "role": part.role,
        "url": part.url,
        "required": part.required,
        "verdict": part.verdict,
        "first_seen": interval_json(part.first_seen),
        "delay": bounds_json(part.delay),
        "users_delay": bounds_json(part.wait),
        "exposures": [exposure.as_json() for exposure in part.exposures],
    }
