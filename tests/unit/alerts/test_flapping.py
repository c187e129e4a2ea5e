"""Content that appears and disappears repeatedly makes one notice, and one more once it is
stable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.flapping import STEADY_AFTER, is_flapping, make_steady_notice
from alerts.incident import Incident
from alerts.notice import Notice
from schedules.contract.verdict import Ended, Exposure, Finding, FindingKind, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.conftest import SLOT, page_part

Make = Callable[..., ReleaseFacts]
SECOND = timedelta(seconds=1)
AT_7_30 = SLOT - timedelta(hours=2)


def seconds_after_7_30(seconds: float) -> datetime:
    return AT_7_30 + timedelta(seconds=seconds)


def flapping_page(
    make_facts: Make, change_seconds: Sequence[float], at: datetime, **more: object
) -> ReleaseFacts:
    """Return the facts of a page that appeared, was removed, appeared … at these seconds, as of an
    instant.
    """
    done = [
        seconds_after_7_30(change) for change in change_seconds if seconds_after_7_30(change) <= at
    ]
    exposures = []
    for came, went in zip(done[::2], [*done[1::2], None], strict=False):
        to = Interval() if went is None else Interval(went - SECOND, went)
        length = Bounds(3, None if went is None else 6)
        ended = None if went is None else Ended.REMOVED
        exposures.append(
            Exposure(
                "page", Interval(came - SECOND, came), to, length, open=went is None, ended=ended
            )
        )
    page = page_part(VerdictKind.EARLY, exposures=tuple(exposures))
    found = (Finding(FindingKind.EARLY_EXPOSURE, "page"),) * len(exposures)
    return make_facts(
        at, **{"verdict": "early", "grade": "report", "parts": (page,), "findings": found, **more}
    )


def decide_at_each_change(
    make_facts: Make, change_seconds: Sequence[float]
) -> tuple[list[Notice], Incident]:
    """Decide when a page appeared, was removed, appeared … at these seconds.

    Return every notice and the incident.
    """
    known: Incident | None = None
    notices: list[Notice] = []
    for change in change_seconds:
        at = seconds_after_7_30(change)
        decision = decide(flapping_page(make_facts, change_seconds, at), known, at)
        known = decision.incident
        notices += decision.notices
    assert known is not None
    return notices, known


def test_flapping_page_gives_three_notices_and_then_steady_one(make_facts: Make) -> None:
    """At 07:30 a page appears. It is removed 5 s later, appears again, and so on until 07:33. Three
    notices say that it appeared, was removed, and comes and goes. A fourth follows after ten
    minutes without a change.
    """
    change_seconds = range(0, 181, 5)  # the last change, at 180, is an appearance
    notices, incident = decide_at_each_change(make_facts, change_seconds)
    assert [one.kind for one in notices] == ["opened", "exposure_closed", "comes_and_goes"]
    assert notices[0].at == seconds_after_7_30(0)
    assert notices[2].subject.startswith("EARLY, comes and goes: ")
    assert (
        notices[2].text.split("\n")[1]
        == "What changed: it comes and goes, 3 changes since 07:30 GMT; the next notice follows"
        " once nothing has changed for 10 minutes, or when its slot has come"
    )
    # The page is steady once it has not changed for ten minutes.
    last_change = seconds_after_7_30(180)
    assert make_steady_notice(incident, last_change + timedelta(minutes=9)) is None
    steady = make_steady_notice(incident, last_change + timedelta(minutes=10))
    assert steady is not None
    assert steady.subject.startswith("EARLY, steady again: ")
    assert "public since 07:33 GMT, not seen removed yet" in steady.subject
    assert (
        f"it came and went from 07:30 GMT to 07:33 GMT, {len(change_seconds)} changes; no change"
        in steady.text
    )


def test_steady_notice_says_nothing_false_about_removed_content(make_facts: Make) -> None:
    """Content came, went, came back and went again. After ten minutes without a change, a notice
    says that it is steady. It must not say that the content was not seen removed yet.
    """
    appeared, removed, appeared_again, removed_again = 0, 5, 10, 15
    _, incident = decide_at_each_change(
        make_facts, [appeared, removed, appeared_again, removed_again]
    )
    steady = make_steady_notice(incident, seconds_after_7_30(removed_again) + timedelta(minutes=10))
    assert steady is not None
    assert "not seen removed yet" not in steady.subject


@pytest.mark.parametrize(
    "second_appearance", [660, 7030], ids=["after more than ten minutes", "after two hours"]
)
def test_changes_over_ten_minutes_apart_get_a_notice_each(
    make_facts: Make, second_appearance: int
) -> None:
    """Times are in seconds. For example, the page is removed at 30, appears again at 660 and is
    removed at 690. Changes more than ten minutes apart do not count as coming and going.
    """
    appeared, removed, removed_again = 0, 30, second_appearance + 30
    notices, _ = decide_at_each_change(
        make_facts, [appeared, removed, second_appearance, removed_again]
    )
    assert [one.kind for one in notices] == [
        "opened",
        "exposure_closed",
        "new_finding",
        "exposure_closed",
    ]


def test_page_that_flaps_again_gets_three_notices_each_time(make_facts: Make) -> None:
    """A page appears, is removed, appears and is removed, each 5 s after the change before. The
    first three changes give a notice each: the third says that it comes and goes. 16 minutes later
    the same happens.
    """
    changes, changes_after_16_minutes = [0, 5, 10, 15], [1000, 1005, 1010, 1015]  # in seconds
    notices, _ = decide_at_each_change(make_facts, changes + changes_after_16_minutes)
    kinds = [one.kind for one in notices]
    assert kinds[:3] == ["opened", "exposure_closed", "comes_and_goes"]
    assert kinds[3:] == ["new_finding", "exposure_closed", "comes_and_goes"]
    assert len({one.id for one in notices}) == len(notices)


def test_flapping_page_gets_notice_at_once_if_graver(make_facts: Make) -> None:
    """The page appears, is removed and so on. Its incident has the grade `note` so far."""
    _, incident = decide_at_each_change(make_facts, change_seconds=[0, 5, 10, 15])
    of_grade_note = replace(incident, grade="note")
    # At second 20 it appears again. Another notice would wait until the page is steady, but now the
    # grade is `report`.
    now = seconds_after_7_30(20)
    graver = flapping_page(make_facts, change_seconds=[0, 5, 10, 15, 20], at=now, grade="report")
    late = Finding(FindingKind.LATE, "page", seconds=Bounds(400, None))
    (notice,) = decide(
        replace(graver, findings=(*graver.findings, late)), of_grade_note, now
    ).notices
    assert notice.kind == "grade_changed"
    assert "What changed: late; grade report, was note" in notice.text


def test_flapping_page_gets_one_notice_at_its_slot(make_facts: Make) -> None:
    """A page appears, is removed and appears again, all before its slot. When the slot comes, the
    page is public. One notice says that the slot has come, and none says later that the page is
    steady.
    """
    changes = [0, 5, 10]  # in seconds after 7:30; the slot is at second 20
    _, incident = decide_at_each_change(make_facts, changes)
    slot = seconds_after_7_30(20)
    public_at_slot = flapping_page(make_facts, changes, at=slot, slot=slot)
    (page,) = public_at_slot.parts
    *earlier, last = page.exposures
    ended_by_slot = replace(last, to=Interval(slot, slot), open=False, ended=Ended.SLOT)
    page = replace(page, exposures=(*earlier, ended_by_slot))
    decision = decide(replace(public_at_slot, parts=(page,)), incident, slot)
    assert [one.kind for one in decision.notices] == ["exposure_closed"]
    assert "its slot has come" in decision.notices[0].text
    assert decision.incident is not None
    # Without the slot, the notice that the page is steady would come after ten minutes without a
    # change.
    assert make_steady_notice(decision.incident, slot + timedelta(minutes=11)) is None


def test_page_removed_for_a_minute_five_times_gets_two_notices(make_facts: Make) -> None:
    """The page came out on time. It was removed at minutes 2, 4, 6, 8 and 10 after its slot (`at`),
    each time for 60 to 65 s (`seconds`).
    """
    removals = [
        Finding(
            FindingKind.WITHDRAWN,
            "page",
            "removed",
            seconds=Bounds(60, 65),
            at=SLOT + timedelta(minutes=minutes),
        )
        for minutes in (2, 4, 6, 8, 10)
    ]
    known: Incident | None = None
    kinds = []
    for number, removal in enumerate(removals, start=1):
        assert removal.at is not None
        removals_so_far = tuple(removals[:number])
        facts = make_facts(removal.at, verdict=VerdictKind.ON_TIME, findings=removals_so_far)
        decision = decide(facts, known, removal.at + timedelta(minutes=1))
        known = decision.incident
        kinds += [one.kind for one in decision.notices]
    # The first removal opens the incident. With the second there are three changes: removed, back,
    # removed.
    assert kinds == ["altered", "comes_and_goes"]


@pytest.mark.parametrize("seconds_before_steady", [-1, 0, 1])
def test_content_is_flapping_until_its_last_change_is_ten_minutes_old(
    make_facts: Make, seconds_before_steady: int
) -> None:
    last = seconds_after_7_30(200)
    now = last + STEADY_AFTER - seconds_before_steady * SECOND
    facts = flapping_page(make_facts, [0, 100, 200], now)
    assert is_flapping(facts, now) is (seconds_before_steady > 0)
