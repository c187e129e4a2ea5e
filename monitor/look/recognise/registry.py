"""Recognisers by name: a new one is a file beside this and one line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from monitor.errors import UnknownName
from monitor.look.recognise import changed, ees, govuk, ons, period, status, titled, witnesses
from monitor.look.recognise.result import Recogniser

PLAIN: dict[str, Recogniser] = {
    "changed": changed.recognise,
    "ees": ees.recognise,
    "govuk": govuk.recognise,
    "ons": ons.recognise,
    "period": period.recognise,
    "status": status.recognise,
    "titled": titled.recognise,
}
_OURS: dict[str, Recogniser] = {"announcement": witnesses.still_announced, "unlisted": witnesses.unlisted}
"""What the plan alone asks for: no configuration may name them."""
# Named, not imported: their libraries are loaded for those alone who look that way.
LOOKING_FOR = {
    "css": "monitor.look.recognise.css",
    "ees-after": "monitor.look.recognise.ees",
    "feed": "monitor.look.recognise.feed",
    "jmespath": "monitor.look.recognise.jmes",
    "link": "monitor.look.recognise.link",
    "text": "monitor.look.recognise.text",
}


@lru_cache(maxsize=4096)
def recogniser(name: str) -> Recogniser:
    """Return the recogniser of a name such as `govuk` or `text:July to September`.

    Raises `UnknownName`, with what may be written, and `UserFault` for a rule that cannot be read.
    """
    if (known_one := PLAIN.get(name) or _OURS.get(name)) is not None:
        return known_one
    kind, colon, rule = name.partition(":")
    if kind not in LOOKING_FOR or not colon or not rule.strip():
        known = [*sorted(PLAIN), *(f"{kind}:…" for kind in sorted(LOOKING_FOR))]
        raise UnknownName(f"no recogniser {name!r}, one of: {' '.join(known)}")
    make: Callable[[str], Recogniser] = import_module(LOOKING_FOR[kind]).looking_for
    return make(rule)
