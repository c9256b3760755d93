"""What the API answers: the records of ``--json``, in pages, under filters; and a sentence for what is wrong."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

import cli


def command(*arguments: object) -> list[Any]:
    """The records that a command prints."""
    result = CliRunner().invoke(cli.main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hits_are_the_records_of_query(client: httpx.Client, shelf: Any) -> None:
    expected = command("query", "human things", "--store", shelf.store)
    assert len(expected) == 2
    answer = client.get("/api/search", params={"q": "human things"}).json()
    assert answer["hits"] == expected
    assert answer["after"] is None
    assert [one["id"] for one in answer["recordings"]] == [one["id"] for one in expected]


def test_recordings_are_the_records_of_list(client: httpx.Client, shelf: Any) -> None:
    expected = command("list", "--store", shelf.store)
    answer = client.get("/api/recordings").json()
    assert answer == {"recordings": expected, "total": 6}
    assert client.get("/api/recordings", params={"offset": 1, "limit": 2}).json()["recordings"] == expected[1:3]
    assert client.get("/api/recordings", params={"name": "FIFTH"}).json()["total"] == 1
    assert client.get(f"/api/recordings/{expected[0]['id']}").json() == expected[0]


def test_library(client: httpx.Client, shelf: Any) -> None:
    about = client.get("/api/library").json()
    folders = [{"path": f"{shelf.folder}/{name}", "recordings": 3} for name in ("music", "talks")]
    assert about["folders"] == folders
    assert about["recordings"] == 6
    assert about["words"] == sum(map(len, shelf.words.values()))
    assert about["modes"] == ["words"], "no emissions are kept"


def test_pages(client: httpx.Client) -> None:
    whole = client.get("/api/search", params={"q": "human"}).json()["hits"]
    assert len(whole) == 7
    paged: list[Any] = []
    after = ""
    while True:
        answer = client.get("/api/search", params={"q": "human", "limit": 3, "after": after}).json()
        paged += answer["hits"]
        after = answer["after"]
        if not after:
            break
    assert paged == whole


def test_filters(client: httpx.Client, shelf: Any) -> None:
    def found(**parameters: Any) -> list[str]:
        hits = client.get("/api/search", params={"limit": 500, **parameters}).json()["hits"]
        return [hit["path"].removeprefix(f"{shelf.folder}/").split("/")[0] for hit in hits]

    assert found(q="human", path=f"{shelf.folder}/talks") == ["talks"] * 4
    assert found(q="human", path="/**/talks/*.wav") == ["talks"] * 2
    assert found(q=["human", "hat"], path=f"{shelf.folder}/music") == ["music"] * 4
    assert len(found(q="human", id=shelf.ids["talks/first talk.wav"])) == 2
    assert found(q="human", id="nobody") == []
    assert found(q="human", **{"and": "nut", "not": "sun"}) == ["talks"]
    assert found(q="i human", slop=2) == ["talks", "talks"]
    assert found(q="human", until="1999-12-31") == []
    several = ["human", "hat", "th*"]
    every = client.get("/api/search", params={"q": several, "limit": 500}).json()["hits"]
    for least in (0.62, 0.7, 0.75):
        sure = client.get("/api/search", params={"q": several, "confidence": least, "limit": 2}).json()
        expected = [hit for hit in every if hit["confidence"] >= least]
        assert sure["hits"] == expected[: len(sure["hits"])]
        assert len(sure["hits"]) == min(2, len(expected))


def test_near_words_where_nothing_is_found(client: httpx.Client) -> None:
    answer = client.get("/api/search", params={"q": "humen things"}).json()
    assert answer["hits"] == []
    assert answer["near"] == {"humen": ["human"]}
    assert client.get("/api/search", params={"q": "2nd"}).json()["notes"] == ['"2nd" is read as "second"']


def test_transcript(client: httpx.Client, shelf: Any) -> None:
    name = "talks/first talk.wav"
    path, words = f"/api/recordings/{shelf.ids[name]}/transcript", shelf.words[name]
    whole = client.get(path).json()
    assert [word["text"] for word in whole["words"]] == [word.text for word in words]
    assert [word["start"] for word in whole["words"]] == [word.start for word in words]
    assert whole["total"] == len(words)
    part = client.get(path, params={"offset": 3, "limit": 2}).json()
    assert part["words"] == whole["words"][3:5]
    for at, place in ((0, 0), (words[4].start, 4), (words[4].end, 5), (1e6, len(words) - 1)):
        answer = client.get(path, params={"at": at, "limit": 1}).json()
        assert (answer["offset"], answer["words"]) == (place, [whole["words"][place]])


def test_peaks_are_high_where_there_is_sound(client: httpx.Client, shelf: Any) -> None:
    path = f"/api/recordings/{shelf.ids['talks/first talk.wav']}/peaks"
    whole = client.get(path, params={"points": 100}).json()
    assert len(whole["highest"]) == len(whole["effective"]) == 100
    assert max(whole["highest"]) > 100
    silence = client.get(path, params={"points": 1, "start": 0, "end": 0.05}).json()
    assert silence["highest"][0] <= 2
    assert client.get(path, params={"points": 100}).json() == whole, "kept"


@pytest.mark.parametrize(
    ("query", "said"),
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
def test_invalid_parameters(client: httpx.Client, query: str, said: str) -> None:
    answer = client.get(f"/api/search?{query}")
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_unknown_paths_and_ids(client: httpx.Client) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/recordings/x", "/api/recordings/x/audio", "/r/x", "/x", "/r/"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/search").status_code == 405


def test_broken_store_gives_one_sentence(serve: Any, own_shelf: Any) -> None:
    client = serve(own_shelf)
    assert client.get("/api/search", params={"q": "human"}).status_code == 200
    own_shelf.store.write_bytes(b"broken" * 1000)
    answers = [client.get("/api/search", params={"q": "human"}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {503}
    assert str(own_shelf.store) in answers[-1].json()["error"]
