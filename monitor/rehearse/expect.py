"""Compares the results of a rehearsal with the expectations in its script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

from monitor.rehearse.script.check import WITHOUT_RELEASE
from monitor.rehearse.script.script import Script, ScriptExpect, TrueLength

Row = Mapping[str, Any]
_KEYS_WITH_OWN_RULE = WITHOUT_RELEASE | {"release", "part", "delay", "users_delay", "exposure"}


@dataclass(frozen=True, slots=True)
class Results:
    """Releases, notices and drafts at the end of a rehearsal, as `rehearse --json` prints them."""

    releases: Sequence[Row] = ()
    notices: Sequence[Row] = ()
    drafts: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Met:
    """Whether one expectation was met. `why` lists the differences and is empty if it was met."""

    release: str
    part: str | None
    met: bool
    why: str


def check(script: Script, results: Results) -> list[Met]:
    """Compare each expectation of the script with the results, in the order of the script."""
    met = []
    for expect in script.expect:
        differences = [
            *_compare_counts(script, expect, results),
            *_compare_readiness(expect, results),
            *_compare_release(script, expect, results),
        ]
        met.append(Met(expect.release or "", expect.part, not differences, "; ".join(differences)))
    return met


def _compare_release(script: Script, expect: ScriptExpect, results: Results) -> Iterator[str]:
    """Yield how a release or part differs from the expectation.

    Yield nothing if the expectation names no release, or has no key of a release.
    """
    keys = expect.model_fields_set - {"release", "part", *WITHOUT_RELEASE}
    if expect.release is None or not (keys or expect.part):
        return
    release = _find_release(script, expect.release, results)
    if release is None:
        yield f"no release is called {expect.release}"
        return
    subject = (
        release if expect.part is None else _find_row(release.get("parts", ()), "id", expect.part)
    )
    if subject is None:
        yield f"the release has no part {expect.part}"
        return
    # Keys that a part does not have (findings, code, …) are compared with those of its release.
    yield from _compare_keys(expect, subject if expect.part is None else {**release, **subject})


def _find_release(script: Script, name: str, results: Results) -> Row | None:
    """Return a release by its id, else by its address in the script."""
    urls = [release.url for release in script.release if release.id == name]
    by_url = _find_row(results.releases, "url", urls[0]) if urls else None
    return _find_row(results.releases, "id", name) or by_url


def _find_row(rows: Sequence[Row], key: str, value: str) -> Row | None:
    return next((row for row in rows if row.get(key) == value), None)


def _compare_counts(script: Script, expect: ScriptExpect, results: Results) -> Iterator[str]:
    """Yield a line if a rehearsal made another number of notices or drafts than expected.

    They are counted for one release or, without one, in total. Notices that follow another do not
    count.
    """
    release = _find_release(script, expect.release or "", results)
    # Calendars can have another id for a release than the script.
    ids = {expect.release or "", str(release["id"]) if release else ""}
    first_notices = [notice for notice in results.notices if not notice.get("follows")]
    for key, wanted, rows in (
        ("notices", expect.notices, first_notices),
        ("drafts", expect.drafts, results.drafts),
    ):
        counted = [row for row in rows if expect.release is None or row.get("release") in ids]
        if wanted is not None and len(counted) != wanted:
            kinds = ", ".join(str(row.get("kind") or row.get("form") or "?") for row in counted)
            yield f"{key}: {len(counted)}, not {wanted}" + (f" ({kinds})" if kinds else "")


def _compare_readiness(expect: ScriptExpect, results: Results) -> Iterator[str]:
    """Yield the expected checks that no notice before a slot named as not ready."""
    before_slots = [row for row in results.notices if row.get("kind") == "readiness"]
    named = set(chain.from_iterable(notice["findings"] for notice in before_slots))
    missing = [check for check in expect.not_ready or () if check not in named]
    if missing:
        yield f"not_ready: no {', '.join(missing)} ({', '.join(sorted(named))})"


def _compare_keys(expect: ScriptExpect, subject: Row) -> Iterator[str]:
    """Yield a text for each key of `subject` (a release or part) that differs."""
    for key in sorted(expect.model_fields_set - _KEYS_WITH_OWN_RULE):
        wanted = getattr(expect, key)
        if not _matches_value(wanted, subject.get(key)):
            yield f"{key}: {_shorten_value(subject.get(key))}, not {_shorten_value(wanted)}"
    # Lengths are measured as intervals of seconds. So they need not equal the true length that the
    # script gives, but fit it. `users_delay` is the delay for users, which includes the time in
    # caches.
    for key in ("delay", "users_delay"):
        if (true_length := getattr(expect, key)) is not None:
            yield from (
                f"{key}: {reason}" for reason in _compare_length(true_length, subject.get(key))
            )
    if expect.exposure is not None:
        reasons = _compare_exposures(expect.exposure, subject.get("exposures") or ())
        yield from (f"exposure: {reason}" for reason in reasons)


def _shorten_value(value: object) -> str:
    """Return a value as text of at most 200 characters.

    Of tables in a list, only their `kind` is shown.
    """
    if isinstance(value, list):
        value = [
            entry.get("kind", entry) if isinstance(entry, Mapping) else entry for entry in value
        ]
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _matches_value(wanted: object, found: object) -> bool:
    """Return whether `found` has everything in `wanted`: the keys of a table, the entries of a
    list.

    An empty `wanted` list means that no entries are expected. A `found` value that is not a list,
    such as None, has none.
    """
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _matches_value(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        entries = found if isinstance(found, list | tuple) else []
        if not wanted:
            return not entries
        return all(any(_matches_entry(one, entry) for entry in entries) for one in wanted)
    return wanted == found


def _matches_entry(wanted: object, entry: object) -> bool:
    """Return whether a list entry matches. A wanted text matches a table whose `kind` it is."""
    if isinstance(wanted, str) and isinstance(entry, Mapping):
        return bool(entry.get("kind") == wanted)
    return _matches_value(wanted, entry)


def _compare_length(true: TrueLength, found: Row | None) -> Iterator[str]:
    """Yield why a measured length is wrong: it must overlap the true length, and exceed it by
    `within` at most.
    """
    if found is None:
        yield "was not measured"
        return
    low, high = _value_or(found.get("min"), -inf), _value_or(found.get("max"), inf)
    least, most = _value_or(true.min, -inf), _value_or(true.max, inf)
    if low > most or high < least:
        yield (
            f"measured {low:g} to {high:g} s, which does not overlap the true {least:g} to"
            f" {most:g} s"
        )
    elif low < least - true.within or high > most + true.within:
        yield (
            f"measured {low:g} to {high:g} s, wider than the true {least:g} to {most:g} s by over"
            f" {true.within:g} s"
        )


def _value_or(value: float | None, default: float) -> float:
    return default if value is None else value


def _compare_exposures(expected: TrueLength, exposures: Sequence[Row]) -> Iterator[str]:
    """Yield how the longest exposure differs from the expected one. The caller begins the
    sentence.
    """
    if not exposures:
        yield "there was none"
        return
    longest = max(
        exposures, key=lambda exposure: _value_or((exposure.get("seconds") or {}).get("max"), inf)
    )
    if expected.min is not None or expected.max is not None:  # the script expects a length
        yield from _compare_length(expected, longest.get("seconds"))
    if expected.open is not None and longest.get("open") is not expected.open:
        yield f"is {'open' if longest.get('open') else 'closed'}"
