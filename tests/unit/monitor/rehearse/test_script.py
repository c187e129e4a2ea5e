from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import BadInput
from monitor.rehearse.script.script import read_script
from tests.unit.monitor.rehearse.conftest import ReadScript

SCRIPTS = sorted((Path(__file__).parents[4] / "rehearsals").glob("*.toml"))
RELEASE = """
[[release]]
id = "birds"
title = "Birds"
producer = "agency"
url = "https://stats.example/birds"
slot = 2018-01-05T09:30:00
"""


def find_faults(script: ReadScript, text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        script(text)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_shipped_rehearsal_can_be_read_and_expects_something(path: Path) -> None:
    """A case is a script in the folder `rehearsals`."""
    assert read_script(path).expect


def test_times_are_local_to_the_script_unless_in_utc(script: ReadScript) -> None:
    read = script('title = "S"\nfrom = 2015-07-23T09:00:00\nuntil = 2015-07-23T10:00:00Z\n')
    # The time zone is Europe/London by default, where 09:00 in July is 08:00 UTC.
    assert read.begins == datetime(2015, 7, 23, 8, tzinfo=UTC)
    assert read.ends == datetime(2015, 7, 23, 10, tzinfo=UTC)


def test_time_with_a_foreign_offset_is_refused(script: ReadScript) -> None:
    with pytest.raises(BadInput):
        script('title = "S"\nfrom = 2015-07-23T09:00:00\nuntil = 2015-07-23T10:00:00+05:00\n')


def test_the_timezone_is_that_of_the_scripts_configuration(
    script: ReadScript, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('timezone = "Europe/Paris"\n')
    assert script('config = "config.toml"').begins == datetime(2018, 1, 5, 8, tzinfo=UTC)


def test_a_slot_can_be_a_time_a_day_or_text(script: ReadScript) -> None:
    slots = ("2018-01-05T09:30:00", "2018-01-05", '"January 2018"')
    read = [script(RELEASE.replace("2018-01-05T09:30:00", slot)).release[0].slot for slot in slots]
    assert read == [datetime(2018, 1, 5, 9, 30, tzinfo=UTC), date(2018, 1, 5), "January 2018"]


def test_body_file_and_latency_of_an_answer_are_read(script: ReadScript, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Birds</h1>")
    answer = '[[answer]]\nurl = "https://stats.example/birds"\nat = 2018-01-05T09:30:00\n'
    read = script(answer + 'body_file = "page.html"\nlatency = "20ms"\n')
    assert read.answer[0].content == b"<h1>Birds</h1>"
    assert read.answer[0].latency == timedelta(milliseconds=20)


def test_the_clock_of_the_monitor_can_be_slow(script: ReadScript) -> None:
    read = script('[[monitor]]\nat = 2018-01-05T09:29:00\nkind = "clock"\noffset = "-45s"\n')
    assert read.monitor[0].offset == timedelta(seconds=-45)


def test_expectation_records_which_keys_are_compared(script: ReadScript) -> None:
    (expect,) = script(RELEASE + '[[expect]]\nrelease = "birds"\nfindings = ["late"]\n').expect
    assert expect.model_fields_set == {"release", "findings"}


def test_expected_time_is_compared_as_json_text(script: ReadScript) -> None:
    """The results are JSON, in which a time is text.

    So a time that a script expects is read as such a text.
    """
    first_seen = "first_seen = { by = 2018-01-05T09:30:01 }\n"
    (expect,) = script(RELEASE + '[[expect]]\nrelease = "birds"\n' + first_seen).expect
    assert expect.first_seen == {"by": "2018-01-05T09:30:01.000Z"}


ON_GOV_UK = RELEASE.replace("stats.example", "www.gov.uk/government/statistics")
FAULTS = [
    ("seeds = 1", "script.toml: seeds: unknown key, did you mean seed? (got 1)"),
    ('seed = "x"', 'script.toml: seed: must be a whole number (got "x")'),
    ('config = "no.toml"', 'script.toml: config: no such file (got "no.toml")'),
    ("[[release]]\nid = 7", "script.toml: release[1].id: must be text in quotes (got 7)"),
    (RELEASE.replace("url", "ulr"), "script.toml: release[1].ulr: unknown key, did you mean url?"),
    (
        RELEASE + RELEASE,
        'script.toml: release[2].id: is there already, each needs its own (got "birds")',
    ),
    (
        RELEASE + 'recognise = "sight"',
        "script.toml: release[1].recognise: no recogniser of that name",
    ),
    (
        RELEASE + 'part = [{ id = "page", role = "data", url = "https://a.example/" }]',
        'script.toml: release[1].part[1].id: is there already, each needs its own (got "page")',
    ),
    (
        RELEASE + 'part = [{ id = "x", role = "sheet", url = "https://a.example/" }]',
        "script.toml: release[1].part[1].role: must be one of attachment, html, data, alternative",
    ),
    (
        '[[change]]\nrelease = "bird"\nat = 2018-01-05T09:00:00',
        "script.toml: change[1]: needs one of slot, state or go",
    ),
    (
        '[[change]]\nrelease = "bird"\nat = 2018-01-05T09:00:00\ngone = true',
        "change[1].release: no such release",
    ),
    (
        RELEASE + '[[change]]\nrelease = "bird"\nat = 2018-01-05T09:00:00\ngone = true',
        'change[1].release: no such release, did you mean birds? (got "bird")',
    ),
    ('[[answer]]\nurl = "stats.example"', "answer[1].url: not an address"),
    (
        '[[answer]]\nat = "noon"',
        'answer[1].at: not a date-time, write 2018-01-05T09:30:00 (got "noon")',
    ),
    ("[[answer]]\nstatus = 999", "answer[1].status: must be at most 599 (got 999)"),
    (
        '[[answer]]\nlatency = "20 ms"',
        'answer[1].latency: not a duration, write "20ms" (got "20 ms")',
    ),
    ('[[answer]]\nbody_file = "no.html"', 'answer[1].body_file: no such file (got "no.html")'),
    ('[[fault]]\nkind = "rset"', 'fault[1].kind: not known, did you mean reset? (got "rset")'),
    ('[[fault]]\nkind = "reset"', "fault[1]: needs either host or url"),
    (
        '[[fault]]\nkind = "reset"\nretry_after = "1s"',
        "fault[1].retry_after: only 429 and 503 can have it",
    ),
    (
        '[[fault]]\nkind = "503"\nage = "1h"',
        'fault[1].age: only mirror and stale can have it (got "1h")',
    ),
    (
        '[[fault]]\nkind = "stale"\nage = "old"',
        'fault[1].age: not a duration, write one such as "90s", "5m" or "2h" (got "old")',
    ),
    (
        RELEASE + 'announcement = "birds-2018"',
        "release[1].announcement: needs a page below https://www.gov.uk/government/",
    ),
    (
        RELEASE + 'redirect_after = "3s"',
        "release[1].redirect_after: needs a page below https://www.gov.uk/government/",
    ),
    (
        ON_GOV_UK + 'announcement = "/birds"',
        "release[1].announcement: not a slug: small letters and digits, joined by hy",
    ),
    (ON_GOV_UK + 'announcement_title = " "', "release[1].announcement_title: must not be empty"),
    (
        ON_GOV_UK + 'redirect_after = "nver"',
        'redirect_after: not a duration, write one such as "90s", "5m" or "2h", or "never" (got "nver")',
    ),
    (
        ON_GOV_UK + 'listed_after = "never"',
        'release[1].listed_after: not a duration, write one such as "90s", "5m" or "2h" (got "never")',
    ),
    (ON_GOV_UK + 'organisations = ["Fish"]', "release[1].organisations[1]: not a slug"),
    (
        "[[fault]]\nfrom = 2018-01-05T10:00:00\nuntil = 2018-01-05T09:00:00",
        "fault[1].until: is not after from (got 2018-01-05T09:00:00)",
    ),
    (
        "[[monitor]]\nkind = 'clock'\nat = 2018-01-05T09:00:00",
        "monitor[1].offset: a wrong clock needs an offset",
    ),
    (
        "[[monitor]]\nkind = 'start'\nat = 2018-01-05T09:00:00",
        "monitor[1].kind: the monitor is already running",
    ),
    ('[[expects]]\nverdict = "late"', "expects: unknown key, did you mean expect?"),
    ('[[expect]]\nverdict = "lat"', 'expect[1].verdict: not known, did you mean late? (got "lat")'),
    ('[[expect]]\nfindings = ["odd"]', "expect[1].findings[1]: no finding of that kind"),
    (
        '[[expect]]\ngrade = "none"',
        "expect[1].release: is required, except for notices, drafts and not_ready",
    ),
    (
        "[[expect]]\ndelay = { mim = 1 }",
        "expect[1].delay.mim: unknown key, did you mean min? (got 1)",
    ),
]


def test_script_describes_a_gov_uk_announcement(script: ReadScript) -> None:
    keys = 'announcement = "birds-2017"\nannouncement_title = "Gulls"\nlisted_after = "30s"\n'
    keys += 'redirect_after = "never"\norganisations = ["fish", "birds"]'
    release = script(ON_GOV_UK + keys).release[0]
    assert (release.announcement, release.announced_title) == ("birds-2017", "Gulls")
    assert release.producers == ("fish", "birds")
    assert (release.redirect_after, release.listed_after) == ("never", timedelta(seconds=30))


def test_gov_uk_announcement_is_like_its_release_by_default(script: ReadScript) -> None:
    """An announcement without a title and organisations of its own has those of its release."""
    release = script(ON_GOV_UK + 'redirect_after = "3s"').release[0]
    assert (release.announced_title, release.producers) == ("Birds", ("agency",))
    assert release.redirect_after == timedelta(seconds=3)


@pytest.mark.parametrize(("text", "line"), FAULTS, ids=[line for _, line in FAULTS])
def test_each_fault_names_its_key_reason_and_value(
    script: ReadScript, text: str, line: str
) -> None:
    """A case is a faulty part of a script, and the line that explains it."""
    assert any(line in fault for fault in find_faults(script, text)), find_faults(script, text)


def test_all_faults_are_reported_at_once(script: ReadScript) -> None:
    faults = find_faults(
        script, 'seeds = 1\n[[answer]]\nstatus = 999\n[[expect]]\nrelease = "unknown"\n'
    )
    # A script has no key `seeds`. The answer also lacks `url` and `at`.
    keys = [line.split(": ")[1] for line in faults]
    assert keys == [
        "answer[1].url",
        "answer[1].at",
        "answer[1].status",
        "seeds",
        "expect[1].release",
    ]


def test_two_simultaneous_answers_of_one_address_are_refused(script: ReadScript) -> None:
    answer = '[[answer]]\nurl = "https://a.example/"\nat = {}\n'
    # 10:00 at +01:00 is 09:00 in London in January.
    both = answer.format("2018-01-05T09:00:00") + answer.format("2018-01-05T10:00:00+01:00")
    assert find_faults(script, both) == [
        (
            "script.toml: answer[2].at: this address has another answer at the same time (got"
            " 2018-01-05T10:00:00+01:00)"
        )
    ]


def test_overlapping_faults_of_one_host_are_refused(script: ReadScript) -> None:
    fault = (
        '[[fault]]\nhost = "a.example"\nkind = "reset"\nfrom = 2018-01-05T{}:00\nuntil ='
        " 2018-01-05T{}:00\n"
    )
    first, following = fault.format("09:00", "09:10"), fault.format("09:10", "09:20")
    overlapping = fault.format("09:09", "09:20")
    assert len(script(first + following).fault) == 2
    (refusal,) = find_faults(script, first + overlapping)
    assert "fault[2].from: overlaps fault[1]" in refusal


def test_a_local_time_that_the_clocks_skip_is_refused(script: ReadScript) -> None:
    # On 25 March 2018 the clocks went from 01:00 to 02:00.
    faults = find_faults(
        script, '[[answer]]\nurl = "https://a.example/"\nat = 2018-03-25T01:30:00\n'
    )
    assert faults == [
        (
            "script.toml: answer[1].at: no such time in Europe/London, the clocks skip it (got"
            " 2018-03-25T01:30:00)"
        )
    ]


def test_a_local_time_that_comes_twice_needs_an_offset(script: ReadScript) -> None:
    # On 28 October 2018 the clocks went back from 02:00 to 01:00, so 01:30 came twice. Z says which
    # is meant.
    text = '[[answer]]\nurl = "https://a.example/"\nat = 2018-10-28T01:30:00{}\n'
    assert (
        "comes twice in Europe/London, write its offset" in find_faults(script, text.format(""))[0]
    )
    assert script(text.format("Z")).answer[0].at == datetime(2018, 10, 28, 1, 30, tzinfo=UTC)


def test_a_script_with_its_own_configuration_can_expect_other_releases(
    script: ReadScript, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("")
    assert script(
        'config = "config.toml"\n[[expect]]\nrelease = "of-the-config"\nverdict = "late"'
    ).expect
