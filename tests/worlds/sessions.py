"""Sessions of people who are signed in."""

from __future__ import annotations

from datetime import datetime

from monitor.store.kept_sessions import hash_key
from monitor.store.rows import SessionUse, StoredSession


def a_session(
    now: datetime, account: str, number: int = 0, *, right: str = "duty"
) -> StoredSession:
    """Return a session that begins now. Its key is made of the account and the number."""
    return StoredSession(
        hash_key(f"{account} {number}"),
        account,
        SessionUse.BROWSER,
        began=now,
        seen=now,
        ends=None,
        name=account.partition(":")[2],
        right=right,
    )
