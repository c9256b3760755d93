"""Search by sound, alone and merged with hits by words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audiosearch.alphabet import Alphabet
from audiosearch.errors import QueryError
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery, SpottingCalibration
from audiosearch.types import Emissions, PackedEmissions, Word
from indexer.index import Index, open_index
from indexer.matching.cursor import Cursor
from indexer.search import engine, spoken_terms
from indexer.search.parse import parse
from indexer.sqlite import emissions
from indexer.sqlite.index import SqliteIndex
from indexer.types import Filter, Hit, Location, Recording

ALPHABET = Alphabet()
PROFILE = AcousticProfile(ALPHABET, SpottingCalibration())


def packed_emissions(text: str, start: float = 0.0, seed: int = 1) -> list[PackedEmissions]:
    """Emissions in which a text has high probability, at eleven letters per second, in pieces."""
    path = [label for letter in ALPHABET.encode(text) for label in (letter, letter, 0)]
    logits = np.random.default_rng(seed).standard_normal((len(path), len(ALPHABET))).astype(np.float32)
    logits[np.arange(len(path)), path] += 11
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return list(pack_in_pieces(Emissions(log_probs, 0.03, start)))


def timed(text: str, confidence: float = 0.5) -> list[Word]:
    """The words of such emissions with their times."""
    words, letter = [], 0
    for word in text.split():
        words.append(Word(word, letter * 0.09, (letter + len(word)) * 0.09, confidence))
        letter += len(word) + 1
    return words


def recording(number: int, model: str = "m") -> Recording:
    location = Location(f"/talks/{number}.wav", 1, number * 10**9)
    return Recording(f"{number:064x}", (location,), 60.0, model, "2026-01-01T00:00:00+00:00")


TRANSCRIPTS = ["he read kierkegaard every evening", "she never met kierkegaard at all", "nobody reads anything here"]
RECOGNIZED = ["he read kirk a guard every evening", "she never met kierkegaard at all", "nobody reads anything here"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(str(tmp_path / "store.db"), create=True) as opened:
        opened.keep_acoustic_profile("m", PROFILE)
        for number, (spoken, recognized) in enumerate(zip(TRANSCRIPTS, RECOGNIZED, strict=True), start=1):
            opened.add(recording(number), timed(recognized), packed_emissions(spoken, seed=number))
        yield opened


def summaries(hits: Sequence[Hit]) -> list[tuple[str, str, str]]:
    return sorted((hit.recording.path, hit.way, hit.text) for hit in hits)


def test_misrecognized_name_is_found_by_sound(index: Index) -> None:
    query = parse(["Kierkegaard"]).query
    assert summaries(engine.search(index, query, "words", 10).hits) == [("/talks/2.wav", "words", "kierkegaard")]
    both = [("/talks/1.wav", "sound", "kirk a guard"), ("/talks/2.wav", "words", "kierkegaard")]
    assert summaries(engine.search(index, query, "auto", 10).hits) == both
    hits = engine.search(index, query, "sound", 10).hits
    assert [hit.way for hit in hits] == ["sound", "sound"]
    first = next(hit for hit in hits if hit.recording.path == "/talks/1.wav")
    assert first.start == pytest.approx(8 * 0.09 - spoken_terms.LEAD)
    assert first.end == pytest.approx(19 * 0.09, abs=0.04)
    assert [word.text for word in first.before] == ["he", "read"]
    assert [entry.hits for entry in engine.count(index, query, "sound")] == [1, 1]


def test_conditions_filters_and_pages(index: Index) -> None:
    def paths(*texts: str, mode: engine.Mode = "sound", **more: object) -> list[str]:
        page = engine.search(index, parse(texts, **more).query, mode, 10)  # type: ignore[arg-type]
        return sorted(hit.recording.path for hit in page.hits)

    assert paths("kierkegaard", together=["evening"]) == ["/talks/1.wav"]
    assert paths("kierkegaard", without=["evening"], mode="auto") == ["/talks/2.wav"]
    assert paths("kierkegaard", together=["he"], within=0.1) == []
    assert paths("kierkegaard", wanted=Filter(("/talks/2.wav",))) == ["/talks/2.wav"]
    assert paths("kierkeg*") == ["/talks/1.wav", "/talks/2.wav"]
    for order in ("confidence", "time"):
        query = parse(["kierkegaard", "nobody"], order=order).query
        whole = engine.search(index, query, "sound", 10)
        first = engine.search(index, query, "sound", 2)
        assert first.after is not None
        rest = engine.search(index, query, "sound", 2, first.after)
        assert first.hits + rest.hits == whole.hits
        assert len(whole.hits) == 3
    with pytest.raises(QueryError, match="slop"):
        engine.search(index, parse(["a b"], 1).query, "sound", 1)
    with pytest.raises(QueryError, match="in the order of"):
        engine.search(index, replace(query, order="confidence"), "sound", 2, first.after)
    cursor: Cursor[int] = Cursor("time")
    with pytest.raises(QueryError, match="hits by words"):
        engine.search(index, query, "sound", 2, cursor.text())
    with pytest.raises(QueryError, match="hits by sound"):
        engine.search(index, query, "words", 2, first.after)
    with pytest.raises(QueryError, match="is not a cursor"):
        engine.search(index, query, "sound", 2, "abcd")


def test_hits_by_sound_have_the_voice_of_their_words(index: Index) -> None:
    for number, voices in ((1, "AABBBBB"), (2, "BBAAAAA")):
        words = timed(RECOGNIZED[number - 1])
        spoken = [replace(word, voice=voice) for word, voice in zip(words, voices, strict=False)]
        index.add(recording(number), spoken, packed_emissions(TRANSCRIPTS[number - 1], seed=number))
    both = [("/talks/1.wav", "sound", "kirk a guard"), ("/talks/2.wav", "words", "kierkegaard")]
    for typed, expected in (
        ("voice:b", both[:1]), ("voice:A", both[1:]), ("voice:a voice:B", both), ("voice:c", []),
    ):  # fmt: skip
        query = parse([f"kierkegaard {typed}"]).query
        assert summaries(engine.search(index, query, "auto", 10).hits) == expected
        assert [count.recording.path for count in engine.count(index, query, "auto")] == [path for path, *_ in expected]
        by_sound = engine.search(index, query, "sound", 10).hits
        assert sorted(hit.recording.path for hit in by_sound) == [path for path, *_ in expected]
        assert engine.sound_notes(index, query, "auto") == engine.sound_notes(index, query, "sound") != ()
        assert engine.sound_notes(index, query, "words") == ()
    assert engine.sound_notes(index, parse(["kierkegaard"]).query, "auto") == ()


def test_index_without_emissions_is_searched_by_words(tmp_path: Path) -> None:
    with open_index(str(tmp_path / "words.db"), create=True) as index:
        index.add(recording(1), timed("kirk a guard"))
        assert summaries(engine.search(index, parse(["guard"]).query, "auto", 5).hits) == [
            ("/talks/1.wav", "words", "guard")
        ]
        with pytest.raises(QueryError, match="holds no emissions"):
            engine.search(index, parse(["guard"]).query, "sound", 5)


def test_candidates_give_the_hits_of_an_exhaustive_search(index: Index) -> None:
    query = parse(["kierkegaard", "anything here"]).query
    exhaustive = spoken_terms.find(index, query)
    assert spoken_terms.find(index, query, max_exhaustive=0.0) == exhaustive
    assert len(exhaustive) == 3


def test_keys_follow_additions_and_removals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiosearch.spotting.ngram_index.BLOCK", 16)
    path = tmp_path / "store.db"
    with SqliteIndex(str(path), create=True) as index:
        index.keep_acoustic_profile("m", PROFILE)
        texts = {number: ("a heron " if number % 3 else "two tulips ") * 12 for number in range(1, 21)}

        def check() -> None:
            spelling = KeywordQuery("heron", ALPHABET)
            candidates = {piece.recording for piece in index.candidate_emissions(spelling, 1000)}
            assert candidates == {f"{number:064x}" for number in texts if number % 3}
            assert {piece.recording for piece in index.stored_emissions()} == {f"{number:064x}" for number in texts}
            restricted = {piece.recording for piece in index.candidate_emissions(spelling, 1000, [f"{2:064x}"])}
            assert restricted == ({f"{2:064x}"} if 2 in texts else set())

        for number, text in texts.items():
            index.add(recording(number), (), packed_emissions(text, seed=number))
        check()
        for number in (20, 1, 2, 3, 5, 8, 13):
            del texts[number]
            index.remove(f"{number:064x}")
            check()
        texts[40] = "a heron " * 12
        index.add(recording(40), (), packed_emissions(texts[40]))
        check()
        for number in list(texts):
            del texts[number]
            index.remove(f"{number:064x}")
        check()
        assert not index._connection.execute("SELECT 1 FROM block_keys").get
    assert emissions.KEY_MASK + 1 == 1 << 15
