"""Addresses of this machine at which other machines may reach it, found without a packet being sent."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FLAGS, ADDRESS = 0x8913, 0x8915
"""Requests SIOCGIFFLAGS and SIOCGIFADDR of Linux (netdevice(7))."""

IS_UP, IS_LOOPBACK, IS_RUNNING = 0x1, 0x8, 0x40
"""Flags of an interface."""

UNUSABLE = 0x8 | 0x20 | 0x40
"""Flags of an IPv6 address that is a duplicate, deprecated or not verified."""

INTERFACES, ADDRESSES_6 = Path("/sys/class/net"), Path("/proc/net/if_inet6")

DISTANT = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of no machine (RFC 5737, RFC 3849)."""


def lan_addresses(*, with_ipv6: bool = True) -> list[str]:
    """Addresses of this machine on its networks, the most likely first; empty without a network.

    First come those of the default route, then those of other interfaces that are devices. Interfaces that are made by
    programs, such as bridges of containers, count only if they have the default route. Link-local IPv6 addresses are
    left out, as browsers refuse their zones.
    """
    found = [_routed(socket.AF_INET), *_addresses_4()]
    if with_ipv6:
        found += [_routed(socket.AF_INET6), *_addresses_6()]
    return list(dict.fromkeys(address for address in found if address is not None and _is_reachable(address)))


def url_host(address: str) -> str:
    """An address or name as the host of a URL."""
    return f"[{address}]" if ":" in address else address


def _is_reachable(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not (ip.is_loopback or ip.is_unspecified or ip.is_multicast or (ip.version == 6 and ip.is_link_local))


def _routed(family: socket.AddressFamily) -> str | None:
    """The address from which this machine would send to distant ones; None without a route."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((DISTANT[family], 9))  # of a datagram socket: only looks up the route
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _is_device(name: str) -> bool:
    return (INTERFACES / name / "device").exists()


def _addresses_4() -> Iterator[str]:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # no IPv4 address
                (flags,) = struct.unpack_from("H", fcntl.ioctl(asked, FLAGS, request), 16)
                address = socket.inet_ntoa(fcntl.ioctl(asked, ADDRESS, request)[20:24])
                if flags & IS_UP and flags & IS_RUNNING and not flags & IS_LOOPBACK and _is_device(name):
                    yield address


def _addresses_6() -> Iterator[str]:
    try:
        lines = ADDRESSES_6.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):  # IPv6 is turned off
        return
    for line in lines:
        digits, _, _, scope, flags, name = line.split()
        if scope == "00" and not int(flags, 16) & UNUSABLE and _is_device(name):
            yield str(ipaddress.IPv6Address(int(digits, 16)))
