"""Contract of stored emissions: every store returns those that were added, with their recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from audiosearch.alphabet import Alphabet
from audiosearch.errors import UnknownRecordingError
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery, SpottingCalibration
from audiosearch.types import Emissions, PackedEmissions, Word
from indexer.index import Index, open_index
from indexer.ingest.copy import copy
from indexer.search import spoken_terms
from indexer.types import Filter, Phrase, Query, Recording, StoredEmissions, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

ALPHABET = Alphabet()
TEXTS = {
    1: "the night train leaves at noon",
    2: "nothing is said of it",
    3: "a night in the rain",
    4: "they train at night",
}


def pieces(text: str) -> list[PackedEmissions]:
    """Emissions of a repeated text, near certain: two frames for each letter, then a blank."""
    path = [label for letter in ALPHABET.encode(f" {text} " * 20) for label in (letter, letter, 0)]
    logits = np.zeros((len(path), len(ALPHABET)), np.float32)
    logits[np.arange(len(path)), path] = 12
    return list(pack_in_pieces(Emissions(logits - np.log(np.exp(logits).sum(1, keepdims=True)), 0.02)))


def counted(stored: Iterable[StoredEmissions]) -> Counter[StoredEmissions]:
    return Counter(stored)


def fill(index: Index, recording: MakeRecording, spoken: MakeWords) -> Counter[StoredEmissions]:
    """Add four recordings, the second without emissions; return all pieces with the positions of their first words."""
    index.keep_acoustic_profile("model", AcousticProfile(ALPHABET, SpottingCalibration(floor=5.0)))
    index.keep_acoustic_profile("model", AcousticProfile(ALPHABET, SpottingCalibration()))
    expected: Counter[StoredEmissions] = Counter()
    for number, text in TEXTS.items():
        words, stored = spoken(text * 50), pieces(text) if number != 2 else []
        index.add(recording(number), words, stored)
        firsts = (sum(word.start < piece.start for word in words) for piece in stored)
        expected += Counter(
            StoredEmissions(f"id{number:03}", "model", first, piece)
            for first, piece in zip(firsts, stored, strict=True)
        )
    return expected


def test_stored_emissions_equal_those_added(
    url: str, tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        expected = fill(index, recording, spoken)
        assert len(expected) > 15
        assert counted(index.stored_emissions()) == expected
        assert counted(index.stored_emissions(["id003", "id002", "none"])) == {
            piece: count for piece, count in expected.items() if piece.recording == "id003"
        }
        assert counted(index.stored_emissions([])) == {}
        assert index.emissions("id001") == tuple(pieces(TEXTS[1]))
        assert index.emissions("id002") == ()
        with pytest.raises(UnknownRecordingError):
            index.emissions("none")
        assert 180.0 <= index.emissions_duration() <= 240.0  # the second may have had some
        assert index.acoustic_profiles() == {"model": AcousticProfile(ALPHABET, SpottingCalibration())}

        index.add(recording(1), spoken("new words"), pieces("new words"))
        index.remove("id004")
        assert {piece.recording for piece in index.stored_emissions()} == {"id001", "id003"}
        assert index.emissions("id001") == tuple(pieces("new words"))
        assert 120.0 <= index.emissions_duration() <= 180.0
        with open_index(str(tmp_path / "copy.db"), create=True) as target:
            list(copy(index, target))
            assert counted(target.stored_emissions()) == counted(index.stored_emissions())
            assert target.acoustic_profiles() == index.acoustic_profiles()


def test_candidates_are_the_pieces_that_may_hold_a_text(
    url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.elastic.emissions.CANDIDATES_PER_REQUEST", 3)
    with open_index(url, create=True) as index:
        expected = fill(index, recording, spoken)

        def candidates(text: str, most: int, recordings: list[str] | None = None) -> list[str]:
            stored = list(index.candidate_emissions(KeywordQuery(text, ALPHABET, False), most, recordings))
            assert len(set(stored)) == len(stored) <= most
            assert set(stored) <= set(expected)
            return sorted({piece.recording for piece in stored})

        assert candidates("night train", 1) == ["id001"]
        assert candidates("rain", 100) == ["id001", "id003", "id004"]
        assert candidates("rain", 100, ["id002", "id003", "none"]) == ["id003"]
        assert candidates("rain", 100, []) == candidates("xyzzy", 100) == []
        assert candidates("rain", 0) == []


def test_exhaustive_search_equals_search_of_candidates(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    """The hits, with the words around them, do not depend on the way."""
    with open_index(url, create=True) as index:
        fill(index, recording, spoken)
        query = Query((Phrase((Term("night"), Term("train"))),))
        hits = spoken_terms.find(index, query)
        assert {hit.recording.id for hit in hits} == {"id001"}
        assert all(hit.way == "sound" and hit.confidence > 0.5 for hit in hits)
        assert spoken_terms.find(index, query, max_exhaustive=0.0) == hits
        elsewhere = Filter((recording(3).path,))
        assert spoken_terms.find(index, Query(query.phrases, filter=elsewhere), max_exhaustive=0.0) == []
