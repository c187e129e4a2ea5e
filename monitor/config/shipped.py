"""Files shipped with the program: example configurations, and files for Prometheus, Grafana and
systemd.
"""

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
"""Their places in the repository. `deploy/secrets`, which an operator may have made, is never among
them.
"""


def unpack(folder: Path) -> None:
    """Copy the shipped files into a new or empty folder.

    Raises `UserFault` if the folder is not empty, `EnvironmentFault` if it cannot be written.
    """
    # In an installed wheel the files are in this package, else in the repository.
    in_wheel = Path(__file__).with_name("shipped")
    shipped = in_wheel if in_wheel.is_dir() else Path(__file__).parents[2]
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserFault(f"{folder}: is there already, and not empty")
        for part in PARTS:
            source, copy = shipped / part, folder / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    except OSError as exc:
        raise EnvironmentFault(f"{folder}: cannot be written: {exc.strerror}") from exc
