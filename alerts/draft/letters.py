"""What goes out with a report: to the regulator, to users, to ministers and press; nothing of what it shows."""

from __future__ import annotations

from alerts.draft import words
from alerts.draft.input import DraftInput
from alerts.draft.summary import in_one_line
from alerts.finding import ReleaseFacts

MISSING = ("overdue", "not_published")
SORRY = "We are sorry, and will say here what we have done so that it does not happen again."
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
    every = (
        f"To: {case.settings.get('to') or TO}",
        f"Subject: Breach report: {title} ({producer})",
        "Dear colleague,",
        f"Please find attached our report on “{title}”. {' '.join(in_one_line(case))}".rstrip(),
        concerns,
        "The times that were measured, and the records behind them, are in the second document.",
        f"Yours sincerely,\n{case.settings.get('head_of_profession') or 'Head of Profession for Statistics'}",
    )
    return tuple(each for each in every if each)


def holding(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a statement for users; none where nothing was measured that they would notice."""
    facts = case.measured
    if facts is None or facts.slot is None:
        return ()
    told = _early(facts) if facts.exposures else _late(facts)
    return (*told, LOOKED_INTO) if told else ()


def correction(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a notice that stays with the release; none where users would have noticed nothing."""
    facts, held = case.measured, holding(case)
    if facts is None or not held:
        return ()
    # Until its slot nobody is told how to find what is out.
    if facts.slot is None or facts.at < facts.slot:
        return (*held[:-1], SORRY)
    told = f"{_announced(facts)} {' '.join(in_one_line(case))}"
    use = (USED,) if facts.exposures else ()
    where = (f"The release is at {facts.url}.",) if _is_out(facts) and facts.url else ()
    return (told, *use, CHANGED, *where, SORRY)


def lines(case: DraftInput) -> tuple[str, ...]:
    """Return what ministers' offices and the press office can say, a line each, and what they leave unsaid."""
    facts = case.measured
    title = case.facts.title if case.facts else case.incident.title
    told = holding(case)[:-1] or (f"An incident of {case.local_day(case.incident.occurred)} concerns “{title}”.",)
    when = "stands" if facts is not None and _is_out(facts) else "will stand"
    to = case.settings.get("to")
    owed = f" A report goes to {to}." if to and case.incident.grade == "report" else ""
    return (
        *told,
        f"How this happened is being looked into.{owed}",
        f"What the statistics show {when} in the release, for everyone; we say nothing about it here.",
        "Questions about the release are for the Head of Profession for Statistics.",
        CALLED,
    )


def _is_out(facts: ReleaseFacts) -> bool:
    return facts.slot is not None and facts.at >= facts.slot and facts.verdict not in MISSING


def _slot(facts: ReleaseFacts) -> str:
    return words.moment(facts.slot, facts.timezone) if facts.slot else facts.slot_text


def _announced(facts: ReleaseFacts) -> str:
    return f"“{facts.title}” was announced for {_slot(facts)}."


def _early(facts: ReleaseFacts) -> list[str]:
    mistake = "Some of it could be seen before that time, by mistake."
    if facts.slot is not None and facts.at < facts.slot:
        plea = "Please do not use, quote or pass on anything of it before then."
        return [f"“{facts.title}” will be released at {_slot(facts)}, as announced.", f"{mistake} {plea}"]
    return [f"{_announced(facts)} {mistake}"]


def _late(facts: ReleaseFacts) -> list[str]:
    missing = facts.verdict in MISSING
    if not missing and not any(part.verdict == "late" and part.required for part in facts.parts):
        return []
    then = "It is not out yet; we will release it as soon as we can." if missing else "It is out now."
    came = f"“{facts.title}” was announced for {_slot(facts)} and did not come out then."
    return [f"{came} {then} We are sorry for the delay."]
