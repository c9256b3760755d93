"""Paths, globs and times."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from indexer.matching.filters import from_here, literal, locations_under, passes, pattern
from indexer.paths import composed
from indexer.types import Filter, Location, Recording


@pytest.mark.parametrize(
    ("path", "matching", "excluded"),
    [
        ("/a/b", "/a/b /a/b/c.ogg /a/b/c/d.ogg", "/a/bc /a /x/a/b"),
        ("/a/b/", "/a/b /a/b/c.ogg", "/a/bc"),
        ("/", "/a /a/b", ""),
        ("/a/*.ogg", "/a/b.ogg /a/.ogg", "/a/b.mp3 /a/b/c.ogg /a/b.ogg/c"),
        ("/a/**/*.ogg", "/a/b.ogg /a/b/c/d.ogg", "/b.ogg /ab.ogg"),
        ("/a**", "/a /ab/c", "/b"),
        ("/a/**", "/a/b /a/b/c", "/a /ab"),
        ("/a/?.ogg", "/a/b.ogg /a/\u65e5.ogg", "/a/.ogg /a/bb.ogg /a//.ogg"),
        ("/[ab]/[!c-e]", "/a/b /b/f", "/c/b /a/d /a// /a/bb"),
        ("/a/[]x]", "/a/] /a/x", "/a/["),
        ("/a/[^]x]", "/a/y", "/a/] /a/x"),
        ("/a/[*]b", "/a/*b /a/*b/c", "/a/xb"),
        ("/a/[*]b*", "/a/*bc", "/a/*b/c /a/xb"),
        ("/a/[b", "/a/[b", "/a/b"),
        ("/a/[z-b]", "", "/a/z /a/b /a/-"),
        ("/a/[&&~~||[--\\\\]", "/a/& /a/~ /a/[ /a/\\", "/a/x"),
        ("/(a|b)+.ogg", "/(a|b)+.ogg", "/a.ogg"),
    ],
)
def test_patterns_match_whole_paths(path: str, matching: str, excluded: str) -> None:
    assert [name for name in matching.split() if not pattern(path).fullmatch(name)] == []
    assert [name for name in excluded.split() if pattern(path).fullmatch(name)] == []
    assert all(name.startswith(literal(path)) for name in matching.split())


def test_filter_applies_to_a_single_location() -> None:
    recording = Recording("id", (Location("/a", 1, 5), Location("/b", 1, 50)), 1.0, "model", "now")
    for wanted, expected in (
        (Filter(), True),
        (Filter(("/c", "/b")), True),
        (Filter(("/c",)), False),
        (Filter(("/a",), 5, 6), True),
        (Filter(("/a",), 6), False),
        (Filter(("/a",), None, 5), False),
        (Filter((), 6, 50), False),
        (Filter((), 6, 51), True),
    ):
        assert passes(wanted)(recording) == expected, wanted
    with pytest.raises(ValueError, match="absolute"):
        Filter(("a",))


def test_the_literal_beginning_is_that_of_every_spelling() -> None:
    for path in ("/talks/Über/x", "/talks/Zo\u0308e*", "/a\u0301", "/각", "/फ़/x", "/K\u0302", "/talks/録音/x"):
        for name in (unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)):
            assert name.startswith(literal(path))
            assert pattern(path).fullmatch(composed(name))
    assert literal("/talks/録音/x*") == "/talks/録音/x"


def test_the_name_as_spelled_comes_before_other_spellings() -> None:
    names = ["/t/e\u0301.ogg", "/t/\u00e9.ogg", "/u/\u00e9.ogg"]
    recordings = [Recording(str(n), (Location(name, 1, 1),), 1.0, "m", "now") for n, name in enumerate(names)]
    assert locations_under(recordings, names[0]) == {"0": {names[0]}}
    assert locations_under(recordings, names[1]) == {"1": {names[1]}}
    assert locations_under(recordings, "/u/e\u0301.ogg") == {"2": {names[2]}}
    assert locations_under(recordings, "/t") == {"0": {names[0]}, "1": {names[1]}}
    assert locations_under(recordings, "/t/e") == {}


def test_brackets_in_a_name_that_is_spelt_otherwise_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "Cafe\u0301"
    folder.mkdir()
    (folder / "Zoe\u0308 [abc].ogg").touch()
    typed = f"{tmp_path}/Caf\u00e9/Zo\u00eb [abc].ogg"
    assert pattern(from_here(typed)).fullmatch(composed(f"{folder}/Zoe\u0308 [abc].ogg"))
    assert not pattern(from_here(typed)).fullmatch(composed(f"{folder}/Zoe\u0308 a.ogg"))
    assert pattern(from_here(typed + "x")).fullmatch(composed(f"{folder}/Zoe\u0308 a.oggx"))


def test_typed_paths_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "[old] talks"
    (here / "what?").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", "/home/me")

    def fits(typed: str, path: str | Path) -> bool:
        return bool(pattern(from_here(typed)).fullmatch(str(path)))

    assert fits(".", here / "a.ogg")
    assert fits("gone/a.ogg", here / "gone" / "a.ogg")
    assert fits("*.ogg", here / "a.ogg")
    assert fits("./**/*.ogg", here / "b" / "a.ogg")
    assert not fits("*.ogg", tmp_path / "o talks" / "a.ogg")
    assert fits("../*/a.ogg", tmp_path / "x" / "a.ogg")
    assert fits("what?", here / "what?" / "a.ogg")  # it is there by this name
    assert not fits("what?", here / "whats" / "a.ogg")
    assert fits("where?", here / "where!")
    assert fits("../[old] talks", here / "a.ogg")
    assert fits("/x/*", "/x/y")
    assert fits("~/*", "/home/me/y")
    assert fits("~nobody-of-that-name/*", here / "~nobody-of-that-name" / "y")
    assert fits("*" + "x" * 5000, here / ("y" + "x" * 5000))
