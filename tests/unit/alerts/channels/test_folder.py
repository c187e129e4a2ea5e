from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from alerts.channel import Accepted, Attachment, Message, Outcome, Refused
from alerts.channels.folder import Folder
from monitor.clock import VirtualClock
from monitor.rehearse.virtual_loop import run_virtually
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 31, 1, tzinfo=UTC)
MESSAGE_OF_5_JANUARY = Message(
    "abc", "abc", "opened", "LATE: £", "text", data={"at": "2018-01-05T09:31:01.000Z"}
)


def folder_channel(place: Path) -> Folder:
    return Folder(channel_settings("folder", folder=str(place)), lambda: NOW, DIRECT)


def list_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


async def test_message_is_saved_under_its_date_as_text_and_json(tmp_path: Path) -> None:
    day = tmp_path / "new/2018-01-05"
    assert await folder_channel(tmp_path / "new").send(MESSAGE_OF_5_JANUARY) == Accepted(
        str(day / "abc.txt")
    )
    assert sorted(one.name for one in day.iterdir()) == ["abc.json", "abc.txt"]
    assert (day / "abc.txt").read_text() == "LATE: £\n\ntext"
    assert json.loads((day / "abc.json").read_text())["subject"] == "LATE: £"


async def test_message_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Someone who can write to the folder made a link where the file will be written first."""
    secret = tmp_path / "secret"
    secret.write_text("kept")
    day = tmp_path / "2018-01-05"
    day.mkdir()
    (day / ".abc.txt.half").symlink_to(secret)
    assert isinstance(await folder_channel(tmp_path).send(MESSAGE_OF_5_JANUARY), Accepted)
    assert secret.read_text() == "kept"
    assert (day / "abc.txt").read_text() == "LATE: £\n\ntext"


async def test_message_is_not_written_into_a_folder_behind_a_link(tmp_path: Path) -> None:
    """Someone who can write to the folder made a link in place of the folder of the day."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = tmp_path / "in"
    place.mkdir()
    (place / "2018-01-05").symlink_to(elsewhere)
    outcome = await folder_channel(place).send(MESSAGE_OF_5_JANUARY)
    assert outcome == Refused(permanent=False, reason="NotADirectoryError: Not a directory")
    assert list(elsewhere.iterdir()) == []


async def test_a_message_that_is_saved_already_is_not_overwritten(tmp_path: Path) -> None:
    channel = folder_channel(tmp_path)
    await channel.send(MESSAGE_OF_5_JANUARY)
    (tmp_path / "2018-01-05/abc.txt").write_text("a person's remark")
    assert isinstance(await channel.send(MESSAGE_OF_5_JANUARY), Accepted)
    assert (tmp_path / "2018-01-05/abc.txt").read_text() == "a person's remark"


async def test_names_of_attachments_cannot_leave_the_folder(tmp_path: Path) -> None:
    files = (Attachment("../../evil name.docx", "x/y", b"1"), Attachment("..", "x/y", b"2"))
    await folder_channel(tmp_path / "in").send(replace(MESSAGE_OF_5_JANUARY, attachments=files))
    # A name without safe characters is replaced by the number of its attachment, from 0.
    names = ("abc.json", "abc.txt", "abc-evil-name.docx", "abc-1")
    assert list_files(tmp_path) == {tmp_path / "in/2018-01-05" / name for name in names}


async def test_an_id_that_is_a_path_is_refused_permanently(tmp_path: Path) -> None:
    outcome = await folder_channel(tmp_path).send(Message("../abc", "x", "opened", "s", "t"))
    assert outcome == Refused(permanent=True, reason="the message's id cannot be a file name")


async def test_a_folder_that_cannot_be_written_is_a_temporary_refusal(tmp_path: Path) -> None:
    """The configured folder is a file, so nothing can be written into it.

    The reason does not show its path.
    """
    file = tmp_path / "file"
    file.write_text("")
    outcome = await folder_channel(file).send(MESSAGE_OF_5_JANUARY)
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert str(tmp_path) not in outcome.reason


def test_no_virtual_time_passes_while_files_are_written(tmp_path: Path) -> None:
    """A rehearsal runs on a virtual clock, which jumps ahead while all tasks wait. Writing a file
    must not make it jump.
    """

    async def send_message(clock: VirtualClock) -> tuple[Outcome, float]:
        # If virtual time passed during the writing, this timeout would end the attempt.
        channel = Folder(
            channel_settings("folder", folder=str(tmp_path), timeout=0.001), clock.now, DIRECT
        )
        outcome = await channel.send(MESSAGE_OF_5_JANUARY)
        await channel.close()
        return outcome, clock.monotonic()

    outcome, seconds = run_virtually(send_message)
    assert isinstance(outcome, Accepted)
    assert seconds == 0


async def test_a_message_without_a_date_is_saved_under_todays_date(tmp_path: Path) -> None:
    outcome = await folder_channel(tmp_path).send(Message("abc", "abc", "test", "s", "t", data={}))
    assert outcome == Accepted(str(tmp_path / f"{NOW:%Y-%m-%d}/abc.txt"))
