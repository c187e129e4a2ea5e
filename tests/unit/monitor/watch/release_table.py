"""Releases in the scripts of stories."""

from __future__ import annotations


def release_table(
    name: str,
    title: str,
    url: str,
    producer: str = "department-for-example",
    slot: str = "09:30:00",
    more: str = "",
) -> str:
    """Return the table of a release on 26 November 2026, announced four weeks before.

    `more` are further keys.
    """
    return f"""
[[release]]
id = "{name}"
title = "{title}"
producer = "{producer}"
url = "{url}"
slot = 2026-11-26T{slot}
known_from = 2026-10-29T09:30:00
{more}
"""
