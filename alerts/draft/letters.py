"""What goes out with a report: to the regulator, to users, to ministers and press; nothing of what it shows."""

from __future__ import annotations

from datetime import datetime

from alerts.draft import words
from alerts.draft.code import OUTSIDE_CODE
from alerts.draft.input import DraftInput
from alerts.draft.report import Report
from alerts.draft.summary import in_one_line
from alerts.finding import ReleaseFacts
from alerts.status import describe_alternatives

MISSING = ("overdue", "not_published")
SORRY = "We are sorry, and will say here what we have done so that it does not happen again."
ADDRESSED, CLOSING = "To: ", "Yours sincerely,\n"
TO = "[to be completed: who receives this]"
CHANGED = "[to be completed: whether anything in the release was changed since, and what (from the lead statistician)]"
CALLED = "[to be completed: whom to call, a desk and no person (from the press office)]"
USED = "That was a mistake. Whoever used something of it before then should go by the release itself."
LOOKED_INTO = "We are looking into how this happened and will say here what we have done about it."


def covering(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of an e-mail with which the report goes to the regulator."""
    title = case.facts.title if case.facts else case.incident.title
    producer = case.settings.get("name") or case.incident.producer
    clauses = words.joined([clause.cite for clause in case.clauses])
    concerns = f"It concerns {clauses} of the {case.edition.title}, edition {case.edition.name}." if clauses else ""
    concerns = OUTSIDE_CODE if case.is_outside_code else concerns
    is_note = case.incident.grade == "note"
    every = (
        f"{ADDRESSED}{case.settings.get('to') or TO}",
        f"Subject: {'Note on a release timing incident' if is_note else 'Breach report'}: {title} ({producer})",
        "Dear colleague,",
        " ".join([f"Please find attached our {'note' if is_note else 'report'} on “{title}”.", *in_one_line(case)]),
        concerns,
        "The times that were measured, and the records behind them, are in the second document." * bool(case.measured),
        f"{CLOSING}{case.settings.get('head_of_profession') or 'Head of Profession for Statistics'}",
    )
    return tuple(each for each in every if each)


def addressed(report: Report) -> tuple[str, ...]:
    """Return the covering e-mail, to whom and by whom the form says."""
    typed = {field.facts: field.answer.text for field in report.fields() if field.answer is not None}
    to, by = typed.get(("config.reporting.recipient",)), typed.get(("contact.hop",))
    told = {ADDRESSED: f"{ADDRESSED}{to}" if to else "", CLOSING: f"{CLOSING}{by}" if by else ""}
    return tuple(
        next((new for old, new in told.items() if new and text.startswith(old)), text) for text in report.covering
    )


def holding(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a statement for users; none where nothing was measured that they would notice."""
    facts = case.measured
    if facts is None or facts.slot is None:
        return ()
    told = _early(case, facts) if facts.exposures else _late(facts)
    return (*told, LOOKED_INTO) if told else ()


def correction(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a notice that stays with the release; none where users would have noticed nothing."""
    facts, held = case.measured, holding(case)
    if facts is None or not held:
        return ()
    # Until its slot nobody is told how to find what is out.
    if facts.slot is None or facts.at < facts.slot:
        return (*held[:-1], SORRY)
    forward = _forward(case)
    told = held[0] if forward else f"{_announced(facts)} {' '.join(in_one_line(case))}"
    use = (USED,) if facts.exposures and not forward else ()
    where = (f"The release is at {facts.url}.",) if _is_out(case, facts) and facts.url else ()
    return (told, *use, CHANGED, *where, SORRY)


def lines(case: DraftInput) -> tuple[str, ...]:
    """Return what ministers' offices and the press office can say, a line each, and what they leave unsaid."""
    title = case.facts.title if case.facts else case.incident.title
    told = holding(case)[:-1] or (f"An incident of {case.local_day(case.incident.occurred)} concerns “{title}”.",)
    owed = " A report goes to the regulator." if case.incident.grade == "report" else ""
    return (
        *told,
        f"How this happened is being looked into.{owed}",
        "We do not comment on the statistics outside their release.",
        "Questions about the release are for the Head of Profession for Statistics.",
        CALLED,
    )


def _is_out(case: DraftInput, facts: ReleaseFacts) -> bool:
    forward = _forward(case)
    is_due = facts.slot is not None and facts.at >= facts.slot
    return (is_due or (forward is not None and forward <= case.now)) and facts.verdict not in MISSING


def _forward(case: DraftInput) -> datetime | None:
    """Return to when it was decided to bring the release forward."""
    typed = case.incident.words.get("brought_forward")
    return datetime.fromisoformat(typed) if typed else None


def _slot(facts: ReleaseFacts) -> str:
    return words.in_style(facts.slot, facts.timezone) if facts.slot else facts.slot_text


def _announced(facts: ReleaseFacts) -> str:
    return f"“{facts.title}” was announced for {_slot(facts)}."


def _early(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    which = "It" if all(part.exposures for part in facts.parts if part.required) else "Some of it"
    mistake = f"{which} could be seen before that time, by mistake."
    if forward := _forward(case):
        to = words.in_style(forward, facts.timezone)
        moved = f"It will be released at {to} instead." if forward > case.now else f"We brought it forward to {to}."
        was = any(each.start.by is not None and each.start.by < forward for each in facts.exposures)
        return [f"{_announced(facts)} {moved}{f' {mistake}' if was else ''}"]
    if facts.slot is not None and facts.at < facts.slot:
        plea = "Please do not use, quote or pass on anything of it before then."
        return [f"“{facts.title}” will be released at {_slot(facts)}, as announced.", f"{mistake} {plea}"]
    return [f"{_announced(facts)} {mistake}"]


def _late(facts: ReleaseFacts) -> list[str]:
    missing = facts.verdict in MISSING
    if not missing and not any(part.verdict == "late" and part.required for part in facts.parts):
        return []
    came = f"“{facts.title}” was announced for {_slot(facts)} and did not come out then."
    elsewhere = [f"{words.capital(one)}." for one in describe_alternatives(facts, facts.at)]
    if elsewhere and missing:
        then = "It is not on its announced page yet; we will put it there as soon as we can."
    else:
        then = "It is not out yet; we will release it as soon as we can." if missing else "It is out now."
    return [" ".join((came, *elsewhere, then, "We are sorry for the delay."))]
