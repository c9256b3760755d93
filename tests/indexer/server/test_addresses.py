"""Addresses of this machine on its networks."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from indexer.server import addresses
from indexer.server.addresses import lan_addresses, url_host


def test_addresses_belong_to_this_machine() -> None:
    for address in lan_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as server:
            server.bind((address, 0))
    assert not {"127.0.0.1", "::1", "0.0.0.0", "::"} & set(lan_addresses())
    assert all(":" not in address for address in lan_addresses(with_ipv6=False))


def test_ipv6_addresses_of_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [
        "fd000000000000000000000000000002 04 40 00 80 wlan0",
        "20010db8000000000000000000000007 04 40 00 00 eth0",
        "20010db8000000000000000000000008 04 40 00 20 eth0",  # deprecated
        "20010db8000000000000000000000009 04 40 00 40 eth0",  # not verified
        "fe8000000000000000fc00fffe000001 04 40 20 80 eth0",  # link-local
        "00000000000000000000000000000001 01 80 10 80 lo",
        "fd000000000000000000000000000003 05 40 00 80 docker0",
    ]
    for name in ("wlan0", "eth0"):
        (tmp_path / name / "device").mkdir(parents=True)
    (tmp_path / "if_inet6").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(addresses, "INTERFACES", tmp_path)
    monkeypatch.setattr(addresses, "ADDRESSES_6", tmp_path / "if_inet6")
    monkeypatch.setattr(addresses, "_addresses_4", lambda: iter(["10.1.2.3", "127.0.0.1"]))
    monkeypatch.setattr(addresses, "_routed", lambda family: {socket.AF_INET: "10.1.2.3"}.get(family))
    assert lan_addresses() == ["10.1.2.3", "fd00::2", "2001:db8::7"]
    (tmp_path / "if_inet6").unlink()
    assert lan_addresses() == ["10.1.2.3"]
    monkeypatch.setattr(addresses, "_routed", lambda family: None)
    monkeypatch.setattr(addresses, "_addresses_4", lambda: iter(()))
    assert lan_addresses() == []


def test_addresses_in_urls() -> None:
    assert [url_host(host) for host in ("10.1.2.3", "fd00::2", "talks.local")] == [
        "10.1.2.3",
        "[fd00::2]",
        "talks.local",
    ]
