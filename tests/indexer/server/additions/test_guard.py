"""Changes are accepted from the page of the server and from programs with the token only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest


def requests(site: Any, **headers: str) -> list[httpx.Response]:
    """Every request that changes something, with these headers."""
    client, identity = site.client, site.library.ids["talk.wav"]
    return [
        client.post("/api/additions", json={"folder": str(site.library.folder)}, headers=headers),
        client.delete("/api/additions/0123456789abcdef", headers=headers),
        site.upload("a.wav", b"x", **headers),
        client.delete(f"/api/recordings/{identity}", headers=headers),
    ]


def test_token_is_demanded(site: Any) -> None:
    del site.client.headers["authorization"]
    assert {response.status_code for response in requests(site)} == {401}
    assert site.client.get("/api/additions").status_code == 401
    assert site.client.get("/add").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://localhost.evil.example"},
        {"origin": "http://localhost:1"},
        {"origin": "http://[half"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_origins_are_refused(site: Any, headers: dict[str, str]) -> None:
    for response in requests(site, **headers):
        assert (response.status_code, "only from the page" in response.text) == (403, True)
    assert site.client.get("/api/library").json()["recordings"] == 1


def test_own_origin_with_the_cookie_is_accepted(site: Any) -> None:
    token = site.client.headers.pop("authorization").removeprefix("Bearer ")
    site.client.post("/login", data={"token": token})
    origin = str(site.client.base_url).rstrip("/")
    statuses = [response.status_code for response in requests(site, origin=origin, **{"sec-fetch-site": "same-origin"})]
    assert statuses == [202, 404, 415, 200]


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""])
def test_bodies_of_forms_are_refused(site: Any, kind: str, tmp_path: Path) -> None:
    content = site.sound(tmp_path / "a.wav").read_bytes()
    assert site.upload("a.wav", content, **{"content-type": kind}).status_code == 415
    body = b'{"folder": "/"}'
    assert site.client.post("/api/additions", content=body, headers={"content-type": kind}).status_code == 415
    assert list(site.uploads.iterdir()) == []
