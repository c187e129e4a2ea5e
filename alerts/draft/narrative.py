"""The account of what happened, from measurements alone: no cause, intent or number of readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from urllib.parse import urlsplit

from alerts.draft import words
from alerts.draft.input import DraftInput, bears_on, delay_of, lead, parts_in_order
from alerts.finding import BlindSpan, Ended, Exposure, Finding, Part, ReleaseFacts, part_name
from alerts.status import was_public_at_slot
from schedules.times.interval import Bounds, Interval
from schedules.times.words import SURE, clock
from schedules.times.zone import local_date

# Details of these findings hold addresses and times; those of any other kind are not repeated.
TOLD = (
    "stale_edge",
    "swapped",
    "withdrawn",
    "corrected",
    "platform",
    "clock_fault",
    "calendars_disagree",
    "short_notice",
    "promise_in_doubt",
    "brought_forward",
    "unannounced",
    "wrong_edition",
    "wrong_content",
)
UNNAMED: Mapping[str, str] = {
    "guessed": "No calendar named the address of its page: it was guessed from that of its announcement, and absence"
    " there proves nothing.",
    "guessed and awaited": "No calendar named the address of its page: it was guessed from that of its announcement."
    " That the release was not out rests on the announcement, which still announced it, and on GOV.UK's index, which"
    " did not list it.",
    "guessed and found": "No calendar named the address of its page: it was guessed from that of its announcement, and"
    " the release was found there.",
    "led_to": "No calendar named the address of its page: its announcement led there.",
    "found": "No calendar named the address of its page: it was found by its title in a listing.",
}
EMBARGO = "Nothing that was seen before the announced time is repeated here: this paper holds addresses and times only."


def account(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs that say what happened, announced address first."""
    facts = case.facts
    if facts is None:
        return ()
    # What another question of the same form asks for is not said twice.
    opening = [] if "release.slot" in case.asked else [announcement(facts)]
    doubts = [] if "incident.certainty" in case.asked else unproven(facts)
    decided = brought_forward(case)
    return (*opening, *decided, *_exposures(facts), *parts_told(facts), *_details(facts), *doubts)


def brought_forward(case: DraftInput) -> list[str]:
    """Say that, and in which role, somebody decided to bring the release forward, where a person wrote that down."""
    typed = case.incident.words.get("brought_forward")
    if not typed:
        return []
    to = words.in_style(datetime.fromisoformat(typed), case.timezone)
    role = case.incident.words.get("brought_forward_by", "")
    by = f", as recorded by the {role}" if role else ""
    return [f"It was decided to bring the release forward to {to}{by}."]


def announcement(facts: ReleaseFacts) -> str:
    """Say for when the release was pre-announced, in house style."""
    slot = words.in_style(facts.slot, facts.timezone) if facts.slot else facts.slot_text or "no stated time"
    unmeasured = "" if facts.slot else " Without an announced time of day no delay in minutes can be given."
    return f"“{facts.title}” was pre-announced for {slot}.{unmeasured}"


def where_announced(facts: ReleaseFacts) -> list[str]:
    """Return where and when the announcement was read and how the page's address is known, for the evidence."""
    where = f"The announced time is from the calendar “{facts.slot_source}”" if facts.slot_source else ""
    read = words.brief(facts.slot_learnt, facts.timezone) if facts.slot_learnt else ""
    learnt = f"{where or 'The announced time'}{' and' if where else ''} was first read at {read}" if read else where
    return [each for each in (f"{learnt}." if learnt else "", _unnamed(facts)) if each]


def _unnamed(facts: ReleaseFacts) -> str:
    """Return how the page's address is known where no calendar named it, empty where one did."""
    if facts.address != "guessed" or facts.page is None:
        return UNNAMED.get(facts.address, "")
    is_awaited = facts.page.verdict in ("overdue", "not_published")
    found = " and found" if facts.page.first_seen.by is not None else " and awaited" if is_awaited else ""
    return UNNAMED[f"guessed{found}"]


def parts_told(facts: ReleaseFacts) -> list[str]:
    """Say of each part when it was first seen, each with its own delay and address."""
    told = [TELL.get(part.verdict, _seen)(part, facts) for part in parts_in_order(facts) if bears_on(part)]
    awaited = [each for each in facts.parts if each.verdict in ("early", "pending") and each.released.by is None]
    return [*(each for each in told if each), *_awaited(awaited, facts)]


def _awaited(parts: Sequence[Part], facts: ReleaseFacts) -> list[str]:
    at = words.brief(facts.at, facts.timezone)
    told = f"Whether the release came out at its announced time had not been judged at {at}."
    return [told] if parts else []


def _subject(part: Part) -> str:
    if part.role == "page":
        return f"The release was {{}} on the {part_name(part)}"
    if part.role == "alternative":
        # What stood there may have been one part of it alone.
        return f"Content of the release was {{}} at another address ({part.id}), {part.url}"
    return f"The {part_name(part)}, {part.url}, was {{}}"


def _comma(part: Part) -> str:
    return "," if part.role == "alternative" else ""


def slot_clock(facts: ReleaseFacts) -> str:
    """Return the announced time of day, `09:30`."""
    return clock(facts.slot, facts.timezone, zone=False) if facts.slot else facts.slot_text


def _when(seen: Interval, facts: ReleaseFacts) -> str:
    """Return an interval in words, without its date on the day of the slot, where no other day has been told."""
    known = local_date(facts.slot, facts.timezone) if facts.slot and not facts.exposures else None
    return words.between(seen, facts.timezone, known)


def _seen(part: Part, facts: ReleaseFacts) -> str:
    seen = _when(part.first_seen, facts)
    said = _subject(part).format("first seen by the monitor")
    delay = words.against(part.delay, slot_clock(facts)) if facts.slot else ""
    return f"{said}{_comma(part)} {seen}{', ' if delay else ''}{delay}.{_before_page(part, facts)}"


def _before_page(part: Part, facts: ReleaseFacts) -> str:
    page = facts.page
    if part.role != "alternative" or page is None or part.first_seen.by is None:
        return ""
    if page.first_seen.by is None:
        return f" The {part_name(page)} had not been seen by then."
    # Only where the intervals do not overlap is the order proved.
    ahead = page.first_seen.after is not None and part.first_seen.by <= page.first_seen.after
    return f" That was before it was seen on the {part_name(page)}." if ahead else ""


def _on_time(part: Part, facts: ReleaseFacts) -> str:
    seen = _when(part.first_seen, facts)
    return f"{_subject(part).format('first seen by the monitor')}{_comma(part)} {seen}, which is on time{_sure(part)}."


def _sure(part: Part) -> str:
    if part.early_bound is None or part.early_bound <= SURE:
        return ""
    return f": it may have come up to {words.length(ceil(part.early_bound))} early"


def _overdue(part: Part, facts: ReleaseFacts) -> str:
    as_of = words.brief(facts.at, facts.timezone)
    said = _subject(part).format("not yet seen")
    delay = words.against(part.delay, slot_clock(facts))
    return f"As of {as_of} {said[0].lower()}{said[1:]}, {delay}. The delay is still growing."


def _not_published(part: Part, facts: ReleaseFacts) -> str:
    said = _subject(part).format("not seen by the monitor")
    return f"{said} at any time until {words.brief(facts.at, facts.timezone)}, when the watch closed."


def _early(part: Part, facts: ReleaseFacts) -> str:
    released = part.released
    # What had stayed public until its announced time has been told with its exposure.
    if released.by is None or was_public_at_slot(part):
        return ""
    return f"{_subject(part).format('seen released')}{_comma(part)} {_when(released, facts)}."


def _unproven(part: Part, facts: ReleaseFacts) -> str:
    said = _subject(part).format("on time")
    possible = _possible(part, facts)
    return f"It is not proved whether {said[0].lower()}{said[1:]}.{possible}"


def _possible(part: Part, facts: ReleaseFacts) -> str:
    seen = part.first_seen
    if seen.after is None and seen.by is None:
        return ""
    delay = f", {words.against(part.delay, slot_clock(facts))}" if part.delay and facts.slot else ""
    return f" What was measured leaves open that it appeared {words.between(seen, facts.timezone)}{delay}."


TELL: Mapping[str, Callable[[Part, ReleaseFacts], str]] = {
    "late": _seen,
    "on_time": _on_time,
    "overdue": _overdue,
    "not_published": _not_published,
    "early": _early,
    "unproven": _unproven,
    "pending": _early,
}


def _exposures(facts: ReleaseFacts) -> list[str]:
    told = [exposure_told(exposure, facts) for exposure in facts.exposures]
    if not told:
        return []
    spared = [part_name(part) for part in parts_in_order(facts) if not part.exposures and part.verdict != "unproven"]
    unseen = [f"The monitor saw no exposure of the {words.joined(spared, 'or')}."] if spared else []
    # Once all is public there is nothing to be kept back.
    is_ahead = facts.slot is None or facts.at < facts.slot
    return [*told, *unseen, *([EMBARGO] if is_ahead else [])]


def exposure_told(exposure: Exposure, facts: ReleaseFacts) -> str:
    """Say from when to when a part was public before its slot, and how long ahead."""
    part = next((each for each in facts.parts if each.id == exposure.part), None)
    where = f" at {part.url}" if part else ""
    start = words.between(exposure.start, facts.timezone)
    ahead = f", {words.span(lead(exposure, facts.slot))} before the announced time" if facts.slot else ""
    return f"The {_named(exposure, facts)}{where} became public {start}{ahead}. {_ended(exposure, facts)}"


def _ended(exposure: Exposure, facts: ReleaseFacts) -> str:
    if exposure.open:
        at = words.brief(facts.at, facts.timezone)
        how_long = f": an exposure of {_exposed_for(exposure)}" if (exposure.seconds.min or 0) >= 1 else ""
        return f"It was still public at {at}{how_long}."
    if exposure.ended is Ended.SLOT:
        return f"It stayed public until the announced time: an exposure of {words.span(exposure.seconds)}."
    how = "was seen gone" if exposure.ended is Ended.REMOVED else "ended, for a reason that is not known,"
    end = words.between(exposure.to, facts.timezone)
    return f"It {how} {end}: an exposure of {words.span(exposure.seconds)}."


def _details(facts: ReleaseFacts) -> list[str]:
    found = [each for each in facts.findings if each.kind in TOLD and each.detail]
    return [_detail(each, facts) for each in found]


def _detail(found: Finding, facts: ReleaseFacts) -> str:
    if found.kind == "platform":
        # Whose they are is told only where the signer asks for it.
        return f"Releases of other producers on {urlsplit(facts.url).hostname} were late at the same announced time."
    return f"{found.kind.replace('_', ' ').capitalize()}: {found.detail.rstrip('.')}."


def unproven(facts: ReleaseFacts) -> list[str]:
    """Say what remains unproven, and own up to the monitor's blind spans."""
    open_question = f"What remains unproven: {facts.unproven_because.rstrip('.')}." if facts.unproven_because else ""
    # Two monitors that lost their store together say the same.
    blind = dict.fromkeys(blind_told(each, facts.timezone) for each in facts.certainty.blind)
    return [each for each in (open_question, *blind) if each]


def blind_told(blind: BlindSpan, timezone: str) -> str:
    """Say when the monitor could not see, and why."""
    gap = words.between(Interval(blind.begins, blind.ends), timezone)
    if blind.cause == "budget":
        return (
            f"The monitor looked less than a tenth as often as planned {gap} (budget); what lies between looks is open."
        )
    if blind.cause == "no_worker":
        return f"The monitor itself could not read large pages {gap} (no_worker); that gap is no evidence either way."
    return f"The monitor itself could not see {gap} ({blind.cause}); that gap is no evidence either way."


def impact(case: DraftInput) -> tuple[str, ...]:
    """Return only what was measured of the effect on users."""
    facts = case.measured
    if facts is None:
        return ()
    told = [
        f"The {_named(each, facts)} was public before the announced time for {_exposed_for(each)}."
        for each in facts.exposures
    ]
    late = [part for part in parts_in_order(facts) if bears_on(part) and delay_of(part)]
    late = [part for part in late if part.verdict in ("late", "overdue") or (part.required and part.is_hidden)]
    return (*told, *(_access_delayed(part) for part in late))


def _named(exposure: Exposure, facts: ReleaseFacts) -> str:
    part = next((each for each in facts.parts if each.id == exposure.part), None)
    return part_name(part) if part else exposure.part


def _exposed_for(exposure: Exposure) -> str:
    if not exposure.open:
        return words.span(exposure.seconds)
    so_far = words.span(Bounds(exposure.seconds.min, None))
    return f"{so_far} so far" if (exposure.seconds.min or 0) >= 1 else so_far


def _access_delayed(part: Part) -> str:
    name = part_name(part).replace("announced page", "release at the announced address")
    if part.role == "alternative":
        return (
            f"Content of the release could be reached at another address, {part.url}, after {words.span(part.delay)}."
        )
    return f"Access to the {name} was delayed by {words.span(part.wait)}."
