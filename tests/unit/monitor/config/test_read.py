from __future__ import annotations

import os
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter
from pydantic_core import PydanticCustomError

from monitor.config.checks import recogniser_fault
from monitor.config.read import is_private, load, read_settings
from monitor.config.settings import Settings
from monitor.errors import BadInput
from schedules.values import (
    Rate,
    Secret,
    quote_value,
    read_duration,
    why_no_host,
    write_duration,
)

Read = Callable[[str], Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str) -> Settings:
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        return read_settings(tmp_path / "config.toml")

    return read


def list_faults(read: Read, text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        read(text)
    return [str(fault) for fault in refused.value.faults]


def test_an_empty_configuration_has_only_defaults(read: Read) -> None:
    settings = read("")
    assert settings == Settings()
    assert (settings.policy.on_time_within, settings.policy.note_within) == (
        timedelta(minutes=1),
        timedelta(minutes=5),
    )
    assert settings.web.listen == "127.0.0.1:9030"
    # Hosts of GOV.UK have a higher default rate than others.
    looks_a_second = {host: settings.rate(host) for host in ("www.gov.uk", "stats.example")}
    assert looks_a_second == {"www.gov.uk": 5.0, "stats.example": 2.0}


def test_a_configuration_with_many_kinds_of_tables_is_read(read: Read) -> None:
    settings = read("""
    timezone = "Europe/London"
    [store]
    url = "sqlite:///var/x.db"
    [policy]
    on_time_within = "90s"
    default_time = "07:00"
    [policy.producer.ofqual]
    note_within = "10m"
    [watch]
    near = { from = "30m", every = "10s" }
    [budget]
    default = "1/s"
    "stats.example" = "30/m"
    [[calendar]]
    name = "govuk"
    kind = "govuk"
    filters = { organisations = ["ofqual"] }
    [[producer]]
    id = "ofqual"
    name = "Ofqual"
    report = { form = "B" }
    [[part]]
    match = { producer = "ofqual" }
    id = "data"
    role = "data"
    url = "{url}/data.csv"
    [[channel]]
    name = "desk"
    kind = "folder"
    folder = "var/outbox"
    [[route]]
    match = { grade = "report" }
    channels = ["desk"]
    quiet = "22:00-07:00"
    """)
    assert settings.policy.default_time == time(7)
    assert settings.policy.producer["ofqual"].note_within == timedelta(minutes=10)
    assert (settings.watch.near.begins, settings.watch.near.every) == (
        timedelta(minutes=30),
        timedelta(seconds=10),
    )
    # 30 looks a minute are 0.5 a second. Any other host gets the default, 1 a second.
    assert (settings.rate("stats.example"), settings.rate("other.example")) == (0.5, 1.0)
    assert settings.route[0].quiet == (time(22), time(7))
    assert {table.id: table.report.form for table in settings.producer}["ofqual"] == "B"


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b'\xef\xbb\xbftimezone = "Europe/London"\n')
    assert load(tmp_path / "c.toml") == {"timezone": "Europe/London"}


def test_faults_between_tables_are_reported_together_with_faults_within_them(read: Read) -> None:
    # Within its table, only the duration is wrong: it has a space. The repeated name of a channel,
    # and a route to a channel that does not exist, show only when tables are compared.
    faults = list_faults(
        read,
        """
    [policy]
    on_time_within = "90 s"
    [[channel]]
    name = "desk"
    kind = "folder"
    folder = "x"
    [[channel]]
    name = "desk"
    kind = "folder"
    folder = "y"
    [[route]]
    channels = ["dsk"]
    """,
    )
    assert faults == [
        'config.toml: policy.on_time_within: not a duration, write "90s" (got "90 s")',
        'config.toml: channel[2].name: is there already, each needs its own (got "desk")',
        'config.toml: route[1].channels: no channel of that name, did you mean desk? (got "dsk")',
    ]


def test_a_wrong_value_is_reported_only_once(read: Read) -> None:
    # The type of `file` is wrong. No further fault may follow from that.
    faults = list_faults(read, '[[calendar]]\nname = "x"\nkind = "toml"\nfile = 7\n')
    assert faults == ["config.toml: calendar[1].file: must be text in quotes (got 7)"]


@pytest.mark.parametrize(
    ("path", "may_be_secret"),
    [
        (["store", "password"], True),
        (["store", "passwort"], True),
        (["web", "link_key"], True),
        (["channel", 0, "url"], True),
        (["channel", 0, "anything"], True),
        (["channel", 0, "password", "value"], True),
        (["channel", 0, "name"], False),
        (["channel", 0, "to", 0], False),
        (["evidence", "keep_days"], False),
        (["producer", 0, "press_keywords"], False),
        (["watch", "near", "every"], False),
    ],
)
def test_only_a_value_that_may_be_a_secret_is_private(
    path: list[str | int], *, may_be_secret: bool
) -> None:
    """Messages do not quote a private value.

    A case is the path to one: ["channel", 0] is the first channel.
    """
    assert is_private(path) is may_be_secret


@given(some.text(min_size=1).filter(str.isprintable))
def test_users_and_passwords_are_removed_from_quoted_addresses(secret: str) -> None:
    quoted = quote_value(f"postgresql://{secret}:{secret}@db.example/name")
    assert quoted == '"postgresql://...@db.example/name"'


def test_quoted_values_are_cut_and_tables_not_quoted() -> None:
    """A fault quotes the wrong value. A table could contain a secret, so only its kind is named."""
    assert len(quote_value("x" * 1000)) == 80
    assert quote_value({"password": "hunter2"}) == "a table"
    assert quote_value([{"password": "hunter2"}]) == "a list of tables"


@given(some.integers(1, 10_000), some.sampled_from("smh"))
def test_a_rate_reads_back_as_it_was_written(number: int, unit: str) -> None:
    rates = TypeAdapter(Rate)
    rate = rates.validate_python(f"{number}/{unit}")
    assert rates.validate_python(rates.dump_python(rate)) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("www.gov.uk", None),
        ("10.1.2.3", None),
        ("[::1]", None),
        ("https://www.gov.uk/a", '"www.gov.uk"'),
        ("10.1.2.3:443", '"10.1.2.3", and its port at the key port'),
        ("[::1]:443", '"[::1]", and its port at the key port'),
        ("..", '"www.gov.uk"'),
        ("[::1", '"www.gov.uk"'),
    ],
)
def test_what_is_no_host_names_the_one_that_is_meant(text: str, meant: str | None) -> None:
    assert why_no_host(text) == ("" if meant is None else f"not a host, write {meant}")


@given(some.integers(0, 10_000_000))
def test_a_duration_reads_back_as_it_was_written(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert read_duration(write_duration(length)) == length


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(days=2), "2d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=61), "61s"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(), "0ms"),
    ],
)
def test_a_duration_is_written_in_its_largest_unit(length: timedelta, written: str) -> None:
    assert write_duration(length) == written


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("1 minute", "1m"),
        ("90", "90s"),
        (600, "600s"),
        ("1h 30m", "90m"),
        ("5mins", "5m"),
        ("20 ms", "20ms"),
        ("14 days", "14d"),
        ("0.0001", "1ms"),
        ("1:30", "90s"),
        ("1:00:00", "1h"),
    ],
)
def test_faulty_duration_names_the_right_value_if_its_unit_is_known(
    typed: object, suggested: str
) -> None:
    with pytest.raises(PydanticCustomError, match=f'^not a duration, write "{suggested}"$'):
        read_duration(typed)


@pytest.mark.parametrize("typed", ["1 month", "1,5h", "soon", "", 0])
def test_faulty_duration_that_is_not_understood_gets_examples(typed: object) -> None:
    with pytest.raises(PydanticCustomError, match="write one such as"):
        read_duration(typed)


def test_a_secret_is_found_in_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    assert Secret(file=str(tmp_path / "secret")).reveal() == "hunter2"
    variable = "PATH"  # every environment has it
    assert Secret(env=variable).reveal() == os.environ[variable]
    assert Secret(env=variable).why_missing() is None


def test_a_relative_secret_file_starts_at_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    (tmp_path / "config.toml").write_text('[web]\ntoken = { file = "token" }\n')
    token = read_settings(tmp_path / "config.toml").web.token
    assert token.reveal() == "hunter2"


def test_missing_secret_is_named_by_its_place_and_empty(tmp_path: Path) -> None:
    assert (
        Secret(env="NINETHIRTY_TEST_NONE").why_missing()
        == "the environment has no NINETHIRTY_TEST_NONE"
    )
    assert Secret(file=str(tmp_path / "none")).why_missing() == f"no file {tmp_path}/none"
    assert (
        Secret(env="NINETHIRTY_TEST_NONE").reveal()
        == Secret(file=str(tmp_path / "none")).reveal()
        == ""
    )


@pytest.mark.parametrize(
    "name", ["status", "govuk", "titled", "period", "text:Births", "css:h1", "link:/x"]
)
def test_a_documented_recogniser_is_accepted(name: str) -> None:
    """A recogniser says what shows that a page is out. `text:Births` is the text "Births" on it."""
    assert recogniser_fault(name) is None


@pytest.mark.parametrize("name", ["statuss", "text:", "text", "status:200", ""])
def test_unknown_recogniser_or_wrong_argument_is_refused(name: str) -> None:
    """`text` needs an argument after a colon, and `status` takes none.

    A fault is a text that is not empty.
    """
    assert recogniser_fault(name)


@pytest.mark.parametrize("key", ["public_url", "base_url"])
def test_address_of_the_pages_has_two_names(read: Read, key: str) -> None:
    settings = read(f'[web]\n{key} = "https://stats.example.gov.uk"\n')
    assert settings.web.public_url == "https://stats.example.gov.uk"
