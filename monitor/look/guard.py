"""Addresses that are never asked: a watched page must not lead the monitor into its own network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Network = IPv4Network | IPv6Network

_PORTS = {"http": 80, "https": 443}
# `is_global` is True for all of these, yet: behind some can lie any IPv4 address, private ones included;
_TRANSLATED = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "192.88.99.0/24")
# some were never given to anybody, or were private once;
_NOBODYS = ("fec0::/10", "3fff::/20")
# and at some a machine's own cloud tells it its secrets (Oracle's within the first, Azure's).
_CLOUDS = ("192.0.0.0/24", "168.63.129.16/32")
_REFUSED = tuple(ip_network(network) for network in (*_TRANSLATED, *_NOBODYS, *_CLOUDS))


class RefusedAddress(Exception):
    """An address that may not be asked. `str(fault)` says which and why, in one line."""


class Origin(NamedTuple):
    """Where a request goes by its URL, before the name is resolved."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Guard:
    """Which schemes, ports and addresses may be asked.

    `networks` are allowed though they are not public, `ports` besides 80 for http and 443 for https. `of_hosts` are
    the networks that hosts named by the configuration may lie in, and no address that was learnt on the way.
    """

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()
    of_hosts: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)

    def origin(self, scheme: str, host: str, port: int | None) -> Origin:
        """Return where a URL of these parts leads. Raises `RefusedAddress` for another scheme or port."""
        usual = _PORTS.get(scheme)
        if usual is None or not host:
            raise RefusedAddress(f"neither http nor https with a host: {scheme or 'no scheme'}")
        if port not in (None, usual) and port not in self.ports:
            raise RefusedAddress(f"port {port} is not allowed")
        return Origin(scheme, host, port or usual)

    def admits(self, address: str, host: str = "") -> bool:
        """Tell whether a numeric address may be connected to, be it as that of a host."""
        ip = _unmapped(ip_address(address.partition("%")[0]))
        allowed = (*self.networks, *self.of_hosts.get(host.lower(), ()))
        return any(ip in network for network in allowed) or _is_public(ip)

    def checked(self, host: str, addresses: Sequence[str]) -> list[str]:
        """Return the addresses of a host in order. Raises `RefusedAddress` when any of them is refused."""
        # One private address among public ones is how names are rebound: refuse the name, not the address.
        for address in addresses:
            if not self.admits(address, host):
                raise RefusedAddress(f"{host} resolves to {address}, which is not public")
        return list(dict.fromkeys(addresses))


def guard_of(
    networks: Iterable[str], ports: Iterable[int] = (), of_hosts: Iterable[tuple[str, Iterable[str]]] = ()
) -> Guard:
    """Return the guard for networks in the form `10.1.2.0/24`. Raises ValueError for another form."""
    own: dict[str, tuple[Network, ...]] = {}
    for host, allowed in of_hosts:
        own[host.lower()] = (*own.get(host.lower(), ()), *map(ip_network, allowed))
    return Guard(tuple(ip_network(network) for network in networks), frozenset(ports), own)


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    is_refused = any(ip in network for network in _REFUSED)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not is_refused
