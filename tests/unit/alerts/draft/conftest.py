"""Drafts of the five published incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from alerts.draft.fill import fill_form
from alerts.draft.form import get_form
from alerts.draft.period import Row
from alerts.draft.report import Field, Report
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from schedules.contract.verdict import (
    Ended,
)
from schedules.times.interval import Interval
from tests.worlds.published import (
    length_between,
)


def facts_of(incident: Incident) -> ReleaseFacts:
    assert incident.facts is not None
    return incident.facts


def get_field(report: Report, name: str) -> Field:
    found = report.find_field(name)
    assert found is not None
    return found


def draft_of(
    incident: Incident,
    form: str = "B",
    now: datetime | None = None,
    configured: Mapping[str, str] = MappingProxyType({}),
    **more: Any,  # noqa: ANN401  # as the real function takes them
) -> Report:
    """Return the draft of an incident on a form: by default form B at its opening, without
    settings.
    """
    more.setdefault("previous", ())
    return fill_form(incident, get_form(form), configured, now=now or incident.opened, **more)


def text_of_field(report: Report, name: str) -> str:
    """Return the measured or configured paragraphs of a field, without what a person typed."""
    return "\n".join(get_field(report, name).paragraphs)


def never_removed(incident: Incident) -> Incident:
    """Return an early exposure of the page alone that was never taken down: it ended with its
    announced time.
    """
    facts = facts_of(incident)
    assert facts.slot is not None
    end, page = Interval(facts.slot, facts.slot), facts.parts[0]
    length = length_between(page.exposures[0].start, end)
    exposure = replace(page.exposures[0], to=end, seconds=length, ended=Ended.SLOT)
    page = replace(page, exposures=(exposure,), released=end)
    return replace(
        incident, facts=replace(facts, parts=(page,), at=facts.slot + timedelta(minutes=1))
    )


def row_of(facts: ReleaseFacts, practice: str = "", cause: str = "", incident: str = "") -> Row:
    """Return the row of a period that the store would make from the facts of an incident."""
    page = facts.page
    longest = max(
        (each.seconds for each in facts.exposures), key=lambda each: each.min or 0.0, default=None
    )
    row = (
        facts.release,
        facts.title,
        facts.producer,
        facts.url,
        facts.timezone,
        facts.slot,
        facts.verdict,
    )
    seen, delay = (page.first_seen, page.delay) if page else (Interval(), None)
    return Row(*row, seen, delay, longest, practice, cause, incident)


@pytest.fixture
def settings() -> Mapping[str, str]:
    return {
        "name": "Example Statistics Office",
        "head_of_profession": "Head of Profession for Statistics, hop@example.org",
        "contact": "Statistics press desk, press@example.org",
        "to": "Regulator's reporting desk",
    }
