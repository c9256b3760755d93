"""Supercuts over the API: their sound, and the list of clips."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from indexer.server.downloads.clip_request import MAX_CLIPS

TALK = "talks/first talk.wav"
SUPERCUT = "/api/supercut"


def span(identity: str, start: float, end: float) -> dict[str, object]:
    """A clip in the body of a request."""
    return {"id": identity, "start": start, "end": end}


def test_a_supercut_joins_clips_of_several_recordings_in_order(client: httpx.Client, library: Any) -> None:
    first, other = library.ids[TALK], library.ids["talks/second.flac"]
    body = {
        "clips": [span(first, 1, 2), span(other, 0.5, 1), span(first, 0, 1)],
        "format": "wav",
        "fade": 0,
        "gap": 0.5,
    }
    response = client.post(SUPERCUT, json=body)
    assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
    assert response.headers["content-disposition"].endswith("supercut-of-3-clips.wav")
    sound, rate = soundfile.read(io.BytesIO(response.content), dtype="int16")
    assert len(sound) == pytest.approx(3.5 * rate, abs=3)
    assert not sound[round(1.01 * rate) : round(1.49 * rate)].any(), "the gap"
    whole, _ = soundfile.read(library.folder / TALK, dtype="int16")
    assert np.abs(sound[: rate - 1].astype(int) - whole[rate : 2 * rate - 1]).max() <= 1
    assert np.abs(sound[-rate + 1 :].astype(int) - whole[1:rate]).max() <= 1
    faded = client.post(SUPERCUT, json={"clips": body["clips"], "padding": 0.25, "fade": 0.1, "format": "flac"})
    assert soundfile.info(io.BytesIO(faded.content)).duration == pytest.approx(2.5 + 5 * 0.25 - 2 * 0.1, abs=0.02), (
        "padding ends at 0 seconds"
    )


CLIP = '{"id": "a", "start": 0, "end": 1}'


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("\udcff", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "object"),
        ("{}", "clips"),
        ('{"clips": []}', "not of 0"),
        ('{"clips": "all"}', "list"),
        (f'{{"clips": [{",".join([CLIP] * (MAX_CLIPS + 1))}]}}', str(MAX_CLIPS)),
        ('{"clips": [1]}', "clip 1"),
        (f'{{"clips": [{CLIP}, {{"id": "a", "start": 0}}]}}', "clip 2 needs the field end"),
        (f'{{"clips": [{CLIP}], "name": "x"}}', '"name"'),
        (f'{{"clips": [{CLIP}], "format": "ogg"}}', "format"),
        (f'{{"clips": [{CLIP}], "format": ["mp3"]}}', "format"),
        (f'{{"clips": [{CLIP}], "fade": "1"}}', "fade"),
        (f'{{"clips": [{CLIP}], "gap": 100}}', "gap"),
        (f'{{"clips": [{CLIP}], "padding": true}}', "padding"),
        ('{"clips": [{"id": 5, "start": 0, "end": 1}]}', "id of clip 1"),
        ('{"clips": [{"id": "a", "start": NaN, "end": 1}]}', "start of clip 1"),
        ('{"clips": [{"id": "a", "start": 0, "end": 1e999}]}', "end of clip 1"),
        ('{"clips": [{"id": "a", "start": 0, "end": 1' + "0" * 400 + "}]}", "end of clip 1"),
        ('{"clips": [{"id": "a", "start": 1, "end": 1}]}', "clip 1 ends after it starts"),
        ('{"clips": [{"id": "a", "start": 0, "end": 1, "track": 2}]}', '"track"'),
        ('{"clips": [' + ",".join(['{"id": "a", "start": 0, "end": 300}'] * 7) + "]}", "30 minutes"),
    ],
)
def test_bad_lists_are_refused(client: httpx.Client, body: str, named: str) -> None:
    content = body.encode(errors="surrogateescape")
    response = client.post(SUPERCUT, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    assert named in response.json()["error"]


def test_only_json_of_a_moderate_length_is_read(client: httpx.Client, library: Any) -> None:
    body = json.dumps({"clips": [span(library.ids[TALK], 0, 1)]})
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = client.post(SUPERCUT, content=body, headers={"content-type": kind})
        assert response.status_code == 415, "another site may send it"
    declared = client.post(SUPERCUT, content=body, headers={"content-type": "Application/JSON; charset=utf-8"})
    assert declared.status_code == 200
    headers = {"content-type": "application/json"}
    assert client.post(SUPERCUT, content=" " * 200_000 + body, headers=headers).status_code == 413
    assert client.get(SUPERCUT).json() == {"error": "method not allowed; use POST"}
    assert client.post(f"/api/recordings/{library.ids[TALK]}/clip").json() == {"error": "method not allowed; use GET"}


def test_clips_that_cannot_be_made_are_named(client: httpx.Client, library: Any) -> None:
    clips = [span(library.ids[TALK], 0, 1), span("nobody", 0, 1)]
    response = client.post(SUPERCUT, json={"clips": clips})
    assert (response.status_code, response.json()["error"][:7]) == (404, "clip 2:")
    response = client.post(SUPERCUT, json={"clips": [span(library.ids[TALK], 100, 101)]})
    assert (response.status_code, response.json()["error"][:7]) == (400, "clip 1:")
