"""Patterns of files that are left out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from indexer import paths
from indexer.ingest.exclusion import IGNORE_FILE, is_excluded, read_ignore_file
from indexer.ingest.walk import Failed, walk


@pytest.mark.parametrize(
    ("glob", "expected"),
    [("*.tmp.wav", True), ("drafts", True), ("drafts/", True), ("/talks/*", True), ("draft", False), ("*.mp3", False)],
)
def test_name_path_and_folders_are_compared(glob: str, expected: bool) -> None:
    assert is_excluded("/talks/drafts/one.tmp.wav", [glob]) is expected


def test_nothing_is_excluded_without_patterns() -> None:
    assert not is_excluded("/talks/one.wav", ())


FILES = (
    *(
        "a.wav",
        "a.tmp.wav",
        "keep.tmp.wav",
        "drafts/b.wav",
        "2024/drafts/c.wav",
        "2024/raw/d.wav",
        "2024/x/y/raw/e.wav",
    ),
    *("logs/f.wav", "logs/deep/g.wav", "old/h.wav", "old/new/i.wav", "n1.wav", "n2.wav", "n3.wav", "#1.wav", "é.wav"),
    *("a b.wav", "end .wav", "!x.wav", "UPPER.WAV", "back[1].wav"),
)


def tree(folder: Path) -> None:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(*given: Path, exclude: tuple[str, ...] = ()) -> set[str]:
    entries = list(walk([str(path) for path in given], exclude))
    assert not [entry for entry in entries if isinstance(entry, Failed)]
    return {str(Path(entry.path).relative_to(given[0])) for entry in entries}


@pytest.mark.parametrize(
    "lines",
    [
        ["*.tmp.wav"],
        ["*.tmp.wav", "!keep.tmp.wav"],
        ["!keep.tmp.wav", "*.tmp.wav"],
        ["drafts/"],
        ["/drafts"],
        ["2024/**/raw"],
        ["**/raw/"],
        ["logs/**"],
        ["logs/*"],
        ["logs", "!logs/deep/"],
        ["old/*", "!old/new"],
        ["n[12].wav"],
        ["n[!12].wav"],
        ["n?.wav", "# a comment", "", "   "],
        ["\\#1.wav", "\\!x.wav"],
        ["#1.wav"],
        ["é.wav", "a b.wav   "],
        ["upper.wav"],
        ["back\\[1].wav"],
        ["/*", "!/a.wav"],
        ["**"],
        ["[unclosed"],
        ["a.wav/"],
    ],
)
def test_ignore_files_leave_out_what_git_ignores(lines: list[str], tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / IGNORE_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n", encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "core.ignorecase=false"]
    try:
        subprocess.run([*git, "init", "-q"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    listed = subprocess.run([*git, "ls-files", "-z", "-o", "--exclude-standard"], check=True, capture_output=True)
    names = {name for name in listed.stdout.decode().split("\0") if name and not name.startswith(".")}
    assert found(tmp_path) == names


def test_lower_ignore_files_come_last_and_higher_ones_count_too(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / IGNORE_FILE).write_bytes(b"\xef\xbb\xbf*.wav\r\ndrafts/\r\n")
    (tmp_path / "2024" / IGNORE_FILE).write_text("!/x/y/raw/e.wav\n")
    assert found(tmp_path) == {"UPPER.WAV", "2024/x/y/raw/e.wav"}
    assert found(tmp_path / "2024") == {"x/y/raw/e.wav"}
    assert found(tmp_path / "drafts") == set()  # its files are ignored by their names
    assert {entry.path for entry in walk([str(tmp_path / "a.wav")])} == {str(tmp_path / "a.wav")}


def test_folders_that_are_left_out_are_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)
    (tmp_path / IGNORE_FILE).write_text("old/\n")
    entered: list[str] = []
    genuine = paths.visible

    def listed(folder: str) -> list[tuple[str, bool]]:
        entered.append(folder)
        return genuine(folder)

    monkeypatch.setattr("indexer.ingest.walk.visible", listed)
    assert "2024/raw/d.wav" not in found(tmp_path, exclude=("2024", "*.tmp.wav"))
    assert {Path(folder).name for folder in entered} == {tmp_path.name, "drafts", "logs", "deep"}


def test_accented_letters_match_in_either_form(tmp_path: Path) -> None:
    one, two = "caf\u00e9", "cafe\u0301"
    for name, pattern in ((one, two), (two, one)):
        assert is_excluded(f"/talks/{name}.wav", [f"{pattern}*"])
        (tmp_path / IGNORE_FILE).write_text(f"{pattern}.wav\n")
        file = read_ignore_file(str(tmp_path))
        assert file is not None
        assert file.decision(f"{tmp_path}/{name}.wav", is_folder=False)
