"""Import this first to measure the program without developers' tools, as in the image.

structlog and httpx import rich and pygments (5 MB) if they are installed.
"""

from __future__ import annotations

import sys

for _name in ("rich", "pygments"):
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # None there: importing it fails
