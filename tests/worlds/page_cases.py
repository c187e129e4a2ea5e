"""What a case file says of an address: what it answers, and what that proves of our release.

The answer is a page under our title, or one with a `heading`, `head` (its title) and content (`inside` and
`more`) of its own, or a `body`, `json`, or an `item`, the JSON of a GOV.UK page. `read` names the recogniser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.result import Context, Known, Recognised
from monitor.look.sighting import Sighting
from schedules.dates.span import at_instant
from tests.worlds.case_files import FileCase, Toml, matches

Table = Mapping[str, Any]
WORDS_OF_ANSWER = {
    "heading",
    "head",
    "inside",
    "more",
    "body",
    "encoding",
    "json",
    "item",
    "type",
} | {
    *("status", "headers", "at", "answered_at", "whole"),
}
WORDS_OF_RELEASE = {"title", "url", "read", "known", "led_to", "digest", "alternatives"} | {
    *("similar_titles", "file", "edition", "is_shared"),
}
WORDS_OF_RESULT = {"state", "reason", "specific", "version", "found", "has_digest"}


def check_words(case: FileCase) -> None:
    """Refuse a case with an unknown word, or without a `state`."""
    known = WORDS_OF_ANSWER | WORDS_OF_RELEASE | WORDS_OF_RESULT | {"looks"}
    looks = case.facts.get("looks", [case.facts])
    words = {*case.facts, *(word for look in looks for word in look)}
    if words - known:
        raise ValueError(f"{case}: not words of a page case: {sorted(words - known)}")
    if not any(WORDS_OF_RESULT & {*look} for look in looks):
        raise ValueError(f"{case}: say what is right: {sorted(WORDS_OF_RESULT)}")


def answer_of(facts: Table, title: str, url: str, at: datetime) -> Answer:
    """Return an answer as a case has it."""
    body, kind = _body_and_type(facts, title, url)
    kind = facts.get("type", kind)
    headers = {"content-type": kind} if kind else {}
    status = facts.get("status", 200)
    received = at + timedelta(seconds=0.1)
    return Answer(
        facts.get("answered_at", url),
        status,
        headers | facts.get("headers", {}),
        body,
        at,
        received,
        whole=facts.get("whole", True),
    )


def _body_and_type(facts: Table, title: str, url: str) -> tuple[bytes, str]:
    if "item" in facts:
        path = urlsplit(url).path.removeprefix("/api/content")
        usual = {"schema_name": "publication", "base_path": path, "title": title}
        content = usual | {"details": {}, "withdrawn_notice": {}} | facts["item"]
        return json.dumps(content).encode(), "application/json; charset=utf-8"
    if "json" in facts:
        return json.dumps(facts["json"]).encode(), "application/json"
    if "body" in facts:
        return facts["body"].encode(facts.get("encoding", "utf-8")), "text/html"
    heading = facts.get("heading", title)
    head = facts.get("head", heading)
    start = f"<!DOCTYPE html><html><head><title>{head}</title></head>"
    content = facts.get("inside", "") + facts.get("more", "")
    text = f"{start}<body><h1>{heading}</h1>{content}</body></html>"
    return text.encode(), "text/html; charset=utf-8"


def known_of(facts: Table) -> Known:
    """Return what earlier looks have shown. `slot` is an instant."""
    fields = dict(facts.get("known", {}))
    if "slot" in fields:
        instant = datetime.fromisoformat(fields["slot"])
        fields["slot"] = at_instant(instant, fields["slot"], "Europe/London")
    return Known(**fields)


def context_of(facts: Table, title: str, url: str) -> Context:
    """Return what a recogniser knows of our release."""
    return Context(
        url,
        title,
        facts.get("digest", ""),
        known_of(facts),
        is_led_to=facts.get("led_to", False),
        alternatives=tuple(facts.get("alternatives", ())),
        similar_titles=tuple(facts.get("similar_titles", ())),
        edition=facts.get("edition", ""),
    )


def result_of(seen: Recognised | Sighting, right: Table) -> dict[str, object]:
    """Return what was recognised, with the keys and in the words of the case."""
    facts = {
        "state": str(seen.state),
        "reason": seen.why,
        "specific": seen.specific,
        "version": seen.version or "none",
        "has_digest": seen.digest is not None,
        "found": _found(seen.found, right.get("found", ())),
    }
    return {key: _in_words_of(right[key], facts[key]) for key in WORDS_OF_RESULT & {*right}}


def right_of(facts: Table) -> dict[str, object]:
    """Return what a case says is right."""
    return {key: facts[key] for key in WORDS_OF_RESULT & {*facts}}


def _found(found: Sequence[Found], right: Toml) -> list[object]:
    """Return parts as the case has them: `role url`, or a table with some of their facts."""
    if len(found) != len(right):
        return [f"{each.role} {each.url}" for each in found]
    rows: list[object] = []
    for each, expected in zip(found, right, strict=True):
        if isinstance(expected, str):
            rows.append(f"{each.role} {each.url}")
        else:
            row = {**each.facts, "role": each.role, "url": each.url, "title": each.title}
            rows.append({key: row.get(key) for key in expected})
    return rows


def _in_words_of(right: object, seen: object) -> object:
    is_text = isinstance(right, str) and isinstance(seen, str)
    return right if is_text and matches(right, seen) else seen
