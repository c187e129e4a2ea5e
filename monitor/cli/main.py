"""`ninethirty VERB …`: finds the verb, and prints each of our errors as one line with an exit
status.
"""

from __future__ import annotations

import difflib
import importlib
import os
import select
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import chain
from pathlib import Path
from typing import Any, TextIO, cast

import click
from click.shell_completion import CompletionItem

from monitor import __version__
from monitor.cli.common import PATH, Context
from monitor.errors import NinethirtyError, exit_status

_SECTIONS = {
    "Every day": {
        "today": "show the releases of a day and their verdicts",
        "ready": "show what is not ready for the next slots, and what to do",
        "explain": "show a verdict with every fact behind it",
        "plan": "show what will be looked at, when, and whether the budgets allow it",
        "probe": "look once at one address and show what the answer proves",
        "incident": "list, log, draft, sign and close incidents",
        "silence": "mute messages about a release, producer or incident for a while",
    },
    "Set up": {
        "init": "write a first configuration",
        "check": "check configuration, store, templates and channels",
        "calendar": "read, parse and compare calendars; show the history of a release",
        "channel": "send a test notice",
        "user": "make a line for the users file, so that someone can sign in",
        "run": "run the monitor: watch, record, notify, serve",
        "reload": "make the running monitor read its configuration again",
    },
    "Prove and report": {
        "replay": "judge all releases again and compare with the stored verdicts",
        "report": "report what was late, early or unproven in a period",
        "export": "export verdicts as open data",
        "backfill": "store what the public record claims about a past period",
    },
    "Practise": {
        "demo": "open the board on five historical incidents",
        "rehearse": "play a script through the real monitor",
    },
    "Maintain": {
        "status": "show the health of the running monitor",
        "store": "upgrade, check, back up, restore or copy the store",
        "once": "read calendars, look once at all due releases, print verdicts and stop",
    },
}
VERBS = dict(chain.from_iterable(verbs.items() for verbs in _SECTIONS.values()))
_OTHER_NAMES = {
    "start": "run",
    "serve": "run",
    "validate": "check",
    "test": "channel test",
    "ack": "incident note",
    "acknowledge": "incident note",
    "releases": "today",
    "show": "explain",
    "why": "explain",
    "mute": "silence add",
    "backup": "store backup",
    "help": "--help",
    "config": "check",
    "version": "--version",
    "-v": "--version",
    "-V": "--version",
    "--port": "[web] listen",
}
"""Words and options that people write, and the verb, option or key of the configuration that they
mean.
"""
_GONE = {"--by": " Leave it out: your account decides your role, see docs/how-to/sign-in.md"}
"""Options of 1.0.0rc1, and what replaced them."""
_INTERRUPTED = 130
"""The exit status that shells expect after an interrupt."""


class Verbs(click.Group):
    """The verbs of the program.

    A verb's module is imported only when it is used, so that `--help` is quick.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's own signature
        """Return every verb in the order of the help page."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb with this name.

        For an unknown name, fail with wrong usage and suggest the nearest verb.
        """
        if cmd_name not in VERBS:
            if ctx.resilient_parsing:
                return None  # a shell completes words
            similar = difflib.get_close_matches(cmd_name, VERBS, n=1)
            meant = _OTHER_NAMES.get(cmd_name) or "".join(similar)
            ctx.fail(f'no verb "{cmd_name}"' + (f', did you mean "{meant}"?' if meant else ""))
        command: click.Command = importlib.import_module(f"monitor.cli.{cmd_name}").command
        _accept_config(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin with `incomplete`, without importing them; for options, what
        click returns.
        """
        verbs = [
            CompletionItem(verb, help=does)
            for verb, does in VERBS.items()
            if verb.startswith(incomplete)
        ]
        return verbs or click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb. A reader that closes the pipe early, as `head` does, is not an error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            output = select.poll()
            # With no events requested, poll reports only that the reader of the pipe has closed it.
            output.register(sys.stdout.fileno(), 0)
            if not output.poll(0):
                raise
            # The interpreter flushes standard output when it ends, and would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ctx.exit(0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # as above
        """List the verbs by section, without importing them."""
        widest = max(map(len, VERBS))
        for title, verbs in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.ljust(widest), does) for verb, does in verbs.items()])


def _accept_config(command: click.Command) -> None:
    """Add the option `--config` to a verb and each verb below it, so that it can also follow the
    verb.
    """
    if not any(option.name == "config" for option in command.params):
        add_option = click.option(
            "--config",
            metavar="FILE",
            type=PATH,
            expose_value=False,
            callback=_replace_config,
            help="Configuration; may also stand before the verb.",
        )
        add_option(command)
    for inner in getattr(command, "commands", {}).values():
        _accept_config(inner)


def _replace_config(ctx: click.Context, _param: click.Parameter, config: Path | None) -> None:
    """Use a configuration given after the verb in place of the one given before it, for completion
    too.
    """
    if config is not None:
        ctx.ensure_object(Context).path = config
        ctx.find_root().params["config"] = config


@click.command(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--config",
    "config",
    metavar="FILE",
    type=PATH,
    envvar="NINETHIRTY_CONFIG",
    default="config.toml",
    help="Configuration; default $NINETHIRTY_CONFIG, else ./config.toml.",
)
@click.option(
    "--url",
    metavar="ADDRESS",
    envvar="NINETHIRTY_URL",
    default="",
    help=(
        "A monitor on another machine for what people do and read, with the token in"
        " $NINETHIRTY_TOKEN. Write it before the verb; default $NINETHIRTY_URL."
    ),
)
@click.version_option(__version__, prog_name="ninethirty")
@click.pass_context
def cli(ctx: click.Context, config: Path, url: str) -> None:
    """Prove when official statistics were published, and draft the report when one is late or
    early.

    Begin with `ninethirty init`, which writes a configuration, or try `ninethirty demo`.

    Exit status: 0 done; 1 the answer is no; 2 wrong usage; 3 environment error.

    Example: ninethirty --config config.toml today
    """
    # Only the service account may read the files that the program writes.
    os.umask(0o077)
    context = ctx.ensure_object(Context)
    context.path, context.url = config, url
    # None: click colours only what goes to a terminal.
    ctx.color = False if os.environ.get("NO_COLOR") else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program. Ends the process with its exit status."""
    sys.exit(status_of(arguments))


def status_of(arguments: Sequence[str] | None, program: click.Command = cli) -> int:
    """Run the program and return its exit status. Each fault is one line on standard error."""
    context = Context()
    output, errors = (_RedactingStream(each, context) for each in (sys.stdout, sys.stderr))
    with redirect_stdout(cast("TextIO", output)), redirect_stderr(cast("TextIO", errors)):
        try:
            program.main(args=arguments, prog_name="ninethirty", standalone_mode=False, obj=context)
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 0
        except click.ClickException as fault:
            return _print_usage_fault(fault)
        except click.Abort:
            return _print_fault("interrupted", _INTERRUPTED)
        except NinethirtyError as fault:
            return _print_fault(str(fault), exit_status(fault))
        except OSError as fault:
            # A file that the user named cannot be read or written.
            return _print_fault(f"{fault.filename or 'system'}: {fault.strerror or fault}", 3)
    return 0


class _RedactingStream:
    """A stream that removes the secrets of the configuration, once it is read. Each line must be
    written in one piece.
    """

    def __init__(self, stream: TextIO, context: Context) -> None:
        self._stream = stream
        self._context = context

    def write(self, text: str) -> int:
        # click also writes bytes, to find out what a stream accepts.
        return self._stream.write(self._context.hide(text) if isinstance(text, str) else text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any attribute of the stream
        return getattr(self._stream, name)


def _print_usage_fault(fault: click.ClickException) -> int:
    """Print wrong usage in one line with the verb's name. Return the exit status."""
    if isinstance(fault, click.exceptions.NoArgsIsHelpError):
        fault.show()
        return fault.exit_code
    # Click does not say for which verb an option lacks its value.
    verb = fault.ctx.command_path if isinstance(fault, click.UsageError) and fault.ctx else ""
    message = " ".join(fault.format_message().split())
    text = f"{message}{_suggest_remedy(fault)} (see {verb or 'ninethirty VERB'} --help)"
    return _print_fault(f"{verb}: {text}" if verb else text, fault.exit_code)


def _suggest_remedy(fault: click.ClickException) -> str:
    """Return what to write instead, to add to click's message.

    Empty if click suggests it, or no remedy is known.
    """
    command = fault.ctx.command if isinstance(fault, click.UsageError) and fault.ctx else None
    verbs = ""
    if isinstance(command, click.Group):
        verbs = ", ".join(command.commands)
    if isinstance(fault, click.NoSuchCommand | click.NoSuchOption) and not fault.possibilities:
        name = fault.command_name if isinstance(fault, click.NoSuchCommand) else fault.option_name
        if meant := _OTHER_NAMES.get(name):
            return f' Did you mean "{meant}"?'
        where = "it after " if name.startswith("-") else ""
        return _GONE.get(name, f" Write {where}one of {verbs}." if verbs else "")
    if not fault.message.startswith("Got unexpected extra argument"):
        return ""
    # The extra argument may be a configuration, a day or a further word.
    if ".toml" in fault.message:
        return ", name a configuration as --config FILE"
    params = command.params if command else []
    if any("--date" in one.opts for one in params):
        return ", write a day as --date DAY"
    has_argument = any(isinstance(one, click.Argument) for one in params)
    return ", put several words into quotes" if has_argument else ""


def _print_fault(lines: str, status: int) -> int:
    for line in lines.splitlines():
        click.echo(line, err=True)
    return status
