"""The oracle accepts true claims and rejects false ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.oracle.oracle import MonitorOutput, find_discrepancies
from tests.oracle.world import (
    Announced,
    Change,
    Place,
    Release,
    Showing,
    Trouble,
    World,
    with_place,
)

SLOT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
URL = "https://figures.example.org/releases/example-claims"


def at(seconds: float) -> datetime:
    return SLOT + timedelta(seconds=seconds)


def stamp(seconds: float | None) -> str | None:
    return (
        None
        if seconds is None
        else at(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def a_world(*shows: tuple[float, str], cache: float = 0.0, **keys: Any) -> World:  # noqa: ANN401 # any field of a release
    page = Place(
        "page",
        "page",
        URL,
        shows=tuple(Showing(at(when), what, cache=cache) for when, what in shows),
    )  # type: ignore[arg-type]
    release = Release("claims", "Example claims", "example-office", SLOT, page, **keys)
    return World(0, at(-400), at(400), (release,))


def seen(after: float | None, by: float | None) -> dict[str, Any]:
    return {"after": stamp(after), "by": stamp(by)}


def a_claim(verdict: str, first: tuple[float | None, float | None], **keys: Any) -> dict[str, Any]:  # noqa: ANN401 # any key of its JSON
    after, by = first
    delay = None if by is None or after is None else {"min": after, "max": by}
    part = {
        "id": "page",
        "role": "page",
        "url": URL,
        "required": True,
        "verdict": verdict,
        "first_seen": seen(after, by),
        "delay": delay,
        "exposures": keys.pop("exposures", []),
    }
    grades = {"late": "note", "overdue": "note", "early": "report"}
    body = {
        "id": "claims",
        "title": "Example claims",
        "url": URL,
        "verdict": verdict,
        "final": True,
        "grade": grades.get(verdict, "none"),
        "slot": {"start": stamp(0), "precision": "instant"},
        "first_seen": seen(after, by),
        "delay": delay,
        "findings": [],
        "unproven_because": None,
        "address": "announced",
        "early_bound": 1.0 if verdict == "on_time" else None,
        "parts": [{**part, **keys.pop("part", {})}],
    }
    return {**body, **keys}


def an_exposure(
    begins: tuple[float, float], ends: tuple[float, float], low: float, high: float
) -> dict[str, Any]:
    lasted = {"min": low, "max": high}
    return {
        "part": "page",
        "from": seen(*begins),
        "to": seen(*ends),
        "seconds": lasted,
        "open": False,
    }


def what_is_found(world: World, *claims: Mapping[str, Any]) -> set[str]:
    return {
        one.what
        for one in find_discrepancies(
            world, MonitorOutput({"releases": claims, "peak_rate": {}}, ())
        )
    }


ON_TIME = a_world((2, "ours"))
LATE = a_world((100, "ours"))
BLIP = a_world((-200, "ours"), (-100, "absent"), (2, "ours"))
EARLY = an_exposure((-201, -199.5), (-100.5, -99), 99, 102)

TRUE = {
    "on time": (ON_TIME, a_claim("on_time", (1.5, 2.5))),
    "late": (LATE, a_claim("late", (99.5, 100.5))),
    "late again, and early while no one could look": (
        replace(
            a_world((-200, "ours"), (20, "absent"), (100, "ours")),
            faults=(Trouble("503", at(-300), at(80), url=URL),),
        ),
        a_claim("late", (99.5, 100.5), early_bound=0.0, part={"early_bound": 0.0}),
    ),
    "never": (a_world(), a_claim("overdue", (None, None))),
    "early for a while": (BLIP, a_claim("early", (-201, -199.5), exposures=[EARLY])),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_claim_is_accepted(name: str) -> None:
    assert what_is_found(*TRUE[name]) == set()


FALSE = {
    "late of what was on time": (ON_TIME, a_claim("late", (61, 62)), "verdict late"),
    "late of what another address shows": (ON_TIME, a_claim("late", (2.5, 70)), "verdict late"),
    "overdue of what is out": (LATE, a_claim("overdue", (None, None)), "verdict overdue"),
    "on time of what was late": (LATE, a_claim("on_time", (1.5, 2.5)), "verdict on_time"),
    "on time of what never came": (a_world(), a_claim("on_time", (1.5, 2.5)), "verdict on_time"),
    "on time, more sharply than it was": (
        a_world((-3, "ours")),
        a_claim("on_time", (-4, 0)),
        "verdict on_time",
    ),
    "on time without a bound": (
        ON_TIME,
        a_claim("on_time", (1.5, 2.5), early_bound=None),
        "verdict on_time",
    ),
    "early of what was not": (ON_TIME, a_claim("early", (-2, -1)), "verdict early"),
    "early of another page": (
        a_world((-9, "other"), (2, "ours")),
        a_claim("early", (-9.5, -8)),
        "verdict early",
    ),
    "an interval beside the truth": (ON_TIME, a_claim("on_time", (2.5, 3.5)), "measure"),
    "a bound when it was public": (
        BLIP,
        a_claim("early", (-201, -199.5), early_bound=150.0),
        "early_bound",
    ),
    "an exposure that ended sooner": (
        BLIP,
        a_claim(
            "early", (-201, -199.5), exposures=[an_exposure((-201, -199.5), (-50, -49), 149, 152)]
        ),
        "measure",
    ),
    "an exposure that never was": (
        ON_TIME,
        a_claim("on_time", (1.5, 2.5), exposures=[EARLY]),
        "measure",
    ),
    "a grade below its word": (LATE, a_claim("late", (99.5, 100.5), grade="none"), "grade"),
    "a finding of nothing": (
        ON_TIME,
        a_claim("on_time", (1.5, 2.5), findings=[{"kind": "withdrawn"}]),
        "finding withdrawn",
    ),
    "closed too soon": (a_world(), a_claim("not_published", (None, None)), "verdict not_published"),
    "cancelled by nobody": (ON_TIME, a_claim("cancelled", (None, None)), "verdict cancelled"),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_claim_is_rejected(name: str) -> None:
    world, claim, what = FALSE[name]
    assert what in what_is_found(world, claim)


def test_a_slot_moved_before_it_passed_is_in_force_and_one_moved_after_is_not() -> None:
    moved = a_world((100, "ours"), changes=(Change(at(-10), slot=at(90)),))
    assert "verdict late" in what_is_found(moved, a_claim("late", (99.5, 100.5)))
    too_late = a_world((100, "ours"), changes=(Change(at(10), slot=at(90)),))
    assert what_is_found(too_late, a_claim("late", (99.5, 100.5))) == set()


@pytest.mark.parametrize(
    ("change", "is_denied"),
    [(Change(at(-410), slot=at(60)), True), (Change(at(90), slot=at(86400)), False)],
    ids=["changed before its slot", "changed after its slot"],
)
def test_a_slot_that_passed_and_was_changed_before_the_first_read_is_not_in_force(
    change: Change, *, is_denied: bool
) -> None:
    world = replace(a_world((-20, "ours"), changes=(change,)), begins=at(100))
    subject = "EARLY: Example claims, public since 09:32:00 GMT, not seen removed yet"
    found = find_discrepancies(
        world, MonitorOutput({"releases": [], "peak_rate": {}}, [a_notice("opened", 130, subject)])
    )
    assert ("sentence" in {one.what for one in found}) == is_denied


def test_a_provisional_or_cancelled_release_is_never_late() -> None:
    for keys in ({"state": "provisional"}, {"changes": (Change(at(-10), state="cancelled"),)}):
        assert "verdict late" in what_is_found(
            a_world((100, "ours"), **keys), a_claim("late", (99.5, 100.5))
        )


def test_a_provisional_release_removed_on_its_day_counts_as_withdrawn() -> None:
    told = a_claim("unproven", (-51, -50), findings=[{"kind": "withdrawn"}])
    brief = a_world((-50, "ours"), (6, "absent"), state="provisional")
    assert what_is_found(brief, told) == set()
    assert "finding withdrawn" in what_is_found(a_world((-50, "ours"), state="provisional"), told)


def test_on_time_without_a_bound_is_right_if_only_a_provisional_time_was_read() -> None:
    world = a_world(
        (8, "ours"), state="provisional", changes=(Change(at(-229), state="confirmed"),)
    )
    told = {"early_bound": None, "part": {"early_bound": None}}
    before, after = (
        a_claim("on_time", (7, 8), promise_confirmed=stamp(read), **told) for read in (-240, -200)
    )
    assert what_is_found(world, before) == set()
    assert what_is_found(world, after) == {"part on_time", "verdict on_time"}


def test_a_removal_after_the_last_read_slot_may_be_reported() -> None:
    moved = Change(at(-55), slot=at(120))
    world = a_world((-180, "ours"), (48, "gone"), (137, "ours"), changes=(moved,))
    gone = [{"kind": "withdrawn", "part": "page"}]
    told = a_claim("early", (-181, -180), findings=gone)
    assert what_is_found(world, told | {"promise_confirmed": stamp(-170)}) == set()
    assert "finding withdrawn" in what_is_found(world, told | {"promise_confirmed": stamp(-50)})


def test_a_removal_may_be_reported_although_the_entry_left_its_calendar() -> None:
    subject = "ALTERED: Example claims due 09:30 GMT, removed after its release (page)"
    told = MonitorOutput({"releases": [], "peak_rate": {}}, [a_notice("altered", 200, subject)])
    for taken_away, is_denied in ((163, False), (-20, True)):
        world = a_world(
            (-60, "ours"), (taken_away, "absent"), changes=(Change(at(-1800), gone=True),)
        )
        assert ("sentence" in {one.what for one in find_discrepancies(world, told)}) == is_denied


def test_a_release_between_the_slots_of_two_calendars_is_late_only_if_late_by_both() -> None:
    world = a_world((-200, "ours"), (-60, "other"), (117, "ours"), other_calendar=at(-9000))
    assert what_is_found(world, a_claim("late", (116, 118))) == set()
    one_only = a_world((-8999, "ours"), other_calendar=at(-9000))
    assert "verdict late" in what_is_found(one_only, a_claim("late", (116, 118)))


def test_a_release_that_is_in_time_by_one_of_two_calendars_is_not_late() -> None:
    between = a_world((100, "ours"), other_calendar=at(90))
    assert "verdict late" in what_is_found(between, a_claim("late", (99.5, 100.5)))
    after_both = a_world((200, "ours"), other_calendar=at(90))
    assert what_is_found(after_both, a_claim("late", (199.5, 200.5))) == set()


def test_caution_is_timid_in_an_easy_world_and_right_after_a_fault() -> None:
    unproven = a_claim("unproven", (1.5, 2.5))
    assert what_is_found(ON_TIME, unproven) == {"unproven"}
    assert (
        what_is_found(replace(ON_TIME, faults=(Trouble("503", at(-9), at(9), host="x"),)), unproven)
        == set()
    )


def test_a_short_exposure_in_the_tolerance_excuses_a_late_release_only_if_looks_could_see_it() -> (
    None
):
    brief, absent = a_world((2, "ours"), (130, "absent")), a_claim("overdue", (None, None))
    hidden = (
        Trouble("timeout", at(-60), at(50), url=URL),
        Trouble("503", at(40), at(131), host="figures.example.org"),
    )
    assert what_is_found(replace(brief, faults=hidden), absent) == set()
    for shown in (hidden[:1], hidden[1:], (replace(hidden[0], ends=at(30)), hidden[1])):
        assert "verdict overdue" in what_is_found(replace(brief, faults=shown), absent)


@pytest.mark.parametrize(
    ("cache", "settings", "is_denied"),
    [
        (300.0, "[watch]\norigin_view = false\n", False),
        (120.0, "[watch]\norigin_view = false\n", True),
        (300.0, "", True),
    ],
    ids=["cached until the end", "cached for a while", "requested at its origin"],
)
def test_a_page_that_its_edge_hides_may_be_overdue_only_if_no_request_passes_caches(
    cache: float, settings: str, *, is_denied: bool
) -> None:
    world = replace(a_world((126, "ours"), cache=cache), settings=settings)
    found = what_is_found(world, a_claim("overdue", (None, None)))
    assert found == ({"verdict overdue", "part overdue"} if is_denied else set())


@pytest.mark.parametrize("settings", ["", "[watch]\norigin_view = false\n"])
def test_a_page_that_only_a_list_leads_to_may_be_overdue_until_it_is_listed(settings: str) -> None:
    claim = a_claim("overdue", (None, None))
    for listed, is_denied in ((300.0, False), (100.0, True)):
        announced = Announced("example-other", redirect="never", listed=listed)
        world = replace(a_world((126, "ours"), announced=announced), settings=settings)
        assert ("part overdue" in what_is_found(world, claim)) == is_denied


@pytest.mark.parametrize(("role", "is_denied"), [("required", True), ("optional", False)])
def test_only_a_required_file_must_be_seen_behind_a_cache(role: str, *, is_denied: bool) -> None:
    shows = (Showing(at(126), "ours", cache=300.0),)
    file = Place("tables", "data", f"{URL}/tables.ods", required=role == "required", shows=shows)
    claim = a_claim("late", (99.5, 100.5))
    unseen = {"verdict": "overdue", "first_seen": seen(None, None), "delay": None}
    part = {"id": file.id, "url": file.url, "role": file.role, "required": file.required}
    claim["parts"].append(claim["parts"][0] | part | unseen)
    found = what_is_found(a_world((100, "ours"), parts=(file,)), claim)
    assert found == ({"part overdue"} if is_denied else set())


@pytest.mark.parametrize(
    ("location", "seconds", "is_denied"),
    [("/latest", 2, False), ("/latest", 500, True), ("", 2, True)],
    ids=["redirected", "redirected later", "not redirected"],
)
def test_a_redirect_explains_a_look_that_proved_nothing(
    location: str, seconds: float, *, is_denied: bool
) -> None:
    moved = a_world((seconds, "ours"), changes=(Change(at(-100), slot=at(-50)),))
    page = moved.releases[0].page
    redirecting = replace(page, shows=(replace(page.shows[0], location=location),))
    claim = a_claim("unproven", (1.5, 2.5), findings=[{"kind": "blind", "part": "page"}])
    found = what_is_found(with_place(moved, moved.releases[0], page, redirecting), claim)
    assert ("finding blind" in found) == is_denied


def test_a_verdict_about_an_unannounced_release_is_rejected() -> None:
    stray = a_claim("late", (99.5, 100.5)) | {"id": "stray"}
    assert "orphan" in what_is_found(ON_TIME, a_claim("on_time", (1.5, 2.5)), stray)


def test_a_platform_incident_is_rejected_if_all_was_public_a_minute_after_each_slot() -> None:
    accused = {
        "kind": "opened",
        "at": stamp(61),
        "release": "",
        "subject": "LATE: 2 releases on x.example, 2 not out yet",
    }
    brought_forward = a_world((58, "ours"), changes=(Change(at(-100), slot=at(-3)),))
    for world, is_denied in (
        (ON_TIME, True),
        (BLIP, True),
        (LATE, False),
        (brought_forward, False),
    ):
        found = find_discrepancies(
            world, MonitorOutput({"releases": [], "peak_rate": {}}, (accused,))
        )
        assert ("orphan" in {one.what for one in found}) == is_denied


def a_notice(kind: str, seconds: float, subject: str) -> dict[str, Any]:
    return {"kind": kind, "at": stamp(seconds), "release": "claims", "subject": subject}


@pytest.mark.parametrize(
    ("world", "notice"),
    [
        (
            LATE,
            a_notice(
                "reminder", 120, "LATE: Example claims due 09:30 GMT, still absent at 09:31:59 GMT"
            ),
        ),
        (
            ON_TIME,
            a_notice(
                "opened",
                -20,
                "EARLY: Claims due 09:30 GMT, public since 09:29:20 GMT, not seen removed yet",
            ),
        ),
        (
            BLIP,
            a_notice(
                "reminder",
                -10,
                "EARLY: Claims due 09:30 GMT, public since 09:26:40 GMT, not seen removed yet",
            ),
        ),
        (
            LATE,
            a_notice(
                "altered",
                200,
                "ALTERED: Example claims due 09:30 GMT, removed after its release (page)",
            ),
        ),
        (
            a_world((70, "ours"), (90, "absent")),
            a_notice(
                "reminder",
                200,
                f"LATE: Example claims due 09:30 GMT; available at {URL} since 09:31 GMT",
            ),
        ),
        (
            LATE,
            a_notice(
                "final",
                10,
                f"LATE: Example claims due 09:30 GMT; was available at {URL} from 09:30 GMT",
            ),
        ),
    ],
)
def test_a_subject_that_was_untrue_when_sent_is_rejected(
    world: World, notice: dict[str, Any]
) -> None:
    told = MonitorOutput({"releases": [], "peak_rate": {}}, [notice])
    assert "sentence" in {one.what for one in find_discrepancies(world, told)}


EXPOSED_BEHIND_COPIES = replace(
    a_world((-314, "ours"), (-3, "absent"), (10, "ours")),
    faults=(Trouble("stale", at(-42), at(357), url=URL, age=40.0),),
)


@pytest.mark.parametrize(
    ("ends", "is_denied"),
    [((-4, -2), False), ((-0.5, 0), False), ((-83, -81), True)],
    ids=["removed at the origin", "copies until the slot", "shortened by Age"],
)
def test_an_exposure_lasts_while_copies_of_it_answer(
    ends: tuple[float, float], *, is_denied: bool
) -> None:
    begins = (-314.5, -313.5)
    exposure = an_exposure(begins, ends, ends[0] - begins[1], ends[1] - begins[0])
    claim = a_claim("early", begins, exposures=[exposure])
    assert what_is_found(EXPOSED_BEHIND_COPIES, claim) == ({"measure"} if is_denied else set())


def test_a_copy_made_before_an_exposure_does_not_prolong_it() -> None:
    old = replace(EXPOSED_BEHIND_COPIES.faults[0], age=3600.0)
    claim = a_claim(
        "early",
        (-314.5, -313.5),
        exposures=[an_exposure((-314.5, -313.5), (-0.5, 0), 313, 314.5)],
    )
    assert what_is_found(replace(EXPOSED_BEHIND_COPIES, faults=(old,)), claim) == {"measure"}


@pytest.mark.parametrize(
    ("after", "is_denied"), [("missing", False), ("absent", True), ("gone", True)]
)
def test_an_exposure_may_stay_open_only_until_something_proves_absence(
    after: str, *, is_denied: bool
) -> None:
    exposure = an_exposure((-200.5, -199.5), (-100.5, -99.5), 60, 102) | {
        "to": seen(None, None),
        "open": True,
    }
    claim = a_claim("early", (-200.5, -199.5), exposures=[exposure])
    world = replace(a_world((-200, "ours"), (-100, after)), ends=at(-20))
    assert ("measure" in what_is_found(world, claim)) == is_denied


@pytest.mark.parametrize(
    ("place", "told", "denied"),
    [
        ("England and Wales", {"verdict": "overdue"}, set()),
        ("England", {"verdict": "overdue"}, {"part overdue"}),
        ("England and Wales", {"verdict": "late", "first_seen": seen(72.5, 73.5)}, {"measure"}),
        ("England", {"verdict": "late", "first_seen": seen(72.5, 73.5)}, set()),
    ],
)
def test_a_page_of_a_new_entry_with_another_place_is_not_the_old_entrys(
    place: str, told: dict[str, Any], denied: set[str]
) -> None:
    report = Place(
        "report", "alternative", f"{URL}/report", required=False, shows=(Showing(at(73), "ours"),)
    )
    old = replace(
        a_world((133, "ours"), parts=(report,), is_succeeded=True).releases[0],
        title="Example claims in England: October 2026",
    )
    new = replace(old, id="entry-1", title=f"Example claims in {place}: October 2026")
    world = replace(LATE, releases=(old, replace(new, known_from=at(80))))
    claim = a_claim("late", (132.5, 133.5))
    part = {"id": "report", "url": report.url, "role": "alternative", "required": False}
    unseen = {"first_seen": seen(None, None), "delay": None}
    claim["parts"].append(claim["parts"][0] | part | unseen | told)
    assert denied == what_is_found(world, claim) & {"part overdue", "measure"}
