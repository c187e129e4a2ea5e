"""The tutorial, walked as it is written: every command of it but those that serve until they are stopped."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def test_who_walks_the_tutorial_ends_with_a_signed_report(tmp_path: Path) -> None:
    (config,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "tutorial.toml").write_text(config, encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    told: list[tuple[list[str], int, str]] = []
    for line in commands:
        name, *words = shlex.split(line)
        assert name == "ninethirty"
        if words[0] == "demo":
            continue
        command = [sys.executable, "-m", "monitor", *words]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        told.append((words, done.returncode, done.stdout + done.stderr))
    wrong = [(words, said) for words, status, said in told if status]
    ((refused, said),) = wrong
    assert refused[2:4] == ["incident", "sign"]
    assert "4 in the way" in said
    report = next((tmp_path / "signed").glob("*-2017-03-20.md")).read_text(encoding="utf-8")
    assert "020 7946 0000" in report
    assert "to be completed" not in report
