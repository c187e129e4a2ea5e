"""The two dates a report carries: when it was issued, and when it was last amended."""

from __future__ import annotations


def dated(date_of_report: str, last_amended: str) -> str:
    """Return the date of a report, with that of its last amendment when there was one."""
    return f"{date_of_report}, last amended {last_amended}" if last_amended else date_of_report


def amended_text(last_amended: str) -> str:
    """Return the answer to a question for the last amendment."""
    return last_amended or "Not amended since the date of this note"
