"""Addresses that answers name, before anybody looks there or is shown them."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit


def absolute(base: str, link: object) -> str:
    """Return the http or https address that a link at `base` leads to, empty for one that leads nowhere we may look.

    A link that bears a name and password is none: it would be shown as it stands.
    """
    try:
        url = urljoin(base, str(link).strip())
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    return url if is_usable and "@" not in parts.netloc else ""
