"""What goes out with a report: a covering e-mail to the regulator, and a holding statement for users; no figures."""

from __future__ import annotations

from alerts.draft import words
from alerts.draft.input import DraftInput
from alerts.draft.summary import in_one_line
from alerts.finding import ReleaseFacts

TO = "[to be completed: who receives this]"
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


def _early(facts: ReleaseFacts) -> list[str]:
    slot = words.moment(facts.slot, facts.timezone) if facts.slot else facts.slot_text
    mistake = "Some of it could be seen before that time, by mistake."
    if facts.slot is not None and facts.at < facts.slot:
        plea = "Please do not use, quote or pass on anything of it before then."
        return [f"“{facts.title}” will be released at {slot}, as announced.", f"{mistake} {plea}"]
    return [f"“{facts.title}” was announced for {slot}. {mistake}"]


def _late(facts: ReleaseFacts) -> list[str]:
    slot = words.moment(facts.slot, facts.timezone) if facts.slot else facts.slot_text
    missing = facts.verdict in ("overdue", "not_published")
    if not missing and not any(part.verdict == "late" and part.required for part in facts.parts):
        return []
    then = "It is not out yet; we will release it as soon as we can." if missing else "It is out now."
    return [f"“{facts.title}” was announced for {slot} and did not come out then. {then} We are sorry for the delay."]
