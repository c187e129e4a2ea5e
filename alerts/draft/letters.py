"""Letters that go out with a report: to the regulator, to users, to ministers and press.

They contain no figures of the release and no promises. Cause and actions are the answers of the report.
"""

from __future__ import annotations

from alerts.draft import words
from alerts.draft.code import OUTSIDE_CODE
from alerts.draft.input import DraftInput
from alerts.draft.narrative import IN_TIME, announcement, availability, brought_forward, call_it, headline, since
from alerts.draft.report import Report
from alerts.fact_rules import appearance_of
from alerts.finding import ReleaseFacts
from alerts.status import was_public_at_slot

MISSING = ("overdue", "not_published")
SORRY = "We apologise for the inconvenience."
ADDRESSED, CLOSING = "To: ", "Yours sincerely,\n"
TO = "[to be completed: who receives this]"
CAUSE = "[to be completed: how and why it happened (from the report)]"
ACTIONS = "[to be completed: what was done about it (from the report)]"
CHANGED = "[to be completed: whether anything in the release was changed since, and what (from the lead statistician)]"
CALLED = "[to be completed: whom to call, a desk and no person (from the press office)]"
USED = "Anyone who used any of it before then should use the release itself instead."
NO_COMMENT = "We do not comment on the statistics outside their release."


def covering(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of an e-mail with which the report goes to the regulator."""
    title = case.facts.title if case.facts else case.incident.title
    producer = case.settings.get("name") or case.incident.producer
    clauses = words.joined([clause.cite for clause in case.clauses])
    concerns = f"It concerns {clauses} of the {case.edition.title}, edition {case.edition.name}." if clauses else ""
    concerns = OUTSIDE_CODE if case.is_outside_code else concerns
    is_note, day = case.incident.grade == "note", case.local_day(case.incident.occurred)
    is_breach = not is_note and not case.is_outside_code
    every = (
        f"{ADDRESSED}{case.settings.get('to') or TO}",
        f"Subject: {'Breach report' if is_breach else 'Note on a release timing incident'}: {title} ({producer})",
        "Dear colleague,",
        headline(case) or f"An incident on {day} concerns “{title}”. {case.incident.words.get('what', '')}".strip(),
        f"Our {'note' if is_note else 'report'} is attached. {concerns}".strip(),
        "The measured times and their evidence are set out in a separate document." * bool(case.measured),
        f"{CLOSING}{case.settings.get('head_of_profession') or 'Head of Profession for Statistics'}",
    )
    return tuple(each for each in every if each)


def as_answered(report: Report, letter: tuple[str, ...]) -> tuple[str, ...]:
    """Return a letter with recipient, sender, cause and actions as the answers of the report have them."""
    fields = [field for field in report.fields() if field.answer is not None]
    typed = {field.facts: field.answer.text for field in fields if field.answer is not None}
    to, by = typed.get(("config.reporting.recipient",)), typed.get(("contact.hop",))
    told = {ADDRESSED: f"{ADDRESSED}{to}" if to else "", CLOSING: f"{CLOSING}{by}" if by else ""}
    told |= {CAUSE: _answer_to(report, "human.reasons"), ACTIONS: _answer_to(report, "human.corrective")}
    # A signed report has its answer even if it is worded in one piece with the account.
    left = [text for text in letter if not (report.signed and text in (CAUSE, ACTIONS) and not told[text])]
    return tuple(next((new for old, new in told.items() if new and text.startswith(old)), text) for text in left)


def _answer_to(report: Report, fact: str) -> str:
    """Return what a person answered to a question; empty without an answer, or if it also replaces the account."""
    field = next((field for field in report.fields() if fact in field.facts), None)
    if field is None or (field.answer is not None and field.answer.instead):
        return ""
    actions = field.paragraphs if field.facts == ("human.corrective",) else ()
    return "\n".join([*actions, *([field.answer.text] if field.answer else [])])


def holding(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a statement for users; empty if users were not affected."""
    facts = case.measured
    if facts is None or facts.slot is None:
        return ()
    return tuple(_say_early(case, facts) if facts.exposures else _say_late(case, facts))


def correction(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a notice that stays with the release; empty if users were not affected."""
    facts, held = case.measured, holding(case)
    if facts is None or not held:
        return ()
    # Until its slot a notice must not help anyone to find it.
    if facts.slot is None or facts.at < facts.slot:
        return (*held, CAUSE, ACTIONS)
    use = (USED,) if facts.exposures and not brought_forward(case) else ()
    return (held[0], *use, CHANGED, CAUSE, ACTIONS, SORRY)


def lines(case: DraftInput) -> tuple[str, ...]:
    """Return what ministers' offices and the press office can say, a line each, and what they leave unsaid."""
    title = case.facts.title if case.facts else case.incident.title
    told = holding(case) or (f"An incident on {case.local_day(case.incident.occurred)} concerns “{title}”.",)
    questions = "Questions about the release are for the Head of Profession for Statistics."
    return (*told, CAUSE, NO_COMMENT, questions, CALLED)


def _say_early(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return when it was public before its slot; until the slot without where, or whether it still is."""
    which = "It" if all(part.exposures for part in facts.parts if part.required) else "Part of it"
    first = min(
        (each.start for each in facts.exposures if each.start.by), key=lambda each: each.by or facts.at, default=None
    )
    # A start in the last minute before the slot may be given as the slot itself.
    is_in_last_minute = first and first.by and facts.slot and facts.slot - first.by < IN_TIME
    start = f"before that time{f', {since(first, facts)}' if first else ''}"
    was = f"{which} could be seen {'shortly before that time' if is_in_last_minute else start}."
    if forward := brought_forward(case):
        to = words.clock_on(forward, facts.timezone)
        moved = f"It will be released at {to} instead." if forward > case.now else f"It was brought forward to {to}."
        is_before = first is not None and first.by is not None and first.by < forward
        return [f"{announcement(facts)} {moved}{f' {was}' if is_before else ''}"]
    if facts.slot is not None and facts.at < facts.slot:
        return [f"{announcement(facts)} {was} Please do not use, quote or pass on any of it before then."]
    return [" ".join([*_say_where_now(case, facts), *call_it(availability(facts, has_lengths=False))])]


def _say_late(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    is_late = any(part.required and (part.verdict == "late" or part.is_hidden) for part in facts.parts)
    if facts.verdict not in MISSING and not is_late:
        return []
    return [" ".join([*_say_where_now(case, facts), *call_it(availability(facts))]), SORRY]


def _say_where_now(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return where users can get the release now, if it is out, and for when it was announced."""
    page, forward = facts.page, brought_forward(case) or facts.slot
    is_due = forward is not None and facts.at >= forward
    is_removed = any(each.kind == "withdrawn" for each in facts.findings)
    if page is None or not is_due or is_removed or (appearance_of(page).by is None and not was_public_at_slot(page)):
        return [announcement(facts)]
    return [f"“{facts.title}” is available at {facts.url}.", announcement(facts, "It")]
