from __future__ import annotations

import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from monitor.cli.main import VERBS, cli, status_of
from tests.unit.monitor.cli.conftest import RunCli, append_config, replace_in_config


def commands(
    group: click.Group, context: click.Context, path: str = ""
) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, context, f"{path}{name} ")


COMMANDS = dict(commands(cli, click.Context(cli)))
"""Every verb and each command below it, by what people type for it."""
EXAMPLES = [
    (command.help or "").partition("Example: ninethirty ")[2] for command in COMMANDS.values()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example_of_it(command: str) -> None:
    _, _, example = (COMMANDS[command].help or "").partition("Example: ninethirty ")
    verb, *_ = command.split()
    assert verb in example.split()


@pytest.mark.parametrize(
    "command", [name for name, one in COMMANDS.items() if not isinstance(one, click.Group)]
)
def test_every_command_except_run_has_json(command: str) -> None:
    """A case is a command that has no further commands below it, such as `today`."""
    options = {option for param in COMMANDS[command].params for option in param.opts}
    assert ("--json" in options) == (command != "run")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_in_the_help_uses_existing_options(example: str) -> None:
    """A case is the example in the help of one command."""
    used = {word for word in example.split() if word.startswith("--")}
    existing = {
        option for command in COMMANDS.values() for param in command.params for option in param.opts
    }
    assert used <= {*existing, "--config"}


def test_help_does_not_import_the_slow_libraries() -> None:
    code = (
        "import sys; from monitor.cli.main import status_of; status_of(['--help']);"
        " print(*sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    imported = set(printed.splitlines()[-1].split())
    assert "click" in imported
    assert imported.isdisjoint({"pydantic", "sqlalchemy", "httpx", "alembic", "lxml"})


def test_an_unknown_verb_is_answered_with_the_nearest(run_cli: RunCli) -> None:
    result = run_cli("tody")
    assert (result.status, result.err) == (
        2,
        'ninethirty: no verb "tody", did you mean "today"? (see ninethirty --help)\n',
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "today --date 2018-13-01",
        "today --dat 2018-01-05",
        "explain",
        "explain births-2016 --at soon",
        "report period --from 2018-02-01 --to 2018-01-01",
        "backfill home-office --from 2018-01-02 --to 2018-01-01",
        "calendar parse tml x",
        "calendar parse html x --option rows",
        "calendar parse html x --option rowz=tr",
        "calendar date soon --timezone Europe/Londinium",
        "probe stats.example",
        "probe https://stats.example/ --as statuss",
        "rehearse x.toml --speed 0",
        "rehearse x.toml --speed nan",
        "rehearse x.toml --speed inf",
        "today --date 9999-12-31",
        "plan --date 0001-01-01",
        "replay --from 0001-01-01 --to 9999-12-31",
        "explain births --at 0001-01-01T00:00:00Z",
    ],
)
def test_a_usage_error_is_one_line_with_status_2(run_cli: RunCli, arguments: str) -> None:
    """A case has a wrong date (`today --date 2018-13-01`), option, address or number, or lacks an
    argument.
    """
    result = run_cli(*shlex.split(arguments))
    assert (result.status, result.out, len(result.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("verb", ["today", "plan", "run", "once", "replay", "export"])
def test_an_absent_configuration_is_reported_in_one_line(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case is a verb that reads the configuration, such as `plan`."""
    assert status_of(["--config", "nowhere/config.toml", verb]) == 1
    fault = "cannot be read: No such file or directory: write one with `ninethirty init`"
    assert capsys.readouterr().err == f"nowhere/config.toml: {fault}\n"


@pytest.mark.parametrize("command", ["check", "calendar read mine", "silence list", "plan"])
def test_config_after_the_verb_replaces_the_one_before_it(folder: Path, command: str) -> None:
    """A case is a command that needs a configuration.

    There is no file nowhere.toml, so only the other one works.
    """
    verb, *rest = command.split()
    config = ("--config", str(folder / "config.toml"))
    assert status_of(["--config", "nowhere.toml", verb, *rest]) == 1
    assert status_of(["--config", "nowhere.toml", verb, *rest, *config]) == 0
    assert status_of(["--config", "nowhere.toml", verb, *config, *rest]) == 0


INCIDENT_MEANT = 'no incident "births-2016-2018", did you mean "births-2016-2018-01-05"?'
INCIDENT_VERBS = ("show", "draft", "sign", "close")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        # verbs
        ("start", 'did you mean "run"?'),
        ("validate", 'did you mean "check"?'),
        ("ack births-2016-2018-01-05", 'did you mean "incident note"?'),
        ("releases", 'did you mean "today"?'),
        ("help", 'did you mean "--help"?'),
        ("config", 'did you mean "check"?'),
        ("version", 'did you mean "--version"?'),
        ("-v", 'Did you mean "--version"?'),
        ("explain --at", "Option '--at' requires an argument. (see ninethirty VERB --help)"),
        ("run --port 8080", 'Did you mean "[web] listen"?'),
        ("check other.toml", "name a configuration as --config FILE"),
        ("report --from 1/1/2018", "Write it after one of period"),
        ("explain Births 2016", "put several words into quotes"),
        ("incident acknowledge births-2016-2018-01-05", 'Did you mean "incident note"?'),
        ("incident fix", "Write one of list, show, action, "),
        ("explain", "RELEASE"),
        # names
        (
            'explain "birth statistics"',
            'no release "birth statistics", did you mean "births-2016"?',
        ),
        ('explain "Births 2016"', 'did you mean "births-2016"?'),
        ("explain BIRTHS", 'did you mean "births-2016"?'),
        ('calendar history "births 2016"', 'did you mean "births-2016"?'),
        ("calendar read Mine", 'did you mean "mine"?'),
        ("channel test Desk", 'did you mean "desk"?'),
        ("channel test Teams", 'no channel "Teams", write one of desk'),
        ("incident show births-2016", 'did you mean "births-2016-2018-01-05"?'),
        ("today --producer onss", 'no producer "onss", did you mean "ons"?'),
        ("plan --producer onss", 'did you mean "ons"?'),
        ("incident list --producer onss", 'did you mean "ons"?'),
        ("silence add --producer ONS --for 2h --reason x", 'did you mean "ons"?'),
        ('backfill "Home Office" --from 1/1/2026 --to 2/1/2026', 'did you mean "home-office"?'),
        ('backfill "Home Offce" --from 1/1/2026 --to 2/1/2026', 'did you mean "home-office"?'),
        ("calendar read mind", 'no calendar "mind", did you mean "mine"?'),
        ("channel test disk", 'no channel "disk", did you mean "desk"?'),
        (
            "report period --from 1/1/2018 --to 31/1/2018 --host stat.example",
            'no host "stat.example", did you mean "stats.example"?',
        ),
        (
            "report period --from 1/1/2018 --to 31/1/2018 --producer onz",
            'no producer "onz", did you mean "ons"?',
        ),
        *((f"incident {verb} births-2016-2018", INCIDENT_MEANT) for verb in INCIDENT_VERBS),
        ("incident export births-2016-2018 x.zip", INCIDENT_MEANT),
        ("rehearse ofqual-2018", 'no rehearsal "ofqual-2018", did you mean "ofqual-2018-01"?'),
        ("rehearse nothere.toml", "write one of ipcc-2015, "),
        # days, times and lengths
        ("today 25/11/2026", "write a day as --date DAY"),
        ("plan friday", "write a day as --date DAY"),
        ("today --dat friday", "--date"),
        ('today --date "next week"', 'write "26/11/2026", "26 Nov" or "friday"'),
        ("today --date 12/13/2026", 'write "26/11/2026", "26 Nov" or "friday"'),
        ("today --date 9.30am", 'write "26/11/2026", "26 Nov" or "friday"'),
        ('explain births-2016 --at "half nine"', '"26/11/2026 9:31"'),
        ('silence add --producer ons --for "2 hours" --reason x', 'two hours are "2h"'),
        ("silence add --producer ons --reason x", "--for 2h, or --until"),
        ("report period --from 1/2/2018 --to 1/1/2018", "--to"),
        ("backfill DfT --from 1/1/2026 --to 2/1/2026", 'did you mean "department-for-transport"?'),
        # values of other options
        ("calendar parse tml x", "toml"),
        ("calendar date soon --timezone London", "Europe/London"),
        ("probe www.gov.uk", "https://"),
        ("probe https://stats.example/ --as statuss", "status"),
        ("probe https://stats.example/ --as words:x", "write one of changed, "),
        ("export --format xlsx", "parquet"),
        ("export --output verdicts.xlsx", "write .csv, .json, "),
        ("export --from 2/1/2018 --to 1/1/2018", "is before --from 2018-01-02"),
        ("incident draft births-2016-2018-01-05 --output report.doc", "write .md, .html, .docx"),
        ("incident draft births-2016-2018-01-05 --field Z.9 --text x", "--fields`"),
        ("incident draft births-2016-2018-01-05 --format pdff", "docx"),
        # files, and the running monitor
        ("--config . today", "give a file, not a folder"),
        ("export --output nothere/verdicts.csv", "make its folder first"),
        ("incident draft births-2016-2018-01-05 --output .", "give a file, not a folder"),
        ("demo --kept nothere", "leave out --kept to play it"),
        ("reload", "start it with `ninethirty run`"),
        ("status", "start it with `ninethirty run`"),
    ],
)
def test_a_plausible_mistake_is_answered_with_a_remedy(
    run_cli: RunCli, arguments: str, remedy: str
) -> None:
    """A case is what a person could type, such as `ninethirty start`, and a part of the answer,
    which is one line.
    """
    answer = run_cli(*shlex.split(arguments))
    assert (answer.status != 0, answer.err.count("\n")) == (True, 1)
    assert remedy in answer.err


def test_help_lists_every_verb_in_one_section(run_cli: RunCli) -> None:
    screen = run_cli("--help").out
    widest = max(map(len, VERBS))
    assert all(screen.count(f"\n  {verb.ljust(widest)}  ") == 1 for verb in VERBS)


def test_help_explains_the_exit_statuses(run_cli: RunCli) -> None:
    assert "0 done; 1 the answer is no; 2 wrong usage; 3 environment error" in run_cli("--help").out


@pytest.mark.parametrize("verb", ["today", "plan", "incident list", "replay", "store check"])
def test_store_file_that_is_no_database_is_an_environment_error(
    run_cli: RunCli, folder: Path, verb: str
) -> None:
    """A case is a verb that reads the store, such as `replay`."""
    (folder / "store.db").write_text("this is no database, whatever its name says\n" * 100)
    result = run_cli(*verb.split())
    assert (result.status, result.out) == (3, "")
    assert "the file is not a database, or damaged: stop, move it" in result.err.splitlines()[0]


def test_store_without_a_possible_folder_is_an_environment_error(
    run_cli: RunCli, folder: Path
) -> None:
    (folder / "file").write_text("")
    # A folder of this name cannot be created, because the file has it.
    replace_in_config(folder, "store.db", "file/store.db")
    result = run_cli("today")
    assert (result.status, len(result.err.splitlines())) == (3, 1)


def test_fault_of_an_unknown_store_kind_hides_its_password(run_cli: RunCli, folder: Path) -> None:
    (folder / "config.toml").write_text('[store]\nurl = "mysql://anna:hunter2@db.example/n"\n')
    result = run_cli("today")
    assert (result.status, "hunter2" in result.err, len(result.err.splitlines())) == (1, False, 1)


def test_a_port_in_use_is_an_environment_error(run_cli: RunCli, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        append_config(folder, f'[web]\nlisten = "{address}"\n')
        result = run_cli("run")
    assert (result.status, result.err) == (
        3,
        f"cannot listen on {address}: Address already in use: free it, or choose another port\n",
    )


def test_an_interrupted_verb_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert status_of([], interrupted) == 128 + signal.SIGINT
    assert capsys.readouterr().err.split() == ["interrupted"]


def test_an_unwritable_file_is_an_environment_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    @click.command()
    def writes() -> None:
        (tmp_path / "none" / "file").write_text("x")

    assert status_of([], writes) == 3
    assert capsys.readouterr().err == f"{tmp_path}/none/file: No such file or directory\n"
