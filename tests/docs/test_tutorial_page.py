"""The tutorial, walked as it is written: every command of it but those that serve until they are
stopped.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.main import status_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_who_walks_the_tutorial_ends_with_a_signed_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "tutorial.toml").write_text(config, encoding="utf-8")
    commands = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]
    told: list[tuple[list[str], int, str]] = []
    for line in commands:
        name, *words = shlex.split(line)
        assert name == "ninethirty"
        if words[0] == "demo":
            continue
        # The first, which plays for a minute, as a process of its own: to start one for each takes
        # a second more.
        if not told:
            told.append((words, *in_a_process(words, tmp_path)))
            continue
        with contextlib.chdir(tmp_path):
            status = status_of(words)
        told.append((words, status, "".join(capsys.readouterr())))
    wrong = [(words, said) for words, status, said in told if status]
    ((refused, said),) = wrong
    assert refused[2:4] == ["incident", "sign"]
    assert "4 things to resolve first" in said
    report = next((tmp_path / "signed").glob("*-2017-03-20/report.md")).read_text(encoding="utf-8")
    assert "020 7946 0000" in report
    assert "to be completed" not in report


def in_a_process(words: list[str], folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "monitor", *words]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    return done.returncode, done.stdout + done.stderr
