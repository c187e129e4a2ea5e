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
@click.option("--token", "scope", type=click.Choice(["metrics", "read", "duty"]), help="NAME is a program.")
@as_json
def command(*, name: str, role: str, right: str | None, scope: str | None, as_json: bool) -> None:
    """Make the line by which NAME may sign in, for the file that [web] users_file names.

    Asks for the password at a terminal, else reads it from the first line of standard input. With --token it makes a
    token for a program instead, and tells it once, on standard error: good for the metrics, for reading everything, or
    for acknowledging and holding back as well.

    Example: ninethirty user anne --role "duty statistician" >> users
    """
    from monitor.web.credentials import TokenScope
    from monitor.web.users import Right, line, token_line

    if scope and (role or right):
        raise UserFault("a program has no role and no right: it may do what its token is for")
    try:
        token, made = (
            token_line(name, TokenScope(scope))
            if scope
            else ("", line(name, _password(), role, Right(right or "duty")))
        )
    except ValueError as exc:
        raise UserFault(str(exc)) from exc
    if as_json:
        print_json({"user": name, "line": made} | ({"token": token} if token else {}))
        return
    click.echo(made)
    if token:
        click.echo(f"The token, which is kept nowhere: {token}", err=True)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed
