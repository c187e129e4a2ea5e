"""Every `ninethirty` command in README.md and docs/ exists and takes the options that it is
given.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from monitor.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> Iterator[str]:
    """Yield each command in a block for a shell, without redirections and pipes, and each in a
    sentence.
    """
    text = page.read_text(encoding="utf-8")
    for _, block in re.findall(
        r"^( *)```(?:sh|console)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL
    ):
        yield from re.findall(
            r"^ *(?:\$ )?(?:\S*/)?(ninethirty .*?)(?: >.*| \|.*)?$", block, re.MULTILINE
        )
    # A command inside a sentence may name no more than its verb.
    yield from re.findall(r"(?<!`)`(?:\.venv/bin/)?(ninethirty [a-z][^`\n|>]*)`(?!`)", text)


CASES = [(page, line) for page in PAGES for line in dict.fromkeys(commands(page))]


@pytest.mark.parametrize(
    ("page", "line"), CASES, ids=[f"{page.stem}: {line}" for page, line in CASES]
)
def test_command_on_a_page_exists_and_takes_its_options(page: Path, line: str) -> None:
    del page
    parse(cli, shlex.split(line, comments=True)[1:])


def parse(command: click.Command, words: list[str]) -> None:
    """Parse words as the command line does.

    Raises `click.UsageError` for a verb or option that does not exist.
    """
    context = click.Context(command, info_name=command.name)
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    if isinstance(command, click.Group) and rest:
        name, inner, left = command.resolve_command(context, rest)
        assert inner is not None, name
        parse(inner, left)


def test_there_are_commands_to_try() -> None:
    assert len(CASES) > 80
