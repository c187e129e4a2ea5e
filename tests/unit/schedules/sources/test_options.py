from __future__ import annotations

from collections.abc import Mapping

import pytest

from schedules.sources.options import KNOWN, SourceOptions, option_faults
from schedules.sources.registry import KINDS


def faults(kind: str, *, timezone: str = "Europe/London", **options: str) -> list[str]:
    return option_faults(kind, SourceOptions("own", "https://stats.example/", timezone=timezone, options=options))


def test_every_kind_has_its_known_options_and_its_source() -> None:
    assert set(KNOWN) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_calendar_without_options_is_right(kind: str) -> None:
    assert faults(kind) == []


@pytest.mark.parametrize(
    ("kind", "options", "fault"),
    [
        ("isc", {}, "kind: no calendar is of kind 'isc'"),
        ("csv", {"titel": "x"}, "options.titel: unknown, did you mean title?"),
        ("govuk", {"count": "many"}, "options.count: not a whole number (got 'many')"),
        ("json", {"title": "a.["}, "options.title: Invalid jmespath expression"),
        ("html", {"rows": "tr[", "title": "a@href"}, "options.rows: Expected ident"),
        ("feed", {"pattern": "("}, "options.pattern: missing )"),
    ],
)
def test_what_is_wrong_is_named(kind: str, options: Mapping[str, str], fault: str) -> None:
    told = faults(kind, **options)
    assert len(told) == 1
    assert told[0].startswith(fault)


def test_filters_of_another_kind_are_unknown() -> None:
    options = SourceOptions("own", "x", filters={"organisation": ("ofqual",)})
    assert option_faults("govuk", options) == ["filters.organisation: unknown, did you mean organisations?"]


def test_all_general_faults_are_told_at_once() -> None:
    options = SourceOptions("own", "x", timezone="London", date_order="dm", default_time="9.30")
    assert [fault.partition(":")[0] for fault in option_faults("toml", options)] == [
        "timezone",
        "date_order",
        "default_time",
    ]
