"""Commands on the filled store, by the case files in `command_cases`.

`as` is the user: `head` may sign. `line` is another line of the users file. `config` is added to
the configuration, `replaced` is replaced in it, and `files` are written beside it. With `good` it is
one that `check` finds in order. `do` is a
transcript. Besides commands of ninethirty it may have `write FILE TEXT` and those of `TOOLS`. Other keys are texts that
`$KEY` stands for.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from monitor.web.local_socket import own_name
from monitor.web.users import OPERATOR
from tests.unit.monitor.cli.conftest import (
    HEAD,
    INCIDENT,
    RunCli,
    append_config,
    configure_well,
    list_as,
    opened_store,
    replace_in_config,
)
from tests.worlds.case_files import FileCase, read_cases
from tests.worlds.transcripts import Reply, Transcript

CASES = read_cases(Path(__file__).parent / "command_cases")
WORDS = {"good", "as", "line", "config", "replaced", "files", "do"}
LINES = {"head": f'hope:system = "{{user}}":{HEAD}:head'}


def list_files(place: str) -> str:
    files = sorted(one for one in Path(place).rglob("*") if one.is_file())
    return "\n".join(str(one.relative_to(place)) for one in files)


def list_archive(file: str) -> str:
    with ZipFile(file) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
        return "\n".join([", ".join(archive.namelist()), *texts])


def list_acts(place: str) -> str:
    """Return who did what to an incident, in which role: of the store in the place's folder."""
    with opened_store(Path(place).parent) as store:
        acts = store.verdicts.acts(Path(place).name)
    return "\n".join(f"{act.account}, {act.role}, {act.what}" for act in acts)


TOOLS: Mapping[str, Callable[[str], str]] = {
    "cat": lambda file: Path(file).read_text(encoding="utf-8"),
    "begin": lambda file: Path(file).read_bytes()[:2].decode(),
    "ls": list_files,
    "zip": list_archive,
    "acts": list_acts,
}
"""Commands with the path of a file or a folder: its content, its first two bytes, names of files,
the names and contents of an archive, and `acts FOLDER/INCIDENT`.
"""


def prepare_folder(folder: Path, facts: Mapping[str, Any], transcript: Transcript) -> None:
    """Write the files of a case, and change the configuration as it says."""
    if facts.get("good"):
        configure_well(folder)
    for name, content in facts.get("files", {}).items():
        (folder / name).write_text(transcript.insert_known(content), encoding="utf-8")
    for old, new in facts.get("replaced", {}).items():
        replace_in_config(folder, transcript.insert_known(old), transcript.insert_known(new))
    append_config(folder, transcript.insert_known(facts.get("config", "")))
    line = facts.get("line", LINES.get(facts.get("as", "")))
    if line is not None:
        list_as(folder, line)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_commands_do_as_the_case_says(case: FileCase, run_cli: RunCli, folder: Path) -> None:
    known = {"FOLDER": str(folder), "INCIDENT": INCIDENT, "OPERATOR": OPERATOR, "ME": own_name()}
    for name in case.facts.keys() - WORDS:
        known[name] = case.facts[name].replace("$INCIDENT", INCIDENT)
    transcript = Transcript(0, known)
    prepare_folder(folder, case.facts, transcript)

    def send(command: str) -> Reply:
        verb, *words = shlex.split(command)
        if verb == "write":
            Path(words[0]).write_text(words[1], encoding="utf-8")
            return Reply(0, "")
        if verb in TOOLS:
            return Reply(0, TOOLS[verb](*words))
        result = run_cli(verb, *words)
        return Reply(result.status, result.out, result.err)

    differences = list(transcript.play(case.facts["do"], send))
    assert not differences, "\n".join([case.where, *differences])
