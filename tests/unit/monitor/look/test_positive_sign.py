"""A 200 is not publication: an answer is present only with a positive sign of the release (rule
14).

A bot wall is an answer that only browsers get past. A placeholder is a page that only announces its
release.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Answer
from monitor.look.interpret import Interpreter
from monitor.look.recognise import file_kind
from monitor.look.recognise.notices import MARKED_TITLE, NOTICE_ONLY, SAYS_CALLED_OFF
from monitor.look.recognise.result import Known
from monitor.look.recognise.status import OTHER_HEADING
from monitor.look.recognise.title import ANOTHER_EDITION, OTHER_FILE
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target, View
from schedules.announcement import Address
from schedules.dates.span import at_instant
from schedules.slot import Slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
BEFORE_SLOT, AFTER_SLOT = SLOT - timedelta(minutes=5), SLOT + timedelta(seconds=2)
TITLE = "Example ports: freight 2025"
PAGE = "https://ports.example/freight-2025"
BOT_WALL = b"<script>document.cookie='seen=1';location.reload()</script>"
APOLOGY = (
    b"<html><head><title>Files</title></head><body><h1>Sorry, this file is not"
    b" available</h1></body></html>"
)
HOME = b"<html><head><title>Example office</title></head><body><h1>Welcome</h1></body></html>"
DENIED = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
)
before_and_after_slot = pytest.mark.parametrize(
    "at", [BEFORE_SLOT, AFTER_SLOT], ids=["before slot", "after slot"]
)
ANNOUNCED_SLOT: Slot = at_instant(SLOT, "26 November 2026 9:30am", "Europe/London")


def target(
    url: str = PAGE, recognise: str = "status", title: str = TITLE, **more: object
) -> Target:
    return Target(
        "r/page/edge", "r", "page", View.EDGE, url, "ports.example", recognise, title, **more
    )  # type: ignore[arg-type]


def file_at(extension: str) -> Target:
    return target(f"https://ports.example/files/freight.{extension}", title="", is_file=True)


def answer(
    body: bytes,
    kind: str = "text/html",
    at: datetime = AFTER_SLOT,
    status: int = 200,
    url: str = PAGE,
) -> Answer:
    headers = {"content-type": kind} if kind else {}
    return Answer(url, status, headers, body, at, at + timedelta(seconds=0.1))


def sighting_after_404(part: Target, *answers: Answer) -> Sighting:
    """Return the sighting of the last of these answers, if the address of the part answered 404
    before them.
    """
    interpreter = Interpreter()
    interpreter.restore_known(part, Known(was_missing=True, slot=ANNOUNCED_SLOT))
    return [interpreter.interpret_now(part, answer) for answer in answers][-1]


def page(heading: str, inside: str = "", title: str | None = None) -> bytes:
    named = heading if title is None else title
    return f"<html><head><title>{named}</title></head><body><h1>{heading}</h1>{inside}</body></html>".encode()


@before_and_after_slot
@pytest.mark.parametrize(
    "recognise", ["status", "govuk", "ees", "ons", "titled", "period", "changed", "text:2025"]
)
@pytest.mark.parametrize(
    "body",
    [BOT_WALL, b"<html><body><p>Please wait</p></body></html>", b"<meta http-equiv=refresh>"],
)
def test_page_without_title_and_heading_is_unknown(
    body: bytes, recognise: str, at: datetime
) -> None:
    assert sighting_after_404(target(recognise=recognise), answer(body, at=at)).state is UNKNOWN


_OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"


@pytest.mark.parametrize(
    ("extension", "kind", "body"),
    [
        ("xlsx", _OFFICE, b"PK\x03\x04rest"),
        ("ods", "application/octet-stream", b"PK\x03\x04rest"),
        ("ods", "", b"PK\x03\x04rest"),
        ("docx", "text/plain", b"PK\x03\x04rest"),
        ("zip", "text/html", b"PK\x03\x04rest"),
        ("xls", "application/vnd.ms-excel", _OLE),
        ("xls", "application/octet-stream", b"PK\x03\x04rest"),
        ("doc", "application/msword", _OLE),
        ("pdf", "application/pdf", b"%PDF-1.7 rest"),
        ("pdf", "application/octet-stream", b"\n\n%PDF-1.4 rest"),
        ("csv", "text/csv", b"day\n17\n"),
        ("csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfday,deaths\n17,1\n"),
        ("csv", "application/octet-stream", "day,deaths\n17,1\n".encode("utf-16")),
        ("csv", "text/plain", b"day,deaths\n17,1\n"),
        ("csv", "", b"Deaths by day\n\nday;deaths\n17;1\n"),
        ("csv", "text/html", b"day,deaths\n17,1\n"),
        ("csv", "application/vnd.ms-excel", b"Deaths by day\n"),
        ("tsv", "text/tab-separated-values", b"day\tdeaths\n17\t1\n"),
        ("txt", "text/plain", b"Deaths by day\n"),
        ("json", "application/json", b'{"rows": [1]}'),
        ("json", "application/octet-stream", b'[{"status": "final", "deaths": 1}]'),
        ("geojson", "application/geo+json", b'{"type": "FeatureCollection", "features": []}'),
        ("xml", "application/xml", b"<?xml version='1.0'?><unistats>cycle 2019/20</unistats>"),
    ],
)
def test_file_of_the_kind_that_its_address_names_is_present(
    extension: str, kind: str, body: bytes
) -> None:
    assert sighting_after_404(file_at(extension), answer(body, kind)).state is PRESENT


PAGE_FOR_FILE, ERROR_MESSAGE = (
    "a web page where a file should be",
    "an error message in place of content",
)
WRONG_KIND = "content that is not of the kind that its address or type names"


@before_and_after_slot
@pytest.mark.parametrize(
    ("extension", "kind", "body", "why"),
    [
        ("xlsx", "text/html", APOLOGY, PAGE_FOR_FILE),
        ("xlsx", "text/html", HOME, PAGE_FOR_FILE),
        ("xlsx", "text/html", BOT_WALL, PAGE_FOR_FILE),
        ("xlsx", _OFFICE, HOME, PAGE_FOR_FILE),
        ("xlsx", "application/xml", DENIED, ERROR_MESSAGE),
        ("csv", "application/xml", DENIED, ERROR_MESSAGE),
        ("xml", "application/xml", DENIED, ERROR_MESSAGE),
        ("csv", "application/json", b'{"error": "not found"}', ERROR_MESSAGE),
        ("json", "application/json", b'{"error": "not found"}', ERROR_MESSAGE),
        (
            "json",
            "application/problem+json",
            b'{"type": "about:blank", "title": "Not Found", "status": 404}',
            ERROR_MESSAGE,
        ),
        ("json", "application/json", b"{}", ERROR_MESSAGE),
        ("ods", "application/pdf", b"%PDF-1.7", WRONG_KIND),
        ("csv", "text/plain", b"Sorry, this file is not available", WRONG_KIND),
        ("csv", "text/html", b"Sorry, this file is not available", WRONG_KIND),
        ("csv", "application/zip", b"PK\x03\x04\0\0", WRONG_KIND),
        ("json", "application/json", b'{"rows": [1', WRONG_KIND),
    ],
)
def test_other_content_at_files_address_is_unknown_and_gets_no_digest(
    extension: str, kind: str, body: bytes, why: str, at: datetime
) -> None:
    """For example, the address of an .xlsx file answers with a web page that apologises.

    That proves nothing.

    It also gets no digest, the checksum with which later content would be compared.
    """
    sighting = sighting_after_404(file_at(extension), answer(body, kind, at))
    assert (sighting.state, sighting.why, sighting.digest) == (UNKNOWN, why, None)


@pytest.mark.parametrize(
    "heading", ["404 - Not found", "This is no longer available", "Published in error"]
)
def test_page_in_place_of_file_proves_nothing_whatever_its_heading_says(heading: str) -> None:
    """The address of an .xlsx file answers with a web page, such as one with the heading "404 - Not
    found".
    """
    sighting = sighting_after_404(file_at("xlsx"), answer(page(heading)))
    assert (sighting.state, sighting.why) == (UNKNOWN, PAGE_FOR_FILE)


@pytest.mark.parametrize(
    ("recognise", "state_of_june"), [("text:July", ABSENT), ("changed", UNKNOWN)]
)
def test_bot_wall_in_place_of_file_is_unknown(recognise: str, state_of_june: State) -> None:
    """A bot wall comes before the file of June, and before July's.

    Both times it is unknown, and July's file is still present. June's file is absent for
    `text:July`, which searches for that word. It is unknown for `changed`, which compares each file
    with the first, here June's.
    """
    interpreter = Interpreter()
    file = target("https://ports.example/freight.csv", recognise=recognise, title="", is_file=True)

    def state_of(body: bytes, kind: str) -> State:
        return interpreter.interpret_now(file, answer(body, kind)).state

    assert state_of(BOT_WALL, "text/html") is UNKNOWN
    assert state_of(b"June,b\n1,2\n", "text/csv") is state_of_june
    assert state_of(BOT_WALL, "text/html") is UNKNOWN
    assert state_of(b"July,b\n1,3\n", "text/csv") is PRESENT


@pytest.mark.parametrize("recognise", ["text:freight 2025", "css:.release", "link:*freight*"])
@pytest.mark.parametrize(
    "heading",
    [
        *(
            "Planned maintenance",
            "Service unavailable",
            "Sorry, there is a problem",
            "Cookies on this site",
        ),
        *(
            "Internal Server Error",
            "502 Bad Gateway",
            "504 Gateway Time-out",
            "An error occurred",
            "Runtime Error",
        ),
    ],
)
def test_site_notice_in_place_of_searched_page_is_unknown(heading: str, recognise: str) -> None:
    """The page lacks what is searched for, but is only a notice, such as "Service unavailable".

    It proves nothing.
    """
    notice = answer(page(heading, "<p>Try again later.</p>"))
    assert sighting_after_404(target(recognise=recognise), notice).state is UNKNOWN


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"error": "internal"}', UNKNOWN),
        (b'{"message": "Service unavailable", "code": "E17"}', UNKNOWN),
        (b'{"type": "about:blank", "title": "Internal Server Error", "status": 500}', UNKNOWN),
        (b'{"status": "upcoming", "title": "Freight"}', ABSENT),
        (b'{"error": null, "status": "upcoming"}', ABSENT),
        (b'{"releases": []}', ABSENT),
    ],
)
def test_error_message_in_json_proves_no_absence(body: bytes, state: State) -> None:
    """We search JSON for the first release in a list.

    None of these bodies has one, so it is absent.

    But if the body is only an error message, it does not show the list: unknown.
    """
    part = target("https://ports.example/api/freight", recognise="jmespath:releases[0]")
    assert sighting_after_404(part, answer(body, "application/json")).state is state


def test_bot_wall_is_neither_a_baseline_nor_a_change() -> None:
    """The recogniser `changed` compares each page with the first one, the baseline.

    A changed page is present.

    A bot wall comes before the first page, that of June, and after it. As a page, it would be the baseline,
    or a change. But both times it is unknown.
    """
    interpreter, part = Interpreter(), target(recognise="changed")
    june, july = page("Figures", "June"), page("Figures", "July")

    def state_of(body: bytes) -> State:
        return interpreter.interpret_now(part, answer(body)).state

    assert state_of(BOT_WALL) is UNKNOWN
    assert state_of(june) is UNKNOWN, "it becomes the baseline"
    assert state_of(BOT_WALL) is UNKNOWN
    assert state_of(june) is ABSENT
    assert state_of(july) is PRESENT


@pytest.mark.parametrize(
    ("kind", "body", "state"),
    [
        ("text/html", page("Freight by port"), PRESENT),
        ("text/html", APOLOGY, UNKNOWN),
        ("text/csv", b"port,tonnes\n", PRESENT),
        ("application/json", b'{"periods": ["2025"]}', PRESENT),
        ("application/json", b'{"message": "Internal error"}', UNKNOWN),
        ("application/octet-stream", b"PK\x03\x04rest", PRESENT),
        ("text/plain", b"ok", UNKNOWN),
        ("application/xml", DENIED, UNKNOWN),
    ],
)
def test_part_without_file_name_is_judged_by_type_and_bytes(
    kind: str, body: bytes, state: State
) -> None:
    """The address ends in "latest", not in an extension such as ".csv".

    So the media type must say what it shows.

    The bytes must fit that type. For example, text/plain must look like a table, and JSON must be
    no error message.
    """
    part = target("https://ports.example/data/latest", title="")
    assert sighting_after_404(part, answer(body, kind)).state is state


@pytest.mark.parametrize(
    ("kind", "body", "state"),
    [
        ("application/pdf", b"%PDF-1.7", PRESENT),
        ("application/json", b'{"name": "Example ports: freight", "year": 2025}', PRESENT),
        ("application/json", b'{"name": "Example canals: freight", "year": 2025}', UNKNOWN),
        ("application/json", b'{"name": "Example ports: freight", "year": 2024}', UNKNOWN),
    ],
)
def test_json_at_address_of_page_must_name_its_release(
    kind: str, body: bytes, state: State
) -> None:
    """The title of the release is "Example ports: freight 2025".

    JSON with its words and year is present. If a word or the year differs, it is unknown. A PDF
    need not name it.
    """
    assert sighting_after_404(target(), answer(body, kind)).state is state


@pytest.mark.parametrize("recognise", ["status", "govuk"])
@pytest.mark.parametrize("status", [200, 203, 206])
def test_page_with_only_its_title_is_present_if_http_status_is_accepted(
    recognise: str, status: int
) -> None:
    """An address that answered 404 now has a page with the title of the release and no other text.

    Its HTTP status is 200, 203 or 206. The recogniser called "status" accepts all three, and
    "govuk" only 200.
    """
    expected = PRESENT if status == 200 or recognise == "status" else UNKNOWN
    assert (
        sighting_after_404(target(recognise=recognise), answer(page(TITLE), status=status)).state
        is expected
    )


def test_only_page_reached_through_its_announcement_may_have_another_title() -> None:
    """The release is called "Example ports: freight 2025", but its page "Freight at ports".

    If the announcement of the release redirects to it, it is the right page: present. If only a
    calendar gives its address, it may be any page: unknown.
    """
    under_another_title = answer(page("Freight at ports"))
    redirected_to = target(recognise="govuk", address=Address.LED_TO)
    assert Interpreter().interpret_now(redirected_to, under_another_title).state is PRESENT
    only_in_calendar = target(recognise="govuk", address=Address.ANNOUNCED)
    assert Interpreter().interpret_now(only_in_calendar, under_another_title).state is UNKNOWN


@before_and_after_slot
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            page("Sign in to continue", "<form><input type=password></form>", title=TITLE),
            OTHER_HEADING,
        ),
        (
            page("Are you a robot?", "<p>Complete the security check.</p>", title=TITLE),
            OTHER_HEADING,
        ),
        (
            page(
                "We are carrying out maintenance",
                "<p>Try again later.</p>",
                title=f"{TITLE} - Office",
            ),
            OTHER_HEADING,
        ),
        (page(TITLE, "<p>This page is temporarily unavailable.</p>"), NOTICE_ONLY),
        (
            page(TITLE, "<p>This release has been postponed. A new date will be announced.</p>"),
            SAYS_CALLED_OFF["postponed"],
        ),
        (page(TITLE, "<p>DRAFT - not for publication</p>"), NOTICE_ONLY),
        (page(f"[Preview] {TITLE}", "<p>Tonnes rose.</p>"), MARKED_TITLE),
        (page(f"CANCELLED: {TITLE}"), MARKED_TITLE),
        (page(f"{TITLE} (test)", "<p>Tonnes rose.</p>"), MARKED_TITLE),
        (page(f"{TITLE} – CANCELLED", "<p>Tonnes rose.</p>"), MARKED_TITLE),
        (page(f"*Postponed* {TITLE}", "<p>Tonnes rose.</p>"), MARKED_TITLE),
        (page(f"{TITLE} (delayed)", "<p>Tonnes rose.</p>"), MARKED_TITLE),
    ],
    ids=[
        "sign-in",
        "captcha",
        "maintenance",
        "unavailable",
        "postponed",
        "draft",
        "preview",
        "cancelled",
        "test",
        "cancelled at the end",
        "postponed between stars",
        "delayed",
    ],
)
def test_login_notice_or_preview_under_title_of_release_is_unknown(
    body: bytes, why: str, at: datetime
) -> None:
    sighting = sighting_after_404(target(), answer(body, at=at))
    assert (sighting.state, sighting.why) == (UNKNOWN, why)


@pytest.mark.parametrize(
    "body",
    [
        page("Example office", "<h2>Example ports: freight</h2><p>Tonnes in 2025</p>", title=TITLE),
        page("Example office", "<p>Tonnes rose.</p>", title=f"{TITLE} - Example office"),
        page("Statistics", "<a href='/files/freight-2025.ods'>Tables</a>", title=TITLE),
        page(
            TITLE,
            "<p>The tables are not yet available.</p><a href='/files/freight-2025.pdf'>Report</a>",
        ),
        page(
            TITLE,
            f"<p>The survey was postponed in May.</p><p>{'Tonnes rose in every port. ' * 20}</p>",
        ),
        page(TITLE, "<header>Search is unavailable</header><p>Tonnes rose.</p>"),
        page(TITLE, "<p>Published by the office of cancelled and delayed freight.</p>"),
    ],
    ids=[
        "named below",
        "site's name",
        "with a file",
        "notice and file",
        "long text",
        "notice in the header",
        "words",
    ],
)
def test_page_under_its_title_is_present_if_it_has_content(body: bytes) -> None:
    assert sighting_after_404(target(), answer(body)).state is PRESENT


def test_page_marked_draft_is_present_if_its_release_is_too() -> None:
    title = "Freight 2025 (draft)"
    assert (
        sighting_after_404(target(title=title), answer(page(title, "<p>Tonnes rose.</p>"))).state
        is PRESENT
    )


PLACEHOLDERS = [
    "<p>This release is due on 26 November 2026 at 9:30am.</p>",
    "<p>Available from 9.30am, Thursday 26 November.</p>",
    "<p>Embargoed until 09:30 on 26/11/2026</p>",
    (
        "<dl><dt>Release date:</dt><dd>26 November 2026"
        " 9:30am</dd><dt>Status:</dt><dd>Confirmed</dd></dl>"
    ),
    "<p>Publication: November 26th, 2026</p>",
    "<p>Out 2026-11-26</p>",
    "<p>I'w gyhoeddi ar 26 Tachwedd 2026</p>",
    "<p>To be published 26 November 2026</p>",
    "<p>26 November 2026</p><a href='/files/freight-2024.ods'>Last year's tables, 2024</a>",
    "<p>26 November 2026</p><footer><a href='/privacy.pdf'>Privacy</a></footer>",
]


def test_late_answer_of_old_address_keeps_slot_of_new_one() -> None:
    """The address of a release changes during a request to the old address.

    The slot is noted for the new address.

    Then the old address answers. The slot of the new address must stay. Before the slot, the new
    address shows a page that names its day. As the slot is known, that may only announce the
    release: unknown. If the slot were lost, the page would be present.
    """
    interpreter, old, new = Interpreter(), target(), target(f"{PAGE}-final")
    interpreter.make_request(old)
    interpreter.restore_known(new, Known(slot=ANNOUNCED_SLOT))
    late_answer = answer(b"", status=404, at=BEFORE_SLOT)
    assert interpreter.interpret_now(old, late_answer).state is ABSENT
    names_day_of_slot = page(TITLE, "<p>To be published 26 November 2026</p>")
    assert (
        interpreter.interpret_now(new, answer(names_day_of_slot, at=BEFORE_SLOT, url=new.url)).state
        is UNKNOWN
    )


@pytest.mark.parametrize("recognise", ["status", "govuk", "titled"])
@pytest.mark.parametrize("inside", PLACEHOLDERS)
def test_placeholder_is_unknown_until_it_changes_after_its_slot(
    inside: str, recognise: str
) -> None:
    """A placeholder is a page that only announces its release, such as "Embargoed until 09:30 on
    26/11/2026".

    It is seen before the slot: unknown. After the slot its text is the same: still unknown. Five
    seconds later its text has changed, so it may be the release: present.
    """
    interpreter, part = Interpreter(), target(recognise=recognise)
    interpreter.restore_known(part, Known(was_missing=True, slot=ANNOUNCED_SLOT))
    before = page(TITLE, f"{inside}<script>stamp(1)</script>")
    assert interpreter.interpret_now(part, answer(before, at=BEFORE_SLOT)).state is UNKNOWN
    # Only the script differs. It is no text, so the page counts as unchanged.
    unchanged = page(TITLE, f"{inside}<script>stamp(2)</script>")
    assert interpreter.interpret_now(part, answer(unchanged, at=AFTER_SLOT)).state is UNKNOWN
    changed = page(TITLE, f"{inside}<p>Tonnes rose.</p>")
    assert (
        interpreter.interpret_now(part, answer(changed, at=AFTER_SLOT + timedelta(seconds=5))).state
        is PRESENT
    )


@pytest.mark.parametrize("recognise", ["status", "govuk"])
@pytest.mark.parametrize(
    "inside",
    [
        "<p>Published 26 November 2026</p>",
        "<p>Published on: Thursday 26 November 2026</p>",
        "<p>26 November 2026</p><a href='/files/freight-2025.ods'>Tables</a>",
        "<p>26 November 2026</p><a href='/files/tables.xlsx'>Tables</a>",
        f"<p>The next release is due on 25 November 2027. {'Tonnes rose. ' * 20}</p>",
    ],
)
def test_early_page_is_present_if_it_has_content(inside: str, recognise: str) -> None:
    """The page is seen before its slot, on 26 November 2026.

    If it only named that day, it might be an announcement. But this page has content, such as a
    file.
    """
    before_slot = answer(page(TITLE, inside), at=BEFORE_SLOT)
    assert sighting_after_404(target(recognise=recognise), before_slot).state is PRESENT


def test_page_that_first_appears_at_slot_is_present_though_it_names_that_day() -> None:
    """The address answers 404. Then it shows a page that names the day of the slot.

    Minutes before the slot, such a page might only announce the release. From the slot on, it is
    the release. So it is half a second before the slot, because our clock may be a second off.
    """
    names_day_of_slot = page(TITLE, "<p>Release date: 26 November 2026</p><p>Tonnes rose.</p>")
    for at in (SLOT - timedelta(seconds=0.5), SLOT, SLOT + timedelta(seconds=2)):
        sighting = sighting_after_404(target(), answer(names_day_of_slot, at=at))
        assert sighting.state is PRESENT


def test_title_of_early_page_may_name_the_day_of_slot() -> None:
    """The page is seen before its slot.

    If its text named the day of the slot, it might only announce the release.

    But the day is in its title. There it may be the period of the edition, so the page is present.
    """
    title = "Weekly update: 26 November 2026"
    before_slot = answer(page(title, f"<p>{'Deaths rose. ' * 20}</p>"), at=BEFORE_SLOT)
    assert sighting_after_404(target(title=title), before_slot).state is PRESENT


PLACEHOLDER = page(TITLE, "<p>Release date: 26 November 2026</p>")


def test_after_restart_old_placeholder_is_unknown_until_dated_as_published() -> None:
    """This address had a placeholder, and then the monitor restarted.

    After the slot, the address has a page that names the day of the slot. It may be the old
    placeholder, so it is unknown. Later the page has a date of publication. A placeholder has none,
    so the page is present.
    """
    interpreter, part = Interpreter(), target()
    text_was_not_stored = ""
    interpreter.restore_known(
        part, Known(was_missing=True, placeholder=text_was_not_stored, slot=ANNOUNCED_SLOT)
    )
    may_be_placeholder = page(TITLE, "<p>Release date: 26 November 2026</p>")
    assert (
        interpreter.interpret_now(part, answer(may_be_placeholder, at=AFTER_SLOT)).state is UNKNOWN
    )
    published = page(TITLE, "<p>Published 26 November 2026</p>")
    assert interpreter.interpret_now(part, answer(published, at=AFTER_SLOT)).state is PRESENT


def test_after_404_page_with_words_of_its_placeholder_is_present() -> None:
    """A placeholder is seen before the slot, and then a 404.

    After the slot, a page with the same words is seen. The 404 shows that this page is new, so it
    is present.
    """
    before_slot = answer(PLACEHOLDER, at=BEFORE_SLOT)
    then_404 = answer(b"", at=BEFORE_SLOT, status=404)
    after_slot = answer(PLACEHOLDER, at=AFTER_SLOT)
    last_sighting = sighting_after_404(target(), before_slot, then_404, after_slot)
    assert last_sighting.state is PRESENT


def test_stale_404_does_not_make_placeholder_present_after_slot() -> None:
    """A placeholder is seen before the slot, then a 404, then it again.

    A fresh 404 would show that the second page is new. But this 404 comes from a cache. It is 300 s
    old, and was valid for only 30 s. So it proves nothing, and the page is still the old
    placeholder.
    """
    before_slot = answer(PLACEHOLDER, at=BEFORE_SLOT)
    stale_404 = Answer(
        PAGE, 404, {"age": "300", "cache-control": "max-age=30"}, b"", AFTER_SLOT, AFTER_SLOT
    )
    after_slot = answer(PLACEHOLDER, at=AFTER_SLOT)
    last_sighting = sighting_after_404(target(), before_slot, stale_404, after_slot)
    assert last_sighting.state is UNKNOWN


def test_early_placeholder_in_one_view_stays_unknown_in_another() -> None:
    """Before the slot, the edge view, which gets pages from caches, shows a page that may only
    announce the release.

    After the slot, the origin view, which goes past caches, shows the same page. Seen only there,
    it would be present. But it is known to be from before the slot, so it is unknown.
    """
    interpreter, edge = Interpreter(), target()
    origin = replace(edge, id="r/page/origin", view=View.ORIGIN)
    for view in (edge, origin):
        interpreter.restore_known(view, Known(slot=ANNOUNCED_SLOT))
    assert interpreter.interpret_now(edge, answer(PLACEHOLDER, at=BEFORE_SLOT)).state is UNKNOWN
    assert interpreter.interpret_now(origin, answer(PLACEHOLDER, at=AFTER_SLOT)).state is UNKNOWN


def test_look_with_wrong_clock_does_not_make_page_a_placeholder() -> None:
    """A placeholder is a page that was there before the slot, so it may only announce the release.

    The first look seems to be before the slot: at 09:25 by our clock. But the host's clock shows
    10:25. One of them is wrong, so this look proves nothing. After the slot, both clocks agree, and
    the same page is seen. No look has proved that it was there before, so it is present.
    """
    names_day_of_slot = page(TITLE, "<p>Release date: 26 November 2026</p>")

    def answer_dated(date: str, *, received_at: datetime) -> Answer:
        return Answer(PAGE, 200, {"date": date}, names_day_of_slot, received_at, received_at)

    by_wrong_clock = answer_dated(
        "Thu, 26 Nov 2026 10:25:00 GMT", received_at=SLOT - timedelta(minutes=5)
    )
    assert sighting_after_404(target(), by_wrong_clock).why == "clock"
    # Both clocks show 09:30:02 and later. After two such looks, our clock counts as right again.
    by_right_clock = [
        answer_dated(
            f"Thu, 26 Nov 2026 09:30:0{second} GMT", received_at=SLOT + timedelta(seconds=second)
        )
        for second in (2, 3, 4, 5)
    ]
    last_sighting = sighting_after_404(target(), by_wrong_clock, *by_right_clock)
    assert last_sighting.state is PRESENT


@pytest.mark.parametrize(
    ("date", "state"),
    [("Thu, 26 Nov 2026 09:30:01 GMT", PRESENT), ("Thu, 26 Nov 2026 09:29:56 GMT", UNKNOWN)],
    ids=["after the slot by the host's clock", "before the slot by both clocks"],
)
def test_date_of_host_shows_whether_page_preceded_its_slot(date: str, state: State) -> None:
    """By our clock, a page is seen at 09:29:56.

    The slot is 09:30, so the page may only announce the release: unknown.

    But if the host's clock shows 09:30:01, ours may be slow. Then the page may be from after the
    slot: present.
    """
    early_by_our_clock = SLOT - timedelta(seconds=4)
    look = Answer(PAGE, 200, {"date": date}, PLACEHOLDER, early_by_our_clock, early_by_our_clock)
    assert sighting_after_404(target(), look).state is state


def test_cached_copy_from_before_slot_is_a_placeholder() -> None:
    """2 s after the slot, we receive a page that names the day of the slot.

    If it were new, it would be the release.

    But it was in a cache for 120 s (`Age`). So it is from before the slot, and may only announce
    the release: unknown.
    """
    old = Answer(
        PAGE, 200, {"content-type": "text/html", "age": "120"}, PLACEHOLDER, AFTER_SLOT, AFTER_SLOT
    )
    assert sighting_after_404(target(), old).state is UNKNOWN


@before_and_after_slot
def test_file_counts_more_than_a_sentence(at: datetime) -> None:
    """The page says that it will be published on 26 November 2026, the day of its slot.

    But it links to a file.
    """
    body = page(
        TITLE,
        "<p>This release will be published on 26 November 2026. <a href='/t.ods'>Tables</a></p>",
    )
    assert sighting_after_404(target(), answer(body, at=at)).state is PRESENT


def test_early_page_that_names_day_of_its_slot_is_unknown() -> None:
    """The page says that it is due on 26 November 2026.

    The look is on that day, five minutes before the slot.

    While the slot is not known, that day says nothing: present. Once the slot is known, the page
    may only announce the release: unknown.
    """
    interpreter, part = Interpreter(), target()
    look = answer(page(TITLE, "<p>Due on 26 November 2026</p>"), at=BEFORE_SLOT)
    slot_on_26_november = ANNOUNCED_SLOT
    interpreter.restore_known(part, Known(was_missing=True, slot=None))
    assert interpreter.interpret_now(part, look).state is PRESENT
    interpreter.restore_known(part, Known(was_missing=True, slot=slot_on_26_november))
    assert interpreter.interpret_now(part, look).state is UNKNOWN


_KINDS = st.sampled_from(
    [
        "",
        "text/html",
        "text/plain",
        "application/json",
        "application/xml",
        "application/octet-stream",
        "image/png",
    ]
)
_SCRAPS = st.sampled_from(
    [
        "Sorry",
        "Error",
        "not available",
        "Access denied",
        "2024",
        "Welcome",
        "Release",
        "{",
        "[",
        "<",
        ">",
        "=",
        " ",
    ]
)
_SIGNATURES = tuple(chain.from_iterable(file_kind._SIGNATURES.values()))
_TEXT = st.lists(_SCRAPS, max_size=12).map(" ".join)
_BODIES_WITHOUT_SIGN = st.one_of(
    _TEXT.map(lambda text: page(text, f"<p>{text}</p>")),
    _TEXT.map(str.encode),
    st.builds(lambda text: b"<html><script>" + text.encode() + b"</script></html>", _TEXT),
    st.dictionaries(st.sampled_from(["error", "message", "status"]), _TEXT).map(
        lambda said: repr(said).encode()
    ),
    # The first bytes of a known kind of file are a positive sign. PDF readers accept theirs further
    # below, too.
    st.binary(max_size=200).filter(
        lambda body: not body.startswith(_SIGNATURES) and b"%PDF" not in body
    ),
)


@given(
    _BODIES_WITHOUT_SIGN,
    _KINDS,
    st.sampled_from([200, 201, 202, 203, 206, 404, 410, 500, 503]),
    st.booleans(),
)
def test_answer_without_any_sign_of_its_release_is_never_present(
    body: bytes,
    kind: str,
    status: int,
    answered_404_before: bool,  # noqa: FBT001
) -> None:
    """The answers are random: pages, text, JSON or bytes, of any media type and status, before and
    after the slot.

    None has a sign of the release: its title, the first bytes of a kind of file, or the element
    `h9`, which one recogniser searches for. So none may be present, whatever the recogniser or the
    kind of file.
    """
    parts = [
        target(recognise=name)
        for name in ("status", "govuk", "ons", "ees", "titled", "period", "css:h9")
    ]
    parts += [file_at(extension) for extension in ("xlsx", "ods", "pdf", "xls", "json", "zip")]
    for part in parts:
        interpreter = Interpreter()
        interpreter.restore_known(part, Known(was_missing=answered_404_before, slot=ANNOUNCED_SLOT))
        for at in (BEFORE_SLOT, AFTER_SLOT):
            assert (
                interpreter.interpret_now(part, answer(body, kind, at, status)).state is not PRESENT
            )


@pytest.mark.parametrize(
    ("title", "was_missing", "is_compared"),
    [("Weekly freight", False, True), ("Weekly freight", True, False), (TITLE, False, False)],
    ids=["no period", "absent before", "a period"],
)
def test_text_of_page_that_editions_may_share_is_compared(
    title: str,
    was_missing: bool,  # noqa: FBT001
    is_compared: bool,  # noqa: FBT001
) -> None:
    """The first two pages differ only in a script, and the third one in its text.

    A title with a period shows which edition the page is, and so does an absence before.
    """
    interpreter, part = Interpreter(), target(title=title)
    interpreter.restore_known(part, Known(was_missing=was_missing, slot=ANNOUNCED_SLOT))
    insides = ["<p>1,204 t</p>", "<p>1,204 t</p><script>2</script>", "<p>1,377 t</p>"]
    bodies = [page(title, f"<table><tr><td>{each}</td></tr></table>") for each in insides]
    first, same, changed = (interpreter.interpret_now(part, answer(body)) for body in bodies)
    assert {first.state, same.state, changed.state} == {PRESENT}
    assert (first.digest is not None, changed.digest != first.digest) == (is_compared, is_compared)
    assert first.digest == same.digest


QUARTER = "Example claims: July to September 2026"
OF_EARLIER_EDITION = {
    "its name": ('attachment; filename="example-claims-april-to-june-2026.csv"', "", True),
    "its name, encoded": ("inline; filename*=UTF-8''Example%20claims%202025.csv", "", True),
    "a redirect": ("", "https://ports.example/example_claims_2025.csv", True),
    "its own name": ('attachment; filename="example-claims-july-to-september-2026.csv"', "", False),
    "the month of its slot": ('filename="example-claims-november-2026.csv"', "", False),
    "a part of its title": ('filename="claims-june-2026.csv"', "", True),
    "a part of its title, as data": ('filename="claims-data-q2-2026.ods"', "", True),
    "a part of its title and only a year": ('filename="claims-2025.csv"', "", False),
    "a word that its title lacks": ('filename="claims-revisions-june-2026.csv"', "", False),
    "no word of its title": ('filename="data-june-2026.csv"', "", False),
    "another series": ('filename="housing-2019.csv"', "", False),
    "a start of the series": ('filename="claims-since-1990.csv"', "", False),
    "no name": ("attachment", "https://ports.example/latest-2.csv", False),
}


@pytest.mark.parametrize(
    ("disposition", "redirected_to", "is_absent"),
    OF_EARLIER_EDITION.values(),
    ids=OF_EARLIER_EDITION,
)
def test_file_named_after_an_earlier_edition_is_absent(
    disposition: str,
    redirected_to: str,
    is_absent: bool,  # noqa: FBT001
) -> None:
    own = "https://ports.example/latest.csv"
    part = target(own, title="", is_file=True, edition=QUARTER)
    seen = replace(
        answer(b"area,number\nNorth,1\n", "text/csv", url=redirected_to or own),
        headers={"content-type": "text/csv", "content-disposition": disposition},
    )
    sighting = Interpreter().interpret_now(part, seen)
    expected = (ABSENT, ANOTHER_EDITION) if is_absent else (PRESENT, "")
    assert (sighting.state, sighting.why) == expected


FREIGHT = "Road freight and lorry traffic: July to September 2026"


@pytest.mark.parametrize(
    ("name", "is_absent"),
    [
        ("road-freight-and-lorry-traffic-july-to-september-2026.csv", True),
        ("road-freight-july-to-september-2026.csv", True),
        ("road_freight_data_july_to_september_2026.ods", True),
        ("freight-july-to-september-2026.csv", False),
        ("road-freight-2026.csv", False),
        ("road-freight.csv", False),
        ("road-accidents-july-to-september-2026.csv", False),
        ("example-claims-july-to-september-2026.csv", False),
    ],
)
def test_file_named_after_another_known_release_is_absent(
    name: str,
    is_absent: bool,  # noqa: FBT001
) -> None:
    part = target("https://ports.example/latest.csv", title="", is_file=True, edition=QUARTER)
    seen = replace(
        answer(b"area,number\nNorth,1\n", "text/csv", url=part.url),
        headers={"content-type": "text/csv", "content-disposition": f'filename="{name}"'},
    )
    known = Interpreter(similar_titles=lambda _title, _named: (FREIGHT,))
    sighting = known.interpret_now(part, seen)
    expected = (ABSENT, OTHER_FILE) if is_absent else (PRESENT, "")
    assert (sighting.state, sighting.why) == expected


def test_own_address_of_file_may_be_named_after_an_earlier_edition() -> None:
    own = "https://ports.example/example-claims-april-to-june-2026.csv"
    part = target(own, title="", is_file=True, edition=QUARTER)
    seen = answer(b"area,number\nNorth,1\n", "text/csv", url=own)
    assert Interpreter().interpret_now(part, seen).state is PRESENT


@pytest.mark.parametrize(
    ("heading", "state"),
    [
        ("Example claims: April to June 2026", ABSENT),
        (QUARTER, PRESENT),
        ("Background quality report", PRESENT),
    ],
)
def test_html_report_under_the_title_of_an_earlier_edition_is_absent(
    heading: str, state: State
) -> None:
    part = target(title="", edition=QUARTER)
    inside = "<table><tr><td>1,204</td></tr></table>"
    assert Interpreter().interpret_now(part, answer(page(heading, inside))).state is state


_CONTENT = f"<p>Published 26 November 2026. {'Freight rose in every port. ' * 10}</p>"


@before_and_after_slot
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"<title>Port statistics</title><h2>{TITLE}</h2>{_CONTENT}", "text/html"),
        (
            f"<title>Ports | News</title><meta property='og:title' content='{TITLE}'>{_CONTENT}",
            "text/html",
        ),
        (f"<h1>Office</h1><main><h1>{TITLE}</h1>{_CONTENT}</main>", "text/html"),
        (f"<svg><title>Crown</title></svg><title>{TITLE}</title>{_CONTENT}", "text/html"),
    ],
    ids=["h2", "og:title", "h1 of main", "title after a drawing"],
)
def test_page_may_have_its_title_elsewhere(body: str, kind: str, at: datetime) -> None:
    whole = f"<html><head></head><body>{body}</body></html>".encode()
    if "og:title" in body:
        whole = f"<html><head>{body.replace('<p>', '</head><body><p>', 1)}</body></html>".encode()
    assert sighting_after_404(target(), answer(whole, kind, at)).state is PRESENT


@before_and_after_slot
@pytest.mark.parametrize(
    "body",
    [
        f"<h1>Sign in</h1><h2>{TITLE}</h2>",
        f"<title>All releases</title><h1>All releases</h1><h2>{TITLE}</h2>{_CONTENT}",
    ],
    ids=["sign in", "listing"],
)
def test_second_heading_beside_another_first_one_is_no_title(body: str, at: datetime) -> None:
    whole = f"<html><body>{body}</body></html>".encode()
    assert sighting_after_404(target(), answer(whole, at=at)).state is UNKNOWN


@pytest.mark.parametrize(
    ("kind", "meta", "encoding", "mark"),
    [
        ("text/html", "<meta charset=windows-1252>", "cp1252", ""),
        ("text/html", "<meta http-equiv=x content='text/html; charset=latin1'>", "cp1252", ""),
        ("text/html; charset=iso-8859-1", "", "cp1252", ""),
        ("text/html; charset=iso-8859-1", "<meta charset=utf-8>", "cp1252", ""),
        ("text/html; charset=iso-8859-1", "", "utf-8", "\ufeff"),
        ("text/html; charset=utf-8", "", "utf-16le", "\ufeff"),
        ("text/html", "", "utf-16be", "\ufeff"),
        ("text/html", "", "utf-8", ""),
    ],
)
def test_page_is_read_in_the_encoding_that_browsers_find(
    kind: str, meta: str, encoding: str, mark: str
) -> None:
    """First counts a byte order mark, then the header, then the page."""
    title = "Caf\u00e9 prices \u2013 Wales: October 2026"
    text = f"{mark}<html><head>{meta}<title>{title}</title></head><body>{_CONTENT}</body></html>"
    sighting = sighting_after_404(target(title=title), answer(text.encode(encoding), kind))
    assert sighting.state is PRESENT


@before_and_after_slot
@pytest.mark.parametrize(
    "marked", [f"[Withdrawn] {TITLE}", f"WITHDRAWN: {TITLE}", f"{TITLE} (withdrawn)"]
)
def test_page_marked_as_withdrawn_is_withdrawn_on_every_site(marked: str, at: datetime) -> None:
    body = page(TITLE, _CONTENT, title=marked)
    assert sighting_after_404(target(), answer(body, at=at)).state is State.WITHDRAWN


def test_title_of_a_release_about_withdrawn_things_is_no_mark() -> None:
    title = "Withdrawn: planning applications 2025"
    seen = answer(page(title, _CONTENT))
    assert sighting_after_404(target(title=title), seen).state is PRESENT


@before_and_after_slot
@pytest.mark.parametrize("body", [b"<title></title>", page(TITLE)], ids=["blank", "its title"])
def test_page_that_a_header_leads_away_from_proves_nothing(body: bytes, at: datetime) -> None:
    seen = answer(body, at=at)
    seen.headers["refresh"] = "0; url=/queue"
    assert sighting_after_404(target(), seen).state is UNKNOWN
