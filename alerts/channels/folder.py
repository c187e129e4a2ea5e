"""Writes messages and drafts as files: for a desk that watches a folder, for demos, or if other
channels fail.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from alerts.channel import Accepted, Message, Outcome, Refused
from alerts.channels.base import ThreadChannel
from alerts.channels.http import loggable_reason
from alerts.channels.settings import FolderSettings
from alerts.draft.write.registry import WRITERS
from schedules.times.json import instant_from_json

_LONGEST_NAME = 120


class Folder(ThreadChannel[FolderSettings]):
    """Writes FOLDER/DATE/ID.txt, ID.json and the attachments.

    The .json is written last: then all files are there.
    """

    formats = tuple(WRITERS)

    def _send_blocking(self, message: Message) -> Outcome:
        """Write the files of a message, each whole or not at all.

        A message that was written before is not changed.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", message.id):
            return Refused("the message's id cannot be a file name", permanent=True)
        # Use the date of the notice, so that a second attempt after midnight finds the files of the
        # first.
        at = instant_from_json(message.data.get("at")) or self._now()
        folder = Path(self._settings.folder) / at.date().isoformat()
        last_file = folder / f"{message.id}.json"  # if it exists, all files before it are whole
        try:
            if not last_file.exists():
                folder.mkdir(parents=True, exist_ok=True)
                _write_files(folder, _list_files(message))
        except OSError as fault:
            # A full disk or a missing mount is a fault of the channel, so the message is retried.
            return Refused(loggable_reason(f"{type(fault).__name__}: {fault.strerror}"))
        return Accepted(str(last_file.with_suffix(".txt")))


def _list_files(message: Message) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a message: attachments, its text, and last a .json
    that lists them.
    """
    names = []
    for number, attachment in enumerate(message.attachments):
        # A long name loses its beginning, because its end is the file type.
        safe_name = re.sub(r"[^A-Za-z0-9_.-]+", "-", attachment.name).strip(".-")[-_LONGEST_NAME:]
        names.append(f"{message.id}-{safe_name or number}")
        yield names[-1], attachment.content
    yield f"{message.id}.txt", f"{message.subject}\n\n{message.text}".encode()
    body = {"subject": message.subject, "files": names, "data": dict(message.data)}
    yield f"{message.id}.json", json.dumps(body, indent=2, ensure_ascii=False, default=str).encode()


def _write_files(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a folder. Raises `OSError`, also if the folder is a link to another."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name, content in files:
            _write_whole(place, name, content)
    finally:
        os.close(place)


def _write_whole(folder: int, name: str, content: bytes) -> None:
    """Write a file through another name, so that no reader sees a part of it.

    Someone else who can write to the folder may have put a link under that name. So what is there
    is removed, and the file is a new one.
    """
    unfinished = f".{name}.half"
    with suppress(FileNotFoundError):
        os.unlink(unfinished, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(unfinished, flags, 0o666, dir_fd=folder), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
