"""Addresses and networks of the IP allow list, and the address a request really came from (rules I1-I7)."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WIDEST = {4: 8, 6: 16}
_CARRIER = ipaddress.ip_network("100.64.0.0/10")
_MAX_LENGTH = 100

_OCTETS = re.compile(r"\d+(?:\.\d+){3}", re.ASCII)
_V4_PORT = re.compile(r"(\d+(?:\.\d+){3}):\d{1,5}", re.ASCII)
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?", re.ASCII)
_RANGE = re.compile(r"[0-9A-Fa-f:.]+\s*[-\u2010-\u2015\u2212]\s*[0-9A-Fa-f:.]+", re.ASCII)
_HEX = re.compile(r"0[xX][0-9A-Fa-f.xX]+", re.ASCII)
_NAME = re.compile(r"[^\W_][\w.-]*", re.ASCII)


class IpError(ValueError):
    """A text that is no allowed entry. `reason` tells what to change:

    empty, multiple, range, non_ascii, zone, brackets, port, wildcard, leading_zero, integer, hex, host_name,
    bad_mask, bad_format, unspecified, broadcast, too_wide.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type["IpError"], tuple[str]]:
        return IpError, (self.reason,)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the network, its only spelling (RFC 5952, no /32 or /128), and notices for the person.

    notices   host_bits, mapped, loopback, link_local, multicast, carrier, private, reserved
    """

    network: Network
    canonical: str
    notices: tuple[str, ...] = ()


def parse(text: str) -> Entry:
    """Read one address or CIDR. Raises IpError(reason); nothing is kept of a text that is only half right."""
    text = text.strip().strip("\ufeff\u200b\u200e\u200f\u2060").strip()
    _refuse_form(text)
    head, slash, tail = text.partition("/")
    address = _read_address(head)
    bits = _read_mask(tail, address.max_prefixlen) if slash else address.max_prefixlen
    network = ipaddress.ip_network((address, bits), strict=False)
    notices: list[str] = ["host_bits"] if network.network_address != address else []
    unmapped = _unmap_network(network)
    if unmapped is not network:
        notices.append("mapped")
    _refuse_network(unmapped)
    return Entry(unmapped, canonical(unmapped), (*notices, *_range_notices(unmapped)))


def canonical(network: Network) -> str:
    """Return the one spelling of a network; a single address has no mask."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _refuse_form(text: str) -> None:
    if not text:
        raise IpError("empty")
    if _RANGE.fullmatch(text):
        raise IpError("range")
    if not text.isascii():
        raise IpError("non_ascii")
    if re.search(r"[\s,;|]", text):
        raise IpError("multiple")
    if len(text) > _MAX_LENGTH:
        raise IpError("bad_format")
    for char, reason in (("%", "zone"), ("[", "brackets"), ("]", "brackets"), ("*", "wildcard"), ("?", "wildcard")):
        if char in text:
            raise IpError(reason)
    head, _, _ = text.partition("/")
    if _V4_PORT.fullmatch(head):
        raise IpError("port")
    if _HEX.fullmatch(head):
        raise IpError("hex")
    if head.isdigit():
        raise IpError("integer")


def _read_address(text: str) -> Address:
    octets = text.rpartition(":")[2]
    if _OCTETS.fullmatch(octets) and any(len(part) > 1 and part[0] == "0" for part in octets.split(".")):
        raise IpError("leading_zero")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if re.fullmatch(r".*[xX][0-9A-Fa-f]+.*", text) and "0x" in text.lower():
        raise IpError("hex")
    if ":" not in text and _NAME.fullmatch(text) and any(char.isalpha() for char in text):
        raise IpError("host_name")
    if re.fullmatch(r"[A-Za-z][\w.-]*:\d+", text) and "." in text:
        raise IpError("port")
    raise IpError("bad_format")


def _read_mask(text: str, longest: int) -> int:
    """Return the prefix length; only plain decimal digits count, no 255.255.255.0 and no «032»."""
    if not re.fullmatch(r"0|[1-9]\d{0,2}", text, re.ASCII) or int(text) > longest:
        raise IpError("bad_mask")
    return int(text)


def _unmap_network(network: Network) -> Network:
    """Turn ::ffff:a.b.c.d/96+n into a.b.c.d/n."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        inner = network.network_address.ipv4_mapped
        if inner is not None:
            return ipaddress.ip_network((inner, network.prefixlen - 96))
    return network


def _refuse_network(network: Network) -> None:
    if network.prefixlen < _WIDEST[network.version]:
        raise IpError("too_wide")
    if network.network_address.is_unspecified:
        raise IpError("unspecified")
    if network.prefixlen == 32 and str(network.network_address) == "255.255.255.255":
        raise IpError("broadcast")


def _range_notices(network: Network) -> list[str]:
    """Name what the person should know about the range; such entries are accepted (rule I3)."""
    address = network.network_address
    if network.version == 4 and network.overlaps(_CARRIER):
        return ["carrier"]
    checks = (
        ("loopback", address.is_loopback),
        ("link_local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("private", network.is_private),
        ("reserved", address.is_reserved),
    )
    return next(([name] for name, holds in checks if holds), [])


@lru_cache(256)
def read_address(text: str) -> Address | None:
    """Return the address of a socket peer or a header hop, IPv4-mapped as IPv4; None if it is none."""
    text = text.strip()
    match = _BRACKETED.fullmatch(text) or _V4_PORT.fullmatch(text)
    if match is not None:
        text = match.group(1)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def contains(networks: Iterable[Network | str], address: str | Address) -> bool:
    """Tell whether the address lies in one of the networks. An unreadable address lies in none.

    An empty list gives False; that it means «no restriction» (rule I5) is the caller's decision.
    """
    found = read_address(str(address))
    if found is None:
        return False
    for network in networks:
        known = ipaddress.ip_network(network) if isinstance(network, str) else network
        if found.version == known.version and found in known:
            return True
    return False


def client_address(peer: str, forwarded: str | Sequence[str] | None, trusted: int | Iterable[Network | str] = 0) -> str:
    """Return the address of the client behind our own proxies, canonical (rule I7).

    peer       the other end of the socket
    forwarded  the X-Forwarded-For header, or all of them in their order
    trusted    how many proxies of ours stand in front (0 = the header is never looked at), or their networks
    returns    the peer when the header is missing, too short or unreadable
    """
    known_peer = read_address(peer or "")
    fallback = str(known_peer) if known_peer is not None else (peer or "")
    header = forwarded if isinstance(forwarded, str) else ",".join(forwarded or ())
    hops = [hop for hop in header.split(",") if hop.strip()]
    if not trusted or not hops:
        return fallback
    if isinstance(trusted, int):
        hop = hops[-trusted] if 0 < trusted <= len(hops) else ""
    else:
        hop = _first_stranger(fallback, hops, list(trusted))
    address = read_address(hop)
    return fallback if address is None else str(address)


def _first_stranger(peer: str, hops: list[str], trusted: list[Network | str]) -> str:
    """Walk from the nearest hop outwards past our own proxies; if all are ours, the outermost is the client."""
    if not contains(trusted, peer):
        return ""
    for hop in reversed(hops):
        address = read_address(hop)
        if address is None:
            return ""
        if not contains(trusted, address):
            return hop
    return hops[0]
