"""Loads the Jinja templates of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


@cache
def load_templates(**filters: Callable[[str], Markup]) -> Environment:
    """Return the templates beside this file with these filters. Text is escaped, and an unknown name is an error."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(filters)
    return environment
