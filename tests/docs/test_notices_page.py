from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Attachment
from alerts.channels import KINDS
from alerts.channels.webhook import sign_body, webhook_body
from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.message import OPENING_KINDS, PERSON_ACTS, build_message
from alerts.notice_text import SUBJECT_SUFFIX
from schedules.contract.verdict import Finding, FindingKind, Grade, PartVerdict, VerdictKind
from schedules.times.interval import Bounds

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
URL, OVERDUE = "https://www.gov.uk/x", VerdictKind.OVERDUE
PAGE = PartVerdict("page", "page", URL, required=True, verdict=OVERDUE, delay=Bounds(61, None))


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "notices.md").read_text(encoding="utf-8")


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    return [keys(inner) for inner in value[:1]] if isinstance(value, list) else None


def sent() -> dict[str, Any]:
    facts = ReleaseFacts(
        release="r",
        title="t",
        producer="p",
        url=URL,
        timezone="Europe/London",
        slot=SLOT,
        slot_text="",
        slot_source=None,
        slot_learnt=None,
        verdict=OVERDUE,
        grade=Grade.NOTE,
        final=False,
        at=SLOT,
        parts=(PAGE,),
        findings=(Finding(FindingKind.LATE, "page"),),
    )
    decision = decide(facts, None, SLOT)
    draft = Attachment("d.docx", "x/y", b"")
    body = webhook_body(build_message(decision.notices[0], decision.incident, [draft]))
    read: dict[str, Any] = json.loads(body)
    return read


def test_the_json_on_the_page_has_the_keys_that_are_sent(page: str) -> None:
    assert keys(json.loads(block(page, "json"))) == keys(sent())


def test_every_kind_of_notice_has_its_row(page: str) -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    without_incident = {"digest", "readiness", "summary", "test"}
    assert rows == {*OPENING_KINDS, *SUBJECT_SUFFIX, *PERSON_ACTS, *without_incident}


def test_every_channel_has_its_heading(page: str) -> None:
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == set(KINDS)


def test_the_recipe_on_the_page_knows_our_signature(page: str) -> None:
    names: dict[str, Callable[..., bool]] = {}
    exec(block(page, "python"), names)  # noqa: S102  # our own page is run as a reader would run it
    is_ours, header = names["is_ours"], sign_body("secret", 1000, b"{}")
    assert is_ours(header, b"{}", b"secret", 1200)
    assert not is_ours(header, b"{}", b"secret", 1301)
    assert not is_ours(header, b"{ }", b"secret", 1000)
    assert not is_ours(header, b"{}", b"another", 1000)
