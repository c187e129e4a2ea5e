"""Finds recognisers by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from monitor.errors import UnknownName
from monitor.look.recognise import changed, ees, feed, govuk, ons, period, searches, status
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
WITH_RULE: dict[str, Callable[[str], Recogniser]] = {
    "css": searches.find_element,
    "ees-after": ees.find_newer_edition,
    "feed": feed.find_entry,
    "jmespath": searches.find_in_json,
    "link": searches.find_link,
    "text": searches.find_text,
}


@lru_cache(maxsize=4096)
def find_recogniser(name: str) -> Recogniser:
    """Return the recogniser of a name such as `govuk` or `text:July to September`.

    Raises `UnknownName`, and `UserFault` for a rule that cannot be read.
    """
    if plain := (PLAIN | _INTERNAL).get(name):
        return plain
    kind, _, rule = name.partition(":")
    if kind not in WITH_RULE or not rule.strip():
        raise UnknownName(f"no recogniser {name!r}")
    return WITH_RULE[kind](rule.strip())
