"""Answers after public bug reports prove what `answers.toml` says, and no more."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.look.fetch import Answer
from monitor.look.interpret import Interpreter
from monitor.look.recognise.result import Known
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.test_positive_sign import ANNOUNCED_SLOT, SLOT

TITLE = "Example claims: quarterly statistics, July to September 2026"
PAGE = "https://stats.example/claims-q3-2026"
FILE = Path(__file__).parent / "answers.toml"
CASES: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["case"]
A_BASELINE = "0" * 64


@pytest.mark.parametrize(
    ("case", "recognise"),
    [
        pytest.param(case, name, id=f"{case['name']}, {name}")
        for case in CASES
        for name in case["recognise"]
    ],
)
def test_answer_proves_what_its_case_says(case: dict[str, Any], recognise: str) -> None:
    """The address answered 404 before, unless the case says otherwise."""
    url, title = case.get("url", PAGE), case.get("title", TITLE)
    edition = case.get("edition", "")
    target = Target(
        "r/page/edge",
        "r",
        "page",
        View.EDGE,
        url,
        "stats.example",
        recognise,
        title,
        is_file=url.endswith(".csv"),
        edition=edition,
    )
    interpreter = Interpreter()
    was_missing = case.get("was_missing", True)
    known = Known(baseline=A_BASELINE, was_missing=was_missing, slot=ANNOUNCED_SLOT)
    interpreter.restore_known(target, known)
    at = SLOT + timedelta(seconds=-300 if case.get("before_slot") else 5)
    headers = {"content-type": case.get("type", "text/html; charset=utf-8")}
    headers |= case.get("headers", {})
    body = case.get("body", "").encode()
    answer = Answer(url, case.get("status", 200), headers, body, at, at + timedelta(seconds=0.1))
    seen = interpreter.interpret_now(target, answer)
    assert seen.state == case["state"], f"{case['why']}: {seen.why}"
