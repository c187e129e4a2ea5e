"""Files as a word processor saves them again."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

WEB = "HTML (StarWriter)"


def saved_by(soffice: str, folder: Path, files: Sequence[Path], ending: str, into: str) -> list[Path]:
    """Return files, all of one ending, as a word processor saves them again with another, whole."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    given = [f"--infilter={WEB}"] if files[0].suffix == ".html" else []
    kind = f"{ending}:{WEB}" if ending == "html" else ending
    command = [soffice, "--headless", profile, *given, "--convert-to", kind, "--outdir", str(folder / into)]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=240)
    return [folder / into / f"{file.stem}.{ending}" for file in files]
