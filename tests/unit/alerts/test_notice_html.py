"""Mail on a telephone: a subject that fits, and buttons that open pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape

import pytest

from alerts.by_hand import acknowledge_incident
from alerts.channel import Message
from alerts.channels.mail import compose_mail
from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.message import build_message
from alerts.notice_html import LONGEST_BRIEF, draw_release, write_notice_page
from alerts.notice_text import SUBJECT_SUFFIX
from tests.worlds.channels import channel_settings

Make = Callable[..., ReleaseFacts]
BOARD = "https://board.example/incidents/i"
LINK = "https://board.example/acknowledge?token=t&x=1"
MAIL = channel_settings(
    "mail", host="mail.example", sender="ninethirty@stats.example", to=["duty@example.org"]
)


def build_opening_message(facts: ReleaseFacts, now: datetime | None = None) -> Message:
    decision = decide(facts, known=None, now=now or facts.at)
    return build_message(decision.notices[-1], decision.incident, (), LINK, BOARD)


def test_a_brief_subject_gives_verdict_length_and_title(
    overdue_by_seconds: Make, late_by_seconds: Make, public_early: Make
) -> None:
    """An overdue page is still absent so many seconds after its slot. A late one came out a second
    after that. The length is rounded down: 61 s to 1 min.
    """
    assert build_opening_message(overdue_by_seconds(61)).brief.startswith(
        "LATE, 1 min: Malpractice for GCSE"
    )
    assert build_opening_message(late_by_seconds(37 * 60 + 45)).brief.startswith(
        "LATE, 37 min: Malpractice for GCSE"
    )
    assert build_opening_message(overdue_by_seconds(3 * 3600 + 61)).brief.startswith(
        "LATE, 3 h 1 min: Malpractice for GCSE"
    )
    facts = public_early("html", is_open=True)
    assert build_opening_message(facts, facts.at + timedelta(seconds=40)).brief.startswith(
        "EARLY, 40 s: Malpractice for GCSE"
    )


@pytest.mark.parametrize("status_suffix", ["", *SUBJECT_SUFFIX.values()])
def test_long_mail_subject_is_cut_and_names_the_producer(
    overdue_by_seconds: Make, status_suffix: str
) -> None:
    """`LONGEST_BRIEF` is the greatest length of a subject of a mail, in characters."""
    facts = replace(overdue_by_seconds(400), title="A very long title of statistics " * 9)
    decision = decide(facts, known=None, now=facts.at)
    (opening,) = decision.notices
    # The subject of a follow-up has a suffix, such as “, over”, after its status.
    notice = replace(opening, subject=opening.subject.replace("LATE:", f"LATE{status_suffix}:"))
    mail = compose_mail(build_message(notice, decision.incident), MAIL, facts.at)
    assert len(mail["Subject"]) <= LONGEST_BRIEF
    assert mail["Subject"].endswith("… (ofqual)")


def test_html_mail_has_buttons_and_no_command_to_type(overdue_by_seconds: Make) -> None:
    """The buttons open the link that acknowledges (LINK), the incident on the board, its draft, and
    the release. The mail also fits a telephone (`viewport`) and says what to do.
    """
    facts = overdue_by_seconds(400)
    message = build_opening_message(facts)
    for address in (escape(LINK), BOARD, f"{BOARD}#draft", facts.url):
        assert f'<a href="{address}" style=' in message.html
    assert 'name="viewport"' in message.html
    assert "ninethirty incident" not in message.html + message.text
    assert "Call the people who publish it" in message.html


def test_mail_about_open_exposure_shows_address_without_link(public_early: Make) -> None:
    """A person could open a link to the early release by accident."""
    facts = public_early("html", is_open=True)
    message = build_opening_message(facts)
    assert f'href="{facts.url}' not in message.html
    assert facts.url in message.html
    assert BOARD in message.html


def test_mail_draws_a_delay_in_colours_that_plain_text_lacks(
    overdue_by_seconds: Make, late_by_seconds: Make, public_early: Make
) -> None:
    """A bar without an end is pale, a delay ends in red, and an exposure is purple."""
    not_out, late, early = (
        draw_release(facts)
        for facts in (
            overdue_by_seconds(400),
            late_by_seconds(400),
            public_early("page", is_open=True),
        )
    )
    assert ("#f6d5d2" in not_out, "#a3160b" in late, "#6a2a9c" in early) == (True, True, True)
    assert late in build_opening_message(late_by_seconds(400)).html
    bars = late.partition("</table>")[0]
    assert sum(int(width) for width in re.findall(r'td width="(\d+)%"', bars)) == 100


def test_markup_that_a_publisher_wrote_is_escaped_in_html_mail() -> None:
    hostile = 'LATE\n\n- <script>alert(1)</script>\n  https://x.example/"onclick="y\n\nAddress: https://x.example/a?b=1&c=2.'
    page = write_notice_page(
        "LATE <b>", hostile, "report", {"I'm on it": 'https://x"y'}, linked=True, picture=""
    )
    assert "<script>" not in page
    assert "LATE &lt;b&gt;" in page
    assert 'onclick="y"' not in page
    assert '<a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>.' in page


def test_mail_is_important_for_report_but_not_note_or_end(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """A delay of more than five minutes needs a report, a shorter one a note."""
    report, note = (build_opening_message(overdue_by_seconds(seconds)) for seconds in (400, 61))
    end = replace(build_opening_message(late_by_seconds(400, final=True)), kind="final")
    at = datetime(2018, 1, 5, tzinfo=UTC)
    importance = [compose_mail(message, MAIL, at)["Importance"] for message in (report, note, end)]
    assert importance == ["high", None, None]


def test_without_web_pages_only_plain_text_gives_a_command(overdue_by_seconds: Make) -> None:
    facts = overdue_by_seconds(400)
    decision = decide(facts, known=None, now=facts.at)
    assert decision.incident is not None
    message = build_message(decision.notices[-1], decision.incident)
    assert f"ninethirty incident show {decision.incident.id}" in message.text
    assert "ninethirty incident" not in message.html


@pytest.mark.parametrize("length", [1, 40, 78, 200, 5000])
def test_brief_subject_keeps_status_and_producer_whatever_the_title(
    overdue_by_seconds: Make, length: int
) -> None:
    facts = replace(overdue_by_seconds(300), title="x" * length, names=("Ofqual",))
    brief = build_opening_message(facts).brief
    assert brief.startswith("LATE, 5 min: x")
    assert brief.endswith(" (Ofqual)")
    assert len(brief) <= LONGEST_BRIEF


def test_message_after_an_acknowledgement_says_who_has_it_and_what_comes_next(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    opened = decide(overdue_by_seconds(61), known=None, now=overdue_by_seconds(61).at).incident
    assert opened is not None
    acknowledged = acknowledge_incident(opened, "duty statistician", opened.opened)
    for facts, following in (
        (overdue_by_seconds(400), "The next message comes when something changes"),
        (late_by_seconds(900, final=True), "This is the last message"),
    ):
        decision = decide(facts, acknowledged, facts.at)
        message = build_message(decision.notices[-1], decision.incident, (), LINK, BOARD)
        said = "duty statistician has it, since 09:31:01 GMT. "
        assert said + following in message.text
        assert said + following in message.html
    without = build_message(decide(facts, opened, facts.at).notices[-1], opened)
    assert "has it" not in without.text
