"""Writes `docs/configure.md` from the settings: `python -m tests.docs.configure_page >
docs/configure.md`.

Descriptions come from the docstrings of the settings, examples from `examples/every-table.toml`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from alerts.channels.settings import CommonSettings
from monitor.config.schema import describe_keys, describe_table
from monitor.config.settings import Settings
from schedules.values import Secret, write_duration

EXAMPLES = Path(__file__).parents[2] / "examples" / "every-table.toml"


@dataclass
class Section:
    """A table by its heading, with the default of each of its own keys as TOML, `required` for one
    without.
    """

    heading: str
    text: str
    defaults: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)


def page_text() -> str:
    """Return the whole page."""
    examples = read_examples()
    sections = [
        _section_text(section, examples.get(section.heading, ""))
        for section in _equal_tables_once(_common_keys_once(sections_of_settings()))
    ]
    return "\n\n".join(["# Configuration", describe_table(Settings), *sections]) + "\n"


def _common_keys_once(sections: list[Section]) -> Iterator[Section]:
    """Yield the sections, the keys that every kind of channel has in one of their own."""
    channels = [section for section in sections if section.heading.startswith("[[channel]]")]
    common = set.intersection(*(set(channel.defaults) for channel in channels))
    for section in sections:
        if section is channels[0]:
            text = describe_table(CommonSettings)
            shared = {key: _default_by_kind(key, channels) for key in section.defaults}
            shared = {key: value for key, value in shared.items() if key in common}
            yield replace(section, heading="[[channel]]", text=text, defaults=shared)
        own = {key: value for key, value in section.defaults.items() if key not in common}
        yield replace(section, defaults=own) if section in channels else section


def _default_by_kind(key: str, channels: list[Section]) -> str:
    """Return the default of a key, with the kinds of channels that have each if they differ."""
    kinds: dict[str, list[str]] = {}
    for channel in channels:
        kind = channel.heading.split('"')[1]
        kinds.setdefault(channel.defaults.get(key, ""), []).append(kind)
    if len(kinds) == 1:
        return next(iter(kinds))
    return ", ".join(f"`{value}` for {', '.join(names)}" for value, names in kinds.items())


def _equal_tables_once(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield the sections, with a link in place of a table that an earlier one has."""
    shown: dict[str, str] = {}
    for section in sections:
        table = f"{section.text} {section.defaults}"
        first = shown.setdefault(table, section.heading)
        if first == section.heading or not section.defaults:
            yield section
        else:
            anchor = re.sub(r"[^a-z_]", "", first)
            yield Section(section.heading, f"The keys of [`{first}`](#{anchor}).")


def read_examples() -> dict[str, str]:
    """Return the pieces of the file of examples, by the heading of the section that each belongs
    to.
    """
    _, *pieces = EXAMPLES.read_text(encoding="utf-8").rstrip().split("\n\n")
    by_heading = groupby(pieces, key=_heading_of_example)
    return {heading: "\n\n".join(together) for heading, together in by_heading}


def _heading_of_example(piece: str) -> str:
    heading = piece.split("\n", 1)[0]
    if not heading.startswith("["):
        return "Top level"
    if heading == "[[channel]]":
        return f'{heading} kind = "{tomllib.loads(piece)["channel"][0]["kind"]}"'
    return re.sub(r"^\[(policy\.producer|nation)\.\w+\]", r"[\1.NAME]", heading)


def _section_text(section: Section, example: str) -> str:
    """Return a section.

    Of a description, the first paragraph is in the row of its key, the others are below.
    """
    first = {key: section.descriptions[key].partition("\n\n")[0] for key in section.defaults}
    rows = [
        f"| `{key}` | {_default_cell(default)} | {first[key]} |"
        for key, default in section.defaults.items()
    ]
    parts = [
        f"## {section.heading if section.heading == 'Top level' else f'`{section.heading}`'}",
        section.text,
        "\n".join(["| key | default | meaning |", "|---|---|---|", *rows] if rows else []),
        f"```toml\n{example}\n```" if example else "",
    ]
    for key in section.defaults:
        rest = section.descriptions[key].partition("\n\n")[2]
        parts += [f"### `{key}`", rest] if rest else []
    return "\n\n".join(filter(None, parts))


def _default_cell(default: str) -> str:
    is_text = default in {"required", "none"} or "`" in default
    return default if is_text else f"`{default}`"


def sections_of_settings() -> list[Section]:
    """Return every table, the top level first."""
    return list(_walk(Settings, "", "Top level", ""))


def _walk(
    model: type[BaseModel], path: str, heading: str, text: str, given: object = None
) -> Iterator[Section]:
    """Yield a table and those inside it. `given` is the instance that its parent has by default."""
    section = Section(heading, text, descriptions=describe_keys(model))
    inner: list[Iterator[Section]] = []
    for name, setting in model.model_fields.items():
        key = setting.alias or name
        place = f"{path}.{key}".lstrip(".")
        own_text = section.descriptions.get(key)
        tables = list(_tables_of(setting.annotation, place))
        for table, inner_path, inner_heading in tables:
            inner_text = own_text or describe_table(table)
            inner.append(_walk(table, inner_path, inner_heading, inner_text, setting.get_default()))
        if not tables and get_origin(setting.annotation) is dict:
            inner.append(iter([Section(f"[{place}]", own_text or "")]))
        elif not tables:
            section.defaults[key] = _default(setting, getattr(given, name, PydanticUndefined))
    yield section
    for sections in inner:
        yield from sections


def _tables_of(annotation: Any, path: str) -> Iterator[tuple[type[BaseModel], str, str]]:  # noqa: ANN401  # any annotation
    """Yield each table that a setting can be, with its path and heading."""
    tables = [one for one in _choices(annotation) if _is_table(one)]
    if tables:
        yield tables[0], path, f"[{path}]"
    elif get_origin(annotation) is dict and _is_table(get_args(annotation)[1]):
        yield get_args(annotation)[1], f"{path}.NAME", f"[{path}.NAME]"
    elif get_origin(annotation) is list:
        for one in _choices(get_args(annotation)[0]):
            if _is_table(one):
                kind = get_args(one.model_fields["kind"].annotation) if path == "channel" else ()
                yield one, path, f'[[{path}]] kind = "{kind[0]}"' if kind else f"[[{path}]]"


def _choices(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401  # as above
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    is_union = get_origin(annotation) in {types.UnionType, Union}
    return get_args(annotation) if is_union else (annotation,)


def _is_table(annotation: object) -> bool:
    return (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and annotation is not Secret
    )


def _default(setting: FieldInfo, given: object) -> str:
    value = setting.get_default() if given is PydanticUndefined else given
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f'"{write_duration(value)}"'
    return f'"{value:%H:%M}"' if isinstance(value, time) else json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(page_text())
