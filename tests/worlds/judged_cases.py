"""What a case file says of a verdict: what was promised and seen, and what is right.

A target has its name: `page`, `page/origin`, `sheet`. Without `promises` its slot was announced 40
days before. A text of an expected reason or detail is a pattern: “… late …” contains “late”.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from schedules.announcement import Part, State
from schedules.contract.verdict import Exposure, Finding, PartVerdict, VerdictKind
from schedules.promise import Promise, Unlisted
from schedules.slot import Slot
from tests.worlds.case_files import Toml, matches
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import in_order, seen_by
from tests.worlds.releases import NEWS, SHEET, a_promise, a_release, a_slot, no_slot
from tests.worlds.steps import read_answers, seconds_of, span_text
from tests.worlds.verdicts import Case

PARTS = {"sheet": SHEET, "news": NEWS}
VIEWS = {"origin": "page/origin", "content": "page/content"}
WORDS_OF_WORLD = {
    *("promises", "parts", "blind", "on_time_within", "monitors", "begins", "every", "specific"),
    "at",
}
VERDICTS = {str(kind) for kind in VerdictKind}
GRADES = {"ungraded": "none", "note": "note", "report": "report"}
Table = Mapping[str, Any]


# What happens


def case_at(now: float, facts: Table) -> Case:
    """Return what is judged at an instant of a case."""
    seen: dict[str, Any] = {}
    for key, answers in facts.items():
        if key in WORDS_OF_WORLD:
            continue
        name = VIEWS.get(key, key)
        if name.split("/")[0] not in {"page", *PARTS}:
            raise ValueError(f"not a target or a word of case files: {key}")
        seen[name] = read_answers(answers, name, facts)
    if "monitors" in facts:
        seen["page"] = _runs_of_monitors(facts["monitors"], now)
    promises = [a_promise()]
    if "promises" in facts:
        promises = [_promise(each) for each in facts["promises"]]
    calendars = tuple(dict.fromkeys(promise.calendar for promise in promises)) or ("govuk",)
    parts = _parts(facts, [name.split("/")[0] for name in seen])
    return Case(
        now,
        seen,
        promises=promises,
        blind=[read_blind_span(each) for each in facts.get("blind", ())],
        policy=_policy(facts),
        release=a_release(*parts, calendars=calendars),
        every=facts.get("every", 1.0),
    )


def _runs_of_monitors(monitors: Mapping[str, str], now: float) -> Sequence[Any]:
    each_saw = []
    for name, answers in monitors.items():
        regular = read_answers(answers, "page", {})
        assert not isinstance(regular, list)
        each_saw.append(seen_by(name, regular.runs("page", now)))
    return in_order(*each_saw)


def _parts(facts: Table, names: Sequence[str]) -> list[Part]:
    wanted = {name: PARTS[name].required for name in names if name in PARTS}
    for each in facts.get("parts", ()):
        name, _, need = each.partition(" ")
        wanted[name] = need == "required" if need else PARTS[name].required
    return [replace(PARTS[name], required=is_required) for name, is_required in wanted.items()]


def _policy(facts: Table) -> Policy:
    if "on_time_within" not in facts:
        return Policy()
    return Policy(on_time_within=timedelta(seconds=facts["on_time_within"]))


def read_blind_span(text: str) -> Blind:
    """Return the span of `killed from -20 to 40`, which may have `host=`, `target=` or `monitor=`."""
    cause, _, begins, _, ends, *options = text.split()
    where = dict(option.split("=") for option in options)
    return Blind(
        after_slot(seconds_of(begins)),
        after_slot(seconds_of(ends)),
        cause,
        where.get("host", ""),
        where.get("target", ""),
        where.get("monitor", ""),
    )


def _instant(text: str | float) -> datetime:
    instant = after_slot(seconds_of(text))
    assert instant is not None
    return instant


def _promise(entry: Table) -> Promise:
    """Return what a calendar showed of the release, and at which of its reads."""
    fields = dict(entry)
    slot = _slot(fields)
    for word, field in {
        "first_shown": "learnt",
        "not_shown": "unlearnt",
        "last_shown": "confirmed_at",
    }.items():
        if word in fields:
            fields[field] = _instant(fields.pop(word))
    if "state" in fields:
        fields["state"] = State(fields["state"])
    if "dropped" in fields:
        since, entries = _instant(fields.pop("dropped")), fields.pop("new_entries", ())
        fields["unlisted"] = Unlisted(since, 4, tuple(entries))
    return a_promise(slot, **fields)


def _slot(fields: dict[str, Any]) -> Slot:
    if "unreadable" in fields:
        return no_slot(raw=fields.pop("unreadable"), reason="not-a-date")
    text = fields.pop("slot", 0)
    if text == "none":
        return no_slot()
    days = fields.pop("days", None)
    if days is not None:
        first, *last = [date.fromisoformat(day) for day in days]
        return a_slot(first, *last)
    more = {}
    if "slot_doubt" in fields:
        more["doubt"] = fields.pop("slot_doubt")
    if "readings" in fields:
        more["readings"] = tuple(_instant(each) for each in fields.pop("readings"))
    return a_slot(_instant(text), **more)


# What is right


def expected_facts(right: str | Table) -> Table:
    """Return the facts of `late, note, final, delay 89 to 90`, or of a table as they are."""
    if not isinstance(right, str):
        return right
    facts: dict[str, object] = {}
    for words in right.split(", "):
        if words in VERDICTS:
            facts["verdict"] = words
        elif words in GRADES:
            facts["grade"] = GRADES[words]
        elif words in {"final", "not final"}:
            facts["final"] = words == "final"
        else:
            name, _, value = words.partition(" ")
            facts[name] = int(value) if value.isdecimal() else value
    return facts


def facts_judged(case: Case, right: Table) -> dict[str, object]:
    """Return of a verdict what a case says of it, in the words of the case as far as it is right."""
    verdict = case.verdict()
    facts: dict[str, object] = {}
    for name, expected in right.items():
        if name == "explains":
            lines = [fact.text for fact in case.explanation().facts]
            facts[name] = _lines_found(lines, expected)
        elif name == "would_change":
            facts[name] = _lines_found(case.explanation().would_change, expected)
        else:
            facts[name] = _fact(verdict, name, expected)
    return facts


def _lines_found(lines: Sequence[str], patterns: str | Sequence[str]) -> object:
    """Return the patterns, but all lines in place of one that no line matches.

    One pattern is that of the whole text.
    """
    if isinstance(patterns, str):
        return _in_words_of(patterns, "\n".join(lines))
    found: list[object] = []
    for pattern in patterns:
        is_there = any(matches(pattern, line) for line in lines)
        found.append(pattern if is_there else list(lines))
    return found


def _fact(verdict: Verdict, name: str, right: Toml) -> object:
    if name == "found":
        rows = {kind: [] for kind in right} | _findings_by_kind(verdict.findings)
        return {kind: _rows(rows[kind], expected) for kind, expected in right.items()}
    if name == "exposures":
        return _rows([_exposure_row(each) for each in verdict.exposures], right)
    if name in {"doubt", "doubts"}:
        doubts = _findings_by_kind(verdict.findings).get("promise_in_doubt", [])
        return _rows(doubts, {"detail": right})["detail"] if name == "doubt" else len(doubts)
    if name in {"parts", "delays"}:
        parts = {part.id: part for part in verdict.parts}
        read = FACTS_OF_PART["verdict" if name == "parts" else "delay"]
        return {part: read(parts[part]) for part in right}
    if name in FACTS_OF_PART and name != "verdict":
        assert verdict.page is not None
        return _in_words_of(right, FACTS_OF_PART[name](verdict.page))
    return _in_words_of(right, FACTS[name](verdict))


def _seconds(instant: datetime | None) -> float | str:
    return "none" if instant is None else (instant - SLOT).total_seconds()


FACTS: Mapping[str, Callable[[Verdict], object]] = {
    "verdict": lambda verdict: str(verdict.verdict),
    "grade": lambda verdict: str(verdict.grade),
    "final": lambda verdict: verdict.final,
    "slot": lambda verdict: "none" if verdict.slot is None else _seconds(verdict.slot.start),
    "revisit": lambda verdict: _seconds(verdict.revisit),
    "confirmed": lambda verdict: _seconds(verdict.confirmed),
    "because": lambda verdict: verdict.unproven_because or "none",
    "findings": lambda verdict: [str(finding.kind) for finding in verdict.findings],
    "shown_since": lambda verdict: _seconds(verdict.shown_since and verdict.shown_since.slot),
    "shown_text": lambda verdict: verdict.shown_since.text if verdict.shown_since else "none",
}
FACTS_OF_PART: Mapping[str, Callable[[PartVerdict], object]] = {
    "verdict": lambda part: str(part.verdict),
    "delay": lambda part: span_text(part.delay),
    "users_delay": lambda part: span_text(part.users_delay),
    "first_seen": lambda part: span_text(part.first_seen),
    "released": lambda part: span_text(part.released),
    "early_bound": lambda part: "none" if part.early_bound is None else part.early_bound,
    "had_other_content": lambda part: part.had_other_content,
}
"""Facts of the page, but for its verdict."""


def _findings_by_kind(findings: Sequence[Finding]) -> dict[str, list[Table]]:
    rows: dict[str, list[Table]] = {}
    for finding in findings:
        row = {
            "part": finding.part or "none",
            "seconds": span_text(finding.seconds),
            "detail": finding.detail,
            "is_readable": finding.is_readable,
            "has_instant": finding.at is not None,
        }
        rows.setdefault(str(finding.kind), []).append(row)
    return rows


def _exposure_row(exposure: Exposure) -> Table:
    return {
        "part": exposure.part,
        "seconds": span_text(exposure.seconds),
        "from": span_text(exposure.start),
        "to": span_text(exposure.to),
        "open": exposure.open,
        "ended": "none" if exposure.ended is None else str(exposure.ended),
    }


def _rows(rows: Sequence[Table], right: Toml) -> object:
    """Return rows as their number, as their seconds, or with the keys that a case names."""
    if isinstance(right, int):
        return len(rows)
    expected = right if isinstance(right, list) else [right]
    if len(rows) != len(expected):
        return list(rows)
    judged: list[object] = []
    for row, each in zip(rows, expected, strict=True):
        if isinstance(each, str):
            judged.append(row["seconds"])
        else:
            judged.append({key: _cell(row, key, each[key]) for key in each})
    return judged if isinstance(right, list) else judged[0]


def _cell(row: Table, key: str, right: Toml) -> object:
    if key != "lacks":
        return _in_words_of(right, row[key])
    return row["detail"] if right in row["detail"] else right


def _in_words_of(right: Toml, judged: Toml) -> object:
    """Return what was judged, written as the case has it if that means the same."""
    if isinstance(right, list) and isinstance(judged, str):
        return [_in_words_of(each, judged) for each in right]
    if isinstance(right, str) and isinstance(judged, str):
        return right if matches(right, judged) else judged
    if isinstance(right, str) and isinstance(judged, float):
        return right if right != "none" and seconds_of(right) == judged else judged
    return judged
