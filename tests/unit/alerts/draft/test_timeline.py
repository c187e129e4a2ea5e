"""A lane is the line of one part in the figure of the timeline."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from alerts.draft.certainty import describe_blind_span
from alerts.draft.report import Timeline
from alerts.draft.timeline import build_figure, describe_lane, format_range, write_legend
from alerts.draft.write.docx import LANE_HEIGHT, PICTURE_WIDTH, lane_png
from alerts.finding import BlindSpan, ReleaseFacts
from alerts.incident import Incident
from alerts.plots import STATES, choose_ticks, draw_for_document
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Interval
from tests.unit.alerts.draft.conftest import facts_of, never_removed

SVG = "{http://www.w3.org/2000/svg}"


def pixel_rows(picture: bytes) -> list[bytes]:
    """Return the rows of a lane's picture, three bytes (red, green, blue) a pixel."""
    begin = picture.index(b"IDAT") + 4
    length = struct.unpack(">I", picture[begin - 8 : begin - 4])[0]
    body, row_length = zlib.decompress(picture[begin : begin + length]), 3 * PICTURE_WIDTH
    # Before each row there is a byte for its filter.
    return [
        body[place + 1 : place + 1 + row_length] for place in range(0, len(body), 1 + row_length)
    ]


def make_figure(facts: ReleaseFacts) -> Timeline:
    figure = build_figure(facts)
    assert figure is not None
    return figure


def test_every_part_has_a_lane_from_absent_to_public(ofqual_late: Incident) -> None:
    """The lane of the page has three spans: `absent`, `between` the last look that missed it and the
    first that saw it, and `public`.
    """
    figure = make_figure(facts_of(ofqual_late))
    assert [lane.label for lane in figure.lanes] == [
        "announced page",
        "alternative address (report)",
        "alternative address (news)",
    ]
    absent, between, public = figure.lanes[0].spans
    assert (absent.state, between.state, public.state) == ("absent", "between", "public")
    first_seen = facts_of(ofqual_late).parts[0].first_seen
    assert (between.begins, between.ends) == (first_seen.after, first_seen.by)


def test_part_that_last_look_missed_is_public_until_last_seen(ofqual_late: Incident) -> None:
    """The page came out by 12:19 and was last seen at 12:19:30. Later looks missed it. So its lane,
    its line in the figure, is not drawn as public after that.
    """
    facts = facts_of(ofqual_late)
    page, *others = facts.parts
    seen_until = datetime(2018, 1, 5, 12, 19, 30, tzinfo=UTC)
    figure = make_figure(replace(facts, parts=(replace(page, seen_until=seen_until), *others)))
    last_span = figure.lanes[0].spans[-1]
    assert (last_span.state, last_span.ends) == ("public", seen_until)


def test_exposed_part_is_drawn_early_and_unpublished_part_absent(ofsted_early: Incident) -> None:
    """The page was public early for half an hour. The data file was never seen."""
    page, _, never_public_sheet, *_ = make_figure(facts_of(ofsted_early)).lanes
    assert [span.state for span in page.spans] == [
        "absent",
        "between",
        "early",
        "between",
        "absent",
    ]
    assert [span.state for span in never_public_sheet.spans] == ["absent"]


def test_content_public_until_slot_is_called_still_public(ofsted_early: Incident) -> None:
    """The page was first seen between 16:55 and 17:00 on 20 March, and was public until its slot on
    22 March.
    """
    figure = make_figure(facts_of(never_removed(ofsted_early)))
    assert figure.alt.endswith(
        "became public early between 16:55 and 17:00 GMT on 20 March 2017, then still public at the"
        " announced time."
    )


def test_part_that_was_not_seen_is_drawn_absent(ipcc_late: Incident) -> None:
    """The page has not been seen when the facts are made. So its lane, its line in the figure, has
    one span until then: absent, drawn in light grey.
    """
    facts = facts_of(ipcc_late)
    page = replace(
        facts.parts[0], verdict=VerdictKind.OVERDUE, first_seen=Interval(), released=Interval()
    )
    figure = make_figure(replace(facts, parts=(page,), final=False))
    (lane,) = figure.lanes
    assert [(span.state, span.ends) for span in lane.spans] == [("absent", facts.at)]
    # In a row of pixels above the border, the left end is in that span. The right end is after now,
    # and white.
    last_but_one_row = pixel_rows(lane_png(figure, lane))[-2]
    light_grey, white = bytes([232] * 3), bytes([255] * 3)
    assert (last_but_one_row[:3], last_but_one_row[-3:]) == (light_grey, white)


def test_blind_spans_have_a_lane_of_the_monitor(ofqual_late_again: Incident) -> None:
    """This incident has a blind span: from 9:31 to 9:33 the monitor restarted and could not see."""
    figure = make_figure(facts_of(ofqual_late_again))
    assert figure.lanes[-1].label == "monitor"
    assert "monitor could not see" in describe_lane(figure, figure.lanes[-1])


def test_a_release_without_measurements_has_no_figure(ipcc_late: Incident) -> None:
    facts = facts_of(ipcc_late)
    unseen_parts = tuple(
        replace(part, first_seen=Interval(), released=Interval()) for part in facts.parts
    )
    facts_without_sightings = replace(facts, parts=unseen_parts)
    assert build_figure(facts_without_sightings) is None


def test_the_drawing_is_well_formed_and_carries_its_text_alternative(
    ofqual_late_again: Incident,
) -> None:
    """The title has characters that XML must escape.

    The text alternative of an SVG drawing is its `desc`.
    """
    figure = make_figure(replace(facts_of(ofqual_late_again), title="Tables <1> & “2”"))
    root = ET.fromstring(draw_for_document(figure, "timeline").svg)  # noqa: S314
    assert root.get("role") == "img"
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == (figure.title, figure.alt)
    assert "Announced for Thursday 8 March 2018, 09:30 GMT." in figure.alt
    assert any(text.text == "announced 09:30 GMT" for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", ["ipcc-2015", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03"])
def test_the_axis_has_two_to_six_ticks_at_full_minutes(
    incidents: dict[str, Incident], name: str
) -> None:
    figure = make_figure(facts_of(incidents[name]))
    marks = choose_ticks(figure)
    assert 2 <= len(marks) <= 6
    assert all(figure.begins <= mark <= figure.ends and mark.second == 0 for mark in marks)


def test_ticks_a_day_apart_are_at_local_midnight_in_summer(ofsted_early: Incident) -> None:
    figure = make_figure(facts_of(ofsted_early))
    in_june = replace(
        figure, begins=datetime(2017, 6, 5, 9, tzinfo=UTC), ends=datetime(2017, 6, 9, 9, tzinfo=UTC)
    )
    # Local midnight is at 23:00 in UTC.
    assert {mark.hour for mark in choose_ticks(in_june)} == {23}


def test_picture_of_a_lane_is_png_of_declared_size(ofsted_early: Incident) -> None:
    figure = make_figure(facts_of(ofsted_early))
    picture = lane_png(figure, figure.lanes[0])
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    size_in_png_header = struct.unpack(">II", picture[16:24])
    assert size_in_png_header == (PICTURE_WIDTH, LANE_HEIGHT)
    bytes_a_pixel = 3
    assert [len(row) for row in pixel_rows(picture)] == [
        bytes_a_pixel * PICTURE_WIDTH
    ] * LANE_HEIGHT


def test_the_legend_names_only_marks_that_are_used(ipcc_late: Incident) -> None:
    figure = make_figure(facts_of(ipcc_late))
    assert (
        write_legend(figure)
        == "Dashed line: announced time, 09:30. Light grey: not public; hatched: changed in here;"
        " dark green: public."
    )


def test_the_range_of_a_figure_is_written_in_local_time(ipcc_late: Incident) -> None:
    """The page was due at 09:30 and out by 10:08. The figure shows some minutes more at both
    ends.
    """
    assert (
        format_range(make_figure(facts_of(ipcc_late)))
        == "Between 09:27 and 10:11 BST on 23 July 2015"
    )


def test_span_with_too_few_looks_is_not_called_blind() -> None:
    begins = datetime(2026, 11, 26, 9, 28, 10, tzinfo=UTC)
    # The budget of looks was used up, so the next look came late.
    too_few_looks = BlindSpan(begins, begins + timedelta(minutes=3), cause="budget")
    text = describe_blind_span(too_few_looks, "Europe/London")
    assert text.startswith(
        "The monitor's looks were too far apart between 09:28:10 and 09:31:10 GMT"
    )
    assert "could not see" not in text


def test_the_legend_of_a_document_is_legible_and_fits(ofqual_late: Incident) -> None:
    """All states together need more than one line. Text has 12 pixels or more, and a letter takes
    about 7 at most.
    """
    figure = make_figure(facts_of(ofqual_late))
    span = figure.lanes[0].spans[0]
    every_state = tuple(replace(span, state=state) for state in STATES)
    figure = replace(figure, lanes=(replace(figure.lanes[0], spans=every_state),))
    drawing = draw_for_document(figure, "timeline")
    root = ET.fromstring(drawing.svg)  # noqa: S314
    sizes = {float(each.get("font-size", 12)) for each in root.iter()}
    assert min(sizes) >= 12
    meanings = {meaning for meaning, _, _ in STATES.values()}
    legend = [text for text in root.iter(f"{SVG}text") if text.text in meanings]
    assert len(legend) == len(STATES)
    for text in legend:
        assert float(text.get("x", 0)) + 7 * len(text.text or "") <= drawing.width
        assert float(text.get("y", 0)) <= drawing.height
