"""The case files in `clock_cases`: how far our clock is off by the dates of hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.look.clock_skew import Skew, is_off, largest_offset
from tests.unit.monitor.look.dated_answers import LOOK_EVERY, URL, answer_with_date
from tests.worlds.case_files import FileCase, Toml, read_cases

CASES = read_cases(Path(__file__).with_name("clock_cases"))
WORDS_OF_ANSWERS = {"host", "at", "times", "every", "from", "ahead", "behind", "behind_in_turn"} | {
    *("age", "sends", "header", "url", "reported", "steps"),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dates_show_of_our_clock_what_their_case_says(case: FileCase) -> None:
    report = case.facts.get("reported")
    skew = Skew(lambda: report if isinstance(report, bool) else None)
    for number, step in enumerate(case.facts["steps"], start=1):
        facts = {**case.facts, **step}
        certain = list(observe(skew, facts)) if "host" in step else []
        right = {key: step[key] for key in step if key not in WORDS_OF_ANSWERS}
        known = {key: what_is_known(skew, certain, key, right[key]) for key in right}
        assert known == right, f"{case.where}\nstep {number}"


def observe(skew: Skew, facts: Toml) -> Iterator[bool]:
    """Have hosts answer, and yield whether the time of each answer is certain."""
    begins, every = facts.get("from", 0), facts.get("every", LOOK_EVERY)
    instants = facts.get("at", [begins + number * every for number in range(facts.get("times", 0))])
    for number, instant in enumerate(instants):
        for host in facts["host"].split():
            behind = facts.get("behind", 0)
            if "behind_in_turn" in facts:
                behind = facts["behind_in_turn"] if number % 2 else 0
            answer = answer_with_date(
                at=instant,
                our_clock_ahead=facts.get("ahead", 0),
                host_behind=behind.get(host, 0) if isinstance(behind, dict) else behind,
                age=int(facts["age"] + instant) if "age" in facts else 0,
                keeps_origin_date=facts.get("sends") == "copy",
            )
            headers = answer.headers
            if "header" in facts:
                headers = {"date": facts["header"]}
            answer = replace(answer, url=facts.get("url", URL), headers=headers)
            yield skew.observe(host, answer)


def what_is_known(skew: Skew, certain: list[bool], fact: str, right: Toml) -> Toml:
    """Return what the case says of a fact if it is so, or else what is so."""
    if fact == "off":
        return is_off(skew.bounds)
    if fact == "known":
        return skew.is_known()
    if fact == "doubts":
        return sorted(skew.describe_doubts())
    if fact == "off_for":
        return {host: is_off(skew.bounds_for(host)) for host in right}
    if fact == "certain":
        return right if set(certain) == {right} else certain
    least, most = skew.bounds
    wrong = largest_offset(skew.bounds)
    is_so = {
        "least": lambda: least == right,
        "contains": lambda: least <= right <= most,
        "width": lambda: most - least < right,
        "most_wrong": lambda: wrong <= right,
        "least_wrong": lambda: wrong > right,
        "certain_after": lambda: all(certain[right + 1 :]),
        "contains_for": lambda: all(
            is_within(skew.bounds_for(host), right[host]) for host in right
        ),
        "over_for": lambda: all(skew.bounds_for(host)[0] > right[host] for host in right),
        "most_wrong_for": lambda: all(
            largest_offset(skew.bounds_for(host)) <= right[host] for host in right
        ),
    }
    return right if is_so[fact]() else (least, most, certain)


def is_within(bounds: tuple[float, float], value: float) -> bool:
    """Return whether a value is within bounds that are at most 1.2 s apart."""
    least, most = bounds
    return least <= value <= most <= least + 1.2
