"""Manifests: round trips, and errors with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiosearch.data.manifest import Utterance, read_manifest, write_manifest
from audiosearch.errors import ManifestError


def test_round_trip_with_relative_paths_below_the_folder(tmp_path: Path) -> None:
    inside = Utterance(tmp_path / "set" / "clips" / "ünï 1.flac", "i am a human", 2.31, "ann", "0001")
    outside = Utterance(tmp_path / "else" / "b.wav", "saying human things", None, None, "b")
    (tmp_path / "set").mkdir()
    path = tmp_path / "set" / "manifest.jsonl"
    assert write_manifest(path, [inside, outside]) == 2
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {
        "audio": "clips/ünï 1.flac",
        "text": inside.text,
        "duration": 2.31,
        "speaker": "ann",
        "id": "0001",
    }
    assert rows[1] == {"audio": str(outside.audio), "text": outside.text, "id": "b"}
    assert read_manifest(path) == [inside, outside]
    (tmp_path / "set").rename(tmp_path / "moved")
    assert read_manifest(tmp_path / "moved" / "manifest.jsonl")[0].audio == tmp_path / "moved" / "clips" / "ünï 1.flac"


def test_text_is_normalized_and_paths_do_not_depend_on_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {"audio": "../a.wav", "text": "Mr. X’s 2nd", "accent": "none", "speaker": 17}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "m.jsonl").write_text("\ufeff" + json.dumps(line) + "\r\n\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    expected = Utterance(tmp_path / "a.wav", "mister x's second", None, "17", "../a.wav")
    assert read_manifest("b/m.jsonl") == [expected]
    monkeypatch.chdir("b")
    assert read_manifest("m.jsonl") == [expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "must be an object"),
        ('{"text": "a"}', "needs 'audio'"),
        ('{"audio": "a.wav"}', "needs 'text'"),
        ('{"audio": "a.wav", "text": 1}', "needs 'text'"),
        ('{"audio": "", "text": "a"}', "not a path"),
        ('{"audio": "a\\u0000b", "text": "a"}', "not a path"),
        ('{"audio": "a.wav", "text": "a", "duration": "long"}', "'duration' must be"),
        ('{"audio": "a.wav", "text": "a", "duration": NaN}', "'duration' must be"),
        ('{"audio": "a.wav", "text": "a", "duration": -1}', "'duration' must be"),
        ('{"audio": "a.wav", "text": "a", "duration": true}', "'duration' must be"),
    ],
)
def test_malformed_lines_are_reported(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"audio": "a.wav", "text": "a"}\n' + line + "\n")
    with pytest.raises(ManifestError, match=rf"m\.jsonl, line 2: .*{message}"):
        read_manifest(path)


def test_malformed_files_are_reported(tmp_path: Path) -> None:
    cases: dict[str, tuple[str, Callable[[Path], object]]] = {
        "missing.jsonl": ("No such file", lambda path: None),
        "folder.jsonl": ("Is a directory", Path.mkdir),
        "empty.jsonl": ("contains no utterance", Path.touch),
        "sound.jsonl": ("is not UTF-8", lambda path: path.write_bytes(b"RIFF\xff\xfe")),
    }
    for name, (message, make) in cases.items():
        make(tmp_path / name)
        with pytest.raises(ManifestError, match=f"{name}: .*{message}"):
            read_manifest(tmp_path / name)
    with pytest.raises(ManifestError, match="cannot be written"):
        write_manifest(tmp_path / "nowhere" / "m.jsonl", [])


def test_a_manifest_is_replaced_atomically(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write_manifest(path, [Utterance(tmp_path / "a.wav", "a", 1.0, None, "a")])
    before = path.read_bytes()

    def breaks() -> Iterator[Utterance]:
        yield Utterance(tmp_path / "b.wav", "b", 1.0, None, "b")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_manifest(path, breaks())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
