"""Messages and drafts as files: for a desk that watches a folder, for demos, and when all else fails."""

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
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 120


class Folder(ThreadChannel[FolderSettings]):
    """Writes FOLDER/DATE/ID.txt, ID.json and the attachments; the .json comes last and says that all is there."""

    @property
    def formats(self) -> Sequence[str]:
        """Return every format."""
        return tuple(WRITERS)

    async def send(self, message: Message) -> Outcome:
        """Write the files of a message, each whole or not at all. A message that was written before is not changed."""
        if not _SAFE_ID.fullmatch(message.id):
            return Refused(permanent=True, reason="the message's id cannot be a file name")
        place = Path(self._settings.folder) / _notice_date(message, self._now())
        # A disk that hangs must not hang the loop.
        return await self._in_thread(lambda told: _write_message(place, told), message)


def _write_message(place: Path, message: Message) -> Outcome:
    last = place / f"{message.id}.json"
    try:
        if not last.exists():
            place.mkdir(parents=True, exist_ok=True)
            for name, content in _message_files(message):
                _write_whole(place / name, content)
    except OSError as fault:
        # A full disk is emptied and a missing mount comes back: none of these is about this message.
        return Refused(permanent=False, reason=loggable_reason(f"{type(fault).__name__}: {fault.strerror}"))
    return Accepted(str(last.with_suffix(".txt")))


def _message_files(message: Message) -> Iterator[tuple[str, bytes]]:
    names = []
    for place, one in enumerate(message.attachments):
        name = f"{message.id}-{_UNSAFE.sub('-', one.name).strip('.-')[-_LONGEST_NAME:] or place}"
        names.append(name)
        yield name, one.content
    yield f"{message.id}.txt", f"{message.subject}\n\n{message.text}".encode()
    body = {"subject": message.subject, "files": names, "data": dict(message.data)}
    yield f"{message.id}.json", json.dumps(body, indent=2, ensure_ascii=False, default=str).encode()


def _write_whole(file: Path, content: bytes) -> None:
    half = file.with_name(f".{file.name}.half")
    with half.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    half.replace(file)


def _notice_date(message: Message, now: datetime) -> str:
    # The notice's own date, so that a second attempt after midnight finds the first one's files.
    at = message.data.get("at")
    return at[:10] if isinstance(at, str) and re.match(r"\d{4}-\d{2}-\d{2}", at) else now.date().isoformat()
