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
def _render_runbook() -> Markup:
    from markdown import markdown  # noqa: PLC0415  # only this page needs it

    # The first line of each document is its title. It is left out, because the page has a title.
    parts = [
        _LINK.sub(_keep_inner_link, _read_document(page).partition("\n")[2]) for page in _PAGES
    ]
    return Markup(markdown("\n\n".join(parts), extensions=["toc", "tables"]))  # noqa: S704  # our own words


def _read_document(page: str) -> str:
    # The wheel has the document beside this module, a clone has it in docs/.
    shipped = Path(__file__).with_name(Path(page).name)
    file = shipped if shipped.is_file() else Path(__file__).parents[2] / "docs" / page
    return file.read_text(encoding="utf-8")


def _keep_inner_link(found: re.Match[str]) -> str:
    """Return a link to an anchor of this page, or only the text of a link to other documents."""
    page, _, anchor = found[2].partition("#")
    here = anchor and (not page or Path(page).name in {Path(one).name for one in _PAGES})
    return f"[{found[1]}](#{anchor})" if here else found[1]


async def show_runbook(request: Request) -> Response:
    """Show what each alert means.

    Everyone may read it, because alerts reach people who have not signed in.
    """
    return render(request, "runbook.html", text=_render_runbook())


ROUTES = [Route("/runbook", show_runbook)]
