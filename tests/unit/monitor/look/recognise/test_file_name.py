"""A file is of an earlier edition only if its name has half of the title's words and no others."""

from __future__ import annotations

import pytest

from monitor.look.recognise.file_name import is_file_of_earlier_edition

LABOUR = "Regional labour market in the East of England: October 2026"


@pytest.mark.parametrize(
    ("name", "is_earlier"),
    [
        ("regional labour market september 2026", True),
        ("labour market england q2 2026 tables", True),
        ("market september 2026", False),
        ("regional labour market revisions september 2026", False),
        ("regional labour market 2025", False),
        ("regional labour market november 2026", False),
        ("regional labour market", False),
        ("september 2026", False),
    ],
)
def test_name_of_an_earlier_edition(name: str, is_earlier: bool) -> None:  # noqa: FBT001
    assert is_file_of_earlier_edition(LABOUR, name) is is_earlier
