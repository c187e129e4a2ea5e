"""The page of verdicts and findings has a row for each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.judge.part import PART_RULES
from schedules.contract.verdict import FindingKind, VerdictKind


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "verdicts.md").read_text(encoding="utf-8")


def first_cells(page: str, heading: str) -> list[str]:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return re.findall(r"^\| `?([^`|]+?)`? \|", found[1], re.MULTILINE)[1:]


def test_every_kind_of_finding_has_its_row_in_the_order_of_the_interface(page: str) -> None:
    assert first_cells(page, "Findings") == [kind.value for kind in FindingKind]


def test_every_verdict_is_told(page: str) -> None:
    told = {*first_cells(page, "Verdicts"), *re.findall(r"`(\w+)`", page)}
    assert {word.value.replace("_", " ") for word in VerdictKind} <= {
        word.replace("_", " ") for word in told
    }


def test_every_rule_for_a_part_has_its_row_in_its_order(page: str) -> None:
    assert first_cells(page, "Rules for a part") == [rule.name for rule in PART_RULES]
