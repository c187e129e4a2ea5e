"""The acts of people on incidents: log one by hand, acknowledge it, add notes, close it. No I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

from alerts.draft.form import load_forms
from alerts.finding import ReleaseFacts
from alerts.incident import (
    ACKNOWLEDGED,
    ASSIGNED_PREFIX,
    GRADED,
    GRADED_FORM,
    GRADED_FROM,
    MONITOR,
    SIGNED,
    WAIVED,
    Attachment,
    Entry,
    Incident,
    IncidentKind,
)
from alerts.one_line import one_line, remove_invisible_marks, slug
from schedules.contract.verdict import Grade
from schedules.times.words import day_text
from schedules.times.zone import day_begins, local, local_date, zone

D = TypeVar("D", bound=date)
GRADED_PREFIX = "graded "
"""Begins every timeline entry about a grade that a person gave."""
ATTACHED_PREFIX = "attached "
"""Begins every timeline entry about a file."""
_LONGEST_NAME = 150
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Of what people may type."""
LONGEST_ROLE, _LONGEST_SENDER = 80, 500  # a sender of a megabyte would take seconds to parse
_PARSED_OF_MAIL, _MOST_MULTIPARTS = 1 << 18, 20
"""Bytes of an e-mail that are parsed, and parts in them that have parts. `email` compares each line
with the boundaries of all of these: 2 MB of short lines in 100 parts would take 26 seconds.
"""
_STALE_AFTER_DAYS = 31
_DATE_FAULTS = {
    "when": 'not dates, write "2016-10-01" or "2017-03-20T17:00", several with commas',
    "until": 'not a date-time, write "2017-03-20T17:00"',
    "due": 'not a date-time or day, write "2017-03-22T09:30"',
}
_LINK = re.compile(r"https?://[^\s\"'<>()]+[^\s\"'<>().,]")
_NEAR_INCIDENT = timedelta(days=1)
"""Dates further from the incident are often a slip, such as the wrong year."""


@dataclass(frozen=True, slots=True)
class BoxFault:
    """What is wrong with what a person typed, by the `box` of the form, empty for none."""

    box: str
    why: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.box}: {self.why}" if self.box else self.why


class InvalidInput(ValueError):
    """What a person typed is not valid."""

    def __init__(self, *faults: BoxFault) -> None:
        """Take all faults at once."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def log_by_hand(
    words: Mapping[str, str],
    facts: ReleaseFacts | None,
    now: datetime,
    timezone: str = "Europe/London",
) -> Incident:
    """Return an incident that a person saw: a leak, a misdirected e-mail, an item in the press.

    `words` are a form's texts by field. Required are `what` (what happened) and `when` (local ISO
    dates or date-times, separated by commas), without `facts` of a release also `title` and
    `producer`. Optional are `until` (when it ended), `due` (when the release was due), `page` (of
    the statistics), `url` (where it was seen, one a line), `grade` (default: `report`), `by` (the
    role that logs it) and `release`. Others, such as `sort`, are kept for the draft. Raises
    `InvalidInput` with all faults.
    """
    words = {name: make_storable(text).strip() for name, text in words.items()}
    if faults := list(_find_faults(words, facts, now, timezone)):
        raise InvalidInput(*faults)
    if facts is None:
        release, producer = words.get("release", ""), one_line(words["producer"])
        title = one_line(words["title"])
    else:
        release, producer, title = facts.release, facts.producer, facts.title
    dates = parse_instants(words["when"], timezone)
    occurred = dates[0]
    if words.get("until"):
        dates.append(parse_instant(words["until"], timezone))
    # With a hash of all words, a form sent twice makes one incident.
    typed = "\x1f".join(f"{key}={words[key]}" for key in sorted(words))
    digest = hashlib.sha256(typed.encode()).hexdigest()[:6]
    logged = Entry(now, words.get("by") or "logged by hand", one_line(words["what"]))
    # For example of one at a weekend.
    warnings = [Entry(now, MONITOR, warning) for warning in _warn_of_dates(dates, now, timezone)]
    subject = release or slug(producer)[:60] or "incident"
    return Incident(
        id=f"{subject}-hand-{local_date(occurred, timezone)}-{digest}",
        kind=IncidentKind.HAND,
        release=release,
        producer=producer,
        title=title,
        opened=now,
        occurred=occurred,
        grade=words.get("grade", "report"),
        facts=facts,
        timeline=(logged, *warnings),
        words=words,
    )


def make_storable(text: str) -> str:
    """Return text that can be stored and written into a document, without invisible marks."""
    # A terminal passes on invalid bytes as lone surrogates, which databases and documents refuse.
    return remove_invisible_marks(text).encode("utf-8", "replace").decode()


def acknowledge_incident(incident: Incident, role: str, now: datetime) -> Incident:
    """Record that a role acknowledged the incident, once for each role.

    Raises `InvalidInput` without a role.
    """
    role = clean_role(role)
    if any(entry.by == role and entry.text == ACKNOWLEDGED for entry in incident.timeline):
        return incident
    return incident.with_entries(Entry(now, role, ACKNOWLEDGED))


def add_note(
    incident: Incident,
    role: str,
    text: str,
    now: datetime,
    at: str = "",
    timezone: str = "Europe/London",
) -> Incident:
    """Add a line to the timeline; `at` is the local date-time when it happened (default: now).

    Raises `InvalidInput` if a role or the text is missing, or if `at` is not a time in the past.
    """
    faults = list[BoxFault]()
    if not text.strip():
        faults.append(BoxFault("", "write the text of the note"))
    happened = now
    try:
        happened = parse_past_instant(at, now, timezone)
    except InvalidInput as fault:
        faults += fault.faults
    if faults:
        raise InvalidInput(*faults)
    noted = incident.with_entries(Entry(happened, clean_role(role), make_storable(text.strip())))
    # If it is far from the incident, a second line asks to check it, unless it may be a reply.
    is_recent = now - happened <= _NEAR_INCIDENT
    if is_recent or abs(happened - incident.occurred) <= _NEAR_INCIDENT:
        return noted
    return noted.with_entries(
        Entry(now, MONITOR, _warn_of_distance(happened, incident.occurred, timezone))
    )


def note_mail(incident: Incident, role: str, data: bytes, what: str, now: datetime) -> Incident:
    """Add an e-mail that users got to the timeline, at the time it was sent, once.

    `what` is a person's description. Raises `InvalidInput` without a date, or if that is in the
    future.
    """
    parsed = data[:_PARSED_OF_MAIL]
    if parsed.lower().count(b"multipart") > _MOST_MULTIPARTS:
        raise InvalidInput(BoxFault("mail", "has too many parts; attach it as a file"))
    try:
        message = message_from_bytes(parsed)
        # a missing date is the text "None", which is not a date
        sent = parsedate_to_datetime(str(message["date"]))
        # a time with the zone `-0000` is UTC
        at = sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
        texts = [
            part.get_payload(decode=True)
            for part in message.walk()
            if part.get_content_maintype() == "text"
        ]
        _, has_host, host = parseaddr(str(message["from"])[:_LONGEST_SENDER])[1].rpartition("@")
    except (ValueError, OverflowError, RecursionError) as exc:
        raise InvalidInput(BoxFault("mail", "no e-mail with a date; save it as .eml")) from exc
    evidence = f"e-mail with SHA-256 {hashlib.sha256(data).hexdigest()} noted"
    if any(entry.text == evidence for entry in incident.timeline):
        return incident
    link = _LINK.search(
        b"\n".join(text for text in texts if isinstance(text, bytes)).decode("utf-8", "replace")
    )
    account = one_line(what.strip() or "an e-mail to users was sent")
    if has_host and host.isprintable():
        account += f", from {host}"
    if link and is_address(link[0]):
        account += f", with a link to {link[0]}"
    return add_note(incident, role, account, now, at.isoformat()).with_entries(
        Entry(now, MONITOR, evidence)
    )


def parse_past_instant(at: str, now: datetime, timezone: str) -> datetime:
    """Return the instant of a local date-time, `now` if it is blank.

    Raises `InvalidInput` unless it is in the past.
    """
    if not at.strip():
        return now
    instant = _read_instant("at", at, timezone, "2018-01-05T09:41")
    if instant > now:
        raise InvalidInput(BoxFault("at", f'is in the future (got "{at}")'))
    return instant


def _read_instant(box: str, text: str, timezone: str, example: str) -> datetime:
    try:
        return parse_instant(text.strip(), timezone)
    except ValueError as exc:
        why = f'not a date-time, write "{example}" (got "{text}")'
        raise InvalidInput(BoxFault(box, why)) from exc


def logged_end(incident: Incident, timezone: str = "Europe/London") -> datetime | None:
    """Return when an incident ended, as typed by the person who logged it, if they did."""
    until = incident.words.get("until")
    return parse_instant(until, timezone) if until else None


def has_time_of_day(incident: Incident) -> bool:
    """Return whether more than the day is known of when an incident occurred."""
    first_date = incident.words.get("when", "").partition(",")[0].strip()
    return not first_date or len(first_date) > len("2016-10-01")


def is_address(text: str) -> bool:
    """Return whether a text is a web address that fits on a line."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    fits = len(text) <= 1000 and text.isprintable() and not any(map(str.isspace, text))
    return fits and parts.scheme in {"http", "https"} and bool(parts.hostname)


def record_cause(incident: Incident, role: str, cause: str, now: datetime) -> Incident:
    """Record the cause in a few words, which reports count, in place of an earlier one. A blank one
    is ignored.
    """
    words = one_line(make_storable(cause))
    if not words or incident.words.get("cause") == words:
        return incident
    return _record_act(incident, role, f"cause: {words}", now, cause=words)


def assign_role(incident: Incident, role: str, to: str, now: datetime) -> Incident:
    """Assign the incident to the role `to`; a blank one is ignored.

    Raises `InvalidInput` if it is not a role.
    """
    if not to.strip():
        return incident
    assigned = clean_role(to)
    if incident.words.get("assigned") == assigned:
        return incident
    return _record_act(incident, role, f"{ASSIGNED_PREFIX}{assigned}", now, assigned=assigned)


def _record_act(incident: Incident, role: str, entry: str, now: datetime, **words: str) -> Incident:
    noted = incident.with_entries(Entry(now, clean_role(role), entry))
    return replace(noted, words={**incident.words, **words})


def bring_forward(
    incident: Incident, role: str, when: str, now: datetime, timezone: str = "Europe/London"
) -> Incident:
    """Record that a role brings the release forward to the local date-time `when`.

    If the incident has this time already, return it unchanged. Raises `InvalidInput` if `when` is
    no date-time.
    """
    to = _read_instant("brought forward", when, timezone, "2018-01-05T09:00")
    by = clean_role(role)
    instant = to.isoformat(timespec="seconds")
    if incident.words.get("brought_forward") == instant:
        return incident
    wall = local(to, timezone)
    entry = f"decided to bring the release forward to {wall:%H:%M %Z} on {day_text(wall)}"
    return _record_act(incident, role, entry, now, brought_forward=instant, brought_forward_by=by)


def cite_other_incidents(incident: Incident, role: str, now: datetime) -> Incident:
    """Record that the draft is to cite other producers' incidents on the same platform."""
    if incident.words.get("cite_others"):
        return incident
    return _record_act(
        incident, role, "other producers' incidents are to be cited", now, cite_others="yes"
    )


def sign_off_report(
    incident: Incident, role: str, version: int, now: datetime, anyway: str = ""
) -> Incident:
    """Record that a role signed off a version of the report; `anyway` is the reason if a check
    failed.
    """
    reason = one_line(make_storable(anyway))
    entry = f"report signed off as version {version}"
    words = {SIGNED: now.isoformat(timespec="seconds")}
    if reason:
        entry += f" although a check failed: {reason}"
        words["signed_anyway"] = reason
    return _record_act(incident, role, entry, now, **words)


def waive_report(incident: Incident, role: str, reason: str, now: datetime) -> Incident:
    """Record why no report will be made, and close the incident. If it reopens, it stays waived.

    Raises `InvalidInput` without a reason, or if no report is owed.
    """
    words = one_line(make_storable(reason))
    if not words:
        raise InvalidInput(BoxFault("", "say why no report will be made"))
    if not incident.owes_report:
        raise InvalidInput(BoxFault("", f"no report is owed for {incident.id}"))
    waived = _record_act(incident, role, f"report waived: {words}", now, **{WAIVED: words})
    return replace(waived, closed=incident.closed or now)


def grade_incident(
    incident: Incident, role: str, grade: str, reason: str, now: datetime, form: str = ""
) -> Incident:
    """Record that a role raises or lowers the grade, or chooses another `form`, for a reason.

    Returns the incident unchanged if it has both. Raises `InvalidInput` with all faults.
    """
    faults = []
    if grade not in list(Grade):
        faults.append(BoxFault("grade", f'not one of {", ".join(Grade)} (got "{grade}")'))
    forms = [name for name in load_forms() if name != "period"]
    if form and form not in forms:
        faults.append(BoxFault("form", f'not one of {", ".join(forms)} (got "{form}")'))
    why = one_line(make_storable(reason))
    if not why:
        faults.append(BoxFault("grade-reason", "say why"))
    if faults:
        raise InvalidInput(*faults)
    form_before = incident.words.get(GRADED_FORM, "")
    chosen_form = form or form_before
    if (incident.grade, form_before) == (grade, chosen_form):
        return incident
    entry = f"{GRADED_PREFIX}{grade}"
    if chosen_form:
        entry += f" on form {chosen_form}"
    measured = incident.measured or incident
    words = {GRADED: grade, GRADED_FROM: str(measured.grade), GRADED_FORM: chosen_form}
    act = _record_act(incident, role, f"{entry}, was {incident.grade}: {why}", now, **words)
    return replace(act, grade=grade)


def attach_file(incident: Incident, role: str, name: str, digest: str, now: datetime) -> Incident:
    """Record that a role attached a file with this name and SHA-256, which signs nothing.

    The same file under the same name is recorded once. Raises `InvalidInput` without a name.
    """
    plain = one_line(make_storable(name.replace("\\", "/").rpartition("/")[2]), _LONGEST_NAME)
    if not plain:
        raise InvalidInput(BoxFault("", "the file has no name"))
    if any((one.name, one.digest) == (plain, digest) for one in incident.attachments):
        return incident
    by = clean_role(role)
    entry = Entry(now, by, f"{ATTACHED_PREFIX}{plain}, SHA-256 {digest}")
    attached = (*incident.attachments, Attachment(plain, digest, now, by))
    return replace(incident.with_entries(entry), attachments=attached)


def close_incident(incident: Incident, role: str, now: datetime, text: str = "") -> Incident:
    """Close an incident, unless it is closed. New facts may reopen it."""
    role = clean_role(role)
    if incident.closed is not None:
        return incident
    words = "closed"
    if typed := make_storable(text).strip():
        words += f": {typed}"
    return replace(incident.with_entries(Entry(now, role, words)), closed=now)


def clean_role(role: str) -> str:
    """Return a role as one line. Raises `InvalidInput` if it is blank or too long."""
    line = one_line(make_storable(role))
    if not line or len(line) > LONGEST_ROLE:
        why = f"give your role, not your name, in at most {LONGEST_ROLE} characters"
        raise InvalidInput(BoxFault("", why))
    return line


def _find_faults(
    words: Mapping[str, str], facts: ReleaseFacts | None, now: datetime, timezone: str
) -> Iterator[BoxFault]:
    needed = ["what", "when"]
    if facts is None:
        needed = ["title", "producer", *needed]
    yield from (BoxFault(key, "is missing") for key in needed if not words.get(key, "").strip())
    if words.get("grade", "report") not in list(Grade):
        yield BoxFault("grade", f'not one of {", ".join(Grade)} (got "{words["grade"]}")')
    for key in ("page", "url"):
        for address in words.get(key, "").splitlines():
            if not is_address(address):
                why = f'not a web address, it begins with https:// or http:// (got "{address}")'
                yield BoxFault(key, why)
    yield from _find_faults_of_dates(words, now, timezone)


def _find_faults_of_dates(
    words: Mapping[str, str], now: datetime, timezone: str
) -> Iterator[BoxFault]:
    """Yield the faults of the typed dates in `when` and `until`."""
    parsed: dict[str, list[datetime]] = {}
    for key in (key for key in _DATE_FAULTS if words.get(key)):
        try:
            parsed[key] = parse_instants(words[key], timezone)
        except ValueError:
            parsed[key] = []
            yield BoxFault(key, f'{_DATE_FAULTS[key]} (got "{words[key]}")')
        if key != "due" and any(instant > now for instant in parsed[key]):
            yield BoxFault(key, f'is in the future (got "{words[key]}")')
    if len(parsed.get("due", [])) > 1:
        yield BoxFault("due", f'must be one day or date-time (got "{words["due"]}")')
    begins, ends = parsed.get("when"), parsed.get("until")
    if begins and ends and (len(ends) > 1 or ends[0] < begins[0]):
        why = f'must be one date-time, not before the first of `when` (got "{words["until"]}")'
        yield BoxFault("until", why)


def parse_instants(texts: str, timezone: str) -> list[datetime]:
    """Return local ISO dates or date-times, separated by commas, in UTC. Raises ValueError."""
    return [parse_instant(text.strip(), timezone) for text in texts.split(",")]


def parse_instant(text: str, timezone: str) -> datetime:
    """Return a local ISO date (its first instant) or date-time in UTC. Raises ValueError."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = check_year(date.fromisoformat(text))
        return day_begins(day, timezone)
    parsed = check_year(datetime.fromisoformat(text))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=zone(timezone))
    return parsed.astimezone(UTC)


def check_year(day: D) -> D:
    """Return a day or instant that people can mean. Raises ValueError for others.

    Near the first and the last year of Python, its local time may not exist.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"not of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _warn_of_distance(instant: datetime, occurred: datetime, timezone: str) -> str:
    days = abs(instant - occurred) // timedelta(days=1)
    number = "1 day" if days == 1 else f"{days} days"
    side = "before" if instant < occurred else "after"
    day = day_text(local_date(instant, timezone))
    return f"check date: {day} is {number} {side} the incident"


def _warn_of_dates(instants: list[datetime], now: datetime, timezone: str) -> Iterator[str]:
    """Yield a line for each date at a weekend, over a day from the first, or long ago."""
    occurred = instants[0]
    for instant in instants:
        day = local_date(instant, timezone)
        if day.isoweekday() > 5:  # at a weekend
            yield f"check date: {day_text(day)} is a {day:%A}"
        if abs(instant - occurred) > _NEAR_INCIDENT:
            yield _warn_of_distance(instant, occurred, timezone)
    if now - occurred > timedelta(days=_STALE_AFTER_DAYS):
        yield f"check date: it is more than {_STALE_AFTER_DAYS} days ago"
