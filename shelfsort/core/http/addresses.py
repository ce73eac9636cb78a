"""Which IP addresses belong to the public internet.

The lists follow IANA's registries of special-purpose IPv4 and IPv6 addresses and RFC 4291. They are
our own because `ipaddress.is_global` differs between Python versions and passes NAT64, 6to4 and
site-local addresses in those that we support.
"""

import ipaddress
from collections.abc import Callable, Iterator

AddressRule = Callable[[str], bool]

_NOT_PUBLIC_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT, and metadata services
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's agent of the host, reachable from each virtual machine
            "169.254.0.0/16",  # link-local, and metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.52.193.0/24",  # automatic multicast tunneling
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, AMT
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
_COMPANY_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    )
)
_COMPANY_V6 = tuple(map(ipaddress.IPv6Network, ("::1/128", "fc00::/7")))
# They answer with the credentials of the machine.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254")))
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")
# The second half of the addresses that ISATAP gives to tunnels (RFC 5214).
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, ISATAP) is public only if
    that one is. Other IPv6 addresses outside global unicast are not.

    Raises:
        ValueError: `address` is no IP address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return _is_public_v4(parsed)
    if not all(map(_is_public_v4, _carried(parsed))):
        return False
    if parsed in _MAPPED or parsed in _NAT64:
        return True
    return parsed in _GLOBAL_UNICAST and not any(parsed in network for network in _NOT_PUBLIC_V6)


def is_company_address(address: str) -> bool:
    """Whether an IP address is public, or one that a company uses inside: private or loopback.

    Link-local addresses, metadata services of clouds, multicast and reserved addresses are neither.

    Raises:
        ValueError: `address` is no IP address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed in _METADATA:
        return False
    networks = _COMPANY_V4 if isinstance(parsed, ipaddress.IPv4Address) else _COMPANY_V6
    return any(parsed in network for network in networks) or is_public_address(str(parsed))


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_V4)


def _carried(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address may end at."""
    bits = int(address)
    last = ipaddress.IPv4Address(bits & 0xFFFFFFFF)
    if address in _MAPPED or address in _NAT64 or (bits >> 32) & 0xFFFFFFFF in _ISATAP:
        yield last
    if address in _6TO4:
        yield ipaddress.IPv4Address((bits >> 80) & 0xFFFFFFFF)
