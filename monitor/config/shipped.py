"""Files shipped with the program: example configurations, and files for Prometheus, Grafana and systemd."""

from __future__ import annotations

import shutil
from pathlib import Path

from monitor.errors import EnvironmentFault, UserFault

PARTS = (
    "examples",
    "deploy/alertmanager.yml",
    "deploy/grafana",
    "deploy/kubernetes",
    "deploy/ninethirty.service",
    "deploy/prometheus",
)
"""Their places in the repository. `deploy/secrets`, which an operator may have made, is never among them."""


def unpack(folder: Path) -> None:
    """Copy the shipped files into a new or empty folder.

    Raises `UserFault` if the folder is not empty, `EnvironmentFault` if it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserFault(f"{folder}: is there already, and not empty")
        for part in PARTS:
            kept, copied = _shipped_folder() / part, folder / part
            copied.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if kept.is_dir() else shutil.copy)(kept, copied)
    except OSError as exc:
        raise EnvironmentFault(f"{folder}: cannot be written: {exc.strerror}") from exc


def _shipped_folder() -> Path:
    # The wheel carries the repository's files inside this package.
    carried = Path(__file__).with_name("shipped")
    return carried if carried.is_dir() else Path(__file__).parents[2]
