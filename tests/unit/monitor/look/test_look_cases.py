"""The case files in `cases`: what looks at an address prove, in their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor.look.interpret import Interpreter
from monitor.plan.targets import Target, View
from schedules.announcement import Address
from tests.worlds.case_files import FileCase, read_cases
from tests.worlds.page_cases import (
    Table,
    answer_of,
    check_words,
    known_of,
    result_of,
    right_of,
)

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
AFTER_SLOT = 2
CASES = read_cases(Path(__file__).with_name("cases"))


def target_of(facts: Table) -> Target:
    """Return the page of the release, or a `file` with this extension."""
    is_file = "file" in facts
    address = f"https://ports.example/files/freight.{facts['file']}" if is_file else facts["url"]
    return Target(
        "r/page/edge",
        "r",
        "page",
        View.EDGE,
        address,
        urlsplit(address).hostname or "",
        facts["read"],
        "" if is_file else facts["title"],
        is_file,
        address=Address.LED_TO if facts.get("led_to") else Address.ANNOUNCED,
        edition=facts.get("edition", ""),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_looks_prove_what_their_case_says(case: FileCase) -> None:
    """`at` is an instant in seconds after the slot. Without it, a look is made soon after it."""
    check_words(case)
    target = target_of(case.facts)
    others = tuple(case.facts.get("similar_titles", ()))
    is_shared = case.facts.get("is_shared", False)
    interpreter = Interpreter(is_shared=is_shared, similar_titles=lambda _title, _named: others)
    interpreter.restore_known(target, known_of(case.facts))
    for number, look in enumerate(case.facts.get("looks", [{}]), start=1):
        facts = {**case.facts, **look}
        made_at = SLOT + timedelta(seconds=facts.get("at", AFTER_SLOT))
        answer = answer_of(facts, target.title, target.url, made_at)
        seen = interpreter.interpret_now(target, answer)
        right = right_of(facts)
        assert result_of(seen, right) == right, f"{case.where}\nlook {number}"
