"""Transcripts in case files: what is sent, and what must come back.

    do = '''
    $ silence add --producer ons --for 2h --reason moves --json
    id = .id
    $ silence end $id
    = ended
    '''

A line that begins with `$` sends a command or a request. The lines below it say what came back:

| line | what it says |
|---|---|
| `? 1` | the status. Without this line it is 0 for a command and 200 for a request |
| `> text` | the output contains this text. `…` stands for anything between two pieces of it |
| `- text` | the output does not contain this text |
| `= line` | the output has only this line, or these lines if there are several. `=` is no output |
| `! text` | the errors contain this text |
| `!= line` | the errors have only this line, or these lines |
| `.a.0.b = 1` | this value is in the output, read as JSON. `*` is each item, `#` their number |
| `name = .a` | `$name` is this value in all lines below |

Runs of spaces count as one, and `^` at the begin of a text stands for the begin of the output.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.worlds.case_files import Toml

JSON_PATH = r"(?:\.[^\s=]+)+|\."
CHECK_OF_JSON = re.compile(rf"({JSON_PATH}) = (.*)")
REMEMBERED = re.compile(rf"(\w+) = ({JSON_PATH})")


@dataclass(frozen=True)
class Reply:
    """What came back: a status, the output and the errors."""

    status: int
    out: str
    err: str = ""

    def json(self) -> Toml:
        """Return the output read as JSON, or a list of its lines read so."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Exchange:
    """One thing that is sent, and the lines of the transcript that say what must come back."""

    sent: str
    checks: list[str] = field(default_factory=list)


def read_transcript(text: str) -> list[Exchange]:
    """Return the exchanges of a transcript."""
    exchanges: list[Exchange] = []
    for line in text.strip().splitlines():
        if line.startswith("$ "):
            exchanges.append(Exchange(line.removeprefix("$ ")))
        elif line.strip():
            exchanges[-1].checks.append(line)
    return exchanges


@dataclass
class Transcript:
    """A transcript that is being played, with the values that its lines remember."""

    usual_status: int
    known: dict[str, str]
    """Values by name, which `$name` stands for."""

    def play(self, text: str, send: Callable[[str], Reply]) -> Iterator[str]:
        """Yield what differs from a transcript of commands, while it is played."""
        for exchange in read_transcript(text):
            sent = self.insert_known(exchange.sent)
            yield from self.describe_differences(exchange, send(sent))

    async def play_requests(
        self, text: str, send: Callable[[str], Awaitable[Reply]]
    ) -> Sequence[str]:
        """Return what differs from a transcript of requests."""
        differences: list[str] = []
        for exchange in read_transcript(text):
            sent = self.insert_known(exchange.sent)
            differences += self.describe_differences(exchange, await send(sent))
        return differences

    def describe_differences(self, exchange: Exchange, reply: Reply) -> Iterator[str]:
        """Yield each line that a reply contradicts, with the reply."""
        for line in self.find_differences(exchange, reply):
            sent = self.insert_known(exchange.sent)
            yield f"$ {sent}\n  not {line}\n  but {reply.status}: {reply.out}{reply.err}"

    def insert_known(self, text: str) -> str:
        """Return a text with the values of its names."""
        for name in sorted(self.known, key=len, reverse=True):
            text = text.replace(f"${name}", self.known[name])
        return text

    def find_differences(self, exchange: Exchange, reply: Reply) -> list[str]:
        """Return the lines of an exchange that its reply contradicts, and remember its values."""
        for line in exchange.checks:
            if remembered := REMEMBERED.fullmatch(line):
                self.known[remembered[1]] = str(value_at(remembered[2], reply.json()))
        lines = [self.insert_known(line) for line in exchange.checks]
        statuses = [line for line in lines if line.startswith("? ")] or [f"? {self.usual_status}"]
        wrong = [line for line in statuses if line != f"? {reply.status}"]
        for sign, text in (("=", reply.out), ("!=", reply.err)):
            whole = [line for line in lines if line.partition(" ")[0] == sign]
            expected = "\n".join(line.partition(" ")[2] for line in whole)
            if whole and one_spaced(expected) != one_spaced(text):
                wrong += whole
        wrong += [line for line in lines if not self._is_met(line, reply)]
        return wrong

    def _is_met(self, line: str, reply: Reply) -> bool:
        sign, _, text = line.partition(" ")
        if sign in {"?", "=", "!="} or REMEMBERED.fullmatch(line):
            return True
        if sign in {">", "!", "-"}:
            is_in = contains(text, reply.err if sign == "!" else reply.out)
            return is_in != (sign == "-")
        checked = CHECK_OF_JSON.fullmatch(line)
        assert checked, f"no line of a transcript: {line}"
        return bool(value_at(checked[1], reply.json()) == json.loads(checked[2]))


def one_spaced(text: str) -> str:
    """Return a text whose runs of spaces are one, without those at the ends of lines."""
    return re.sub(" ?\n ?", "\n", re.sub(" +", " ", text)).strip()


def contains(pattern: str, text: str) -> bool:
    """Return whether a text contains the pieces of a pattern, one after the other."""
    rest = one_spaced(text)
    is_first, pattern = pattern.startswith("^"), pattern.removeprefix("^")
    for number, piece in enumerate(one_spaced(pattern).split("…")):
        before, is_in, rest = rest.partition(piece.strip())
        if not is_in or (is_first and number == 0 and before):
            return False
    return True


def value_at(path: str, content: Toml) -> Toml:
    """Return the value at `.a.0.b` in JSON."""
    found = content
    keys = [key for key in path.split(".") if key]
    for place, key in enumerate(keys):
        if key == "#":
            found = len(found)
        elif key == "*":
            rest = "".join(f".{each}" for each in keys[place + 1 :])
            items = found.values() if isinstance(found, dict) else found
            return [value_at(rest, each) for each in items]
        else:
            found = found[int(key)] if isinstance(found, list) else found[key]
    return found
