"""Every link in docs/ leads to a page, a file or a heading that exists, and every page is in the
index.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PAGE_IN_CODE = re.compile(r"`((?:docs|facts)/[\w/-]+\.md)#?([\w-]*)`")


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link and not link.startswith("mailto:")]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_leads_to_a_page_and_a_heading_that_exist(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "index.md")}
    pages = {page for page in PAGES if page.parent.name != "decisions" and page.name != "index.md"}
    assert {str(page.relative_to(DOCS)) for page in pages - listed} == set()


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = {(DOCS / link).resolve() for link in links(DOCS / "decisions.md")}
    assert {page.name for page in (DOCS / "decisions").glob("*.md") if page not in listed} == set()


def test_every_page_is_in_the_site(root: Path) -> None:
    site = (root / "deploy/site/mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(page.relative_to(DOCS)) for page in PAGES if page.parent.name != "decisions"}
    assert pages == set(re.findall(r": ([\w/-]+\.md)$", site, re.MULTILINE))


def test_every_page_that_the_code_names_is_in_docs() -> None:
    files = [
        file
        for folder in ("alerts", "monitor", "schedules")
        for file in (ROOT / folder).rglob("*.py")
    ]
    named = [
        found for file in files for found in PAGE_IN_CODE.findall(file.read_text(encoding="utf-8"))
    ]
    assert named
    assert [page for page, _ in named if not (ROOT / page).is_file()] == []
    assert [
        f"{page}#{anchor}"
        for page, anchor in named
        if anchor and anchor not in anchors(ROOT / page)
    ] == []
