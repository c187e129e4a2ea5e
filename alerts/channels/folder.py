"""Writes messages and drafts as files: for a desk that watches a folder, for demos, or if other channels fail."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from alerts.channel import Accepted, Message, Outcome, Refused
from alerts.channels.base import ThreadChannel
from alerts.channels.http import loggable_reason
from alerts.channels.settings import FolderSettings
from alerts.draft.write.registry import WRITERS

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 120


class Folder(ThreadChannel[FolderSettings]):
    """Writes FOLDER/DATE/ID.txt, ID.json and the attachments. The .json is written last: then all files are there."""

    @property
    def formats(self) -> Sequence[str]:
        """Return every format."""
        return tuple(WRITERS)

    async def send(self, message: Message) -> Outcome:
        """Write the files of a message, each whole or not at all. A message that was written before is not changed."""
        if not _SAFE_ID.fullmatch(message.id):
            return Refused(permanent=True, reason="the message's id cannot be a file name")
        place = Path(self._settings.folder) / _find_date(message, self._now())
        # A disk that hangs must not hang the loop.
        return await self._in_thread(lambda one: _write_message(place, one), message)


def _write_message(place: Path, message: Message) -> Outcome:
    """Write the files of a message into a folder, unless they are there. Return the path of its text."""
    last = place / f"{message.id}.json"
    try:
        if not last.exists():
            place.mkdir(parents=True, exist_ok=True)
            for name, content in _list_files(message):
                _write_whole(place / name, content)
    except OSError as fault:
        # A full disk or a missing mount is a fault of the channel, so the message is retried.
        return Refused(permanent=False, reason=loggable_reason(f"{type(fault).__name__}: {fault.strerror}"))
    return Accepted(str(last.with_suffix(".txt")))


def _list_files(message: Message) -> Iterator[tuple[str, bytes]]:
    names = []
    for place, one in enumerate(message.attachments):
        name = f"{message.id}-{_UNSAFE_CHARACTERS.sub('-', one.name).strip('.-')[-_LONGEST_NAME:] or place}"
        names.append(name)
        yield name, one.content
    yield f"{message.id}.txt", f"{message.subject}\n\n{message.text}".encode()
    body = {"subject": message.subject, "files": names, "data": dict(message.data)}
    yield f"{message.id}.json", json.dumps(body, indent=2, ensure_ascii=False, default=str).encode()


def _write_whole(file: Path, content: bytes) -> None:
    """Write a file through another name, so that no reader sees a part of it."""
    partial = file.with_name(f".{file.name}.half")
    with partial.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def _find_date(message: Message, now: datetime) -> str:
    # Use the date of the notice, so that a second attempt after midnight finds the files of the first.
    at = message.data.get("at")
    return at[:10] if isinstance(at, str) and re.match(r"\d{4}-\d{2}-\d{2}", at) else now.date().isoformat()
