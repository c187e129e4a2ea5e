"""Plans when the poller looks at each target of a watched release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from zlib import crc32

import structlog

from monitor.clock import Clock
from monitor.judge.case import is_exact
from monitor.judge.policy import Policies
from monitor.look.fetch import Found
from monitor.look.forecast import PartToProve
from monitor.look.poller import Poller
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import (
    ADDED_ORIGINS,
    ANNOUNCEMENT,
    INDEX,
    FoundPage,
    is_publication,
    with_page_at,
)
from monitor.plan.phases import DEFAULT_WATCH, WatchSettings, Window
from monitor.plan.proof import ProofGoal, goal_for
from monitor.plan.targets import Target, View, targets_of
from monitor.plan.windows import windows_in_force
from monitor.watch.listing_match import new_parts, part_elsewhere
from monitor.watch.release import WatchedRelease, is_view_of_page
from schedules.announcement import Address, Origin, Part, Role
from schedules.in_force import InForce, slot_in_force
from schedules.release import Release

_log = structlog.get_logger(__name__)
_FILE_ROLES = {"attachment", "html", "data"}
_MAX_SHARED_WINDOWS = 4096
_MAX_LINKS = 5
# If a target's spacing is shorter, `next_due` uses the remainder.
_LONGEST_SHIFT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How releases are watched and judged. `default_time` is local, for days without a time."""

    watch: WatchSettings = DEFAULT_WATCH
    policies: Policies = field(default_factory=Policies)
    default_time: time = time(9, 30)
    extra_parts: Callable[[Release], tuple[Part, ...]] = lambda _release: ()
    importance: Callable[[Release], int] = lambda _release: 0

    def with_parts(self, release: Release, known: Sequence[Part] = ()) -> Release:
        """Return a release with its configured parts, and those of `known` that looks found."""
        found = [part for part in known if part.origin in ADDED_ORIGINS and part.url != release.url]
        by_id = {part.id: part for part in (*release.parts, *self.extra_parts(release), *found)}
        parts = tuple(by_id.values())
        return release if parts == release.parts else replace(release, parts=parts)

    def proof_goal(self, release: Release, target: Target, promised: InForce) -> ProofGoal | None:
        """Return the proof goal of a target, None without need or an exact slot."""
        instant = (
            promised.slot.instant if promised.slot is not None and is_exact(promised) else None
        )
        if instant is None:
            return None
        within = self.policies.of(release).on_time_within
        return goal_for(release, target, instant, within, self.importance(release))

    def part_to_prove(
        self, release: Release, target: Target, promised: InForce
    ) -> PartToProve | None:
        """Return the part of a target for a forecast, None for another view and without need."""
        goal = self.proof_goal(release, target, promised) if target.view is View.EDGE else None
        return None if goal is None else PartToProve(target, goal)


@dataclass(slots=True)
class Planner:
    """Keeps the poller's windows up to date for every watched release."""

    clock: Clock
    poller: Poller
    rules: WatchRules
    # Releases of one slot share one tuple, to save memory.
    _shared_windows: dict[tuple[Window, ...], tuple[Window, ...]] = field(default_factory=dict)
    # By release, predicted addresses that a published page names.
    _confirmed_urls: dict[str, frozenset[str]] = field(default_factory=dict)

    def reconfigure(self, rules: WatchRules, releases: Iterable[WatchedRelease]) -> None:
        """Plan these releases by these rules from now on."""
        self.rules = rules
        for watched in releases:
            # `announced` is None before the first update.
            self.update_release(watched, watched.announced or watched.release)
            promised = slot_in_force(watched.release, watched.promises, self.clock.now())
            for target in watched.targets.values():
                # Goals may have changed, so send unchanged windows too.
                planned = watched.state_or_empty(target.id).windows
                self._send_to_poller(watched, target, planned, promised, soon=False)

    def update_release(
        self, watched: WatchedRelease, release: Release, *, soon: bool = False
    ) -> None:
        """Update a release to what calendars show, with its configured and found parts.

        A page that a redirect or look found stays. An old address that showed anything becomes a
        part.
        """
        watched.announced = release
        old_url, old_parts = watched.release.url, watched.release.parts
        release = self.rules.with_parts(with_page_at(release, watched.found_page), old_parts)
        has_moved = old_url not in ("", release.url) and watched.has_shown(old_url)
        if has_moved and not any(part.url == old_url for part in release.parts):
            release = replace(release, parts=(*release.parts, part_elsewhere(release, old_url)))
        watched.release = release
        self.set_targets(watched, soon=soon)

    def _find_page(self, watched: WatchedRelease, sighting: Sighting) -> None:
        target = watched.state_of(sighting.target).target
        if target is None:
            return
        publications = [found for found in sighting.found if is_publication(found.url)]
        is_present = sighting.state is State.PRESENT
        shows_title = target.origin is Origin.ELSEWHERE and is_present and sighting.specific
        if target.part == INDEX and is_present:
            # Each page of this title may be the one.
            known = {part.url for part in watched.release.parts}
            for url in sorted({listed.url for listed in publications} - known):
                self.add_parts(watched, [part_elsewhere(watched.release, url)], soon=True)
        elif target.part == ANNOUNCEMENT:
            redirect = next((found.url for found in publications if found.role == "redirect"), None)
            if redirect is not None:
                self._move_page(watched, redirect, Address.LED_TO)
        elif (
            shows_title
            and is_publication(target.url)
            and not watched.has_shown(watched.release.url)
        ):
            # The guessed address never showed a page.
            self._move_page(watched, target.url, Address.FOUND)

    def _move_page(self, watched: WatchedRelease, url: str, address: Address) -> None:
        """Move a release's page from its guessed address, and look there at once."""
        _log.info("page", release=watched.release.id)
        watched.found_page = FoundPage(url, address)
        self.update_release(watched, watched.announced or watched.release, soon=True)

    def add_parts(
        self, watched: WatchedRelease, parts: Sequence[Part], *, soon: bool = False
    ) -> None:
        """Watch further parts, up to twice the limit. `soon`: look at once."""
        known = watched.release.parts
        most = max(2 * self.rules.watch.most_parts, len(known))
        watched.release = replace(watched.release, parts=(*known, *parts)[:most])
        self.set_targets(watched, soon=soon)

    def add_found_parts(self, watched: WatchedRelease, seen: Sighting) -> None:
        """Add the files and links on a published page to the parts of its release.

        If its address is a guess, first try to find the page.
        """
        if watched.release.address is Address.GUESSED:
            self._find_page(watched, seen)
        if not seen.found or seen.state is not State.PRESENT:
            return
        files = [found for found in seen.found if found.role in _FILE_ROLES]
        links = [found.url.partition("#")[0] for found in seen.found if found.role == "external"]
        if not (files or links):
            return
        begins = slot_in_force(watched.release, watched.promises, seen.sent).slot_begins
        if begins is not None and begins > seen.sent:
            return  # not even the names of early files may be used
        self._confirm_predicted(watched, {file.url for file in files})
        file_parts = _new_found_parts(watched.release, files, self.rules.watch.most_parts)
        linked_parts = _new_linked_parts(watched.release, links)
        if file_parts or linked_parts:
            self.add_parts(watched, [*file_parts, *linked_parts])

    def _confirm_predicted(self, watched: WatchedRelease, named: set[str]) -> None:
        """Treat predicted parts that the page has `named` like others."""
        predicted = {part.url for part in watched.release.parts if part.origin is Origin.PREDICTED}
        confirmed = predicted & named
        known = self._confirmed_urls.get(watched.release.id, frozenset())
        if not confirmed <= known:
            self._confirmed_urls[watched.release.id] = known | confirmed
            self.replan(watched)

    def set_targets(self, watched: WatchedRelease, *, soon: bool = False) -> None:
        """Look at the targets of a release as it is now, and at no others of it."""
        before = watched.targets.keys()
        watch = self.rules.watch
        watched.set_targets(
            targets_of(watched.release, origin_view=watch.origin_view, most=watch.most_parts)
        )
        for removed in before - watched.targets.keys():
            self.poller.drop(removed)
        self.replan(watched, soon=soon)

    def replan(self, watched: WatchedRelease, *, soon: bool = False) -> None:
        """Plan a release's windows again, and send the poller those that changed."""
        now = self.clock.now()
        promised = slot_in_force(watched.release, watched.promises, now)
        for target in watched.targets.values():
            windows = self._plan_windows(watched, target, promised, now)
            sent = watched.state_or_empty(target.id).windows
            if windows != tuple(window for window in sent if window.ends > now):
                self._send_to_poller(watched, target, windows, promised, soon=soon)

    def _plan_windows(
        self, watched: WatchedRelease, target: Target, promised: InForce, now: datetime
    ) -> tuple[Window, ...]:
        windows = windows_in_force(
            target,
            promised,
            watched.progress(target),
            self.rules.watch,
            now,
            exact=is_exact(promised),
            default_time=self.rules.default_time,
            # Named, it is not a guess any more.
            is_named=target.url in self._confirmed_urls.get(watched.release.id, ()),
        )
        if len(self._shared_windows) >= _MAX_SHARED_WINDOWS:
            self._shared_windows.clear()
        return self._shared_windows.setdefault(windows, windows)

    def forget(self, watched: WatchedRelease) -> None:
        """Stop looking at a release."""
        self._confirmed_urls.pop(watched.release.id, None)
        for target in watched.targets:
            self.poller.drop(target)

    def _send_to_poller(
        self,
        watched: WatchedRelease,
        target: Target,
        windows: tuple[Window, ...],
        promised: InForce,
        *,
        soon: bool,
    ) -> None:
        """Have the poller look at a target in these windows, first at once if `soon`.

        Without windows, stop.
        """
        # The goal is the proof that the looks around the slot must give, or None.
        goal = self.rules.proof_goal(watched.release, target, promised)
        state = watched.state_of(target.id)
        state.windows, state.proof_goal = windows, goal
        if windows:
            # The poller also needs the slot in force to judge answers, and `known_about` does not
            # have the slot.
            self.poller.restore_known(
                target, replace(watched.known_about(target), slot=promised.slot)
            )
            # Targets are looked at at different times, which stay the same after a restart.
            shift = timedelta(milliseconds=crc32(target.id.encode()) % _LONGEST_SHIFT_MS)
            # At the slot, other requests to the host wait for the look at the page, so only the
            # page has this instant.
            promised_at = (
                promised.slot.instant if promised.slot and is_view_of_page(target) else None
            )
            self.poller.watch(target, windows, shift, promised_at=promised_at, soon=soon, goal=goal)
        else:
            self.poller.drop(target.id)


def _new_found_parts(release: Release, files: Sequence[Found], most: int) -> list[Part]:
    """Return parts for the new files that a page names, until the release has one part more than
    `most`.
    """
    # A part that the page only linked to is not watched. If it is one of the files, it becomes a
    # watched part too.
    known = {part.url for part in release.parts if part.origin is not Origin.LINKED}
    # the one more is not watched: it shows that there were too many
    room = max(0, most + 1 - len(known))
    new = [(file.url, Role(file.role)) for file in files if file.url not in known][:room]
    return new_parts(release, Origin.FOUND, new, first=len(release.parts))


def _new_linked_parts(release: Release, urls: Sequence[str]) -> list[Part]:
    """Return parts for a page's new links to other sites.

    They are only used to predict addresses of later editions.
    """
    known = {part.url for part in release.parts}
    room = _MAX_LINKS - sum(part.origin is Origin.LINKED for part in release.parts)
    new = [(url, Role.ALTERNATIVE) for url in dict.fromkeys(urls) if url not in known][
        : max(0, room)
    ]
    return new_parts(release, Origin.LINKED, new)
