"""Turn notices into messages for channels, and fold many openings into one digest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.channel import Attachment, Message
from alerts.fact_rules import is_early
from alerts.finding import ReleaseFacts
from alerts.incident import SIGNED, Incident, list_route_names, make_thread_notice, steps_for_incident
from alerts.notice import Notice, notice_id
from alerts.notice_html import write_brief_subject, write_notice_page
from alerts.one_line import one_line
from alerts.steps import numbered_steps
from schedules.contract.verdict import PartVerdict
from schedules.times.json import bounds_json, instant_from_json, instant_json

SCHEMA = "ninethirty.notice/1"
_LONGEST_TITLE = 70
_PART_KEYS = ("id", "role", "url", "required", "verdict", "first_seen", "delay", "exposures")
OPENINGS = frozenset({"opened", "due", "lead", "altered", "unproven", "calendar", "too_costly"})
DIGESTED = frozenset({"opened", "due", "unproven"})
"""Kinds of openings that one fault can cause in numbers, so that many at once become one digest."""
PERSON_ACTS = ("acknowledged", "closed", "signed")
"""Kinds of notices about what people did. Only webhooks and pagers get them."""
_NAMED_LIKE_KIND = ("reminder", *PERSON_ACTS, "summary", "test")
_EVENT_OF_KIND = {"digest": "opened", "final": "over"} | {kind: kind for kind in _NAMED_LIKE_KIND}
_DIGEST_WORDS: dict[str, tuple[str, str]] = {
    "opened": (
        "in trouble together",
        "When many go wrong at once, they often share a cause. Look for what they have in common first.",
    ),
    "due": ("NOT FOUND YET", "No breach is proved. We are confirming whether they are out somewhere else."),
    "unproven": (
        "NOT PROVEN",
        "This does not mean that they were late. A host that failed or a request budget too small may be the cause.",
    ),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """One notice that replaces many: `covers` are their ids."""

    notice: Notice
    covers: tuple[str, ...]


def make_opening_by_hand(incident: Incident, now: datetime | None = None) -> Notice:
    """Return the notice that opens the thread of an incident logged by hand.

    It leaves out the description that the person typed, which may quote content that is not public yet.
    """
    title = one_line(incident.title, _LONGEST_TITLE)
    subject = f"LOGGED: {title} ({incident.producer_names}), an incident was logged by hand"
    lines = [
        subject,
        "",
        f"Release: {one_line(incident.title)}",
        f"Producer: {incident.producer_names}",
        *([f"Address: {incident.facts.url}"] if incident.facts is not None else []),
        "",
        *numbered_steps(steps_for_incident(incident)),
        "",
        f"Incident: {incident.id}",
    ]
    words = subject, "\n".join(lines) + "\n"
    return make_thread_notice(incident, "opened", "thread", (str(incident.kind),), now or incident.opened, words)


def notices_of_acts(before: Incident, after: Incident, now: datetime, closed_by: str = "by hand") -> Iterator[Notice]:
    """Yield webhook and pager notices for acknowledge, close (again after a reopening) and sign, each once."""
    who, signed = after.acknowledged, after.words.get(SIGNED)
    closed = after.closed if before.closed is None else None
    done = {
        "acknowledged": ("first", f"by {who.by}") if who is not None and before.acknowledged is None else None,
        "closed": (closed.isoformat(), closed_by) if closed is not None else None,
        "signed": (signed, "its report is signed off") if signed and signed != before.words.get(SIGNED) else None,
    }
    for kind, act in done.items():
        if act is not None:
            fact, description = act
            title = one_line(after.title, _LONGEST_TITLE)
            subject = f"{kind.upper()}: {title} ({after.producer_names}), {description}"
            words = subject, f"{subject}\n\nIncident: {after.id}\n"
            yield make_thread_notice(after, kind, fact, list_route_names(after), now, words)


def build_message(
    notice: Notice,
    incident: Incident | None,
    attachments: Sequence[Attachment] = (),
    link: str = "",
    board: str = "",
    runbook: str = "",
) -> Message:
    """Return the message of a notice, the same for every channel.

    `attachments` is the draft, if there is one. `link` is the address at which people can read and acknowledge the
    incident, `board` the address of its page, `runbook` that of the instructions. `data` is versioned by `schema`.
    """
    readable = notice.text + "".join(f"\nDraft attached: {one.name}" for one in attachments)
    text = readable + _explain_acknowledging(notice, link)
    # A notice about several releases has no facts of a single one.
    facts = incident.facts if incident is not None and notice.release else None
    # Content that was public early must not be opened by accident.
    has_links = facts is None or not is_early(facts)
    grade = notice.grade if notice.kind not in ("final", "appeared") else ""
    buttons = _list_buttons(incident, link, board, facts.url if facts is not None and has_links else "")
    return Message(
        id=notice.id,
        notice=notice.follows or notice.id,
        kind=notice.kind,
        subject=one_line(notice.subject),
        text=text,
        html=write_notice_page(one_line(notice.subject), readable, grade, buttons, linked=has_links),
        brief=write_brief_subject(notice, facts),
        data=_message_data(notice, incident, facts, attachments, link) | {"page": board, "runbook": runbook},
        attachments=tuple(attachments),
    )


def fold_openings(
    notices: Sequence[Notice], now: datetime, threshold: int = 5, name_of: Callable[[str], str] = str
) -> Digest | None:
    """Return one notice for openings of one kind, of many releases that go wrong together.

    None if they are about fewer than `threshold` releases, which then get a notice each. `name_of` returns the name of
    a producer by its id (default: the id).
    """
    opened = sorted((one for one in notices if one.kind in DIGESTED), key=lambda one: (one.at, one.id))
    releases = {one.release for one in opened}
    if len(releases) < threshold:
        return None
    covers = tuple(one.id for one in opened)
    producers = sorted({one.producer for one in opened})
    names = ", ".join(map(name_of, producers))
    together, advice = _DIGEST_WORDS[opened[0].kind]
    subject = f"{len(releases)} RELEASES of {len(producers)} producers {together}: {names}"
    lines = "\n".join(f"- {one.subject}\n  Incident: {one.incident}" for one in opened)
    text = f"{subject}\n\n{advice}\n\n{lines}\n"
    grade = "report" if any(one.grade == "report" for one in opened) else opened[0].grade
    findings = tuple(sorted({kind for one in opened for kind in one.findings}))
    identity = notice_id("digest", "digest", " ".join(sorted(covers)))
    producer = producers[0] if len(producers) == 1 else ""
    return Digest(Notice(identity, "digest", "", "", producer, grade, findings, now, subject, text), covers)


def _explain_acknowledging(notice: Notice, link: str) -> str:
    """Return a line with the link, or with the command if no web pages are served. Empty without an incident."""
    if link:
        return f"\nTo read or acknowledge it: {link}"
    if not notice.incident:
        return ""
    return f"\nTo read it, run on the monitor's machine: ninethirty incident show {notice.incident}"


def _list_buttons(incident: Incident | None, link: str, board: str, address: str) -> dict[str, str]:
    """Return the addresses of the buttons by their labels, the first one to press first."""
    draft = f"{board}#draft" if board and incident is not None and incident.has_draft else ""
    has_page = link == board
    named = {
        "I'm on it": "" if has_page else link,
        "The incident" if not has_page else "The incident: read and acknowledge it": board or link,
        "The draft of the report": draft,
        "The announced page": address,
    }
    return {label: where for label, where in named.items() if where}


def _message_data(
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
        "event": find_event(notice.kind),
        "at": instant_json(notice.at),
        "release": notice.release,
        "producer": notice.producer,
        "grade": notice.grade,
        "findings": list(notice.findings),
        "subject": one_line(notice.subject),
        "link": link,
        "attachments": [one.name for one in attachments],
        "incident": None if incident is None else _incident_json(incident),
        "measured": None if facts is None else _facts_json(facts),
    }


def find_event(kind: str) -> str:
    """Return the event (such as `opened`, `changed` or `over`) that webhooks publish for a kind of notice."""
    return "opened" if kind in OPENINGS else _EVENT_OF_KIND.get(kind, "changed")


def _incident_json(incident: Incident) -> dict[str, Any]:
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


def _facts_json(facts: ReleaseFacts) -> dict[str, Any]:
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
        "parts": [_part_json(part) for part in facts.parts],
    }


def _part_json(part: PartVerdict) -> dict[str, Any]:
    published = part.as_json()
    return {key: published[key] for key in _PART_KEYS} | {"users_delay": bounds_json(part.wait)}
