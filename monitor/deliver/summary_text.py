"""Summaries in words, from the JSON of releases: plain text that any channel can carry. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from alerts.draft.period import FAULTY, on_time_of
from alerts.incident import Action, Incident
from alerts.one_line import one_line
from monitor.judge.as_text import LOUD, due_text, measure_text, tally, told_text
from schedules.times.words import day_text, length
from schedules.times.zone import local_date

_MOST = 40
"""A list longer than this is told by producer."""
_RISKS = {
    "short_notice": "changed at short notice",
    "calendars_disagree": "calendars disagree about its time",
    "promise_in_doubt": "its time may have changed",
    "parts_cut": "more parts than are watched",
}

Body = Mapping[str, Any]
Names = Mapping[str, str]
Risks = Mapping[tuple[str, date], str]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary says."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a summary is made of, as of `now`.

    `rows` are the releases of the local days `first` to `last`, `following` those of the day `next` on which something
    is due again; `missing` those of earlier days that are not out yet; `owed` the incidents whose reports are,
    `undone` the actions that are overdue. `risks` are in words what budgets will not prove, by host and day; `names`
    those of producers by id; `link` where the board is, empty for nowhere.
    """

    now: datetime
    first: date
    last: date
    rows: Sequence[Body]
    owed: Sequence[Incident] = ()
    undone: Sequence[tuple[Incident, int, Action]] = ()
    next: date | None = None
    following: Sequence[Body] = ()
    missing: Sequence[Body] = ()
    risks: Risks = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    link: str = ""


def morning(facts: Facts) -> Summary:
    """Return what is due today, what of it is at risk, and which reports are owed."""
    rows, names = facts.rows, facts.names
    at_risk = [*_risky(rows, names), *_short(facts.risks, facts.first)]
    what = _due(rows) if rows else "nothing is due"
    subject = f"Today, {day_text(facts.first, weekday=True)}: {what}{_more(len(at_risk), 'at risk')}"
    return _summary(subject, facts, _missing(facts), _listed("Due", rows, names), _items("At risk", at_risk))


def evening(facts: Facts) -> Summary:
    """Return what became of today, which reports are owed, and what is due and at risk on the day that follows."""
    became = tally(facts.rows) or "nothing was due"
    wrong = _items("Not on time, or not proved", _lines(facts, facts.rows, LOUD))
    return _summary(f"{day_text(facts.first, weekday=True)}: {became}", facts, wrong, _missing(facts), *_ahead(facts))


def month(facts: Facts) -> Summary:
    """Return how punctual the releases of some days were: in all, by producer, and each that was not on time."""
    rows, names = facts.rows, facts.names
    counted = _punctual(rows) if rows else "nothing was due"
    producers = sorted({row["producer"] for row in rows})
    each = (f"{names.get(one, one)}: {_punctual([row for row in rows if row['producer'] == one])}" for one in producers)
    wrong = _items("Not on time, or not proved", _lines(facts, facts.rows, FAULTY))
    report = f"ninethirty report period --from {facts.first} --to {facts.last} --output report.docx"
    whole = f"The whole report, with delays and the pattern of faults:\n{report}\n"
    span = f"{day_text(facts.first)} to {day_text(facts.last)}"
    return _summary(f"{span}: {counted}", facts, _items("By producer", each), wrong, whole)


def _summary(subject: str, facts: Facts, *blocks: str) -> Summary:
    owing = _more(len(facts.missing), "still not out")
    owing += _more(len(facts.owed), "report owed" if len(facts.owed) == 1 else "reports owed")
    owing += _more(len(facts.undone), "action overdue" if len(facts.undone) == 1 else "actions overdue")
    board = f"Board: {facts.link}\n" if facts.link else ""
    told = (f"{subject}{owing}.\n", *blocks, _owed(facts.owed, facts.now), _undone(facts.undone), board)
    return Summary(f"{subject}{owing}", "\n".join(block for block in told if block))


def _ahead(facts: Facts) -> Iterator[str]:
    if facts.next is None:
        return
    rows = facts.following
    yield f"Next, {day_text(facts.next, weekday=True)}: {_due(rows) if rows else 'nothing is due'}\n{_times(rows)}"
    yield _items("At risk", [*_risky(rows, facts.names), *_short(facts.risks, facts.next)])


def _punctual(rows: Sequence[Body]) -> str:
    """Return the standard indicator of punctuality: the share on time of those that could be judged."""
    on_time, judged = on_time_of(row["verdict"] for row in rows)
    share = f", {100 * on_time / judged:.1f} %" if judged else ""
    left = len(rows) - judged
    return f"{on_time} of {judged} on time{share}" + (f" ({left} not judged)" if left else "")


def _due(rows: Sequence[Body]) -> str:
    return f"{len(rows)} release{'' if len(rows) == 1 else 's'} due"


def _times(rows: Sequence[Body]) -> str:
    """Return how many are due at which time."""
    times = Counter(due_text(row["slot"]) for row in rows)
    return "".join(f"- {at}: {number}\n" for at, number in sorted(times.items()))


def _listed(title: str, rows: Sequence[Body], names: Names) -> str:
    """Return each release with its time and producer; of very many, how many each producer has at which time."""
    if len(rows) <= _MOST:
        return _items(title, (f"{due_text(row['slot'])}, {_named(row, names)}" for row in rows))
    groups = Counter((due_text(row["slot"]), names.get(row["producer"], row["producer"])) for row in rows)
    return _items(title, (f"{at}, {producer}: {number}" for (at, producer), number in sorted(groups.items())))


def _lines(facts: Facts, rows: Sequence[Body], verdicts: Collection[str], *, dated: bool = False) -> Iterator[str]:
    """Yield a line for each row with one of these verdicts; `dated` ones say which day they were due on."""
    for row in (row for row in rows if row["verdict"] in verdicts):
        measured = measure_text(row)
        verdict = f"{told_text(row)}, {measured}" if measured else told_text(row)
        day = f"{_due_day(row)}, " if dated else ""
        yield f"{day}{due_text(row['slot'])}, {_named(row, facts.names)}: {verdict}"


def _missing(facts: Facts) -> str:
    return _items("Due on an earlier day, still not out", _lines(facts, facts.missing, {"overdue"}, dated=True))


def _due_day(row: Body) -> str:
    slot = row["slot"]
    return day_text(local_date(datetime.fromisoformat(slot["start"]), slot["timezone"]), weekday=True)


def _risky(rows: Sequence[Body], names: Names) -> Iterator[str]:
    for row in rows:
        kinds = dict.fromkeys(found["kind"] for found in row["findings"])
        why = [risk for kind in kinds if (risk := _RISKS.get(kind))]
        why += [row["slot"]["doubt"]] if row["slot"] and row["slot"]["doubt"] else []
        if why:
            yield f"{_named(row, names)}: {', '.join(why)}"


def _short(risks: Risks, day: date) -> Iterator[str]:
    yield from (text if host in text else f"{host}: {text}" for (host, when), text in risks.items() if when == day)


def _named(row: Body, names: Names) -> str:
    return f"{one_line(row['title'])} ({names.get(row['producer'], row['producer'])})"


def _owed(owed: Sequence[Incident], now: datetime) -> str:
    def age(one: Incident) -> str:
        return length(max(0.0, (now - one.opened).total_seconds()), parts=1, tenths=False)

    each = (f"{one_line(one.title)} ({one.producer}): for {age(one)}, {one.id}" for one in owed)
    return _items("Reports owed, neither signed nor waived", each)


def _undone(actions: Iterable[tuple[Incident, int, Action]]) -> str:
    each = (
        f"{action.owner}, by {day_text(action.due)}: {one_line(action.text)}, no. {number} of {one.id}"
        for one, number, action in actions
    )
    return _items("Actions overdue", each)


def _more(number: int, what: str) -> str:
    return f"; {number} {what}" if number else ""


def _items(title: str, lines: Iterable[str]) -> str:
    listed = "".join(f"- {line}\n" for line in lines)
    return f"{title}:\n{listed}" if listed else ""
