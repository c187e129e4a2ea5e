"""Decides which addresses may be requested, so that no watched page can lead the monitor into its
own network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}
# `ip_address.is_global` is True for the networks below. These contain translated IPv4 addresses,
# also private ones.
_TRANSLATED = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "192.88.99.0/24")
# These were never assigned, or used to be private.
_UNASSIGNED = ("fec0::/10", "3fff::/20")
# At these, a cloud gives a machine its secrets (the first contains Oracle's address, the second is
# Azure's).
_CLOUDS = ("192.0.0.0/24", "168.63.129.16/32")
_REFUSED = tuple(ip_network(network) for network in (*_TRANSLATED, *_UNASSIGNED, *_CLOUDS))


class RefusedAddress(Exception):
    """Raised for an address that may not be requested.

    `str(fault)` says which and why, in one line.
    """


class Origin(NamedTuple):
    """The scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Guard:
    """Knows which schemes, ports and addresses may be requested.

    `networks` are allowed although they are not public. `ports` are allowed besides 80 for http and
    443 for https. `of_hosts` allows networks for single hosts that the configuration names.
    `anywhere` allows every address and port. Use it only for addresses that an operator wrote into
    the configuration.
    """

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()
    of_hosts: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    anywhere: bool = False

    def origin_of(self, scheme: str, host: str, port: int | None) -> Origin:
        """Return the origin of a URL.

        Raises `RefusedAddress` for a scheme or port that is not allowed.
        """
        usual = DEFAULT_PORTS.get(scheme)
        if usual is None or not host:
            raise RefusedAddress(f"neither http nor https with a host: {scheme or 'no scheme'}")
        if port not in (None, usual) and port not in self.ports and not self.anywhere:
            raise RefusedAddress(f"port {port} is not allowed")
        return Origin(scheme, host, port or usual)

    def admits(self, address: str, host: str = "") -> bool:
        """Return whether we may connect to a numeric address.

        With `host`, also if it is allowed only for that host.
        """
        # Without its zone, and as the IPv4 address that it may contain.
        ip = ip_address(address.partition("%")[0])
        ip = (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
        if self.anywhere or any(
            ip in network for network in (*self.networks, *self.of_hosts.get(host.lower(), ()))
        ):
            return True
        is_refused = any(ip in network for network in _REFUSED)
        return ip.is_global and not ip.is_multicast and not ip.is_reserved and not is_refused

    def why_refused(self, url: str) -> str | None:
        """Return why a URL may not be requested, as far as it shows that itself, or None.

        A host with a name is known only when it is resolved.
        """
        try:
            parts = urlsplit(url)
            origin = self.origin_of(parts.scheme, parts.hostname or "", parts.port)
            ip_address(origin.host)
        except RefusedAddress as fault:
            return str(fault)
        except ValueError:
            return None
        if self.admits(origin.host):
            return None
        return f"{origin.host} is not public"

    def check_addresses(self, host: str, addresses: Sequence[str]) -> list[str]:
        """Return the addresses of a host without duplicates.

        Raises `RefusedAddress` if any of them is refused.
        """
        # DNS rebinding mixes one private address with public ones, so the whole name is refused.
        for address in addresses:
            if not self.admits(address, host):
                raise RefusedAddress(f"{host} resolves to {address}, which is not public")
        return list(dict.fromkeys(addresses))


def make_guard(
    networks: Iterable[str],
    ports: Iterable[int] = (),
    of_hosts: Iterable[tuple[str, Iterable[str]]] = (),
) -> Guard:
    """Return a guard that allows networks such as `10.1.2.0/24`, ports, and networks by host.

    Raises `ValueError`.
    """
    by_host: dict[str, tuple[Network, ...]] = {}
    for host, allowed in of_hosts:
        by_host[host.lower()] = (*by_host.get(host.lower(), ()), *map(ip_network, allowed))
    return Guard(tuple(map(ip_network, networks)), frozenset(ports), by_host)
