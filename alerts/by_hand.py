"""What people do to incidents: log one by hand, say that they have it, note, close. All pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts.fact_rules import GRADES
from alerts.finding import ReleaseFacts
from alerts.incident import ACKNOWLEDGED, GIVEN, MONITOR, SIGNED, WAIVED, Entry, Incident, Kind
from alerts.one_line import one_line
from schedules.times.zone import local_date

_LONGEST_ROLE = 80
_STALE_AFTER_DAYS = 31
_LONGEST_ADDRESS = 1000
_DATES = {
    "when": 'not dates, write "2016-10-01" or "2017-03-20T17:00", several with commas',
    "until": 'not a date-time, write "2017-03-20T17:00"',
}
_LINK = re.compile(r"https?://[^\s\"'<>()]+[^\s\"'<>().,]")
_NEAR = timedelta(days=1)
"""How far from the incident another of its dates may lie: beyond that it is often of the wrong year."""


class NotEnough(ValueError):
    """What a person typed does not make an incident; `faults` holds every reason at once."""

    def __init__(self, faults: list[str]) -> None:
        """Take all faults at once, one line each."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def log_by_hand(
    words: Mapping[str, str], facts: ReleaseFacts | None, now: datetime, timezone: str = "Europe/London"
) -> Incident:
    """Make an incident of what a person saw: a leak, a misdirected e-mail, an item in the press.

    `words` holds `what` (what happened) and `when` (local dates or date-times, ISO, several with commas:
    the first is the occurrence), and, unless the release's `facts` are given, `title` and `producer`. Also
    understood: `until` (when it ended, as `when`), `url` (addresses, one a line), `grade`, `by` (the role that logs
    it), `release`; whatever else is typed is kept for the draft. The same words make the same incident. Raises
    `NotEnough` with every fault.
    """
    words = {name: writable(text).strip() for name, text in words.items()}
    faults = list(_faults(words, facts, now, timezone))
    if faults:
        raise NotEnough(faults)
    days = _occurrences(words["when"], timezone)
    release = facts.release if facts is not None else words.get("release", "")
    producer = facts.producer if facts is not None else one_line(words["producer"])
    entries = [Entry(now, words.get("by") or "logged by hand", one_line(words["what"]))]
    days += [_instant(words["until"], timezone)] if words.get("until") else []
    entries += [Entry(now, MONITOR, doubt) for doubt in _doubts(days, now, timezone)]
    return Incident(
        id=f"{release or _slug(producer)}-hand-{local_date(days[0], timezone)}-{_mark(words)}",
        kind=Kind.HAND,
        release=release,
        producer=producer,
        title=facts.title if facts is not None else one_line(words["title"]),
        opened=now,
        occurred=days[0],
        grade=words.get("grade", "report"),
        facts=facts,
        timeline=tuple(entries),
        words=dict(words),
    )


def writable(text: str) -> str:
    """Return text that a store and a document take."""
    # A terminal hands on bytes that are no text as halves of characters, which no store and no document takes.
    return text.encode("utf-8", "replace").decode()


def acknowledge(incident: Incident, role: str, now: datetime) -> Incident:
    """Write down that a role has it. Saying so twice changes nothing. Raises `NotEnough` without a role."""
    role = as_role(role)
    if any(entry.by == role and entry.text == ACKNOWLEDGED for entry in incident.timeline):
        return incident
    return _with(incident, Entry(now, role, ACKNOWLEDGED))


def note(
    incident: Incident, role: str, text: str, now: datetime, at: str = "", timezone: str = "Europe/London"
) -> Incident:
    """Add a line to the timeline; `at` is the local date-time when it happened, now without one.

    Raises `NotEnough` without a role or words, and for what is no time or lies ahead.
    """
    faults = [] if text.strip() else ["a note needs words"]
    then = now
    try:
        then = instant_before(at, now, timezone)
    except NotEnough as fault:
        faults += fault.faults
    if faults:
        raise NotEnough(faults)
    noted = _with(incident, Entry(then, as_role(role), writable(text.strip())))
    is_far = min(abs(then - incident.occurred), now - then) > _NEAR
    return _with(noted, Entry(now, MONITOR, _far(then, incident.occurred, timezone))) if is_far else noted


def note_mail(incident: Incident, role: str, data: bytes, what: str, now: datetime) -> Incident:
    """Add an e-mail that users got, as of when it was sent; `what` is what a person says of it.

    Its sending host and its first link enter the account, its SHA-256 the evidence. The same e-mail twice changes
    nothing. Raises `NotEnough` for what is no e-mail, has no date, or has one that lies ahead.
    """
    message = message_from_bytes(data)
    try:
        sent = parsedate_to_datetime(str(message["date"]))
    except ValueError as exc:
        raise NotEnough(["mail: no e-mail with a date; save it as .eml"]) from exc
    known = f"e-mail with SHA-256 {hashlib.sha256(data).hexdigest()} noted"
    if any(entry.text == known for entry in incident.timeline):
        return incident
    texts = (part.get_payload(decode=True) for part in message.walk() if part.get_content_maintype() == "text")
    link = _LINK.search(b"\n".join(text for text in texts if isinstance(text, bytes)).decode("utf-8", "replace"))
    host = parseaddr(str(message["from"]))[1].rpartition("@")[2]
    told = one_line(what.strip() or "an e-mail to users was sent")
    told += f", from {host}" * bool(host) + (f", with a link to {link[0]}" if link else "")
    noted = note(incident, role, told, now, (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).isoformat())
    return _with(noted, Entry(now, MONITOR, known))


def instant_before(at: str, now: datetime, timezone: str) -> datetime:
    """Return the instant of a local date-time, `now` for a blank one. Raises `NotEnough` for none, or one ahead."""
    try:
        then = _instant(at.strip(), timezone) if at.strip() else now
    except ValueError as exc:
        raise NotEnough([f'at: not a date-time, write "2018-01-05T09:41" (got "{at}")']) from exc
    if then > now:
        raise NotEnough([f'at: lies in the future (got "{at}")'])
    return then


def ended(incident: Incident, timezone: str = "Europe/London") -> datetime | None:
    """Return when an incident that a person logged was over, None where nobody said so."""
    until = incident.words.get("until")
    return _instant(until, timezone) if until else None


def is_address(text: str) -> bool:
    """Tell whether a text is a web address that fits a line."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    fits = len(text) <= _LONGEST_ADDRESS and text.isprintable() and not any(map(str.isspace, text))
    return fits and parts.scheme in {"http", "https"} and bool(parts.hostname)


def log_cause(incident: Incident, role: str, cause: str, now: datetime) -> Incident:
    """Say what caused it, in a few words that reports count; the last word on it holds. Blank words change nothing."""
    return _worded(incident, role, ("cause", one_line(writable(cause))), "cause: {}", now)


def assign(incident: Incident, role: str, to: str, now: datetime) -> Incident:
    """Give it to another role, which then is to act; the last word on it holds. Blank words change nothing.

    Raises `NotEnough` for what is no role.
    """
    return _worded(incident, role, ("assigned", as_role(to) if to.strip() else ""), GIVEN + "{}", now)


def _worded(incident: Incident, role: str, word: tuple[str, str], told: str, now: datetime) -> Incident:
    name, text = word
    if not text or incident.words.get(name) == text:
        return incident
    entry = Entry(now, as_role(role), told.format(text))
    return replace(_with(incident, entry), words={**incident.words, name: text})


def bring_forward(incident: Incident, role: str, when: str, now: datetime, timezone: str = "Europe/London") -> Incident:
    """Write down that a role decided to bring the release forward to a local date-time. Raises `NotEnough` for none."""
    try:
        to = _instant(when.strip(), timezone)
    except ValueError as exc:
        raise NotEnough([f'brought forward: not a date-time, write "2018-01-05T09:00" (got "{when}")']) from exc
    by, instant = as_role(role), to.isoformat(timespec="seconds")
    if incident.words.get("brought_forward") == instant:
        return incident
    local = to.astimezone(ZoneInfo(timezone))
    told = _with(
        incident,
        Entry(now, by, f"decided to bring the release forward to {local:%H:%M %Z} on {local.day} {local:%B %Y}"),
    )
    return replace(told, words={**incident.words, "brought_forward": instant, "brought_forward_by": by})


def cite_others(incident: Incident, role: str, now: datetime) -> Incident:
    """Write down that a role wants other producers' incidents on the same platform cited in the draft."""
    if incident.words.get("cite_others"):
        return incident
    told = _with(incident, Entry(now, as_role(role), "other producers' incidents are to be cited"))
    return replace(told, words={**incident.words, "cite_others": "yes"})


def sign_off(incident: Incident, role: str, version: int, now: datetime, anyway: str = "") -> Incident:
    """Write down that a role signed a version of its report off: none is owed any more.

    `anyway` is why, where something was in the way.
    """
    words = one_line(writable(anyway))
    why = f", though something was in the way: {words}" if words else ""
    told = _with(incident, Entry(now, as_role(role), f"report signed off as version {version}{why}"))
    kept = {"signed_anyway": words} if words else {}
    return replace(told, words={**incident.words, SIGNED: now.isoformat(timespec="seconds"), **kept})


def waive(incident: Incident, role: str, reason: str, now: datetime) -> Incident:
    """Write down why no report will be made, and close it. Raises `NotEnough` without a reason, or where none is owed.

    New facts may open it again; the report stays waived.
    """
    words = one_line(writable(reason))
    if not words:
        raise NotEnough(["say why no report will be made"])
    if not incident.owes_report:
        raise NotEnough([f"no report is owed for {incident.id}"])
    told = _with(incident, Entry(now, as_role(role), f"report waived: {words}"))
    return replace(told, words={**incident.words, WAIVED: words}, closed=incident.closed or now)


def close(incident: Incident, role: str, now: datetime, text: str = "") -> Incident:
    """Close an incident; closing a closed one changes nothing. New facts may reopen it."""
    role = as_role(role)
    if incident.closed is not None:
        return incident
    words = f"closed: {text.strip()}" if text.strip() else "closed"
    return replace(_with(incident, Entry(now, role, words)), closed=now)


def _with(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, timeline=(*incident.timeline, entry))


def as_role(role: str) -> str:
    """Return a role as it is written down. Raises `NotEnough`."""
    line = one_line(writable(role))
    if not line or len(line) > _LONGEST_ROLE:
        raise NotEnough([f"say in which role, in at most {_LONGEST_ROLE} characters, never a name"])
    return line


def _faults(words: Mapping[str, str], facts: ReleaseFacts | None, now: datetime, timezone: str) -> Iterator[str]:
    needed = ("what", "when") if facts is not None else ("title", "producer", "what", "when")
    yield from (f"{key}: is missing" for key in needed if not words.get(key, "").strip())
    if words.get("grade", "report") not in GRADES:
        yield f'grade: not one of {", ".join(GRADES)} (got "{words["grade"]}")'
    wrong = [one for one in words.get("url", "").splitlines() if not is_address(one)]
    yield from (f'url: not a web address, it begins with https:// or http:// (got "{one}")' for one in wrong)
    yield from _faults_of_dates(words, now, timezone)


def _faults_of_dates(words: Mapping[str, str], now: datetime, timezone: str) -> Iterator[str]:
    read: dict[str, list[datetime]] = {}
    for key in (key for key in _DATES if words.get(key)):
        try:
            read[key] = _occurrences(words[key], timezone)
        except ValueError:
            read[key] = []
            yield f'{key}: {_DATES[key]} (got "{words[key]}")'
        if any(day > now for day in read[key]):
            yield f'{key}: lies in the future (got "{words[key]}")'
    begins, ends = read.get("when"), read.get("until")
    if begins and ends and (len(ends) > 1 or ends[0] < begins[0]):
        yield f'until: is one instant, and not before the first of `when` (got "{words["until"]}")'


def _occurrences(when: str, timezone: str) -> list[datetime]:
    return [_instant(one.strip(), timezone) for one in when.split(",")]


def _instant(text: str, timezone: str) -> datetime:
    zone = ZoneInfo(timezone)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).astimezone(UTC)


def _far(instant: datetime, occurred: datetime, timezone: str) -> str:
    local = local_date(instant, timezone)
    days = abs(instant - occurred) // timedelta(days=1)
    side = "before" if instant < occurred else "after"
    return f"check date: {local.day} {local:%B %Y} lies {days} day{'s' * (days != 1)} {side} the incident"


def _doubts(days: list[datetime], now: datetime, timezone: str) -> Iterator[str]:
    # Published reports carry slips of this kind: the date is kept as typed, and someone is asked to look.
    for instant in days:
        local = local_date(instant, timezone)
        if local.isoweekday() > 5:
            yield f"check date: {local.day} {local:%B %Y} is a {local:%A}"
        if abs(instant - days[0]) > _NEAR:
            yield _far(instant, days[0], timezone)
    if now - days[0] > timedelta(days=_STALE_AFTER_DAYS):
        yield f"check date: it lies more than {_STALE_AFTER_DAYS} days back"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "incident"


def _mark(words: Mapping[str, str]) -> str:
    typed = "\x1f".join(f"{key}={words[key]}" for key in sorted(words))
    return hashlib.sha256(typed.encode()).hexdigest()[:6]
