"""Renders summaries as plain text, from the JSON of releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from alerts.draft.period import FAULTY_VERDICTS, count_on_time
from alerts.incident import Action, Incident
from alerts.one_line import one_line
from alerts.status import CALENDAR_DOUBTS
from monitor.judge.as_json import Body
from monitor.judge.as_text import LOUD, count_by_status, listed_status, measure_text, slot_label
from schedules.times.words import count, day_text, length
from schedules.times.zone import local_date

_LONGEST_LIST = 40
"""A longer list of releases is counted by producer."""
_RISKS = {
    kind: CALENDAR_DOUBTS[kind]
    for kind in ("short_notice", "calendars_disagree", "promise_in_doubt")
}
_RISKS["parts_cut"] = "more parts than are watched"

Names = Mapping[str, str]
Risks = Mapping[tuple[str, date], str]


@dataclass(frozen=True, slots=True)
class Summary:
    """The subject and text of a summary."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """The facts of a summary, as of `now`."""

    now: datetime
    first: date
    last: date
    rows: Sequence[Body]
    """The releases of the local days `first` to `last`."""
    owed: Sequence[Incident] = ()
    """The incidents that owe a report."""
    undone: Sequence[tuple[Incident, int, Action]] = ()
    """The overdue actions, each with its incident and number."""
    next: date | None = None
    """The next day with releases."""
    following: Sequence[Body] = ()
    """The releases of that day."""
    missing: Sequence[Body] = ()
    """The releases of earlier days that are not published yet."""
    risks: Risks = field(default_factory=dict)
    """What budgets will not prove, by host and day."""
    names: Names = field(default_factory=dict)
    """The names of producers by id."""
    link: str = ""
    """The address of the board. Empty: none."""
    producer: str = ""
    """The only producer of a month. Empty: all."""


def morning_summary(facts: SummaryFacts) -> Summary:
    """Return the summary of the releases due today, the risks, and the reports that are owed."""
    rows, names = facts.rows, facts.names
    at_risk = list(_find_risks(facts, rows, facts.first))
    count_at_risk = _count_suffix(len(at_risk), "at risk")
    subject = f"Today, {day_text(facts.first, weekday=True)}: {_due_count(rows)}{count_at_risk}"
    if len(rows) <= _LONGEST_LIST:
        due = [f"{slot_label(row['slot'])}, {_title_and_producer(row, names)}" for row in rows]
    else:
        groups = Counter(
            (slot_label(row["slot"]), names.get(row["producer"], row["producer"])) for row in rows
        )
        due = [f"{at}, {producer}: {number}" for (at, producer), number in sorted(groups.items())]
    blocks = _still_overdue(facts), _bullet_list("Due", due), _bullet_list("At risk", at_risk)
    return _build_summary(subject, facts, *blocks)


def evening_summary(facts: SummaryFacts) -> Summary:
    """Return the summary of today's results, the reports owed, and releases and risks of the next
    day with releases.
    """
    results = count_by_status(facts.rows) or "nothing was due"
    lines = (_verdict_line(row, facts.names) for row in facts.rows if row["verdict"] in LOUD)
    faulty = _bullet_list("Not on time, or not proved", lines)
    blocks = [faulty, _still_overdue(facts)]
    if facts.next is not None:
        times = Counter(slot_label(row["slot"]) for row in facts.following)
        listed = "".join(f"- {at}: {number}\n" for at, number in sorted(times.items()))
        blocks.append(
            f"Next, {day_text(facts.next, weekday=True)}: {_due_count(facts.following)}\n{listed}"
        )
        blocks.append(_bullet_list("At risk", _find_risks(facts, facts.following, facts.next)))
    return _build_summary(f"{day_text(facts.first, weekday=True)}: {results}", facts, *blocks)


def monthly_summary(facts: SummaryFacts) -> Summary:
    """Return the punctuality of the releases of some days: overall, by producer, and each one that
    was not on time.
    """
    rows, names = facts.rows, facts.names
    counted = "nothing was due"
    if rows:
        counted = _on_time_text(rows)
    by_producer: dict[str, list[Body]] = {}
    for row in rows:
        by_producer.setdefault(row["producer"], []).append(row)
    shares = (
        f"{names.get(one, one)}: {_on_time_text(by_producer[one])}" for one in sorted(by_producer)
    )
    lines = (_verdict_line(row, names) for row in rows if row["verdict"] in FAULTY_VERDICTS)
    faulty = _bullet_list("Not on time, or not proved", lines)
    of_producer = ""
    if facts.producer:
        of_producer = f" --producer {facts.producer}"
    command = (
        f"ninethirty report period --from {facts.first} --to {facts.last}{of_producer} --output"
        " report.docx"
    )
    more = f"The whole report, with delays and the pattern of faults:\n{command}\n"
    span = f"{day_text(facts.first)} to {day_text(facts.last)}"
    return _build_summary(
        f"{span}: {counted}", facts, _bullet_list("By producer", shares), faulty, more
    )


def _build_summary(subject: str, facts: SummaryFacts, *blocks: str) -> Summary:
    """Return a summary with these blocks, the reports and actions that are owed, and their numbers
    in the subject.
    """
    subject += _count_suffix(len(facts.missing), "still not out")
    subject += _count_suffix(
        len(facts.owed), "report owed" if len(facts.owed) == 1 else "reports owed"
    )
    subject += _count_suffix(
        len(facts.undone), "action overdue" if len(facts.undone) == 1 else "actions overdue"
    )
    board = f"Board: {facts.link}\n" if facts.link else ""
    ages = ((one, max(0.0, (facts.now - one.opened).total_seconds())) for one in facts.owed)
    reports = (
        f"{one_line(one.title)} ({one.producer}): for {length(seconds, parts=1, tenths=False)},"
        f" {one.id}"
        for one, seconds in ages
    )
    actions = (
        f"{action.owner}, by {day_text(action.due)}: {one_line(action.text)}, no. {number} of"
        f" {one.id}"
        for one, number, action in facts.undone
    )
    owed = _bullet_list("Reports owed, neither signed nor waived", reports)
    overdue = _bullet_list("Actions overdue", actions)
    return Summary(
        subject,
        "\n".join(block for block in (f"{subject}.\n", *blocks, owed, overdue, board) if block),
    )


def _on_time_text(rows: Sequence[Body]) -> str:
    """Return the share on time of the releases that could be judged, the standard indicator of
    punctuality.
    """
    on_time, judged = count_on_time(row["verdict"] for row in rows)
    share = ""
    if judged:
        share = f", {100 * on_time / judged:.1f} %"
    not_judged = len(rows) - judged
    return f"{on_time} of {judged} on time{share}" + (
        f" ({not_judged} not judged)" if not_judged else ""
    )


def _due_count(rows: Sequence[Body]) -> str:
    if rows:
        return f"{count(len(rows), 'release')} due"
    return "nothing is due"


def _verdict_line(row: Body, names: Names) -> str:
    verdict = listed_status(row)
    if measured := measure_text(row):
        verdict = f"{verdict}, {measured}"
    return f"{slot_label(row['slot'])}, {_title_and_producer(row, names)}: {verdict}"


def _still_overdue(facts: SummaryFacts) -> str:
    def due_day(slot: Body) -> str:
        return day_text(
            local_date(datetime.fromisoformat(slot["start"]), slot["timezone"]), weekday=True
        )

    lines = (f"{due_day(row['slot'])}, {_verdict_line(row, facts.names)}" for row in facts.missing)
    return _bullet_list("Due on an earlier day, still not out", lines)


def _find_risks(facts: SummaryFacts, rows: Sequence[Body], day: date) -> Iterator[str]:
    """Yield a line for each release with a risk, such as a doubtful time, and for each budget too
    small on this day.
    """
    for row in rows:
        kinds = dict.fromkeys(finding["kind"] for finding in row["findings"])  # each once, in order
        risks = [_RISKS[kind] for kind in kinds if kind in _RISKS]
        if row["slot"] and row["slot"]["doubt"]:
            risks.append(row["slot"]["doubt"])
        if risks:
            yield f"{_title_and_producer(row, facts.names)}: {', '.join(risks)}"
    for (host, budget_day), text in facts.risks.items():
        if budget_day == day:
            yield text if host in text else f"{host}: {text}"


def _title_and_producer(row: Body, names: Names) -> str:
    return f"{one_line(row['title'])} ({names.get(row['producer'], row['producer'])})"


def _count_suffix(number: int, what: str) -> str:
    return f"; {number} {what}" if number else ""


def _bullet_list(title: str, lines: Iterable[str]) -> str:
    listed = "".join(f"- {line}\n" for line in lines)
    return f"{title}:\n{listed}" if listed else ""
