"""Patterns of files that are left out."""

import pytest

from indexer.ingest.exclusion import is_excluded


@pytest.mark.parametrize(
    ("glob", "expected"),
    [("*.tmp.wav", True), ("drafts", True), ("drafts/", True), ("/talks/*", True), ("draft", False), ("*.mp3", False)],
)
def test_name_path_and_folders_are_compared(glob: str, expected: bool) -> None:
    assert is_excluded("/talks/drafts/one.tmp.wav", [glob]) is expected


def test_nothing_is_excluded_without_patterns() -> None:
    assert not is_excluded("/talks/one.wav", ())
