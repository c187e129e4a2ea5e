"""A draft as one HTML page: no script, no outside reference, prints on A4."""

from __future__ import annotations

from base64 import b64encode
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from alerts.draft import bars
from alerts.draft.report import Bars, Report, Timeline
from alerts.draft.timeline import size, svg
from alerts.draft.write.jinja_templates import load_templates
from alerts.draft.write.outline import HEADER, LINK, Document, outline, printable


def write_html(report: Report, which: Document | None = None) -> str:
    """Return the draft as a complete HTML document."""
    blocks = [(type(block).__name__, block) for block in outline(report, which)]
    return printable(_load_template().render(report=report, blocks=blocks, header=HEADER, svg=_figure, chart=_chart))


def _figure(timeline: Timeline) -> Markup:
    return _drawn(timeline.title, size(timeline), svg(timeline))


def _chart(figure: Bars, name: str) -> Markup:
    return _drawn(figure.title, bars.size(figure), bars.svg(figure, name))


def _drawn(title: str, size: tuple[int, int], drawing: str) -> Markup:
    # If the SVG were inline, a word processor would copy the words of the drawing into the text.
    image = Markup('<img width="{}" height="{}" alt="{}" src="data:image/svg+xml;base64,{}">')
    return image.format(*size, title, b64encode(drawing.encode()).decode())


def _linked(text: str) -> Markup:
    parts = enumerate(LINK.split(text))
    html = (Markup('<a href="{0}">{0}</a>').format(part) if place % 2 else part for place, part in parts)
    # Word processors that open the page recognise only this line end.
    return Markup("").join(html).replace("\n", Markup("<br>"))


@cache
def _load_template() -> Template:
    return load_templates(linked=_linked).get_template("report.html.j2")
