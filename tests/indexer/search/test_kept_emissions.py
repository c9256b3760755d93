"""The contract of kept emissions: what was put in comes out, with its recording, in every store."""

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
    """Two frames a letter and a blank, each surely heard; the text is said again and again."""
    path = [label for letter in ALPHABET.encode(f" {text} " * 20) for label in (letter, letter, 0)]
    logits = np.zeros((len(path), len(ALPHABET)), np.float32)
    logits[np.arange(len(path)), path] = 12
    return list(pack_in_pieces(Emissions(logits - np.log(np.exp(logits).sum(1, keepdims=True)), 0.02)))


def heard(some: Iterable[StoredEmissions]) -> Counter[StoredEmissions]:
    return Counter(some)


def fill(index: Index, recording: MakeRecording, spoken: MakeWords) -> Counter[StoredEmissions]:
    """Four recordings, of which the second comes without emissions; gives all pieces with the words at their starts."""
    index.keep_acoustic_profile("model", AcousticProfile(ALPHABET, SpottingCalibration(floor=5.0)))
    index.keep_acoustic_profile("model", AcousticProfile(ALPHABET, SpottingCalibration()))
    every: Counter[StoredEmissions] = Counter()
    for number, text in TEXTS.items():
        words, some = spoken(text * 50), pieces(text) if number != 2 else []
        index.add(recording(number), words, some)
        firsts = (sum(word.start < one.start for word in words) for one in some)
        every += Counter(
            StoredEmissions(f"id{number:03}", "model", first, one) for first, one in zip(firsts, some, strict=True)
        )
    return every


def test_emissions_come_out_as_they_were_put_in(
    url: str, tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        every = fill(index, recording, spoken)
        assert len(every) > 15
        assert heard(index.stored_emissions()) == every
        assert heard(index.stored_emissions(["id003", "id002", "none"])) == {
            one: count for one, count in every.items() if one.recording == "id003"
        }
        assert heard(index.stored_emissions([])) == {}
        assert index.emissions("id001") == tuple(pieces(TEXTS[1]))
        assert index.emissions("id002") == ()
        with pytest.raises(UnknownRecordingError):
            index.emissions("none")
        assert 180.0 <= index.emissions_duration() <= 240.0  # the second may have had some
        assert index.acoustic_profiles() == {"model": AcousticProfile(ALPHABET, SpottingCalibration())}

        index.add(recording(1), spoken("new words"), pieces("new words"))
        index.remove("id004")
        assert {one.recording for one in index.stored_emissions()} == {"id001", "id003"}
        assert index.emissions("id001") == tuple(pieces("new words"))
        assert 120.0 <= index.emissions_duration() <= 180.0
        with open_index(str(tmp_path / "copy.db"), create=True) as other:
            list(copy(index, other))
            assert heard(other.stored_emissions()) == heard(index.stored_emissions())
            assert other.acoustic_profiles() == index.acoustic_profiles()


def test_candidates_are_the_pieces_that_may_hold_a_text(
    url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.elastic.emissions.CANDIDATES_PER_REQUEST", 3)
    with open_index(url, create=True) as index:
        every = fill(index, recording, spoken)

        def found(text: str, most: int, recordings: list[str] | None = None) -> list[str]:
            some = list(index.candidate_emissions(KeywordQuery(text, ALPHABET, False), most, recordings))
            assert len(set(some)) == len(some) <= most
            assert set(some) <= set(every)
            return sorted({one.recording for one in some})

        assert found("night train", 1) == ["id001"]
        assert found("rain", 100) == ["id001", "id003", "id004"]
        assert found("rain", 100, ["id002", "id003", "none"]) == ["id003"]
        assert found("rain", 100, []) == found("xyzzy", 100) == []
        assert found("rain", 0) == []


def test_a_search_by_sound(
    url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all pieces, or of candidates: the same hits, with the words around them."""
    with open_index(url, create=True) as index:
        fill(index, recording, spoken)
        query = Query((Phrase((Term("night"), Term("train"))),))
        hits = spoken_terms.find(index, query)
        assert {hit.recording.id for hit in hits} == {"id001"}
        assert all(hit.way == "sound" and hit.confidence > 0.5 for hit in hits)
        monkeypatch.setattr(spoken_terms, "MAX_EXHAUSTIVE", 0.0)
        assert spoken_terms.find(index, query) == hits
        elsewhere = Filter((recording(3).path,))
        assert spoken_terms.find(index, Query(query.phrases, filter=elsewhere)) == []
