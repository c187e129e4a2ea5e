"""`announcement` and `unlisted`: what tells that a release is not out, whatever the address of its page will be."""

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


def still_announced(answer: Answer, context: Context) -> Recognised:
    """Take the page or the content item of an announcement for absence, and anything else for nothing."""
    seen = govuk.recognise(answer, context)
    return seen if seen.state is State.ABSENT and seen.why == ANNOUNCED else unknown("no announcement any more")


def unlisted(answer: Answer, context: Context) -> Recognised:
    """Take a listing of publications for absence when no title in it may be that of the release.

    A title without its period may be: then it proves nothing, as does a listing that is cut or cannot be read. An
    alternative address of the release does not count: the page is not out because of it.
    """
    if not answer.whole or not _is_listing(answer.body):
        return unknown("no listing that can be read")
    seen = recognise_json(answer, context)
    known = {canonical_address(url) for url in context.alternatives}
    others = (one for one in seen.found if "/announcements/" not in one.url and canonical_address(one.url) not in known)
    alike = [(likeness(context.title, one.title), one) for one in others]
    if same := tuple(one for like, one in alike if like is Likeness.SAME):
        return Recognised(State.PRESENT, found=same)
    is_like = any(like is Likeness.UNDATED for like, _ in alike)
    return unknown("a title like it is listed") if is_like else absent("not listed")


def _is_listing(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("results"), list)
