"""Values of a file as a fault may quote them: short, and never a secret."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

_LONGEST = 80
_USERINFO = re.compile(r"(?<=://)[^/\s\"]*@")
_SECRETS = ("password", "passwd", "passphrase", "secret", "token", "key", "apikey", "credentials", "auth")
# Of a channel, whose addresses can be secrets as a whole, only these are ever quoted.
_PLAIN = {"kind", "name", "every", "host", "port", "security", "user", "sender", "to", "folder", "template"}


def shown(value: Any) -> str:  # noqa: ANN401 # whatever the TOML holds
    """Return a value in few characters, users and passwords taken out of addresses."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return "a list of tables"
    text = _USERINFO.sub("...@", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def is_private(place: Sequence[str | int]) -> bool:
    """Tell whether what stands at a place of a configuration may be a secret, so that it must not be quoted."""
    names = [step for step in place if isinstance(step, str)]
    if names[:1] in (["channel"], ["deadman"]) and not _PLAIN.issuperset(names[1:]):
        return True
    return any(_sounds_secret(name) for name in names)


def _sounds_secret(name: str) -> bool:
    # Misspelt ones too: that is when a fault quotes them.
    words = re.split(r"[^a-z]+", name.lower())
    return any(difflib.get_close_matches(word, _SECRETS, n=1, cutoff=0.8) for word in words)
