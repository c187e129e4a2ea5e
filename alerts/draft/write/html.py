"""A draft as one HTML page: no script, no outside reference, prints on A4."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from alerts.draft import bars
from alerts.draft.report import Bars, Report, Timeline
from alerts.draft.timeline import svg
from alerts.draft.write.outline import HEADER, LINK, Document, outline


def write_html(report: Report, which: Document | None = None) -> str:
    """Return the draft as a complete HTML document."""
    blocks = [(type(block).__name__, block) for block in outline(report, which)]
    return _template().render(report=report, blocks=blocks, header=HEADER, svg=_figure, chart=_chart)


def _figure(timeline: Timeline) -> Markup:
    # The figure escapes what it holds itself; see `svg`.
    return Markup(svg(timeline))  # noqa: S704


def _chart(figure: Bars, name: str) -> Markup:
    return Markup(bars.svg(figure, name))  # noqa: S704 # as above


def _linked(text: str) -> Markup:
    parts = enumerate(LINK.split(text))
    return Markup("").join(Markup('<a href="{0}">{0}</a>').format(part) if place % 2 else part for place, part in parts)


@cache
def _template() -> Template:
    here = Path(__file__).parent
    loader = FileSystemLoader(here)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["linked"] = _linked
    return environment.get_template("report.html.j2")
