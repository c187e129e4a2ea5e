"""Every sentence of every notice is true when it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.by_hand import acknowledge_incident
from alerts.decide import decide
from alerts.incident import Incident
from alerts.notice import Notice
from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from tests.unit.monitor.deliver.claims import false_claims
from tests.worlds.instants import after_slot
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.truths import Looker, Truth, World, once, worlds
from tests.worlds.verdicts import judge

HTML = Part("html", Role.HTML, f"{PAGE_URL}/html")
JUDGED_AT_SECONDS = (
    -200,
    -120,
    -60,
    -5,
    0,
    5,
    20,
    61,
    75,
    90,
    130,
    200,
    260,
    301,
    380,
    700,
    1300,
    5000,
)
"""Seconds from the slot at which a release is judged."""


def runs_of(page: World, html: World | None, until: float) -> dict[str, list[Run]]:
    """Return the runs of the page, and as those of the part `html` the runs of another world's
    page.
    """
    runs = page.runs(after_slot(until))
    for name, of_html in ({} if html is None else html.runs(after_slot(until))).items():
        target = name.replace("/page/", "/html/")
        runs[target] = [replace(run, target=target) for run in of_html]
    return runs


def judge_page_and_html(
    page: World, html: World | None, runs: dict[str, list[Run]], now: datetime
) -> Verdict:
    parts = () if html is None else (HTML,)
    blind = [span for world in (page, html) if world is not None for span in world.blind_until(now)]
    return judge(a_release(*parts), [a_promise()], runs, blind, Policy(), now)


def notices_over_time(
    page: World, html: World | None, *, acknowledged: bool = False
) -> Iterator[Notice]:
    """Yield every notice of a release judged again and again; `acknowledged` from the first if
    set.
    """
    known: Incident | None = None
    for seconds in JUDGED_AT_SECONDS:
        now, runs = after_slot(seconds), runs_of(page, html, seconds)
        verdict = judge_page_and_html(page, html, runs, now)
        decision = decide(release_facts(verdict, Measurement("m", runs)), known, now)
        known = decision.incident or known
        if acknowledged and known is not None:
            known = acknowledge_incident(known, "duty statistician", now)
        yield from decision.notices


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(worlds(), st.none() | worlds(), st.booleans())
def test_every_sentence_of_every_notice_is_true_when_sent(
    page: World,
    html: World | None,
    acknowledged: bool,  # noqa: FBT001
) -> None:
    """In a random world, a page and perhaps another part (`html`) become public and are removed at
    random times.

    Looks see only a random part of that. The release is judged again and again, and notices are
    made. No notice may say anything that is false in this world. `false_claims` returns such
    statements.
    """
    truths = {"page": page.truth} | ({} if html is None else {"html": html.truth})
    notices = notices_over_time(page, html, acknowledged=acknowledged)
    assert [claim for notice in notices for claim in false_claims(notice, truths)] == []


def read_every_second(truth: Truth) -> World:
    """Return a page read every second, in time and without a fault."""
    return World(truth, (Looker("edge", slowest=40),), (tuple(range(-250_000, 1_300_000, 1000)),))


def page_published(seconds_after_slot: float | None) -> World:
    """Return a page read every second that is published once and stays; None: never published."""
    return read_every_second(
        once(None if seconds_after_slot is None else round(1000 * seconds_after_slot))
    )


@pytest.mark.parametrize("seconds_late", [90, 400, None])
def test_notice_of_late_page_is_false_of_an_early_page(seconds_late: int | None) -> None:
    """A page is published 90 or 400 seconds late, or never (None).

    The notice about it is true of this page.

    Another page is published a second early. Of that page, the same notice would be false.
    `false_claims` returns the statements of a notice that contradict when a page was really public.
    """
    late_page, early_page = page_published(seconds_late), page_published(-1)
    notice = next(notices_over_time(late_page, None))
    assert notice.subject.startswith("LATE: ")
    assert false_claims(notice, {"page": late_page.truth}) == []
    assert false_claims(notice, {"page": early_page.truth}) != []


def test_early_release_is_not_reported_as_released_at_its_slot() -> None:
    """It is published 100 seconds before its slot, and stays public."""
    page = page_published(-100)
    *_, last_notice = notices_over_time(page, None)
    assert last_notice.kind == "final"
    assert "already public when its slot came" in last_notice.subject
    assert "released" not in last_notice.text
    assert false_claims(last_notice, {"page": page.truth}) == []


def test_end_of_exposure_and_later_release_have_separate_notices() -> None:
    """A page is public 150 s before its slot, removed 90 s before it, and public again one second
    after it.

    A notice says that it was removed: the end of the exposure. A later one says that it was
    released at the slot.
    """
    turns_ms = ((-150_000, State.PRESENT), (-90_000, State.ABSENT), (1_000, State.PRESENT))
    *_, exposure_over, final = notices_over_time(read_every_second(Truth(turns_ms)), None)
    assert (exposure_over.kind, final.kind) == ("exposure_closed", "final")
    assert exposure_over.subject != final.subject
    assert "What changed: what was public before its slot was removed" in exposure_over.text
    assert "released between 09:30:0" in final.subject  # the slot is at 09:30


def test_release_is_called_partly_late_only_if_one_part_came_in_time() -> None:
    """A release has a page and another part, `html`, which is never published.

    1. The page comes 200 seconds late. So all parts are late, and no notice says “PARTLY”.
    2. The page comes one second after the slot, which is on time. The notice says that one of two
       parts is late.
    """
    never_published = page_published(None)
    # 1.
    both_late = list(notices_over_time(page_published(200), html=never_published))
    assert both_late != []
    assert all(not notice.subject.startswith("PARTLY") for notice in both_late)
    # 2.
    opening, *_ = notices_over_time(page_published(1), html=never_published)
    assert opening.subject.startswith("PARTLY LATE: ")
    assert "1 of 2 parts late" in opening.subject


def test_acknowledged_incident_gets_a_notice_when_one_part_is_out() -> None:
    """The page of a release is never published. Its other part, `html`, comes 200 seconds late.

    If no one acknowledges the incident, reminders report this part, so there is no notice of it. If
    someone acknowledges it, there are no reminders. Then there is a notice more, which says that
    the part is out.
    """
    page, html = page_published(None), page_published(200)
    kinds_if_not_acknowledged = {notice.kind for notice in notices_over_time(page, html)}
    notices = notices_over_time(page, html, acknowledged=True)
    # This notice is the only one of a kind that is not sent without an acknowledgement.
    (extra,) = (notice for notice in notices if notice.kind not in kinds_if_not_acknowledged)
    assert "\nWhat changed: out: html\n" in extra.text
