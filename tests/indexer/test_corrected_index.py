"""Corrections in every store: what is searched and read, conflicts, and recordings that are added again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from audiosearch.errors import UnknownRecordingError, WordsChangedError
from audiosearch.types import Alternative, PackedEmissions, Word
from indexer.corrections import CorrectedWords
from indexer.elastic.passages import STRIDE
from indexer.index import Index, open_index
from indexer.types import Phrase, Query, Recording
from indexer.word_codec import stored

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]


def correct(index: Index, name: str, first: int, old: str, new: str) -> CorrectedWords:
    return index.revise(name, lambda words: words.corrected(first, old.split(), new))


def found(index: Index, text: str) -> list[tuple[str, float]]:
    """Ids and confidences of the hits of a phrase."""
    return [(hit.recording.id, hit.confidence) for hit in index.search(Query((Phrase.of(text),)), 100).hits]


def text_of(index: Index, name: str) -> str:
    return " ".join(word.text for word in index.words(name))


def test_corrected_words_are_found_and_replaced_ones_are_not(
    url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    words = [
        *spoken("the quick brow"),
        Word("fox", 2.0, 2.4, 0.5, (Alternative("box", 0.3),)),
        Word("end", 3.0, 3.1, 0.7),
    ]
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        index.add(recording(2), spoken("a brow and a box"))
        assert index.recording("id001") == recording(1)
        correct(index, "id001", 2, "brow fox", "brown socks here")
        assert text_of(index, "id001") == "the quick brown socks here end"
        assert found(index, "brown socks") == [("id001", 1.0)]
        assert found(index, "quick brown") == [("id001", 0.9)]
        assert found(index, "here end") == [("id001", 0.7)]
        for replaced in ("brow", "box"):
            assert [name for name, _ in found(index, replaced)] == ["id002"]
        assert found(index, "fox") == []
        assert index.statistics().words == 11
        corrected = index.recording("id001")
        assert corrected is not None
        assert corrected.corrected is not None
        assert corrected in index.recordings()
        assert [hit.recording for hit in index.search(Query((Phrase.of("socks"),)), 9).hits] == [corrected]
    with open_index(url, create=False) as index:
        kept = index.corrected_words("id001")
        assert kept.recognized == stored(words)
        assert [(each.number, each.recognized, each.text) for each in kept.corrections] == [
            (1, "brow fox", "brown socks here")
        ]
        assert index.corrected_words("id002").corrections == ()
        index.revise("id001", CorrectedWords.reverted)
        assert index.words("id001") == stored(words)
        assert found(index, "socks") == []
        assert found(index, "box") == [("id002", 0.9), ("id001", 0.3)]
        assert index.recording("id001") == recording(1)
        assert index.corrected_words("id001").corrections == ()
        assert index.statistics().words == 10


def test_the_second_of_two_corrections_of_the_same_words_is_refused(
    url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"))
        correct(index, "id001", 2, "brow", "brown")
        with pytest.raises(WordsChangedError, match='now reads "brown"'):
            correct(index, "id001", 2, "brow", "crow")
        assert text_of(index, "id001") == "the quick brown fox"
        with pytest.raises(UnknownRecordingError, match="nobody"):
            correct(index, "nobody", 0, "a", "b")
        with pytest.raises(UnknownRecordingError, match="nobody"):
            index.corrected_words("nobody")


def test_several_people_correct_at_the_same_time(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    """Every correction of other words is kept."""
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("a b c d"))

    def person(place: int, old: str) -> None:
        with open_index(url, create=False) as mine:
            correct(mine, "id001", place, old, old * 2)

    people = [threading.Thread(target=person, args=pair) for pair in enumerate("abcd")]
    for each in people:
        each.start()
    for each in people:
        each.join()
    with open_index(url, create=False) as index:
        assert text_of(index, "id001") == "aa bb cc dd"
        assert sorted(each.number for each in index.corrected_words("id001").corrections) == [1, 2, 3, 4]


def test_a_recording_that_is_recognized_anew_keeps_its_corrections(
    url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"))
        correct(index, "id001", 2, "brow", "brown")
        correct(index, "id001", 0, "the", "a")
        index.add(recording(1), [*spoken("this quick"), Word("crowfoxes", 0.5, 1.5, 0.9)])
        assert text_of(index, "id001") == "a quick crowfoxes"
        kept = index.corrected_words("id001")
        assert [correction.text for correction in kept.placed] == ["a"]
        assert [correction.text for correction in kept.aside] == ["brown"]
        assert [word.text for word in kept.recognized] == ["this", "quick", "crowfoxes"]
        index.add(recording(1), spoken("the quick brow fox"))
        assert text_of(index, "id001") == "a quick brown fox"
        assert found(index, "quick brown") == [("id001", 0.9)]
        index.relocate("id001", recording(1, path="/elsewhere.ogg").locations)
        assert len(index.corrected_words("id001").placed) == 2
        index.remove("id001")
        index.add(recording(1), spoken("the quick brow fox"))
        assert text_of(index, "id001") == "the quick brow fox"
        assert index.recording("id001") == recording(1)


def test_emissions_stay_and_refer_to_the_corrected_words(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    pieces = tuple(PackedEmissions(start, 0.04, 5, b"\1\0\0\0\0") for start in (0.0, 0.5))
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"), pieces)
        correct(index, "id001", 0, "the quick", "a very quick")
        assert index.emissions("id001") == pieces
        assert [(piece.word, piece.emissions) for piece in index.stored_emissions()] == [(0, pieces[0]), (3, pieces[1])]


def test_corrections_in_long_recordings(url: str, recording: MakeRecording, babble: Callable[..., list[Word]]) -> None:
    """At the borders of blocks and passages, transcripts read as the corrected words."""
    chance = random.Random(5)
    words = babble(chance, 3 * STRIDE, ["a", "ab", "the", "o'neil"], alternatives=True)
    expected = CorrectedWords(stored(words))
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        for first in (0, 127, STRIDE - 1, 2 * STRIDE, 3 * STRIDE - 9):
            old = [word.text for word in expected.words[first : first + 3]]
            new = chance.choice(["zebra", "zebra crossing the road", ""])
            expected = expected.corrected(first, old, new)
            index.revise("id001", lambda current, first=first, old=old, new=new: current.corrected(first, old, new))  # type: ignore[misc]
        assert index.words("id001") == expected.words
        assert len(found(index, "zebra")) == sum(word.text == "zebra" for word in expected.words)
        assert index.revise("id001", CorrectedWords.reverted).words == stored(words)
        assert index.words("id001") == stored(words)


def test_voices(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    words = [
        Word(word.text, word.start + shift, word.end + shift, 0.9, (), voice)
        for voice, text, shift in (("left", "one two three", 0.0), ("right", "four five six", 0.3))
        for word in spoken(text)
    ]
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        ordered = [word.text for word in index.words("id001")]
        correct(index, "id001", ordered.index("two"), "two", "to be")
        assert found(index, "one to be three") == [("id001", 0.9)]
        assert {word.voice for word in index.words("id001") if word.text in ("to", "be")} == {"left"}
        index.revise("id001", CorrectedWords.reverted)
        assert [word.text for word in index.words("id001")] == ordered
