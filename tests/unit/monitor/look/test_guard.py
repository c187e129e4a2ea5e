from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.app.options import allowed_hosts
from monitor.config.settings import Settings
from monitor.look.guard import Guard, RefusedAddress, make_guard


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fd00:ec2::254",
        "fec0::1",
        "3fff::1",
        "192.0.0.192",
        "168.63.129.16",
        "192.88.99.1",
        "::127.0.0.1",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not Guard().admits(address)


@pytest.mark.parametrize("address", ["151.101.0.144", "2a04:4e42::144", "::ffff:151.101.0.144"])
def test_public_addresses_are_admitted(address: str) -> None:
    assert Guard().admits(address)


def test_an_allowed_network_is_admitted_and_its_neighbour_is_not() -> None:
    guard = make_guard(["10.1.2.0/24"])  # the addresses from 10.1.2.0 to 10.1.2.255
    assert guard.admits("10.1.2.3")
    assert not guard.admits("10.1.3.3")


def test_host_with_a_public_and_a_private_address_is_refused() -> None:
    addresses_of_host = ["151.101.0.144", "10.0.0.1"]  # the second is private
    with pytest.raises(RefusedAddress, match=r"www\.example resolves to 10\.0\.0\.1"):
        Guard().check_addresses("www.example", addresses_of_host)


@pytest.mark.parametrize(
    ("scheme", "port"), [("ftp", None), ("file", None), ("http", 22), ("https", 80), ("", None)]
)
def test_other_schemes_and_ports_than_those_of_the_web_are_refused(
    scheme: str, port: int | None
) -> None:
    # For example `ftp`, or `http` with port 22. Without a port (None), the usual one of the scheme
    # is meant.
    with pytest.raises(RefusedAddress):
        Guard().origin_of(scheme, "www.example", port)


def test_configured_port_is_allowed() -> None:
    guard = make_guard([], ports=[8080])
    assert guard.origin_of("http", "www.example", 8080).port == 8080


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="192.168.0.0/16"))
def test_private_ipv4_address_is_refused_even_written_as_ipv6(address: object) -> None:
    """The address is a random one from a private network, for example 10.1.2.3.

    As IPv6, it is ::ffff:10.1.2.3.
    """
    assert not Guard().admits(str(address))
    assert not Guard().admits(f"::ffff:{address}")


def test_networks_allowed_for_a_host_are_not_allowed_for_another() -> None:
    """A host in a private network is refused, unless the settings allow this network for it.

    They allow 10.1.x.x for the host of a calendar, and 10.2.x.x for the host of a producer.
    Neither network is allowed for the other host, or for a host that is not configured.
    """
    calendar = (
        '[[calendar]]\nname = "ours"\nkind = "csv"\nurl = "https://Intranet.example/c.csv"\nallow ='
        ' ["10.1.0.0/16"]\n'
    )
    producer = (
        '[[producer]]\nid = "us"\nname = "Us"\nhosts = ["stats.example"]\nallow = ["10.2.0.0/16"]\n'
    )
    settings = Settings.model_validate(tomllib.loads(calendar + producer))
    guard = make_guard([], of_hosts=allowed_hosts(settings))
    # These addresses are returned, because they are allowed.
    assert guard.check_addresses("intranet.example", ["10.1.2.3"]) == ["10.1.2.3"]
    assert guard.check_addresses("stats.example", ["10.2.2.3"]) == ["10.2.2.3"]
    for host, address in (
        ("not-configured.example", "10.1.2.3"),
        ("intranet.example", "10.2.2.3"),
        ("", "10.1.2.3"),
    ):
        with pytest.raises(RefusedAddress):
            guard.check_addresses(host, [address])
