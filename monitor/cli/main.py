"""`ninethirty VERB …`: finds the verb, and turns our faults into one line each and an exit status."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from monitor import __version__
from monitor.cli.common import Context
from monitor.errors import NinethirtyError, exit_status

VERBS = {
    "run": "the daemon: watch, record, alert, serve",
    "once": "read calendars, look once at what is due, print verdicts, stop",
    "check": "check configuration, store, templates and channels",
    "today": "the board of a day",
    "plan": "what will be looked at, when, and whether the budgets carry it",
    "calendar": "read, parse and compare calendars; the ledger of a release",
    "explain": "a verdict with every fact it rests on",
    "probe": "look once at one address and tell all that was learnt",
    "replay": "judge everything again from promises and runs",
    "incident": "incidents and their drafts",
    "report": "period and platform reports",
    "rehearse": "play a rehearsal through the real daemon",
    "export": "verdicts as open data",
    "channel": "send a test notice",
    "store": "upgrade, check or back up the store",
}


class Verbs(click.Group):
    """Imports a verb's module only when that verb is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's own signature
        """Return every verb in the order of the manual."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # as above
        """Return the verb of this name, None when there is none."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"monitor.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # as above
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    "config",
    metavar="FILE",
    envvar="NINETYTHIRTY_CONFIG",
    default="config.toml",
    help="Configuration; default $NINETYTHIRTY_CONFIG, else ./config.toml.",
)
@click.version_option(__version__, prog_name="ninethirty")
@click.pass_context
def cli(ctx: click.Context, config: str) -> None:
    """Watch promised statistics, prove when each one appeared, and hand over the breach report.

    Exit status: 0 done; 1 the answer is no; 2 wrong usage; 3 the surroundings failed.

    Example: ninethirty --config config.toml today
    """
    ctx.obj = Context(config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program. Ends the process with its exit status."""
    try:
        cli.main(args=arguments, prog_name="ninethirty", standalone_mode=True)
    except NinethirtyError as fault:
        for line in str(fault).splitlines():
            click.echo(line, err=True)
        sys.exit(exit_status(fault))
