"""`ninethirty VERB …`: finds the verb, and turns our faults into one line each and an exit status."""

from __future__ import annotations

import difflib
import importlib
import os
import select
import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from monitor import __version__
from monitor.cli.common import Context
from monitor.errors import NinethirtyError, exit_status

VERBS = {
    "init": "write a first configuration",
    "run": "the daemon: watch, record, alert, serve",
    "reload": "have the running daemon go by the configuration as it is now",
    "once": "read calendars, look once at what is due, print verdicts, stop",
    "check": "check configuration, store, templates and channels",
    "today": "the board of a day",
    "plan": "what will be looked at, when, and whether the budgets carry it",
    "calendar": "read, parse and compare calendars; the ledger of a release",
    "explain": "a verdict with every fact it rests on",
    "probe": "look once at one address and tell all that was learnt",
    "replay": "judge everything again from promises and runs",
    "incident": "incidents and their drafts",
    "silence": "hold messages back for a while, of a release, a producer or an incident",
    "report": "period and platform reports",
    "backfill": "store what the public record claims of a past time",
    "rehearse": "play a rehearsal through the real daemon",
    "demo": "open the board on the replayed incidents",
    "export": "verdicts as open data",
    "channel": "send a test notice",
    "store": "upgrade, check or back up the store",
    "user": "make the line by which somebody may sign in to the pages",
}
_FOLDERS = {"calendar", "incident"}
_INTERRUPTED = 130
"""What a shell expects of a program that was interrupted."""


class Verbs(click.Group):
    """Imports a verb's module only when that verb is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's own signature
        """Return every verb in the order of the manual."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb of this name, or fail with the nearest there is."""
        if cmd_name not in VERBS:
            if ctx.resilient_parsing:
                return None
            near = difflib.get_close_matches(cmd_name, VERBS, n=1)
            ctx.fail(f'no verb "{cmd_name}"' + (f', did you mean "{near[0]}"?' if near else ""))
        where = f"{cmd_name}.main" if cmd_name in _FOLDERS else cmd_name
        command: click.Command = importlib.import_module(f"monitor.cli.{where}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin so, with what each does, without importing them; options as click does."""
        verbs = [CompletionItem(verb, help=told) for verb, told in VERBS.items() if verb.startswith(incomplete)]
        return verbs or click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; whoever reads what it prints may have had enough, as `head` has: then nothing is wrong."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            if not _is_output_closed():
                raise
            # What is left to be written when the process ends goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ctx.exit(0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # as above
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    "config",
    metavar="FILE",
    type=click.Path(),
    envvar="NINETHIRTY_CONFIG",
    default="config.toml",
    help="Configuration; default $NINETHIRTY_CONFIG, else ./config.toml.",
)
@click.version_option(__version__, prog_name="ninethirty")
@click.pass_context
def cli(ctx: click.Context, config: str) -> None:
    """Watch promised statistics, prove when each one appeared, and hand over the breach report.

    Exit status: 0 done; 1 the answer is no; 2 wrong usage; 3 the surroundings failed.

    Example: ninethirty --config config.toml today
    """
    # Store, log of the store, outbox, drafts, copies: whatever is written is for the service account alone.
    os.umask(0o077)
    ctx.ensure_object(Context).config = config
    # Where nothing is set, escape sequences go to terminals alone.
    ctx.color = False if os.environ.get("NO_COLOR") else None


def _is_output_closed() -> bool:
    asked = select.poll()
    # A pipe that nobody reads any more is in error, asked for or not.
    asked.register(sys.stdout.fileno(), 0)
    return bool(asked.poll(0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program. Ends the process with its exit status."""
    sys.exit(status_of(arguments))


def status_of(arguments: Sequence[str] | None = None, program: click.Command = cli) -> int:
    """Run the program and return its exit status; every fault is told in one line on standard error."""
    context = Context()
    with context.speaking():
        return _status_of(arguments, program, context)


def _status_of(arguments: Sequence[str] | None, program: click.Command, context: Context) -> int:
    try:
        program.main(args=arguments, prog_name="ninethirty", standalone_mode=False, obj=context)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except click.ClickException as fault:
        return _tell_usage(fault)
    except click.Abort:
        return _tell("interrupted", _INTERRUPTED)
    except NinethirtyError as fault:
        return _tell(str(fault), exit_status(fault))
    except OSError as fault:
        # Of files that a person named: where they cannot be read or written is no fault of the program.
        return _tell(f"{fault.filename or 'system'}: {fault.strerror or fault}", 3)
    return 0


def _tell_usage(fault: click.ClickException) -> int:
    if isinstance(fault, click.exceptions.NoArgsIsHelpError):
        fault.show()
        return fault.exit_code
    asked = fault.ctx if isinstance(fault, click.UsageError) else None
    where = f"{asked.command_path}: " if asked else ""
    more = f" (see {asked.command_path} --help)" if asked else ""
    return _tell(f"{where}{' '.join(fault.format_message().split())}{more}", fault.exit_code)


def _tell(lines: str, status: int) -> int:
    for line in lines.splitlines():
        click.echo(line, err=True)
    return status
