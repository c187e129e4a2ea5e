"""What people and the publishing tool tick before a slot."""

from __future__ import annotations

from enum import StrEnum


class Tick(StrEnum):
    """A step of preparation that was done, or what the publishing tool says."""

    SCHEDULED = "scheduled"
    SCHEDULED_OTHERWISE = "scheduled_otherwise"
    FILES_UPLOADED = "files_uploaded"
    LIST_SENT = "list_sent"
    SECOND_NAMED = "second_named"
    PUBLISHED = "published"


PAST = {
    Tick.SCHEDULED: "the release was scheduled in the publishing tool for the announced time",
    Tick.SCHEDULED_OTHERWISE: (
        "the release was scheduled in the publishing tool for another time than the announced one"
    ),
    Tick.FILES_UPLOADED: "its files were uploaded",
    Tick.LIST_SENT: "the pre-release access list was sent, and its members were bound by it",
    Tick.SECOND_NAMED: "a second person was named for the time of the release",
    Tick.PUBLISHED: "the publishing tool reported that the release was published",
}
"""Each as a fact in the chronology of a report."""
