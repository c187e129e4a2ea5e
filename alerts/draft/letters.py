"""Letters that are sent with a report: to the regulator, to users, to ministers and press.

They contain no figures of the release and no promises. Their cause and actions are the answers in
the report.
"""

from __future__ import annotations

from alerts.draft import narrative, words
from alerts.draft.code import OUTSIDE_CODE
from alerts.draft.input import DraftInput
from alerts.draft.report import Paragraphs, Report
from alerts.fact_rules import has_appeared
from alerts.finding import ReleaseFacts
from alerts.status import is_late_part_absent, was_public_at_slot
from schedules.contract.verdict import FindingKind
from schedules.times.interval import Interval

APOLOGY = "We apologise for the inconvenience."
NEXT_STEP = (
    "We will publish it as soon as we can and update this page at [to be completed: a time within"
    " the next half hour]."
)
"""What users who wait for a release need to know next."""
RECIPIENT_PREFIX, SUBJECT_PREFIX, CLOSING_PREFIX = "To: ", "Subject: ", "Yours sincerely,\n"
CAUSE_PROMPT = "[to be completed: how and why it happened (from the report)]"
ACTIONS_PROMPT = "[to be completed: what was done about it (from the report)]"
CHANGES_PROMPT = (
    "[to be completed: whether anything in the release was changed since, and what (from the lead"
    " statistician)]"
)
PRESS_CONTACT_PROMPT = (
    "[to be completed: whom to call, a desk and no person (from the press office)]"
)
CORRECTED_KINDS = frozenset(
    {FindingKind.SWAPPED, FindingKind.WRONG_CONTENT, FindingKind.WRONG_EDITION}
)
"""Findings after which users may have other content than what was to be released."""
USE_RELEASE_INSTEAD = "Anyone who used any of it before then should use the release itself instead."
NO_COMMENT = "We do not comment on the statistics outside their release."


def write_covering_email(inputs: DraftInput) -> Paragraphs:
    """Return the paragraphs of an e-mail with which the report, or the note for grade `note`, goes
    to the regulator.
    """
    name, what = "Breach report", "report"
    if inputs.incident.grade == "note":
        name, what = "Note on a release timing incident", "note"
    attached = f"Our {what} is attached."
    code = inputs.edition  # the edition of the Code of Practice that applied
    if inputs.is_outside_code:
        # A producer who has not adopted the Code of Practice for Statistics cannot breach it.
        name = "Note on a release timing incident"
        attached += f" {OUTSIDE_CODE}"
    elif inputs.practices:
        practices = words.join([practice.cite for practice in inputs.practices])
        attached += f" It concerns {practices} of the {code.title}, edition {code.name}."
    account = f"{_name_incident(inputs)} {inputs.incident.words.get('what', '')}".strip()
    evidence: Paragraphs = ()
    if inputs.measured_facts is not None:
        account = narrative.write_headline(inputs.measured_facts)
        evidence = (narrative.EVIDENCE_IS_SEPARATE,)
    signatory = inputs.settings.get("head_of_profession") or "Head of Profession for Statistics"
    return (
        f"{RECIPIENT_PREFIX}{inputs.settings.get('to') or '[to be completed: who receives this]'}",
        f"{SUBJECT_PREFIX}{name}: {inputs.title} ({inputs.producer_name})",
        "Dear colleague,",
        account,
        attached,
        *evidence,
        f"{CLOSING_PREFIX}{signatory}",
    )


def _name_incident(inputs: DraftInput) -> str:
    return f"An incident on {inputs.local_day(inputs.incident.occurred)} concerns “{inputs.title}”."


def insert_answers(report: Report, letter: Paragraphs) -> Paragraphs:
    """Return a letter with the recipient, sender, cause and actions that the report has, and
    prompts for others.
    """
    # The new paragraph for each beginning of a paragraph; empty if the report has no answer for it.
    replacements = {
        CAUSE_PROMPT: _find_answer(report, "human.reasons"),
        ACTIONS_PROMPT: _find_answer(report, "human.corrective"),
    }
    # The head of profession signs the letter.
    prefixes: dict[tuple[str, ...], str] = {
        ("config.reporting.recipient",): RECIPIENT_PREFIX,
        ("contact.hop",): CLOSING_PREFIX,
    }
    for field in report.fields():
        prefix = prefixes.get(field.facts)
        if prefix and field.answer is not None and field.answer.text:
            replacements[prefix] = f"{prefix}{field.answer.text}"
    paragraphs = []
    for paragraph in letter:
        new_paragraph = next(
            (replacements[begin] for begin in replacements if paragraph.startswith(begin)), ""
        )
        # If a signed report has no separate answer on the cause or the actions, its text on what
        # happened gives them.
        is_needless_prompt = (
            report.signed and paragraph in (CAUSE_PROMPT, ACTIONS_PROMPT) and not new_paragraph
        )
        if not is_needless_prompt:
            paragraphs.append(new_paragraph or paragraph)
    return tuple(paragraphs)


def _find_answer(report: Report, fact: str) -> str:
    """Return the recorded actions and a person's answer to a fact; empty if the answer replaces the
    whole account.
    """
    field = next((field for field in report.fields() if fact in field.facts), None)
    if field is None or (field.answer is not None and field.answer.instead):
        return ""
    texts: list[str] = []
    if field.facts == ("human.corrective",):
        texts += field.paragraphs
    if field.answer is not None:
        texts.append(field.answer.text)
    return "\n".join(texts)


def write_statement(inputs: DraftInput) -> Paragraphs:
    """Return the paragraphs of a statement for users; empty if users were not affected."""
    facts = inputs.measured_facts
    if facts is None or facts.slot is None:
        return ()
    if facts.exposures:
        return (_say_early(inputs, facts),)
    return _say_late(inputs, facts)


def title_correction(inputs: DraftInput) -> str:
    """Return the title of the notice that stays with the release. No delay is a correction."""
    if CORRECTED_KINDS & {*inputs.kinds}:
        return "Correction notice"
    return "Note on the time of publication"


def write_correction(inputs: DraftInput) -> Paragraphs:
    """Return the notice that stays with the release, with prompts for what a person must add; empty
    if users were not affected.
    """
    facts, statement = inputs.measured_facts, write_statement(inputs)
    if facts is None or not statement:
        return ()
    # Before the slot, the notice adds no more to the statement, because neither may help readers to
    # find the release.
    if facts.slot is None or facts.at < facts.slot:
        return (*statement, CAUSE_PROMPT, ACTIONS_PROMPT)
    # without an apology that the statement may end with, because it comes last here
    paragraphs = [statement[0]]
    if facts.exposures and narrative.find_brought_forward_time(inputs) is None:
        paragraphs.append(USE_RELEASE_INSTEAD)  # the release was public early by mistake
    # A release that was only late was not changed.
    if facts.exposures or CORRECTED_KINDS & {*inputs.kinds}:
        paragraphs.append(CHANGES_PROMPT)
    return (*paragraphs, CAUSE_PROMPT, ACTIONS_PROMPT, APOLOGY)


def write_lines_to_take(inputs: DraftInput) -> Paragraphs:
    """Return the lines that ministers' offices and the press office can say, including that they do
    not comment.
    """
    for_users = (text for text in write_statement(inputs) if text != NEXT_STEP)
    statement = tuple(for_users) or (_name_incident(inputs),)
    questions = "Questions about the release are for the Head of Profession for Statistics."
    return (*statement, CAUSE_PROMPT, NO_COMMENT, questions, PRESS_CONTACT_PROMPT)


def _say_early(inputs: DraftInput, facts: ReleaseFacts) -> str:
    """Return the paragraph on a release that was public early: what was announced, and what users
    need to know now.
    """
    announced = narrative.say_announcement(facts)
    starts = [exposure.start for exposure in facts.exposures if exposure.start.by]
    # the earliest start; None if unknown
    first = min(starts, key=lambda start: start.by or facts.at, default=None)
    if new_time := narrative.find_brought_forward_time(inputs):
        to = words.format_clock_day(new_time, facts.timezone)
        moved = f"It was brought forward to {to}."
        if new_time > inputs.now:
            moved = f"It will be released at {to} instead."
        if first is not None and first.by is not None and first.by < new_time:
            moved += f" {_say_seen_early(facts, first)}"
        return f"{announced} {moved}"
    # `at` is when the facts were measured
    is_before_slot = facts.slot is not None and facts.at < facts.slot
    if is_before_slot:
        # Give no address: the request must not help anyone to find the content.
        return (
            f"{announced} {_say_seen_early(facts, first)} Please do not use, quote or pass on any"
            " of it before then."
        )
    available = narrative.say_availability(facts, has_lengths=False)
    return " ".join([*_say_where_now(inputs, facts), *available])


def _say_seen_early(facts: ReleaseFacts, first: Interval | None) -> str:
    """Return the sentence that the release was public before its slot, and since when: `first` is
    the first start.
    """
    subject = "Part of it"
    if all(part.exposures for part in facts.parts if part.required):
        subject = "It"
    if first is None:
        return f"{subject} could be seen before that time."
    if first.by and facts.slot and facts.slot - first.by < narrative.ON_TIME_TOLERANCE:
        # 9.29:40 would be rounded to 9.30am, the slot itself, so give no time in the last minute.
        return f"{subject} could be seen shortly before that time."
    return f"{subject} could be seen before that time, {narrative.say_since(first, facts)}."


def _say_late(inputs: DraftInput, facts: ReleaseFacts) -> Paragraphs:
    is_late = any(
        part.required and (part.verdict == "late" or part.is_hidden) for part in facts.parts
    )
    if facts.verdict not in ("overdue", "not_published") and not is_late:
        return ()
    account = " ".join([*_say_where_now(inputs, facts), *narrative.say_availability(facts)])
    if is_late_part_absent(facts):
        return account, NEXT_STEP, APOLOGY
    return account, APOLOGY


def _say_where_now(inputs: DraftInput, facts: ReleaseFacts) -> list[str]:
    """Return a sentence on where the release was published, if it is out, then one on its slot."""
    page = facts.page
    # A release that was brought forward is due at its new time.
    slot = narrative.find_brought_forward_time(inputs) or facts.slot
    is_due = slot is not None and facts.at >= slot  # `at` is when the facts were measured
    # A page that was public before and at the slot counts as out, although it did not appear after
    # the slot.
    is_out = page is not None and (has_appeared(page) or was_public_at_slot(page))
    if page is None or not is_due or not is_out:
        return [narrative.say_announcement(facts)]
    # Not "is available": it may be gone when the letter is read.
    where = f"“{facts.title}” was published at {facts.url}."
    return [where, narrative.say_announcement(facts, "It")]
