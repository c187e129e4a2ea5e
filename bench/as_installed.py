"""Imported first, has a bench see what a machine does where only what the daemon needs is installed, as in the image.

structlog and httpx load 5 MB of consoles where developers' tools have brought them.
"""

from __future__ import annotations

import sys

for _name in ("rich", "pygments"):
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # None there means: not to be found
