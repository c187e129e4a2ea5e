"""`ninethirty user`: the line of a person who may sign in."""

from __future__ import annotations

import sys

import click

from monitor.cli.common import as_json, print_json
from monitor.errors import UserFault


@click.command("user")
@click.argument("name")
@click.option("--role", default="", help="In which role they act, filled in for them when they acknowledge.")
@click.option("--viewer", "right", flag_value="viewer", help="They see nothing that is embargoed, and act on nothing.")
@click.option("--head", "right", flag_value="head", help="They may sign reports, and say that none will be made.")
@as_json
def command(*, name: str, role: str, right: str | None, as_json: bool) -> None:
    """Make the line by which NAME may sign in, for the file that [web] users_file names.

    Asks for the password at a terminal, else reads it from the first line of standard input.

    Example: ninethirty user anne --role "duty statistician" >> users
    """
    from monitor.web.users import Right, line

    try:
        made = line(name, _password(), role, Right(right or "duty"))
    except ValueError as exc:
        raise UserFault(str(exc)) from exc
    if as_json:
        print_json({"user": name, "line": made})
    else:
        click.echo(made)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed
