"""Finds recognisers by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from monitor.errors import UnknownName
from monitor.look.recognise import changed, ees, govuk, ons, period, status
from monitor.look.recognise.result import Recogniser

PLAIN: dict[str, Recogniser] = {
    "changed": changed.recognise,
    "ees": ees.recognise,
    "govuk": govuk.recognise,
    "ons": ons.recognise,
    "period": period.recognise,
    "status": status.recognise,
    "titled": govuk.recognise_titled,
}
_INTERNAL: dict[str, Recogniser] = {
    "announcement": govuk.recognise_announcement,
    "unlisted": govuk.recognise_index,
}
"""Used by the plan only. A configuration cannot name them."""
# Imported only when a configuration needs them, because of their libraries.
WITH_RULE = {
    "css": "queries:find_element",
    "ees-after": "ees:find_newer_edition",
    "feed": "feed:find_entry",
    "jmespath": "queries:recognise_json_query",
    "link": "words:find_link",
    "text": "words:find_text",
}


@lru_cache(maxsize=4096)
def find_recogniser(name: str) -> Recogniser:
    """Return the recogniser of a name such as `govuk` or `text:July to September`.

    Raises `UnknownName`, with the names that exist, and `UserFault` for a rule that cannot be read.
    """
    if (plain := (PLAIN | _INTERNAL).get(name)) is not None:
        return plain
    kind, _, rule = name.partition(":")
    if kind not in WITH_RULE or not rule.strip():
        known = [*sorted(PLAIN), *(f"{kind}:…" for kind in sorted(WITH_RULE))]
        raise UnknownName(f"no recogniser {name!r}, one of: {' '.join(known)}")
    module, function = WITH_RULE[kind].split(":")
    make: Callable[[str], Recogniser] = getattr(
        import_module(f"monitor.look.recognise.{module}"), function
    )
    return make(rule)
