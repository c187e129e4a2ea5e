"""The rule that decides the verdict on a page from its slot on. A number is an instant in seconds
after the slot.
"""

from __future__ import annotations

import pytest

from monitor.judge.case import case_of
from monitor.judge.part import PART_RULES, find_rule, gather_facts
from monitor.judge.part_evidence import gather_evidence
from monitor.judge.policy import Policy
from monitor.look.redirect import REDIRECTED
from monitor.look.version import format_version
from schedules.announcement import Address
from schedules.times.interval import NOTHING
from tests.worlds.instants import DAY, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_sighting, looks
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.verdicts import Seen, runs_seen

CLOSES = 14 * DAY.total_seconds()
UNTIL_200 = [(-600, ABSENT), (200, ABSENT)]
STAMPED_AT_SLOT = {
    "announcement/origin": looks(*UNTIL_200, a_sighting(UNKNOWN, 201, why=REDIRECTED)),
    "index/origin": looks(*UNTIL_200),
    "page": looks(
        a_sighting(PRESENT, 202, version=format_version(first_published_at=after_slot(1))),
        address=PAGE_URL,
        specific=True,
    ),
}
BLIND_FROM_ITS_SLOT = [(-100, ABSENT), (-10, UNKNOWN)]

WORLDS: dict[str, tuple[float, Seen]] = {
    "public at its slot": (50, [(-1000, ABSENT), (-500, PRESENT)]),
    "origin awaited": (65, {"page": [(-10, ABSENT)], "page/origin": looks((-10, ABSENT))}),
    "contradicted": (300, {"page": [(-100, ABSENT)], "page/origin": [(30, PRESENT)]}),
    "stamped in time": (300, STAMPED_AT_SLOT),
    "late": (400, [(-100, ABSENT), (90, PRESENT)]),
    "watch ended": (CLOSES + 1, [(-100, ABSENT)]),
    "overdue": (200, [(-100, ABSENT)]),
    "perhaps early": (200, [(-100, PRESENT), (10, ABSENT), (20, PRESENT)]),
    "in time": (60, [(-100, ABSENT), (1, PRESENT)]),
    "views differ": (
        100,
        {
            "page": looks((-100, ABSENT), (55, ABSENT), (56, PRESENT)),
            "page/origin": looks((10, PRESENT)),
        },
    ),
    "between two looks": (100, [(-100, ABSENT), (61, PRESENT)]),
    "looks awaited": (80, BLIND_FROM_ITS_SLOT),
    "there from the start": (200, [(-100, PRESENT)]),
    "nothing proved": (95, BLIND_FROM_ITS_SLOT),
}


def test_every_rule_has_its_world() -> None:
    assert list(WORLDS) == [rule.name for rule in PART_RULES]


@pytest.mark.parametrize(("name", "now", "seen"), [(name, *WORLDS[name]) for name in WORLDS])
def test_first_rule_that_applies_decides(name: str, now: float, seen: Seen) -> None:
    address = Address.LED_TO if name == "stamped in time" else Address.ANNOUNCED
    release = a_release(address=address)
    case = case_of(release, [a_promise()], (), Policy(), after_slot(now))
    evidence = gather_evidence(case, release.parts[0], runs_seen(now, seen), ())
    assert find_rule(gather_facts(case, evidence, NOTHING)).name == name


def test_part_without_looks_gets_the_last_rule() -> None:
    release = a_release()
    case = case_of(release, [a_promise()], (), Policy(), after_slot(CLOSES))
    facts = gather_facts(case, gather_evidence(case, release.parts[0], {}, ()), NOTHING)
    assert find_rule(facts) is PART_RULES[-1]
