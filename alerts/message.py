"""Turns notices into messages for channels, and folds many openings into one digest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from alerts.channel import Attachment, Message
from alerts.draft.logged import say_what_happened, write_badge
from alerts.fact_rules import is_early
from alerts.finding import ReleaseFacts
from alerts.incident import (
    SIGNED,
    Incident,
    IncidentKind,
    list_route_names,
    make_thread_notice,
    steps_for_incident,
)
from alerts.notice import Notice, notice_id, write_blocks
from alerts.notice_html import draw_release, write_brief_subject, write_notice_page
from alerts.one_line import one_line
from alerts.steps import numbered_steps
from schedules.times.json import Json, bounds_json, fields_json, instant_from_json, instant_json
from schedules.times.words import moment
from schedules.times.zone import LONDON

SCHEMA = "ninethirty.notice/1"
_LONGEST_TITLE = 70
_PART_KEYS = (
    "id",
    "role",
    "url",
    "required",
    "verdict",
    "first_seen",
    "delay",
    "exposures",
    "users_delay",
)
OPENING_KINDS = frozenset(
    {"opened", "due", "lead", "altered", "wrong_file", "unproven", "calendar", "too_costly"}
)
DIGESTED = frozenset({"opened", "due", "unproven"})
"""Kinds of openings that one fault can cause in numbers, so that many at once become one digest."""
PERSON_ACTS = ("acknowledged", "closed", "signed")
"""Kinds of notices about what people did. Only webhooks and pagers get them."""
_NAMED_LIKE_KIND = ("reminder", *PERSON_ACTS, "summary", "readiness", "test")
_EVENT_OF_KIND = {
    **dict.fromkeys((*OPENING_KINDS, "digest"), "opened"),
    "final": "over",
    **{kind: kind for kind in _NAMED_LIKE_KIND},
}
"""The `event` that webhooks publish beside the `kind` of a notice, else `changed`."""
_DIGEST_WORDS = {
    "opened": (
        "in trouble together",
        (
            "When many go wrong at once, they often share a cause. Look for what they have in"
            " common first."
        ),
    ),
    "due": (
        "NOT FOUND YET",
        "No breach is proved. We are confirming whether they are out somewhere else.",
    ),
    "unproven": (
        "NOT PROVEN",
        (
            "This does not mean that they were late. A host that failed or a request budget too"
            " small may be the cause."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """One notice that replaces many: `covers` are their ids."""

    notice: Notice
    covers: tuple[str, ...]


def make_opening_by_hand(
    incident: Incident, now: datetime | None = None, timezone: str = LONDON
) -> Notice:
    """Return the notice that opens the thread of an incident logged by hand."""
    page = incident.words.get("page", "")
    if incident.facts is not None:
        timezone = incident.facts.timezone
        page = page or incident.facts.url
    title = one_line(incident.title, _LONGEST_TITLE)
    badge = write_badge(incident, timezone)
    subject = f"{badge[:1].upper()}{badge[1:]}: {title} ({incident.producer_names}), logged by hand"
    happened = " ".join(say_what_happened(incident, timezone))
    release = [f"Release: {one_line(incident.title)}", f"Producer: {incident.producer_names}"]
    if page:
        release.append(f"Address: {page}")
    steps = numbered_steps(steps_for_incident(incident))
    contents = (
        subject,
        write_blocks([subject, one_line(happened)], release, steps, [f"Incident: {incident.id}"]),
    )
    return make_thread_notice(
        incident, "opened", "thread", (str(incident.kind),), now or incident.opened, contents
    )


def notices_of_acts(
    before: Incident, after: Incident, now: datetime, closed_by: str = "by hand"
) -> Iterator[Notice]:
    """Yield webhook and pager notices of a first acknowledgement, a close (`closed_by` says how)
    and a signature.
    """
    acknowledged, signed = after.acknowledged, after.words.get(SIGNED)
    # (kind, occasion, description). The occasion makes the notice's id. A later close or signature
    # has another time.
    acts = []
    if acknowledged is not None and before.acknowledged is None:
        acts.append(("acknowledged", "first", f"by {acknowledged.by}"))
    if after.closed is not None and before.closed is None:
        acts.append(("closed", after.closed.isoformat(), closed_by))
    if signed and signed != before.words.get(SIGNED):
        acts.append(("signed", signed, "its report is signed off"))
    for kind, occasion, description in acts:
        title = one_line(after.title, _LONGEST_TITLE)
        subject = f"{kind.upper()}: {title} ({after.producer_names}), {description}"
        contents = subject, write_blocks([subject], [f"Incident: {after.id}"])
        yield make_thread_notice(after, kind, occasion, list_route_names(after), now, contents)


def build_message(
    notice: Notice,
    incident: Incident | None,
    attachments: Sequence[Attachment] = (),
    link: str = "",
    board: str = "",
    runbook: str = "",
) -> Message:
    """Return the message of a notice, the same for every channel: text, HTML, brief subject and
    JSON data.

    `attachments` is the draft, if there is one. `link` is where people acknowledge the incident: a
    signed link, or `board`, its page on the board. `runbook` is the address of the instructions.
    Each is empty if there is none.
    """
    text_of_html = (
        notice.text
        + _say_who_has_it(notice, incident)
        + "".join(f"\nDraft attached: {attachment.name}" for attachment in attachments)
    )
    text = text_of_html
    if link:  # the HTML has a button for it
        text += f"\nTo read or acknowledge it: {link}"
    elif notice.incident:
        # No web pages are served.
        text += (
            "\nTo read it, run on the monitor's machine: ninethirty incident show"
            f" {notice.incident}"
        )
    # A notice about several releases has no facts of a single one.
    facts, address, picture = None, "", ""
    if incident is not None and notice.release:
        facts = incident.measured
    # Content that was public early must not be opened by accident.
    is_logged = incident is not None and incident.kind is IncidentKind.HAND
    has_links = not is_logged and (facts is None or not is_early(facts))
    if facts is not None:
        picture = draw_release(facts)
        if has_links:
            address = facts.url
    grade_for_colour = notice.grade
    if notice.kind in ("final", "appeared"):  # nothing to be alarmed at
        grade_for_colour = ""
    buttons = _list_buttons(incident, link, board, address)
    return Message(
        id=notice.id,
        notice=notice.follows or notice.id,  # the notice that opened the thread
        kind=notice.kind,
        subject=one_line(notice.subject),
        text=text,
        html=write_notice_page(
            one_line(notice.subject),
            text_of_html,
            grade_for_colour,
            buttons,
            linked=has_links,
            picture=picture,
        ),
        brief=write_brief_subject(notice, facts),
        data=_message_data(notice, incident, facts, attachments, link)
        | {
            "page": board,
            "runbook": runbook,
        },
        attachments=tuple(attachments),
    )


def fold_openings(
    notices: Sequence[Notice],
    now: datetime,
    threshold: int,
    name_of: Callable[[str], str] = str,
) -> Digest | None:
    """Return one notice in place of the openings (notices that open incidents) among `notices`,
    with their ids. None if they are about fewer than `threshold` releases.

    The openings must all be of one kind. `name_of` names a producer.
    """
    openings = sorted(
        (one for one in notices if one.kind in DIGESTED),
        key=lambda opening: (opening.at, opening.id),
    )
    releases = {opening.release for opening in openings}
    if len(releases) < threshold:
        return None
    covers = tuple(opening.id for opening in openings)
    producers = sorted({opening.producer for opening in openings})
    together, advice = _DIGEST_WORDS[openings[0].kind]
    subject = (
        f"{len(releases)} RELEASES of {len(producers)} producers {together}:"
        f" {', '.join(map(name_of, producers))}"
    )
    lines = "\n".join(
        f"- {opening.subject}\n  Incident: {opening.incident}" for opening in openings
    )
    digest = Notice(
        id=notice_id("digest", "digest", " ".join(sorted(covers))),
        kind="digest",
        incident="",
        release="",
        producer=producers[0] if len(producers) == 1 else "",
        grade=(
            "report"
            if any(opening.grade == "report" for opening in openings)
            else openings[0].grade
        ),
        findings=tuple(sorted(set(chain.from_iterable(one.findings for one in openings)))),
        at=now,
        subject=subject,
        text=f"{subject}\n\n{advice}\n\n{lines}\n",
    )
    return Digest(digest, covers)


def _say_who_has_it(notice: Notice, incident: Incident | None) -> str:
    """Return who has acknowledged an incident and when its next notice comes, as a line; empty if
    no one has.
    """
    if incident is None or (entry := incident.acknowledged) is None or entry.at > notice.at:
        return ""
    since = moment(entry.at.replace(microsecond=0), incident.timezone, notice.at)
    following = "The next message comes when something changes; there are no reminders."
    if notice.kind == "final":
        following = "This is the last message, unless something changes again."
    return f"\n{one_line(entry.by)} has it, since {since}. {following}\n"


def _list_buttons(incident: Incident | None, link: str, board: str, address: str) -> dict[str, str]:
    """Return the addresses of the buttons by their labels, the first one to press first.

    `link` is where people acknowledge. If that is the incident's own page, `board`, it gets one
    button instead of two.
    """
    if link == board:
        addresses = {"The incident: read and acknowledge it": board}
    else:
        addresses = {"I'm on it": link, "The incident": board or link}
    if board and incident is not None and incident.has_draft:
        addresses["The draft of the report"] = f"{board}#draft"
    addresses["The announced page"] = address
    return {label: where for label, where in addresses.items() if where}


def _message_data(
    notice: Notice,
    incident: Incident | None,
    facts: ReleaseFacts | None,
    attachments: Sequence[Attachment],
    link: str,
) -> Json:
    return {
        "schema": SCHEMA,
        "id": notice.id,
        "thread": notice.follows or notice.id,
        "kind": notice.kind,
        "event": _EVENT_OF_KIND.get(notice.kind, "changed"),
        **fields_json(notice, "at", "release", "producer", "grade", "findings"),
        "subject": one_line(notice.subject),
        "link": link,
        "attachments": [attachment.name for attachment in attachments],
        "incident": incident and _incident_json(incident),
        "measured": facts and _facts_json(facts),
    }


def _incident_json(incident: Incident) -> Json:
    acknowledged = incident.acknowledged
    return {
        **fields_json(incident, "id", "kind"),
        "title": one_line(incident.title),
        **fields_json(incident, "opened", "closed"),
        "acknowledged": acknowledged and fields_json(acknowledged, "at", "by"),
        "signed": instant_json(instant_from_json(incident.words.get(SIGNED))),
    }


def _facts_json(facts: ReleaseFacts) -> Json:
    measured = fields_json(
        facts, "url", "timezone", "slot", "slot_text", "verdict", "final", "at", "unproven_because"
    )
    parts = [
        fields_json(part, *_PART_KEYS) | {"users_delay": bounds_json(part.wait)}
        for part in facts.parts
    ]
    return {
        **measured,
        "available_elsewhere": [each.as_json() for each in facts.elsewhere],
        "parts": parts,
    }
