"""The writing half of the seam to the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from alerts.claim import Claim
from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.errors import UserFault
from monitor.judge.runs import Blind, Run
from monitor.store.rows import (
    Announced,
    CalendarRead,
    Delivery,
    Draft,
    Event,
    Heartbeat,
    Judged,
    Lease,
    Record,
    RotaRead,
)
from schedules.promise import Promise
from schedules.release import Release


class Conflict(UserFault):
    """What was to be written contradicts what is there, most often since somebody else wrote meanwhile."""


class Transaction(Protocol):
    """Writes that appear together or not at all."""

    def save_release(self, release: Release) -> None:
        """Insert a release or replace what is known of it."""

    def save_releases(self, releases: Iterable[Release]) -> None:
        """Do `save_release` for many releases at once."""

    def add_promises(self, promises: Iterable[Promise]) -> None:
        """Append to the ledger; a promise that is there already (release, calendar, learnt) is left alone."""

    def save_promises(self, promises: Iterable[Promise]) -> None:
        """Insert promises or replace them (by release, calendar and learnt)."""

    def confirm_all(self, calendar: str, releases: Sequence[str], at: datetime) -> None:
        """Note that the newest promise of each of these releases in this calendar was still shown at `at`."""

    def save_announced(self, announced: Iterable[Announced]) -> None:
        """Insert or replace entries of calendars, by calendar and uid."""

    def touch_announced(self, calendar: str, uids: Sequence[str], at: datetime) -> None:
        """Note that these entries were still shown at `at`, and are not gone."""

    def add_read(self, read: CalendarRead) -> None:
        """Append a read of a calendar."""

    def add_claim(self, claim: Claim) -> bool:
        """Append what a publisher claims; False when it is there already (by producer, address and stamp)."""

    def save_runs(self, runs: Iterable[Run]) -> None:
        """Insert or extend runs, by target, `first_sent` and monitor."""

    def add_blind(self, blind: Blind) -> None:
        """Append a blind span; one that begins at the same instant for the same cause and scope is extended."""

    def save_judged(self, judged: Judged) -> None:
        """Replace the verdict on a release."""

    def add_event(self, event: Event) -> bool:
        """Append an event; False when one of this id is there already (then nothing is written)."""

    def save_incident(self, incident: Incident) -> None:
        """Insert or replace an incident."""

    def add_draft(self, draft: Draft) -> None:
        """Append a version of a draft; raises `Conflict` when this version is there already."""

    def add_notice(self, notice: Notice, deliveries: Sequence[Delivery]) -> bool:
        """Append a notice with its deliveries; False when one of this id is there already."""

    def save_notice(self, notice: Notice) -> None:
        """Insert or replace a notice; only one that was not sent yet may be replaced."""

    def save_delivery(self, delivery: Delivery) -> None:
        """Replace the standing of one delivery, by notice and channel; raises `Conflict` without its notice."""

    def save_silence(self, silence: Silence) -> None:
        """Insert or replace a silence."""

    def save_rota(self, read: RotaRead) -> None:
        """Replace what the calendar of a rota said."""

    def save_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Replace the sign of life of one monitor."""

    def add_evidence(self, records: Iterable[Record]) -> None:
        """Append records of evidence; raises `Conflict` when another of this number is there already."""

    def expire_evidence(self, monitor: str, last: int, at: datetime) -> None:
        """Note that the bytes of a monitor's records up to number `last` were given up at `at`."""

    def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> Lease | None:
        """Take or renew a lease and return it; None when somebody else holds it beyond `now`.

        A database of several monitors goes by its own clock instead, for as long as from `now` to `until`.
        """

    def drop_lease(self, name: str, holder: str) -> None:
        """Give a lease back; nothing happens when somebody else holds it."""

    def forget_reads(self, reads: Sequence[tuple[str, datetime]]) -> None:
        """Forget reads of calendars, by calendar and when they began."""

    def merge_runs(self, runs: Sequence[Run], merged: Sequence[Run]) -> None:
        """Put `merged` in the place of `runs`."""
