"""Corrections by the API: who may make them, conflicts, and reverting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.server.auth import AccessPolicy
from indexer.server.corrections.permission import CorrectionPermission
from indexer.server.index_pool import IndexPool

TOKEN = "correct horse battery staple"


@pytest.fixture
def talk(own_library: Any) -> str:
    """Path of a recording's corrections; its transcript begins "i am a human saying human things"."""
    return f"/api/recordings/{own_library.ids['talk.wav']}/corrections"


def change(first: int, old: str, new: str) -> dict[str, object]:
    return {"first": first, "old": old.split(), "new": new}


def text_of(client: httpx.Client, talk: str) -> str:
    response = client.get(talk.replace("corrections", "transcript")).json()
    return " ".join(word["text"] for word in response["words"][:7])


def test_correcting_and_reverting(serve: Callable[..., httpx.Client], own_library: Any, talk: str) -> None:
    client = serve(own_library)
    assert client.get("/api/library").json()["read_only"] is False
    assert client.get(talk).json()["corrections"] == []
    response = client.post(talk, json=change(3, "human saying", "Woman says"))
    assert response.status_code == 200
    (correction,) = response.json()["corrections"]
    assert (correction["word"], correction["words"], correction["recognized"]) == (3, 2, "human saying")
    assert text_of(client, talk) == "i am a woman says human things"
    assert client.get("/api/search", params={"q": "woman says"}).json()["hits"][0]["confidence"] == 1.0
    assert client.get("/api/search", params={"q": "human saying", "mode": "words"}).json()["hits"] == []
    assert client.get(talk.replace("/corrections", "")).json()["corrected"] == correction["edited"]
    assert "woman says" in client.get(talk.replace("corrections", "transcript"), params={"format": "srt"}).text
    client.post(talk, json=change(0, "i", "we"))
    assert len(client.get(talk).json()["corrections"]) == 2
    assert client.delete(f"{talk}/1").json()["corrections"][0]["text"] == "we"
    assert client.delete(f"{talk}/1").status_code == 404
    assert text_of(client, talk) == "we am a human saying human things"
    assert client.delete(talk).json()["corrections"] == []
    assert text_of(client, talk) == "i am a human saying human things"


def test_the_second_of_two_people_is_told(serve: Callable[..., httpx.Client], own_library: Any, talk: str) -> None:
    client = serve(own_library)
    assert client.post(talk, json=change(3, "human", "woman")).status_code == 200
    response = client.post(talk, json=change(3, "human", "man"))
    assert response.status_code == 409
    assert response.json()["words"] == ["woman"]
    assert 'no longer there; the transcript now reads "woman"' in response.json()["error"]
    assert text_of(client, talk) == "i am a woman saying human things"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"first": -1, "old": ["i"], "new": ""}, "first is the position"),
        ({"first": True, "old": ["i"], "new": ""}, "first is the position"),
        ({"first": 0, "old": [], "new": ""}, "old is a list of the words"),
        ({"first": 0, "old": "i", "new": ""}, "old is a list of the words"),
        ({"first": 0, "old": [1], "new": ""}, "old is a list of the words"),
        ({"first": 0, "old": ["i"]}, "new is the text"),
        ({"first": 0, "old": ["i"], "new": "x", "by": "me"}, "unknown field 'by'"),
        ({"first": 0, "old": ["i"], "new": "狐"}, "狐 cannot be in a word"),
        ([], "the change is a JSON object"),
    ],
)
def test_invalid_corrections(
    body: object, message: str, serve: Callable[..., httpx.Client], own_library: Any, talk: str
) -> None:
    response = serve(own_library).post(talk, json=body)
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_other_invalid_requests(serve: Callable[..., httpx.Client], own_library: Any, talk: str) -> None:
    client = serve(own_library)
    json_type = {"content-type": "application/json"}
    assert client.post(talk, content="{", headers=json_type).status_code == 400
    assert client.post(talk, content="x" * 70_000, headers=json_type).status_code == 413
    assert client.post(talk, content='{"first": 0}', headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/api/recordings/nobody/corrections", json=change(0, "i", "we")).status_code == 404
    assert client.delete(f"{talk}/x").status_code == 404
    assert client.put(talk, json={}).status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[evil"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_change_nothing(
    headers: dict[str, str], status: int, serve: Callable[..., httpx.Client], own_library: Any, talk: str
) -> None:
    client = serve(own_library)
    assert client.post(talk, json=change(0, "i", "we"), headers=headers).status_code == status
    for path in (talk, f"{talk}/1"):
        assert client.delete(path, headers=headers).status_code == status or status == 200
    own = {"origin": str(client.base_url).rstrip("/")}
    assert client.post(talk, json=change(1, "am", "was"), headers=own).status_code == 200


def test_a_token_is_required_if_there_is_one(serve: Callable[..., httpx.Client], own_library: Any, talk: str) -> None:
    client = serve(own_library, token=TOKEN, names=("talks.example.org",))
    assert client.post(talk, json=change(0, "i", "we")).status_code == 401
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/library", headers=bearer).json()["read_only"] is False
    proxied = {**bearer, "host": "talks.example.org", "origin": "https://talks.example.org"}
    assert client.post(talk, json=change(0, "i", "we"), headers=proxied).status_code == 200


def test_read_only_servers(serve: Callable[..., httpx.Client], own_library: Any, talk: str) -> None:
    client = serve(own_library, read_only=True)
    assert client.get("/api/library").json()["read_only"] is True
    for response in (client.post(talk, json=change(0, "i", "we")), client.delete(talk), client.delete(f"{talk}/1")):
        assert response.status_code == 403
        assert response.json()["error"] == "this server is read-only"
    assert client.get(talk).json()["corrections"] == []


def test_servers_that_others_reach_without_a_token_are_read_only(own_library: Any) -> None:
    pool = IndexPool(str(own_library.store))
    for policy in (AccessPolicy("0.0.0.0"), AccessPolicy("127.0.0.1", ("talks.example.org",))):
        assert "requires no token" in str(CorrectionPermission(policy, pool).refusal())
    assert CorrectionPermission(AccessPolicy("0.0.0.0", (), TOKEN), pool).refusal() is None
    pool.close()


def test_an_index_that_cannot_be_written(own_library: Any, unprivileged: Callable[[], Path]) -> None:
    content = own_library.store.read_bytes()
    folder = unprivileged()
    store = folder / "store.db"
    store.write_bytes(content)
    store.chmod(0o444)
    folder.chmod(0o555)
    pool = IndexPool(str(store))
    assert "the index cannot be written" in str(CorrectionPermission(AccessPolicy("127.0.0.1"), pool).refusal())
    pool.close()
    folder.chmod(0o755)
