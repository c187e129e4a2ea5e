"""What each alert means and what to do then, where alerts link to: a part of `docs/operate.md`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.web.pages import render
from schedules.patterns import quick

_BEGINS, _ENDS = "## At 9:31", "## Installing"
_LINK = quick(r"\[([^\[\]]*)\]\(([^()]*)\)")


@cache
def _text() -> Markup:
    from markdown import markdown  # noqa: PLC0415 # for whoever follows an alert alone

    carried = Path(__file__).with_name("operate.md")
    file = carried if carried.is_file() else Path(__file__).parents[2] / "docs" / carried.name
    text = file.read_text(encoding="utf-8")
    part = text[text.index(_BEGINS) : text.index(_ENDS)]
    # Other pages of the docs are not here.
    kept = _LINK.sub(lambda found: found[0] if found[2].startswith("#") else found[1], part)
    return Markup(markdown(kept, extensions=["toc"]))  # noqa: S704 # our own words


async def runbook(request: Request) -> Response:
    """Show what each alert means; nothing here is secret, and an alert may reach somebody who is not signed in."""
    return render(request, "runbook.html", text=_text())


ROUTES = [Route("/runbook", runbook)]
