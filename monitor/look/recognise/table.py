"""Recognisers by name: a new one is a file beside this and one line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from monitor.errors import UnknownName
from monitor.look.recognise import changed, css, ees, feed, govuk, jmes, link, ons, status, text
from monitor.look.recognise.seen import Recogniser

PLAIN: dict[str, Recogniser] = {
    "changed": changed.recognise,
    "ees": ees.recognise,
    "govuk": govuk.recognise,
    "ons": ons.recognise,
    "status": status.recognise,
}
LOOKING_FOR: dict[str, Callable[[str], Recogniser]] = {
    "css": css.looking_for,
    "feed": feed.looking_for,
    "jmespath": jmes.looking_for,
    "link": link.looking_for,
    "text": text.looking_for,
}


@lru_cache(maxsize=4096)
def recogniser(name: str) -> Recogniser:
    """Return the recogniser of a name such as `govuk` or `text:July to September`.

    Raises `UnknownName`, with what may be written, and `UserFault` for a rule that cannot be read.
    """
    if name in PLAIN:
        return PLAIN[name]
    kind, colon, rule = name.partition(":")
    make = LOOKING_FOR.get(kind)
    if make is None or not colon or not rule.strip():
        known = [*sorted(PLAIN), *(f"{kind}:…" for kind in sorted(LOOKING_FOR))]
        raise UnknownName(f"no recogniser {name!r}, one of: {' '.join(known)}")
    return make(rule)
