"""Every sentence of every notice holds at the instant it is sent, whatever was true and could be seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.by_hand import acknowledge_incident
from alerts.decide import decide
from alerts.incident import Incident
from alerts.notice import Notice
from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from tests.unit.monitor.deliver.claims import denied
from tests.worlds.instants import after_slot
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.truths import Looker, Truth, World, once, worlds

HTML = Part("html", Role.HTML, f"{PAGE_URL}/html")
JUDGED = (-200, -120, -60, -5, 0, 5, 20, 61, 75, 90, 130, 200, 260, 301, 380, 700, 1300, 5000)
"""Seconds from the slot at which a release is judged, whatever comes of it."""


def runs_of(world: World, part: str, until: float) -> dict[str, list[Run]]:
    """Return the runs of a world's page as those of another part."""
    seen = world.runs(after_slot(until))
    named = {name: name.replace("/page/", f"/{part}/") for name in seen}
    return {named[name]: [replace(run, target=named[name]) for run in runs] for name, runs in seen.items()}


def verdict(page: World, html: World | None, now: float) -> Verdict:
    parts = () if html is None else (HTML,)
    runs = runs_of(page, "page", now) | ({} if html is None else runs_of(html, "html", now))
    blind = [
        span for world in (page, html) if world is not None for span in world.spans if span.begins <= after_slot(now)
    ]
    return judge(a_release(*parts), [a_promise()], runs, blind, Policy(), after_slot(now))


def told(page: World, html: World | None, *, taken: bool = False) -> Iterator[Notice]:
    """Yield every notice of a release judged again and again; where it is `taken`, somebody has it from the first."""
    known: Incident | None = None
    for now in JUDGED:
        found = verdict(page, html, now)
        runs = runs_of(page, "page", now) | ({} if html is None else runs_of(html, "html", now))
        decision = decide(release_facts(found, Measurement("m", runs)), known, after_slot(now))
        known = decision.incident or known
        if taken and known is not None:
            known = acknowledge_incident(known, "duty statistician", after_slot(now))
        yield from decision.notices


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(worlds(), st.none() | worlds(), st.booleans())
def test_every_sentence_of_every_notice_is_true_when_it_is_sent(page: World, html: World | None, taken: bool) -> None:  # noqa: FBT001
    truths = {"page": page.truth} | ({} if html is None else {"html": html.truth})
    assert [claim for notice in told(page, html, taken=taken) for claim in denied(notice, truths)] == []


def watched(truth: Truth, view: str = "edge") -> World:
    """Return a world looked at every second, in time and without a fault."""
    return World(truth, (Looker(view, slowest=40),), (tuple(range(-250_000, 1_300_000, 1000)),))


@pytest.mark.parametrize("out", [90_000, 400_000, None])
def test_notices_of_a_late_page_agree_with_the_truth_and_with_no_other_one(out: int | None) -> None:
    notices = list(told(watched(once(out)), None))
    assert notices[0].subject.startswith("LATE: ")
    assert denied(notices[0], {"page": once(out)}) == []
    assert denied(notices[0], {"page": once(-1000)}) != []


def test_a_release_public_since_before_its_slot_is_not_reported_as_released_at_it() -> None:
    truth = once(-100_000)
    last = list(told(watched(truth), None))[-1]
    assert last.kind == "final"
    assert "already public when its slot came" in last.subject
    assert "released" not in last.text
    assert denied(last, {"page": truth}) == []


def test_the_end_of_an_exposure_and_a_release_on_time_are_both_reported_as_changes() -> None:
    truth = Truth(((-150_000, State.PRESENT), (-90_000, State.ABSENT), (1_000, State.PRESENT)))
    over, final = list(told(watched(truth), None))[-2:]
    assert (over.kind, final.kind) == ("exposure_closed", "final")
    assert over.subject != final.subject
    assert "released between 09:30:0" in final.subject
    assert "What changed: what was public before its slot was removed" in over.text


def test_a_release_is_partly_late_only_once_its_page_is_out() -> None:
    both = list(told(watched(once(200_000)), watched(once(None))))
    assert all(not notice.subject.startswith("PARTLY") for notice in both)
    partly = list(told(watched(once(1_000)), watched(once(None))))
    assert partly[0].subject.startswith("PARTLY LATE: ")
    assert "1 of 2 parts late" in partly[0].subject


def test_after_acknowledging_people_are_notified_of_another_late_part_and_of_publication() -> None:
    page, html = watched(once(None)), watched(once(200_000))
    silent = [notice.kind for notice in told(page, html)]
    heard = [notice for notice in told(page, html, taken=True) if notice.kind not in silent]
    assert [notice.text.split("\n")[1] for notice in heard] == ["What changed: out: html"]
