"""`announcement` and `unlisted`: signs that a release is not out, wherever its page will be."""

from __future__ import annotations

import json

from monitor.look.fetch import Answer
from monitor.look.recognise import govuk
from monitor.look.recognise.govuk_item import recognise_json
from monitor.look.recognise.placeholder import ANNOUNCED
from monitor.look.recognise.result import Context, Recognised, absent, unknown
from monitor.look.recognise.title import Likeness, likeness
from monitor.look.sighting import State
from schedules.address import canonical_address


def recognise_announcement(answer: Answer, context: Context) -> Recognised:
    """Return absence if an announcement still announces its release, as page or content item. Otherwise unknown."""
    seen = govuk.recognise(answer, context)
    return seen if seen.state is State.ABSENT and seen.why == ANNOUNCED else unknown("no announcement any more")


def recognise_index(answer: Answer, context: Context) -> Recognised:
    """Return absence if no title in a listing of publications may be that of the release.

    Unknown: a title without its period may be that of the release, or the listing is cut or not readable. Alternative
    addresses of the release are ignored, because they do not show that its page is out.
    """
    if not answer.whole or not _is_listing(answer.body):
        return unknown("no listing that can be read")
    seen = recognise_json(answer, context)
    known = {canonical_address(url) for url in context.alternatives}
    others = (one for one in seen.found if "/announcements/" not in one.url and canonical_address(one.url) not in known)
    compared = [(likeness(context.title, one.title), one) for one in others]
    if same := tuple(one for like, one in compared if like is Likeness.SAME):
        return Recognised(State.PRESENT, found=same)
    is_like = any(like is Likeness.UNDATED for like, _ in compared)
    return unknown("a title like it is listed") if is_like else absent("not listed")


def _is_listing(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("results"), list)
