"""Every small wrong file of this folder, and the exact lines a person is told about it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from monitor.cli.main import status_of

HERE = Path(__file__).parent
MESSAGES = tomllib.loads((HERE / "messages.toml").read_text(encoding="utf-8"))
FILES = sorted(
    str(path.relative_to(HERE))
    for folder in ("config", "script", "calendar")
    for path in (HERE / folder).iterdir()
)


def asked(file: Path) -> list[str]:
    verbs = {
        "config": ["--config", str(file), "check"],
        "script": ["rehearse", str(file)],
        "calendar": ["calendar", "parse", file.suffix[1:], str(file)],
    }
    return verbs[file.parent.name]


@pytest.mark.parametrize("file", FILES)
def test_every_fault_of_a_file_is_reported_at_once_with_key_reason_and_value(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(asked(HERE / file)) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{Path(file).name}: {line}" for line in MESSAGES[file]
    ]


def test_every_message_has_its_file() -> None:
    assert sorted(MESSAGES) == FILES


def test_no_message_holds_the_secret_that_the_files_hold() -> None:
    secret = "hunter2"
    assert any(secret in (HERE / file).read_text(encoding="latin-1") for file in FILES)
    assert not any(secret in line for lines in MESSAGES.values() for line in lines)


def test_a_missing_configuration_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.toml"
    assert status_of(["--config", str(file), "check"]) == 1
    remedy = "write one with `ninethirty init`"
    assert (
        capsys.readouterr().err == f"{file}: cannot be read: No such file or directory: {remedy}\n"
    )
