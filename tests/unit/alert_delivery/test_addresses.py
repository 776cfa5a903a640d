"""Where a subscriber may be: every form in which an address of our own network could be smuggled in."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_delivery.addresses import fault_of_url, networks, why_refused

NOBODY = networks(())

V4 = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 169.254.169.254
192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 192.88.99.1
"""
V6 = """
:: ::1 fe80::1 febf::1 fec0::1 fc00::1 fdff::1 ff02::1 2001:db8::1 2001::1 2001:10::1 2002:7f00:1:: 2002:808:808::
64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::8.8.8.8 3fff::1 4000::1
fe80::1%eth0 100::1
"""
PUBLIC = "8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 100.128.0.1 198.20.0.1 223.255.255.255 2400:3200::1 2a00:1450::1"


@pytest.mark.parametrize("address", (V4 + V6).split())
def test_what_is_not_public_is_refused(address: str) -> None:
    assert why_refused(ip_address(address), NOBODY)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_allowed(address: str) -> None:
    assert why_refused(ip_address(address), NOBODY) is None


@pytest.mark.parametrize(
    ("address", "named", "allowed"),
    [
        ("127.0.0.1", ["127.0.0.0/8"], True),
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.0.1", ["10.1.0.0/16"], False),
        ("fd00::1", ["fd00::/8"], True),
        ("::1", ["::1/128"], True),
        ("::ffff:127.0.0.1", ["127.0.0.0/8"], False),
        ("::ffff:127.0.0.1", ["::ffff:0:0/96", "127.0.0.0/8"], True),
        ("64:ff9b::808:808", ["64:ff9b::/96"], True),
        ("64:ff9b::7f00:1", ["64:ff9b::/96"], False),
        ("2002:a00:1::", ["2002::/16"], False),
        ("2002:a00:1::", ["2002::/16", "10.0.0.0/8"], True),
        ("169.254.169.254", ["10.0.0.0/8"], False),
    ],
)
def test_a_network_counts_only_when_it_is_named(address: str, named: list[str], allowed: bool) -> None:
    assert (why_refused(ip_address(address), networks(named)) is None) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://017700000001/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fe80::1%25eth0]/",
        "https://user:secret@brain.example/",
        "https://user@brain.example/",
        "https://brain.example@127.0.0.1/",
        "https://brain.example/#fragment",
        "https://brain.example:99999/",
        "https://brain.example:port/",
        "https://[::1/",
        "ftp://brain.example/",
        "file:///etc/passwd",
        "https:///alerts",
        "https://",
        "gopher://127.0.0.1:9092/",
    ],
)
def test_urls_that_cannot_be_meant_are_refused_before_anything_is_looked_up(url: str) -> None:
    assert fault_of_url(url, NOBODY)


@pytest.mark.parametrize(
    "url",
    [
        "https://brain.example/alerts",
        "http://brain.example:8080/a?b=c",
        "https://8.8.8.8/",
        "https://[2400:3200::1]:8443/x",
    ],
)
def test_ordinary_urls_are_taken(url: str) -> None:
    assert fault_of_url(url, NOBODY) is None
    assert fault_of_url("http://127.0.0.1:9000/", networks(["127.0.0.0/8"])) is None


@given(st.text(max_size=40))
def test_arbitrary_text_is_a_fault_or_a_url(text: str) -> None:
    assert fault_of_url(text, NOBODY) is None or fault_of_url(text, NOBODY)


@given(st.ip_addresses())
def test_python_agrees_that_what_we_allow_is_global(address: object) -> None:
    found = ip_address(str(address))
    if why_refused(found, NOBODY) is None:
        assert found.is_global
        assert not (found.is_private)
        assert not (found.is_loopback)
        assert not (found.is_link_local)
        assert not (found.is_multicast)
