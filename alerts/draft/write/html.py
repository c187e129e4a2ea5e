"""A draft as one HTML page: no script, no outside reference, prints on A4."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alerts.draft.report import Bars, Report, SlotStrip, Timeline
from alerts.draft.write.outline import (
    GRID_HEADER,
    Document,
    build_outline,
    make_printable,
    write_parts,
)
from alerts.plots import draw_for_document


@cache
def load_templates(**filters: Callable[[str], Markup]) -> Environment:
    """Return the templates beside this file with these filters.

    Text is escaped, and an unknown name is an error.
    """
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(filters)
    return environment


def write_html(report: Report, which: Document | None = None) -> str:
    """Return the draft as a complete HTML document."""
    return _render_report("report.html.j2", report, which, deeper=0)


def write_html_blocks(report: Report, which: Document, *, deeper: int) -> Markup:
    """Return only the content of a document, for a page that shows it.

    `deeper` is how many levels its headings are below those of a document of its own.
    """
    return Markup(_render_report("blocks.html.j2", report, which, deeper=deeper))  # noqa: S704 # escaped


def _render_report(template: str, report: Report, which: Document | None, *, deeper: int) -> str:
    blocks = [(type(block).__name__, block) for block in build_outline(report, which)]
    written = load_templates(linked=_link_addresses).get_template(template)
    text = written.render(
        report=report, blocks=blocks, header=GRID_HEADER, picture=_embed_picture, deeper=deeper
    )
    return make_printable(text)


def _embed_picture(figure: Timeline | Bars | SlotStrip, name: str) -> Markup:
    """Return a figure as an image with its SVG inside. `name` must be unique on the page."""
    *size, svg = draw_for_document(figure, name)
    # If the SVG were inline, a word processor would copy the words of the drawing into the text.
    image = Markup('<img width="{}" height="{}" alt="{}" src="data:image/svg+xml;base64,{}">')
    return image.format(*size, figure.title, b64encode(make_printable(svg).encode()).decode())


def _link_addresses(text: str) -> Markup:
    html = Markup("").join(write_parts(text, Markup('<a href="{0}">{0}</a>').format, str))
    # Word processors that open the page recognise only this line end.
    return html.replace("\n", Markup("<br>"))
