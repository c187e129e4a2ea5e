"""The parts that a page or item of GOV.UK reveals."""

from __future__ import annotations

from urllib.parse import urlsplit

from monitor.look.fetch import Found

_FILES = "assets.publishing.service.gov.uk"
_DATA = ("csv", "ods", "xlsx", "xls", "xlsm", "zip", "json", "xml", "tsv", "sav", "parquet")


def attached(page: str, url: str, title: str) -> Found | None:
    """Return a link of a page as a part of it: its files and the pages below it; None for any other link."""
    here, there = urlsplit(page), urlsplit(url)
    if there.hostname == _FILES and not there.path.endswith("/preview"):
        return Found(url, title, role_of_file(there.path))
    below = here.path.rstrip("/").removeprefix("/api/content") + "/"
    if there.hostname == here.hostname and there.path.startswith(below) and not there.path.endswith("/print"):
        return Found(url, title, "html")
    return None


def role_of_file(path: str) -> str:
    """Return `data` for a file that holds figures, `attachment` for any other."""
    return "data" if path.rpartition(".")[2].lower() in _DATA else "attachment"
