"""The verb `ninethirty user`."""

from __future__ import annotations

import sys

import click

from monitor.cli.common import Context, json_verb
from monitor.errors import UserFault


@click.command("user")
@click.argument("name")
@click.option("--role", default="", help="Their role, filled in when they acknowledge.")
@click.option(
    "--viewer",
    "right",
    flag_value="viewer",
    help="They see no embargoed facts and cannot change anything.",
)
@click.option(
    "--system",
    metavar="USER",
    help="They are this user of the machine, who needs no password for the command line.",
)
@click.option("--head", "right", flag_value="head", help="They can sign and waive reports.")
@click.option(
    "--token",
    "scope",
    type=click.Choice(["metrics", "embargoed", "read", "duty"]),
    help="Make a token: NAME is a program.",
)
@json_verb
def command(
    context: Context,
    *,
    name: str,
    role: str,
    right: str | None,
    system: str | None,
    scope: str | None,
) -> None:
    """Make the line with which NAME can sign in, for the file that [web] users_file names.

    It asks you for the password, or without a terminal reads it from the first line of standard
    input. With --token it makes a token for a program and prints it once, on standard error. A
    token is for the metrics, for reading everything, or also for acknowledging and silencing
    (duty).

    Example: ninethirty user anne --role "duty statistician" >> users
    """
    from monitor.web.credentials import TokenScope
    from monitor.web.users import Right, make_line, make_system_line, make_token_line

    if scope and (role or right or system):
        raise UserFault(
            "leave out --role, --viewer, --head and --system: a program has only the rights of its"
            " token"
        )
    token, person_right = "", Right(right or "duty")
    try:
        if scope:
            token, line = make_token_line(name, TokenScope(scope))
        elif system:
            line = make_system_line(name, system, role, person_right)
        else:
            line = make_line(name, _read_password(), role, person_right)
    except ValueError as exc:
        raise UserFault(str(exc)) from exc
    body, note = {"user": name, "line": line}, ""
    if token:
        body["token"] = token
        note = f"Copy the token now, it is not stored: {token}"
    context.print_result(body, line, note=note)


def _read_password() -> str:
    """Return the password, which a person at a terminal types twice."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    repeat = "Repeat the password"
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=repeat, err=True))
