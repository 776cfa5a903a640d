"""Which network addresses a subscriber may have. Pure: no name is looked up here.

Public addresses are allowed, everything else only in a network that the subscription names. What carries an IPv4
address inside (IPv4-mapped, 6to4, NAT64, Teredo) has to be named itself, and what it carries has to be allowed as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
_PUBLIC_V6: Final = IPv6Network("2000::/3")
"""All that was ever given out for public use; within it there are reserved parts."""
_RESERVED_V6: Final = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)  # IETF protocols with Teredo, documentation, 6to4, documentation
_RESERVED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, where clouds have their metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # IETF protocols
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)


def why_refused(address: Address, named: Sequence[Network]) -> str | None:
    """Why nothing is sent to an address, in words; None when it is allowed.

    Args:
        named: Networks that the subscription names.
    """
    carried = _carried(address)
    if carried is not None:
        if not _is_in(address, named):
            return f"{address} carries the IPv4 address {carried} inside, and no network of the subscription has it"
        return why_refused(carried, named)
    if _is_public(address) or _is_in(address, named):
        return None
    return f"{address} is not a public address, and no network of the subscription has it"


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR form.

    Raises:
        ValueError: one is not of that form; the message names it.
    """
    return tuple(ip_network(word) for word in words)


def fault_of_url(url: str, named: Sequence[Network]) -> str | None:
    """What is wrong with the URL of a subscriber, as far as it can be said without looking a name up; None: nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"it is not a URL ({error})"
    faults = {
        "it begins with https:// or http://": parts.scheme not in ("http", "https"),
        "it names no host": not host,
        "it holds a user name or password; requests are signed instead": "@" in parts.netloc,
        "it has a fragment (#…), which is never sent": bool(parts.fragment),
    }
    wrong = [fault for fault, holds in faults.items() if holds]
    return wrong[0] if wrong or host is None else _fault_of_host(host, named)


def _fault_of_host(host: str, named: Sequence[Network]) -> str | None:
    try:
        literal = ip_address(host.partition("%")[0])
    except ValueError:
        return "its host is a number that is no address" if _looks_like_an_address(host) else None
    return why_refused(literal, named)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    is_translated = any(address in network for network in _NAT64)
    if is_translated or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _RESERVED_V4)
    if address.scope_id is not None:
        return False
    return address in _PUBLIC_V6 and not any(address in network for network in _RESERVED_V6)


def _is_in(address: Address, named: Sequence[Network]) -> bool:
    return any(address in network for network in named)


def _looks_like_an_address(host: str) -> bool:
    """Decimal, octal and hexadecimal spellings, which some resolvers take for IPv4 addresses: 2130706433, 0x7f.1."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdigit() or (last.startswith("0x") and all(mark in "0123456789abcdef" for mark in last[2:]))
