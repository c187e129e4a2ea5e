"""Whether a rehearsal saw what its script says must be seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from monitor.rehearse.script.script import Script, ScriptExpect, Truth

Row = Mapping[str, Any]
_COMPARED_ELSEWHERE = {"release", "part", "delay", "users_delay", "exposure", "notices", "drafts"}


@dataclass(frozen=True, slots=True)
class Results:
    """What a rehearsal left behind, as `rehearse --json` prints it."""

    releases: Sequence[Row] = ()
    notices: Sequence[Row] = ()
    drafts: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Met:
    """One expectation, and why it was not met; `why` is empty when it was."""

    release: str
    part: str | None
    met: bool
    why: str = ""


def check(script: Script, results: Results) -> list[Met]:
    """Compare every expectation of the script with the results, in the order of the script."""
    return [_checked(script, expect, results) for expect in script.expect]


def _checked(script: Script, expect: ScriptExpect, results: Results) -> Met:
    unmet = [*_counts(script, expect, results), *_seen(script, expect, results)]
    return Met(expect.release or "", expect.part, not unmet, "; ".join(unmet))


def _seen(script: Script, expect: ScriptExpect, results: Results) -> Iterator[str]:
    named = expect.model_fields_set - {"release", "part", "notices", "drafts"}
    if expect.release is None or not (named or expect.part):
        return
    release = _release(script, expect.release, results)
    if release is None:
        yield f"there is no release {expect.release}"
        return
    subject = release if expect.part is None else _member(release.get("parts", ()), "id", expect.part)
    if subject is None:
        yield f"the release has no part {expect.part}"
        return
    # What a part does not tell of itself (findings, code, …) is what the release says.
    yield from _compared(expect, subject if expect.part is None else {**release, **subject})


def _release(script: Script, name: str, results: Results) -> Row | None:
    """Find a release by its id, or by the address the script gives it: calendars have ids of their own."""
    urls = [release.url for release in script.release if release.id == name]
    by_url = _member(results.releases, "url", urls[0]) if urls else None
    return _member(results.releases, "id", name) or by_url


def _member(rows: Sequence[Row], key: str, value: str) -> Row | None:
    return next((row for row in rows if row.get(key) == value), None)


def _counts(script: Script, expect: ScriptExpect, results: Results) -> Iterator[str]:
    threads = [notice for notice in results.notices if not notice.get("follows")]
    for word, wanted, rows in (("notices", expect.notices, threads), ("drafts", expect.drafts, results.drafts)):
        mine = [row for row in rows if expect.release is None or row.get("release") in _names(script, expect, results)]
        if wanted is not None and len(mine) != wanted:
            yield f"{word}: {len(mine)}, not {wanted}{_told(mine)}"


def _names(script: Script, expect: ScriptExpect, results: Results) -> set[str]:
    found = _release(script, expect.release or "", results)
    return {expect.release or "", str(found["id"]) if found else ""}


def _told(rows: Sequence[Row]) -> str:
    kinds = [str(row.get("kind") or row.get("form") or "?") for row in rows]
    return f" ({', '.join(kinds)})" if kinds else ""


def _compared(expect: ScriptExpect, subject: Row) -> Iterator[str]:
    for key in sorted(expect.model_fields_set - _COMPARED_ELSEWHERE):
        wanted = getattr(expect, key)
        if not _matches(wanted, subject.get(key)):
            yield f"{key}: {_brief(subject.get(key))}, not {_brief(wanted)}"
    for key in ("delay", "users_delay"):
        if (truth := getattr(expect, key)) is not None:
            yield from _prefixed(key, _measured(truth, subject.get(key)))
    if expect.exposure is not None:
        yield from _prefixed("exposure", _exposed(expect.exposure, subject.get("exposures") or ()))


def _prefixed(word: str, whys: Iterator[str]) -> Iterator[str]:
    return (f"{word}: {why}" for why in whys)


def _brief(value: object) -> str:
    text = str([_kind(member) for member in value]) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _kind(member: object) -> object:
    return member.get("kind", member) if isinstance(member, Mapping) else member


def _matches(wanted: object, found: object) -> bool:
    """Compare: a table by the keys it names, a list by the members it names; an empty list wants none."""
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return False
        return all(key in found and _matches(inner, found[key]) for key, inner in wanted.items())
    if isinstance(wanted, list):
        members = found if isinstance(found, list | tuple) else []
        if not wanted:
            return not members
        return all(any(_is_member(one, member) for member in members) for one in wanted)
    return wanted == found


def _is_member(wanted: object, member: object) -> bool:
    if isinstance(wanted, str) and isinstance(member, Mapping):
        return bool(member.get("kind") == wanted)
    return _matches(wanted, member)


def _measured(truth: Truth, found: Row | None) -> Iterator[str]:
    """Yield what keeps a measured length from agreeing with the truth: it must overlap it and be no wider."""
    if found is None:
        yield "was not measured"
        return
    low, high = _bound(found.get("min"), -inf), _bound(found.get("max"), inf)
    least, most = _bound(truth.min, -inf), _bound(truth.max, inf)
    if low > most or high < least:
        yield f"measured {low:g} to {high:g} s, which leaves out the true {least:g} to {most:g} s"
    elif low < least - truth.within or high > most + truth.within:
        yield f"measured {low:g} to {high:g} s, wider than the true {least:g} to {most:g} s by over {truth.within:g} s"


def _bound(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _exposed(truth: Truth, exposures: Sequence[Row]) -> Iterator[str]:
    if not exposures:
        yield "there was none"
        return
    longest = max(exposures, key=lambda exposure: _bound((exposure.get("seconds") or {}).get("max"), inf))
    if truth.min is not None or truth.max is not None:
        yield from _measured(truth, longest.get("seconds"))
    if truth.open is not None and longest.get("open") is not truth.open:
        yield f"is {'open' if longest.get('open') else 'closed'}"
