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


def write_covering_email(inputs: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of an e-mail with which the report, or the note for grade `note`, goes to the regulator."""
    is_note = inputs.incident.grade == "note"
    # A producer outside the Code cannot breach it.
    name = "Note on a release timing incident" if is_note or inputs.is_outside_code else "Breach report"
    headline = narrative.write_headline(inputs)
    attached = f"Our {'note' if is_note else 'report'} is attached."
    if inputs.is_outside_code:
        attached += f" {OUTSIDE_CODE}"
    elif inputs.practices:
        practices = words.join([practice.cite for practice in inputs.practices])
        attached += f" It concerns {practices} of the {inputs.edition.title}, edition {inputs.edition.name}."
    return (
        f"{RECIPIENT_PREFIX}{inputs.settings.get('to') or NO_RECIPIENT}",
        f"Subject: {name}: {inputs.title} ({inputs.producer_name})",
        "Dear colleague,",
        headline or f"{_name_incident(inputs)} {inputs.incident.words.get('what', '')}".strip(),
        attached,
        *([narrative.EVIDENCE_IS_SEPARATE] if inputs.measured_facts else []),
        f"{CLOSING_PREFIX}{inputs.settings.get('head_of_profession') or 'Head of Profession for Statistics'}",
    )


def _name_incident(inputs: DraftInput) -> str:
    return f"An incident on {inputs.local_day(inputs.incident.occurred)} concerns “{inputs.title}”."


def insert_answers(report: Report, letter: tuple[str, ...]) -> tuple[str, ...]:
    """Return a letter with the recipient, sender, cause and actions that the report has, and prompts for others."""
    answers = {field.facts: field.answer.text for field in report.fields() if field.answer is not None}
    recipient, sender = answers.get(("config.reporting.recipient",)), answers.get(("contact.hop",))
    replacements = {
        RECIPIENT_PREFIX: f"{RECIPIENT_PREFIX}{recipient}" if recipient else "",
        CLOSING_PREFIX: f"{CLOSING_PREFIX}{sender}" if sender else "",
        CAUSE: _find_answer(report, "human.reasons"),
        ACTIONS: _find_answer(report, "human.corrective"),
    }
    paragraphs = []
    for paragraph in letter:
        answer = next((replacements[prefix] for prefix in replacements if paragraph.startswith(prefix)), "")
        # A signed report without answers on cause and actions has them in its account.
        is_idle_prompt = not answer and report.signed and paragraph in (CAUSE, ACTIONS)
        if not is_idle_prompt:
            paragraphs.append(answer or paragraph)
    return tuple(paragraphs)


def _find_answer(report: Report, fact: str) -> str:
    """Return the recorded actions and a person's answer to a fact; empty if the answer replaces the whole account."""
    field = next((field for field in report.fields() if fact in field.facts), None)
    if field is None or (field.answer is not None and field.answer.instead):
        return ""
    actions = field.paragraphs if field.facts == ("human.corrective",) else ()
    return "\n".join([*actions, *([field.answer.text] if field.answer else [])])


def write_statement(inputs: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a statement for users; empty if users were not affected."""
    facts = inputs.measured_facts
    if facts is None or facts.slot is None:
        return ()
    return tuple(_say_early(inputs, facts) if facts.exposures else _say_late(inputs, facts))


def write_correction(inputs: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs of a correction notice for the page of a release; empty if users were not affected."""
    facts, statement = inputs.measured_facts, write_statement(inputs)
    if facts is None or not statement:
        return ()
    # Before the slot, a notice must not help readers to find the release.
    if facts.slot is None or facts.at < facts.slot:
        return (*statement, CAUSE, ACTIONS)
    was_public_by_mistake = facts.exposures and not narrative.find_brought_forward_time(inputs)
    account = statement[0]  # the statement may end with an apology, which comes last here
    return (account, *([USE_RELEASE_INSTEAD] if was_public_by_mistake else []), CHANGES, CAUSE, ACTIONS, SORRY)


def write_lines_to_take(inputs: DraftInput) -> tuple[str, ...]:
    """Return the lines that ministers' offices and the press office can say, including that they do not comment."""
    statement = write_statement(inputs) or (_name_incident(inputs),)
    questions = "Questions about the release are for the Head of Profession for Statistics."
    return (*statement, CAUSE, NO_COMMENT, questions, PRESS_CONTACT)


def _say_early(inputs: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return the paragraph on early publication.

    If the release was brought forward, it gives the new time. Else, before the slot, it asks readers not to use or
    quote the release yet. After the slot, it says where the release is now.
    """
    subject = "It" if all(part.exposures for part in facts.parts if part.required) else "Part of it"
    starts = [exposure.start for exposure in facts.exposures if exposure.start.by]
    first = min(starts, key=lambda start: start.by or facts.at, default=None)  # each has `by`
    if first and first.by and facts.slot and facts.slot - first.by < narrative.ON_TIME_TOLERANCE:
        # The letter has minutes, no seconds. A start at 9:29:50 would read as 9:30, the slot itself.
        when = "shortly before that time"
    else:
        when = f"before that time, {narrative.say_since(first, facts)}" if first else "before that time"
    seen_early = f"{subject} could be seen {when}."
    if new_time := narrative.find_brought_forward_time(inputs):
        to = words.format_clock_day(new_time, facts.timezone)
        is_ahead = new_time > inputs.now
        moved = f"It will be released at {to} instead." if is_ahead else f"It was brought forward to {to}."
        was_seen_before = first is not None and first.by is not None and first.by < new_time
        return [" ".join([narrative.say_announcement(facts), moved, *([seen_early] if was_seen_before else [])])]
    is_before_slot = facts.slot is not None and facts.at < facts.slot  # `at` is when the facts were measured
    if is_before_slot:
        # Give no address, because it would help people to find the content.
        request = "Please do not use, quote or pass on any of it before then."
        return [f"{narrative.say_announcement(facts)} {seen_early} {request}"]
    return [" ".join([*_say_where_now(inputs, facts), *narrative.say_availability(facts, has_lengths=False)])]


def _say_late(inputs: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return the paragraphs on a release that is late, hidden or not seen; empty for any other."""
    is_late = any(part.required and (part.verdict == "late" or part.is_hidden) for part in facts.parts)
    if facts.verdict not in UNSEEN_VERDICTS and not is_late:
        return []
    return [" ".join([*_say_where_now(inputs, facts), *narrative.say_availability(facts)]), SORRY]


def _say_where_now(inputs: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return a sentence on where the release is, or was published if it is not there now, and one on its slot."""
    page = facts.page
    # A release that was brought forward is due at its new time.
    slot = narrative.find_brought_forward_time(inputs) or facts.slot
    is_due = slot is not None and facts.at >= slot  # `at` is when the facts were measured
    # A page that was public before and at the slot counts as out, although it did not appear after the slot.
    is_out = page is not None and (find_appearance(page).by is not None or was_public_at_slot(page))
    if page is None or not is_due or not is_out:
        return [narrative.say_announcement(facts)]
    # If the users' wait has no upper bound, it has not ended: a cache still serves them an older copy.
    is_still_hidden = page.is_hidden and page.wait is not None and page.wait.max is None
    is_gone = page.seen_until is not None or "withdrawn" in facts.finding_kinds
    is_there = not is_gone and not is_still_hidden
    place = f"“{facts.title}” {'is available' if is_there else 'was published'} at {facts.url}."
    return [place, narrative.say_announcement(facts, "It")]
