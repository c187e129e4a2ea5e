"""Fuzzes readers of foreign bytes by coverage: `python -m tests.fuzz.by_coverage NAME [-runs=N]`.

Needs atheris, which is not in a lock file. `make fuzz` uses it if it is installed. Add failing
inputs to the examples of `test_parsers.py`. Without a name it lists the readers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def main(arguments: list[str]) -> None:
    """Feed the reader of that name until libFuzzer has had enough."""
    try:
        atheris: Any = import_module("atheris")
    except ImportError:
        sys.stderr.write("atheris is not installed: nothing is fed by coverage\n")
        return
    with atheris.instrument_imports(include=["schedules", "monitor.look"]):
        tests = import_module("tests.fuzz.test_parsers")
    known = readers(tests)
    if not arguments:
        sys.stdout.write("\n".join([*known, ""]))
        return
    with TemporaryDirectory() as corpus:
        for number, sample in enumerate(tests.SAMPLES):
            (Path(corpus) / str(number)).write_bytes(sample)
        atheris.Setup([sys.argv[0], *arguments[1:], corpus], known[arguments[0]])
        atheris.Fuzz()


def readers(tests: Any) -> dict[str, Callable[[bytes], object]]:  # noqa: ANN401  # a module
    """Return every reader of bytes by its name."""
    calendars = {f"calendar-{kind}": partial(_calendar, tests, kind) for kind in tests.KINDS}
    looks = {
        f"look-{name.partition(':')[0]}": partial(_look, tests, name) for name in tests.RECOGNISERS
    }
    return {
        **calendars,
        **looks,
        "people": tests.strip_personal,
        "item": partial(_item, tests),
        "rich": tests.beyond,
    }


def _calendar(tests: Any, kind: str, body: bytes) -> None:  # noqa: ANN401  # as above
    source = tests.calendar_settings(kind, tests.URL).make_source()
    tests.attempt(source, [tests.Page(source.first(tests.NOW)[0].url, 200, body)], body)


def _look(tests: Any, name: str, body: bytes) -> None:  # noqa: ANN401  # as above
    answer = tests.Answer(tests.URL, 200, {"content-type": "text/html"}, body, tests.NOW, tests.NOW)
    tests.read_body(name, answer, tests.Context(tests.URL, "Trade: December 2026"))


def _item(tests: Any, body: bytes) -> None:  # noqa: ANN401  # as above
    with suppress(tests.NotAContentItem):
        tests.read_item(body)


if __name__ == "__main__":
    main(sys.argv[1:])
