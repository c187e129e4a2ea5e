"""The examples of calendars that people keep by hand, read as a person would have them read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config.schema import describe_keys
from monitor.config.settings import PartSettings
from monitor.look.recognise.registry import PLAIN, WITH_RULE
from schedules.announcement import Announcement, State
from schedules.source import Page
from schedules.sources.csv import CsvSource, csv_faults
from schedules.sources.toml import TomlSource, toml_faults
from tests.worlds.calendars import calendar_settings

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "calendars.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^~~~(toml|csv)\n(.*?)^~~~$", PAGE, re.DOTALL | re.MULTILINE))
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def read(kind: str) -> Announcement:
    source = {"toml": TomlSource, "csv": CsvSource}[kind](calendar_settings(kind, "calendar"))
    (only,) = source.read([Page("calendar", 200, EXAMPLES[kind].encode())], NOW).announcements
    return only


@pytest.mark.parametrize("kind", ["toml", "csv"])
def test_an_example_is_a_calendar_without_a_fault(kind: str) -> None:
    faults = {"toml": toml_faults, "csv": csv_faults}[kind]
    assert faults(EXAMPLES[kind].encode(), calendar_settings(kind, "calendar"), NOW) == []
    told = read(kind)
    assert (told.title, told.producer) == ("Widget statistics: October 2026", "widget-office")
    assert (told.slot.instant, told.state) == (
        datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        State.CONFIRMED,
    )


def test_the_example_of_a_part_is_read() -> None:
    assert [(part.id, part.recognise, part.required) for part in read("toml").parts] == [
        ("table", "status", True)
    ]


def test_every_recogniser_is_explained() -> None:
    explained = describe_keys(PartSettings)["recognise"].partition("\n\n")[2]
    names = re.findall(
        r"`([a-z-]+)(?::[A-Z]+)?`", " ".join(re.findall(r"^- (.+?): ", explained, re.MULTILINE))
    )
    assert set(names) == {*PLAIN, *WITH_RULE}
