"""The workflows of the public host: a fast lint job, the tests, and the release of a tag that
passed them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
RELEASE = ROOT / ".github" / "workflows" / "release.yaml"


def read(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def ran(step: str, tag: str, folder: Path) -> subprocess.CompletedProcess[str]:
    commands = {
        one["name"]: one["run"] for one in read(RELEASE)["jobs"]["publish"]["steps"] if "run" in one
    }
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", commands[step]]
    return subprocess.run(
        shell, check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(file: Path) -> None:
    used = re.findall(r"uses: (?!\./)(.+)", file.read_text(encoding="utf-8"))
    assert used
    assert [
        one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    ] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_job_has_an_end_and_may_only_read_unless_it_says_more(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert [
        name
        for name, job in workflow["jobs"].items()
        if "uses" not in job and "timeout-minutes" not in job
    ] == []


def test_lint_does_not_wait_for_the_tests() -> None:
    jobs = read(ROOT / ".github/workflows/test.yaml")["jobs"]
    assert "needs" not in jobs["lint"]
    assert jobs["lint"]["timeout-minutes"] < jobs["test"]["timeout-minutes"]
    assert jobs["lint"]["steps"][-1]["run"] == "make lint"


def test_a_release_waits_for_all_tests() -> None:
    jobs = read(RELEASE)["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yaml"
    assert jobs["publish"]["needs"] == "test"


def test_what_is_released_is_made_by_targets_of_the_makefile_and_signed_before_it_is_published() -> (
    None
):
    steps = read(RELEASE)["jobs"]["publish"]["steps"]
    targets = {
        one
        for step in steps
        for line in re.findall(r"make ([a-z ]+)", step.get("run", ""))
        for one in line.split()
    }
    assert targets == {"dist", "sbom", "image"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{one}:" in makefile for one in targets)
    signed, published = (
        next(place for place, step in enumerate(steps) if word in str(step))
        for word in ("attest", "gh release create")
    )
    assert signed < published


def test_the_notes_of_a_release_are_its_section_of_the_changelog(tmp_path: Path) -> None:
    step = ran("Take the notes from the change log", f"v{__version__}", tmp_path)
    notes = (tmp_path / "var/notes.md").read_text(encoding="utf-8")
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (step.returncode, "\n## " in notes) == (0, False)
    assert f"\n## {__version__}\n{notes}" in log
    assert ran("Take the notes from the change log", "v0.0.0", tmp_path).returncode == 1


def test_a_tag_of_another_version_is_not_released(tmp_path: Path) -> None:
    step = "Check that the tag names this version"
    assert ran(step, f"v{__version__}", tmp_path).returncode == 0
    assert ran(step, "v0.0.0", tmp_path).returncode == 1
