"""The account of an incident that a person logged: in their words, with their times and addresses."""

from __future__ import annotations

from alerts.by_hand import ended
from alerts.draft import narrative, words
from alerts.draft.input import DraftInput


def logged_by_hand(case: DraftInput) -> tuple[str, ...]:
    """Tell of an incident a person logged: their words as they stand, and what is known of the release."""
    incident, typed = case.incident, case.incident.words
    said = [f"Logged by hand at {words.brief(incident.opened, case.timezone)}; the monitor did not measure this."]
    said += [f"As logged: {typed['what']}"] if typed.get("what") else []
    said += () if "incident.delay" in case.asked else lasted(case)
    addresses = [] if "release.landing_url" in case.asked else typed.get("url", "").splitlines()
    said += [f"Where it stood: {words.joined(addresses)}."] if addresses else []
    said += [f"Latest published edition: {typed['last_edition']}"] if typed.get("last_edition") else []
    if case.facts is not None:
        is_ahead = case.facts.slot is None or case.facts.slot > incident.occurred
        which = "Next release" if is_ahead else "The release concerned"
        said.append(f"{which}: {narrative.announcement(case.facts)} That release is judged on its own.")
    elif typed.get("next_edition"):
        said.append(f"Next release: {typed['next_edition']}")
    return tuple(said)


def lasted(case: DraftInput) -> tuple[str, ...]:
    """Say how long what a person logged went on, where they said when it was over."""
    end = ended(case.incident, case.timezone)
    if end is None:
        return ()
    is_timed = "T" in case.incident.words["when"].split(",")[0]
    long = round((end - case.incident.occurred).total_seconds())
    return (
        f"Over at {words.brief(end, case.timezone)}{f', {words.length(long)} after it began' * is_timed}, as logged.",
    )
