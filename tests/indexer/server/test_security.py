"""Access control and security headers."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from indexer.server.auth import COOKIE, AccessPolicy, is_loopback

TOKEN = "correct horse battery staple"


def raw(url: str, *lines: str) -> tuple[int, str]:
    """Status and text of the response to a raw request."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
        response = b""
        while piece := connection.recv(65536):
            response += piece
    return int(response.split(b" ", 2)[1]), response.decode("latin-1")


PATHS = [
    "/../../etc/passwd",
    "/static/../../../../etc/passwd",
    "/static/..%2f..%2fetc%2fpasswd",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/%2e%2e%2findex.html",
    "/static//etc/passwd",
    "/static/index.html",
    "/static/style.css%00.js",
    "/api/recordings/../recordings",
    "/api/recordings/%2e%2e/audio",
    "/api/recordings/..%2f..%2f..%2fetc%2fpasswd/audio",
    "/api/recordings/%2fetc%2fpasswd/audio",
    "/api/recordings//etc/passwd/audio",
    "/api/recordings/{id}%00/audio",
    "/api/recordings/{id}/audio/..",
    "/api/recordings/{id}%2faudio",
    "/api/recordings/{id}/./audio",
    "/api/recordings/..\\..\\etc\\passwd/audio",
    "/r/%2e%2e%2f",
    "/r/{id}%00",
    "/%252e%252e/etc/passwd",
    "//etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_path_traversal_is_refused(url: str, library: Any, path: str) -> None:
    target = path.format(id=library.ids["talks/first talk.wav"])
    status, response = raw(url, f"GET {target} HTTP/1.1", "Host: localhost")
    assert status == 404, response
    assert "root:" not in response


def test_nul_in_the_request_line_is_rejected(url: str) -> None:
    assert raw(url, "GET /\0 HTTP/1.1", "Host: localhost")[0] in (400, 404)


def test_unknown_host_names_are_refused(url: str) -> None:
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:9", "[::1]:8765", "localhost."):
        assert raw(url, "GET / HTTP/1.1", f"Host: {host}")[0] == 200, host
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "",
        "a b",
    ):
        assert raw(url, "GET / HTTP/1.1", f"Host: {host}")[0] in (400, 421), host
    assert raw(url, "GET / HTTP/1.1", "Host: localhost", "Host: evil.example")[0] in (400, 421)
    assert raw(url, "GET / HTTP/1.0")[0] in (400, 421)
    assert raw(url, "GET http://evil.example/ HTTP/1.1", "Host: evil.example")[0] in (400, 421)


def test_ip_addresses_are_accepted_only_with_a_token() -> None:
    assert not AccessPolicy("127.0.0.1").is_known_host("192.168.1.5:8765")
    assert AccessPolicy("0.0.0.0", token=TOKEN).is_known_host("192.168.1.5:8765")
    assert not AccessPolicy("0.0.0.0", token=TOKEN).is_known_host("talks.example.org")
    assert AccessPolicy("0.0.0.0", ("talks.example.org",), TOKEN).is_known_host("Talks.example.org")
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.5", "example.org")))


def test_security_headers_on_every_response(client: httpx.Client, library: Any) -> None:
    identity = library.ids["talks/first talk.wav"]
    for path in (
        "/",
        f"/r/{identity}",
        "/static/main.js",
        "/api/library",
        f"/api/recordings/{identity}/audio",
        "/none",
    ):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "no-cache" in headers["cache-control"], path
        assert "access-control-allow-origin" not in headers


def test_token_is_required(serve: Any, own_library: Any) -> None:
    client, identity = serve(own_library, token=TOKEN), own_library.ids["talk.wav"]
    audio = f"/api/recordings/{identity}/audio"
    for path in ("/api/library", "/api/openapi.json", "/api/nothing", audio):
        response = client.get(path)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer"), path
    for path in ("/", f"/r/{identity}", "/static/main.js", "/none"):
        response = client.get(path)
        assert response.status_code == 401
        assert "talk" not in response.text
    assert client.get("/static/style.css").status_code == 200
    for wrong in (f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer ünknown"):
        assert client.get("/api/library", headers={"authorization": wrong.encode()}).status_code == 401
    assert client.get(audio, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/api/library", headers={"cookie": f"{COOKIE}={TOKEN}"}).status_code == 401


def test_login_sets_a_cookie(serve: Any, own_library: Any) -> None:
    client = serve(own_library, token=TOKEN)
    wrong = client.post("/login", data={"token": "wrong"})
    assert (wrong.status_code, wrong.cookies.get(COOKIE)) == (401, None)
    correct = client.post("/login", data={"token": TOKEN})
    assert (correct.status_code, correct.headers["location"]) == (303, "/")
    cookie = correct.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert client.get("/api/library").status_code == 200
    assert client.post("/login", content=b"x" * 10_000).status_code == 413


def test_link_with_token_keeps_its_path(serve: Any, own_library: Any) -> None:
    client = serve(own_library, token=TOKEN)
    response = client.get("/", params={"token": TOKEN, "q": "human"})
    assert (response.status_code, response.headers["location"]) == (303, "/?q=human")
    assert client.get("/").status_code == 200
    wrong = httpx.get(f"{client.base_url}/", params={"token": "wrong"})
    assert wrong.status_code == 401
    other_host = httpx.get(f"{str(client.base_url).rstrip('/')}//evil.example/", params={"token": TOKEN})
    assert other_host.headers.get("location", "/e").startswith("/e")


def test_names_and_words_are_escaped(client: httpx.Client) -> None:
    """The page is the same for every recording; names and words are JSON in ASCII with its media type."""
    response = client.get("/api/recordings", params={"name": "<img"})
    assert response.headers["content-type"] == "application/json"
    assert response.json()["total"] == 1
    identity = response.json()["recordings"][0]["id"]
    assert client.get(f"/r/{identity}").content == client.get("/").content
    assert client.get("/", params={"q": "<script>alert(1)</script>"}).content == client.get("/").content
