"""The audio track of a recording, chosen on the command line and remembered by the index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli import main
from indexer.index import open_index
from indexer.server.media.access import open_media

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def film(whistler: Whistler, tmp_path: Path) -> Path:
    """Two tracks with a language each."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=whistler.sample_rate, layout="mono") for _ in "12"]
        for track, language in zip(tracks, ("eng", "deu"), strict=True):
            track.metadata["language"] = language
        for track, text in zip(tracks, ("a human", "and you"), strict=True):
            samples = (whistler.say(f"{text}__") * 20_000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate = whistler.sample_rate
            for packet in [*track.encode(frame), *track.encode(None)]:
                container.mux(packet)
    return path


def test_the_track_is_chosen_by_its_number(film: Path, whistle_model: Path, tmp_path: Path) -> None:
    options = ("--model", whistle_model, "--greedy")
    assert run("transcribe", film, *options).stdout == "a human\n"
    assert run("transcribe", film, *options, "--track", "2").stdout == "and you\n"
    for more in ((), ("--channels", "mix"), ("--channels", "1")):
        result = run("transcribe", film, *options, "--track", "3", *more)
        assert result.exit_code == 1
        assert result.stderr == (f"Error: {film}: has 2 audio tracks (track 1 (eng), track 2 (deu)), and no track 3.\n")
    assert run("transcribe", film, *options, "--track", "0").exit_code == 2


def test_clips_and_the_page_have_the_track_that_was_indexed(film: Path, whistle_model: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    index = ("index", film, "--store", store, "--model", whistle_model)
    assert run(*index, "--track", "2").exit_code == 0
    assert "track=2 (1 recording)" in run("info", "--store", store).stdout
    assert "1 unchanged" in run(*index, "--track", "2", "--again").stdout
    playlist = run("query", "you", "--store", store, "--format", "m3u").stdout
    assert "#EXTVLCOPT:audio-track=1\n" in playlist
    assert run("query", "and you", "--store", store, "--clips", tmp_path / "clips", "--padding", "0.2").exit_code == 0
    (clip,) = (tmp_path / "clips").iterdir()
    assert run("transcribe", clip, "--model", whistle_model, "--greedy").stdout == "and you\n"
    with open_index(str(store)) as opened:
        (recording,) = opened.recordings()
    assert (recording.track, recording.sound_id) == (2, f"{recording.id}-2")
    assert open_media(recording, [], lambda: [recording]).kind is None  # a browser would play the first track
    assert json.loads(run("list", "--store", store, "--json").stdout)["model"].endswith(" track=2")
    assert run(*index, "--again").exit_code == 0
    assert run("query", "and you", "--store", store).exit_code == 1
    assert run("query", "a human", "--store", store).exit_code == 0


def test_a_missing_track_leaves_the_others_indexed(
    film: Path, whistler: Whistler, whistle_model: Path, tmp_path: Path
) -> None:
    plain = whistler.write(tmp_path / "plain.wav", "i am")
    result = run("index", tmp_path, "--store", tmp_path / "store.db", "--model", whistle_model, "--track", "2")
    assert result.exit_code == 1
    assert f"{plain}: has one audio track, and no track 2." in " ".join(result.output.split())
    assert "1 recording indexed" in result.output


def test_a_file_without_the_track_is_read_again_without_the_option(
    whistler: Whistler, whistle_model: Path, tmp_path: Path
) -> None:
    plain = whistler.write(tmp_path / "plain.wav", "i am")
    index = ("index", plain, "--store", tmp_path / "store.db", "--model", whistle_model, "--skip-unreadable")
    assert "no track 2" in run(*index, "--track", "2").output
    assert "no track 2" not in run(*index, "--track", "2").output
    assert "1 recording indexed" in run(*index).output
