"""Pages of releases that are out are present, whatever their sentences say of other editions."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from monitor.look.fetch import Answer
from monitor.look.reading import read_body
from monitor.look.recognise.result import Context, Known
from schedules.slot import Slot
from tests.unit.monitor.look.recognise.pages import NOON
from tests.worlds.instants import HOUR
from tests.worlds.looks import PRESENT
from tests.worlds.releases import a_slot

FOLDER = Path(__file__).parent / "true_pages"
MANIFEST: dict[str, Any] = tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8"))


def add_sentence(text: str, sentence: str) -> str:
    """Return a page, or the JSON of one, with a sentence in its content."""
    if not text.startswith("{"):
        return text.replace("</main>", f"<p>{sentence}</p></main>")
    content = json.loads(text)
    holder = content.get("details") or content.get("description") or content
    key = "body" if "details" in content else "summary"
    holder[key] = f"{holder.get(key, '')}<p>{sentence}</p>"
    return json.dumps(content)


def answer_of(page: dict[str, str], text: str) -> Answer:
    kind = "application/json" if page["file"].endswith("json") else "text/html; charset=utf-8"
    return Answer(page["url"], 200, {"content-type": kind}, text.encode(), NOON, NOON)


@pytest.mark.parametrize("slot", [a_slot(NOON + HOUR), a_slot(NOON - HOUR)], ids=["early", "late"])
@pytest.mark.parametrize("page", MANIFEST["page"], ids=lambda page: page["file"])
def test_page_of_a_release_that_is_out_is_present_with_any_sentence(
    page: dict[str, str], slot: Slot
) -> None:
    """Before its slot, the address answered 404. The page is seen before its slot or after it."""
    text = (FOLDER / page["file"]).read_text(encoding="utf-8")
    context = Context(page["url"], page["title"], known=Known(was_missing=True, slot=slot))
    for sentence in ("", *MANIFEST["sentences"]):
        seen = read_body(page["recognise"], answer_of(page, add_sentence(text, sentence)), context)
        assert seen.state is PRESENT, f"{sentence}: {seen.why}"


def test_manifest_has_two_pages_of_each_publisher_and_every_file() -> None:
    producers = [page["producer"] for page in MANIFEST["page"]]
    publishers = {"GOV.UK", "ONS", "EES", "gov.scot", "StatsWales", "NHS England", "UKHSA", "NISRA"}
    assert set(producers) == publishers
    assert all(producers.count(producer) >= 2 for producer in publishers)
    files = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.*")} - {"manifest.toml"}
    assert files == {page["file"] for page in MANIFEST["page"]}
