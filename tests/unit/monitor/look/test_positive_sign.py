"""A 200 is not publication (rule 14): what `cases/positive_sign.toml` does not say.

A placeholder is a page that only announces its release.
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
from monitor.look.recognise.result import Known
from monitor.plan.targets import Target, View
from schedules.dates.span import at_instant
from schedules.slot import Slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
BEFORE_SLOT, AFTER_SLOT = SLOT - timedelta(minutes=5), SLOT + timedelta(seconds=2)
TITLE = "Example ports: freight 2025"
PAGE = "https://ports.example/freight-2025"
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


def page(heading: str, inside: str = "", title: str | None = None) -> bytes:
    named = heading if title is None else title
    return f"<html><head><title>{named}</title></head><body><h1>{heading}</h1>{inside}</body></html>".encode()


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


PLACEHOLDER = page(TITLE, "<p>Release date: 26 November 2026</p>")


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


def test_own_address_of_file_may_be_named_after_an_earlier_edition() -> None:
    own = "https://ports.example/example-claims-april-to-june-2026.csv"
    part = target(own, title="", is_file=True, edition=QUARTER)
    seen = answer(b"area,number\nNorth,1\n", "text/csv", url=own)
    assert Interpreter().interpret_now(part, seen).state is PRESENT


@pytest.mark.parametrize("depth", [50, 300, 3_000])
def test_a_page_is_not_blank_because_its_text_is_nested_deeply(depth: int) -> None:
    """The parser stops at a depth of 2048. A blank page is absent."""
    blank, text = b"<html><body><div></div></body></html>", b"<p>Tonnes rose.</p>"
    deep = b"<html><body>" + b"<div>" * depth + text + b"</div>" * depth + b"</body></html>"
    assert Interpreter().interpret_now(target(), answer(blank)).state is ABSENT
    assert Interpreter().interpret_now(target(), answer(deep)).state is UNKNOWN
