"""What the answers behind records of evidence said of themselves: status and headers, never a word of their bodies."""

from __future__ import annotations

from monitor.look.fetch import Answer

TOLD = ("date", "age", "cache-control", "etag", "last-modified", "x-cache", "fastly-backend-name", "location")
_MOST = 5_000


def head_of(answer: Answer) -> str:
    """Return an answer's status and those headers that tell how fresh it was: `200; date: …; age: 12`."""
    return "; ".join(
        [str(answer.status), *(f"{name}: {answer.headers[name]}" for name in TOLD if name in answer.headers)]
    )


class Heads:
    """The heads of the answers kept in this life, the newest five thousand, by record."""

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}

    def put(self, record: str, answer: Answer) -> None:
        """Take note of an answer that is kept as this record."""
        self._heads[record] = head_of(answer)
        if len(self._heads) > _MOST:
            del self._heads[next(iter(self._heads))]

    def get(self, record: str) -> str:
        """Return the head of a record, empty when it was kept in an earlier life."""
        return self._heads.get(record, "")
