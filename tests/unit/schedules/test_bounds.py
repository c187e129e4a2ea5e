"""Documents that are too deep or too large are refused before they are parsed. Real ones never
are.
"""

from __future__ import annotations

import time

import pytest

from bench.hostile_inputs import page
from schedules.bounds import DEEPEST, MOST_ATTRIBUTES, MOST_TAGS, why_too_complex
from tests.contracts.test_calendar_source import BODIES


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b'"]"' + b"]" * (depth - 1) + b"}"


def attributes(count: int, form: str = "a{}=1") -> bytes:
    return page(body="<p " + " ".join(form.format(number) for number in range(count)) + ">x</p>")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (nested(DEEPEST), ""),
        (nested(DEEPEST + 1), f"nested deeper than {DEEPEST}"),
        (b"\xef\xbb\xbf \n" + nested(900_000), f"nested deeper than {DEEPEST}"),
        (b'["' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'\\\\"]', ""),
        (b'["\\\\"' + b"," + b"[" * 1000, f"nested deeper than {DEEPEST}"),
        (b" " * 100 + b"[" * (DEEPEST + 1), f"nested deeper than {DEEPEST}"),
        (b"<p>" * MOST_TAGS, ""),
        (b"<p>" * (MOST_TAGS + 1), f"more than {MOST_TAGS} tags"),
        (attributes(MOST_ATTRIBUTES - 1), ""),
        *(
            (attributes(2 * MOST_ATTRIBUTES, form), f"more than {MOST_ATTRIBUTES} attributes")
            for form in ("a{}=1", "a{}", "a{}='>'", 'a{} = ">"', "a{}='\"'/b=x")
        ),
        (
            b"<a/" + b"/".join(b"a%d" % number for number in range(1000)) + b">",
            f"more than {MOST_ATTRIBUTES} attributes",
        ),
        (b"<p title='" + b"many words " * 5000 + b"'>" + b"and more " * 5000, ""),
        (b"title,date\n" + b"Births 2026,2026-07-23\n" * 5000, ""),
    ],
)
def test_input_beyond_a_limit_gets_a_short_reason(body: bytes, reason: str) -> None:
    """The limits are 100 nested arrays or objects, 250,000 tags and 500 attributes of one tag.
    Input at a limit gets no reason (""). Brackets inside strings do not count: the fourth body has
    2000.
    """
    assert why_too_complex(body) == reason


def test_no_recorded_calendar_is_beyond_a_limit() -> None:
    for kind, body in BODIES.items():
        assert why_too_complex(body) == "", kind


@pytest.mark.parametrize(
    "piece", [b"[", b'"', b'\\"', b"\\", b"<a ", b'<a b="', b"<a b='\"", b"= ", b"<a =\n", b"{}"]
)
@pytest.mark.parametrize("begin", [b"[", b"<p "], ids=["JSON", "HTML"])
def test_checking_the_limits_takes_linear_time(begin: bytes, piece: bytes) -> None:
    """`begin` opens an array of JSON or an HTML tag. After it, a piece such as `[` or `<a ` is
    repeated until the input has a megabyte. The check takes less than two seconds.
    """
    a_megabyte = begin + piece * (1_000_000 // len(piece))
    began = time.process_time()
    why_too_complex(a_megabyte)
    # If the time grew with the square of the length, it would be hours.
    assert time.process_time() - began < 2
