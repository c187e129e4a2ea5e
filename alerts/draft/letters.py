"""Letters that are sent with a report: to the regulator, to users, to ministers and press.

They contain no figures of the release and no promises. Their cause and actions are the answers in the report.
"""

from __future__ import annotations

from alerts.draft import narrative, words
from alerts.draft.code import OUTSIDE_CODE
from alerts.draft.input import DraftInput
from alerts.draft.report import Report
from alerts.fact_rules import find_appearance
from alerts.finding import ReleaseFacts
from alerts.status import was_public_at_slot

UNSEEN_VERDICTS = ("overdue", "not_published")
SORRY = "We apologise for the inconvenience."
RECIPIENT_PREFIX, CLOSING_PREFIX = "To: ", "Yours sincerely,\n"
NO_RECIPIENT = "[to be completed: who receives this]"
CAUSE = "[to be completed: how and why it happened (from the report)]"
ACTIONS = "[to be completed: what was done about it (from the report)]"
CHANGES = "[to be completed: whether anything in the release was changed since, and what (from the lead statistician)]"
PRESS_CONTACT = "[to be completed: whom to call, a desk and no person (from the press office)]"
USE_RELEASE_INSTEAD = "Anyone who used any of it before then should use the release itself instead."
NO_COMMENT = "We do not comment on the statistics outside their release."


def write_covering_email(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of an e-mail with which the report goes to the regulator."""
    title = case.facts.title if case.facts else case.incident.title
    producer = case.settings.get("name") or case.incident.producer
    practices = words.join([practice.cite for practice in case.practices])
    concerns = f"It concerns {practices} of the {case.edition.title}, edition {case.edition.name}." if practices else ""
    concerns = OUTSIDE_CODE if case.is_outside_code else concerns
    is_note, day = case.incident.grade == "note", case.local_day(case.incident.occurred)
    is_breach = not is_note and not case.is_outside_code
    every = (
        f"{RECIPIENT_PREFIX}{case.settings.get('to') or NO_RECIPIENT}",
        f"Subject: {'Breach report' if is_breach else 'Note on a release timing incident'}: {title} ({producer})",
        "Dear colleague,",
        narrative.write_headline(case)
        or f"An incident on {day} concerns “{title}”. {case.incident.words.get('what', '')}".strip(),
        f"Our {'note' if is_note else 'report'} is attached. {concerns}".strip(),
        "The measured times and their evidence are set out in a separate document." * bool(case.measured_facts),
        f"{CLOSING_PREFIX}{case.settings.get('head_of_profession') or 'Head of Profession for Statistics'}",
    )
    return tuple(each for each in every if each)


def insert_answers(report: Report, letter: tuple[str, ...]) -> tuple[str, ...]:
    """Return a letter with its recipient, sender, cause and actions from the answers of the report."""
    fields = [field for field in report.fields() if field.answer is not None]
    typed = {field.facts: field.answer.text for field in fields if field.answer is not None}
    to, by = typed.get(("config.reporting.recipient",)), typed.get(("contact.hop",))
    texts = {
        RECIPIENT_PREFIX: f"{RECIPIENT_PREFIX}{to}" if to else "",
        CLOSING_PREFIX: f"{CLOSING_PREFIX}{by}" if by else "",
        CAUSE: _find_answer(report, "human.reasons"),
        ACTIONS: _find_answer(report, "human.corrective"),
    }
    # A signed report without these answers has them in its account.
    left = [text for text in letter if not (report.signed and text in (CAUSE, ACTIONS) and not texts[text])]
    return tuple(next((new for old, new in texts.items() if new and text.startswith(old)), text) for text in left)


def _find_answer(report: Report, fact: str) -> str:
    """Return the actions and a person's answer to a fact; empty if the answer replaces the measured account."""
    field = next((field for field in report.fields() if fact in field.facts), None)
    if field is None or (field.answer is not None and field.answer.instead):
        return ""
    actions = field.paragraphs if field.facts == ("human.corrective",) else ()
    return "\n".join([*actions, *([field.answer.text] if field.answer else [])])


def write_statement(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a statement for users; empty if users were not affected."""
    facts = case.measured_facts
    if facts is None or facts.slot is None:
        return ()
    return tuple(_say_early(case, facts) if facts.exposures else _say_late(case, facts))


def write_correction(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a notice that stays with the release; empty if users were not affected."""
    facts, statement = case.measured_facts, write_statement(case)
    if facts is None or not statement:
        return ()
    # Before the slot, a notice must not help readers to find the release.
    if facts.slot is None or facts.at < facts.slot:
        return (*statement, CAUSE, ACTIONS)
    use = (USE_RELEASE_INSTEAD,) if facts.exposures and not narrative.find_new_time(case) else ()
    return (statement[0], *use, CHANGES, CAUSE, ACTIONS, SORRY)


def write_lines_to_take(case: DraftInput) -> tuple[str, ...]:
    """Return the lines that ministers' offices and the press office can say, including that they do not comment."""
    title = case.facts.title if case.facts else case.incident.title
    day = case.local_day(case.incident.occurred)
    statement = write_statement(case) or (f"An incident on {day} concerns “{title}”.",)
    questions = "Questions about the release are for the Head of Profession for Statistics."
    return (*statement, CAUSE, NO_COMMENT, questions, PRESS_CONTACT)


def _say_early(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return when the release was public before its slot. Before the slot, leave out where it is."""
    which = "It" if all(part.exposures for part in facts.parts if part.required) else "Part of it"
    first = min(
        (each.start for each in facts.exposures if each.start.by), key=lambda each: each.by or facts.at, default=None
    )
    # A start in the last minute before the slot may be given as the slot itself.
    is_in_last_minute = first and first.by and facts.slot and facts.slot - first.by < narrative.ON_TIME_TOLERANCE
    start = f"before that time{f', {narrative.say_since(first, facts)}' if first else ''}"
    was = f"{which} could be seen {'shortly before that time' if is_in_last_minute else start}."
    if forward := narrative.find_new_time(case):
        to = words.format_clock_day(forward, facts.timezone)
        moved = f"It will be released at {to} instead." if forward > case.now else f"It was brought forward to {to}."
        is_before = first is not None and first.by is not None and first.by < forward
        return [f"{narrative.say_announcement(facts)} {moved}{f' {was}' if is_before else ''}"]
    if facts.slot is not None and facts.at < facts.slot:
        return [f"{narrative.say_announcement(facts)} {was} Please do not use, quote or pass on any of it before then."]
    return [" ".join([*_say_where_now(case, facts), *narrative.say_availability(facts, has_lengths=False)])]


def _say_late(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return the paragraphs on a release that is late, hidden or not seen; empty for any other."""
    is_late = any(part.required and (part.verdict == "late" or part.is_hidden) for part in facts.parts)
    if facts.verdict not in UNSEEN_VERDICTS and not is_late:
        return []
    return [" ".join([*_say_where_now(case, facts), *narrative.say_availability(facts)]), SORRY]


def _say_where_now(case: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return where users can get the release, if it is public now, and the time for which it was announced."""
    page, forward = facts.page, narrative.find_new_time(case) or facts.slot
    is_due = forward is not None and facts.at >= forward
    is_out = page is not None and (find_appearance(page).by is not None or was_public_at_slot(page))
    # No user is known to have got it while a cache still has an older copy.
    is_kept_back = page is not None and page.is_hidden and page.wait is not None and page.wait.max is None
    if not is_due or not is_out or is_kept_back or any(each.kind == "withdrawn" for each in facts.findings):
        return [narrative.say_announcement(facts)]
    return [f"“{facts.title}” is available at {facts.url}.", narrative.say_announcement(facts, "It")]
