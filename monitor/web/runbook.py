"""The runbook that alerts link to: `docs/how-to/on-call.md`, then `docs/alerts.md`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.web.pages import render
from schedules.patterns import quick

_PAGES = ("how-to/on-call.md", "alerts.md")
_LINK = quick(r"\[([^\[\]]*)\]\(([^()]*)\)")


@cache
def _text() -> Markup:
    from markdown import markdown  # noqa: PLC0415  # only this page needs it

    # The page has a title of its own.
    parts = [_LINK.sub(_link_inside, _read(page).partition("\n")[2]) for page in _PAGES]
    return Markup(markdown("\n\n".join(parts), extensions=["toc", "tables"]))  # noqa: S704  # our own words


def _read(page: str) -> str:
    # The wheel has the page beside this module, a clone has it in docs/.
    shipped = Path(__file__).with_name(Path(page).name)
    file = shipped if shipped.is_file() else Path(__file__).parents[2] / "docs" / page
    return file.read_text(encoding="utf-8")


def _link_inside(found: re.Match[str]) -> str:
    """Return a link as it is on this page: to an anchor here, or only its text, because other pages are not here."""
    page, _, anchor = found[2].partition("#")
    here = anchor and (not page or Path(page).name in {Path(one).name for one in _PAGES})
    return f"[{found[1]}](#{anchor})" if here else found[1]


async def runbook(request: Request) -> Response:
    """Show what each alert means. Anyone may read it: it has no secrets, and alerts reach people without a session."""
    return render(request, "runbook.html", text=_text())


ROUTES = [Route("/runbook", runbook)]
