"""Responses of the API: the records of ``--json``, pages, filters and error messages."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

import cli


def records(*arguments: object) -> list[Any]:
    """Records printed by a command."""
    result = CliRunner().invoke(cli.main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hits_are_the_records_of_query(client: httpx.Client, library: Any) -> None:
    expected = records("query", "human things", "--store", library.store)
    assert len(expected) == 2
    response = client.get("/api/search", params={"q": "human things"}).json()
    assert response["hits"] == expected
    assert response["after"] is None
    assert [recording["id"] for recording in response["recordings"]] == [hit["id"] for hit in expected]


def test_recordings_are_the_records_of_list(client: httpx.Client, library: Any) -> None:
    expected = records("list", "--store", library.store)
    response = client.get("/api/recordings").json()
    assert response == {
        "recordings": expected,
        "total": 6,
        "seconds": round(sum(record["duration"] for record in expected), 3),
    }
    assert client.get("/api/recordings", params={"offset": 1, "limit": 2}).json()["recordings"] == expected[1:3]
    assert client.get("/api/recordings", params={"name": "FIFTH"}).json()["total"] == 1
    assert client.get(f"/api/recordings/{expected[0]['id']}").json() == {**expected[0], "has_file": True}


def test_library(client: httpx.Client, library: Any) -> None:
    totals = client.get("/api/library").json()
    folders = [{"path": f"{library.folder}/{name}", "recordings": 3} for name in ("music", "talks")]
    assert totals["folders"] == folders
    assert totals["recordings"] == 6
    assert totals["words"] == sum(map(len, library.words.values()))
    assert totals["modes"] == ["words"], "no emissions are stored"


def test_pages(client: httpx.Client) -> None:
    all_hits = client.get("/api/search", params={"q": "human"}).json()["hits"]
    assert len(all_hits) == 7
    paged: list[Any] = []
    after = ""
    while True:
        response = client.get("/api/search", params={"q": "human", "limit": 3, "after": after}).json()
        paged += response["hits"]
        after = response["after"]
        if not after:
            break
    assert paged == all_hits


def test_filters(client: httpx.Client, library: Any) -> None:
    def folders(**parameters: Any) -> list[str]:
        hits = client.get("/api/search", params={"limit": 500, **parameters}).json()["hits"]
        return [hit["path"].removeprefix(f"{library.folder}/").split("/")[0] for hit in hits]

    assert folders(q="human", path=f"{library.folder}/talks") == ["talks"] * 4
    assert folders(q="human", path="/**/talks/*.wav") == ["talks"] * 2
    assert folders(q=["human", "hat"], path=f"{library.folder}/music") == ["music"] * 4
    assert len(folders(q="human", id=library.ids["talks/first talk.wav"])) == 2
    assert folders(q="human", id="nobody") == []
    assert folders(q="human", **{"and": "nut", "not": "sun"}) == ["talks"]
    assert folders(q="i human", slop=2) == ["talks", "talks"]
    assert folders(q="human", until="1999-12-31") == []
    queries = ["human", "hat", "th*"]
    all_hits = client.get("/api/search", params={"q": queries, "limit": 500}).json()["hits"]
    for minimum in (0.62, 0.7, 0.75):
        page = client.get("/api/search", params={"q": queries, "confidence": minimum, "limit": 2}).json()
        expected = [hit for hit in all_hits if hit["confidence"] >= minimum]
        assert page["hits"] == expected[: len(page["hits"])]
        assert len(page["hits"]) == min(2, len(expected))


def test_similar_words_if_there_are_no_hits(client: httpx.Client) -> None:
    response = client.get("/api/search", params={"q": "humen things"}).json()
    assert response["hits"] == []
    assert response["near"] == {"humen": ["human"]}
    assert client.get("/api/search", params={"q": "2nd"}).json()["notes"] == ['"2nd" is read as "second"']


def test_other_spellings_and_readings(client: httpx.Client) -> None:
    response = client.get("/api/search", params={"q": "hu man", "not": "105"}).json()
    assert {hit["text"] for hit in response["hits"]} == {"human"}
    assert all(hit["variant"] for hit in response["hits"])
    assert {"human", "one oh five"} <= set(response["also"])
    assert client.get("/api/search", params={"q": "human"}).json()["also"] == []


def test_transcript(client: httpx.Client, library: Any) -> None:
    name = "talks/first talk.wav"
    path, words = f"/api/recordings/{library.ids[name]}/transcript", library.words[name]
    whole = client.get(path).json()
    assert [word["text"] for word in whole["words"]] == [word.text for word in words]
    assert [word["start"] for word in whole["words"]] == [word.start for word in words]
    assert whole["total"] == len(words)
    part = client.get(path, params={"offset": 3, "limit": 2}).json()
    assert part["words"] == whole["words"][3:5]
    for at, offset in ((0, 0), (words[4].start, 4), (words[4].end, 5), (1e6, len(words) - 1)):
        response = client.get(path, params={"at": at, "limit": 1}).json()
        assert (response["offset"], response["words"]) == (offset, [whole["words"][offset]])


def test_peaks_are_high_where_there_is_sound(client: httpx.Client, library: Any) -> None:
    path = f"/api/recordings/{library.ids['talks/first talk.wav']}/peaks"
    whole = client.get(path, params={"points": 100}).json()
    assert len(whole["highest"]) == len(whole["effective"]) == 100
    assert max(whole["highest"]) > 100
    silence = client.get(path, params={"points": 1, "start": 0, "end": 0.05}).json()
    assert silence["highest"][0] <= 2
    assert client.get(path, params={"points": 100}).json() == whole, "cached"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "the query is empty"),
        ("q=%2A", "no word to search for"),
        ("q=a&limit=0", "limit is a whole number from 1 to 500, not '0'"),
        ("q=a&limit=1e3", "limit is a whole number"),
        ("q=a&limit=%D9%A3", "limit is a whole number"),
        ("q=a&confidence=nan", "confidence is a number from 0 to 1"),
        ("q=a&mode=guess", "mode is one of auto, words, sound"),
        ("q=a&order=random", "order is one of confidence, time"),
        ("q=a&since=yesterday", "is not a date"),
        ("q=a&path=talks", "path must be an absolute path"),
        ("q=a&after=x", "page"),
        ("q=a&quick=1", "unknown parameter 'quick'"),
        ("q=a&limit=1&limit=2", "limit may be given once"),
        ("q=a" + "&path=/x" * 21, "path may be given up to 20 times"),
    ],
)
def test_invalid_parameters(client: httpx.Client, query: str, message: str) -> None:
    response = client.get(f"/api/search?{query}")
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_unknown_paths_and_ids(client: httpx.Client) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/recordings/x", "/api/recordings/x/audio", "/r/x", "/x", "/r/"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/search").status_code == 405


def test_broken_store_is_reported(serve: Any, own_library: Any) -> None:
    client = serve(own_library)
    assert client.get("/api/search", params={"q": "human"}).status_code == 200
    own_library.store.write_bytes(b"broken" * 1000)
    responses = [client.get("/api/search", params={"q": "human"}) for _ in range(2)]
    assert {response.status_code for response in responses} == {503}
    assert str(own_library.store) in responses[-1].json()["error"]
