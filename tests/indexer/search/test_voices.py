"""Voices of words in every store: kept, and phrases found within them although another voice speaks between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audiosearch.types import Alternative, Word
from indexer import word_codec
from indexer.index import Index, open_index
from indexer.types import Hit, Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]


def spoken(voice: str | None, *texts: str, start: float = 0.0, pace: float = 0.5) -> list[Word]:
    return [
        Word(text, start + number * pace, start + number * pace + 0.4, 0.5, voice=voice)
        for number, text in enumerate(texts)
    ]


def find(index: Index, text: str) -> list[Hit]:
    terms = tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split())
    return list(index.search(Query((Phrase(terms),)), 10).hits)


@pytest.mark.parametrize("length", [3, 300, 1200])
def test_phrases_of_two_overlapping_voices_are_found(url: str, recording: MakeRecording, length: int) -> None:
    left = spoken("left", *(["the", "night", "train"] * length))
    right = spoken("right", *(["an", "old", "mill"] * length), start=0.25)
    words = sorted(left + right, key=lambda word: word.start)
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        assert index.words("id001") == word_codec.stored(words)
        for text, voice in (("night train", "left"), ("the night train", "left"), ("an old mill", "right"),
                            ("old mi*", "right")):  # fmt: skip
            hit = find(index, text)[0]
            assert {word.voice for word in hit.words} == {voice}, text
            assert 0 < hit.end - hit.start < 1.6


def test_a_phrase_across_a_change_of_speaker_is_found(url: str, recording: MakeRecording) -> None:
    words = [*spoken("A", "who", "said", "good"), *spoken("B", "morning", "to", "you", start=2.0)]
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        (hit,) = find(index, "good morning")
        assert [word.voice for word in hit.words] == ["A", "B"]
        assert (hit.start, hit.end) == (1.0, 2.4)


def test_a_long_word_of_assent_does_not_break_a_phrase(url: str, recording: MakeRecording) -> None:
    words = [*spoken("A", "so", "the", "night", "train", "left", pace=0.9), *spoken("B", "yes", start=2.3)]
    with open_index(url, create=True) as index:
        index.add(recording(1), sorted(words, key=lambda word: word.start))
        assert len(find(index, "the night train left")) == 1
        assert len(find(index, "yes")) == 1


def test_words_without_voices_are_stored_as_before() -> None:
    words = spoken(None, "the", "night", "train")
    packed = word_codec.pack_times(words)
    assert packed == word_codec.deflate(word_codec.inflate(packed))
    assert list(word_codec.unpack("the night train", packed, word_codec.pack_confidences(words))) == words


def test_voices_are_packed_after_the_times() -> None:
    words = [
        Word("the", 0.0, 0.4, 0.5, (Alternative("a", 0.2),), "Zoë"),
        Word("train", 0.5, 0.9, 0.5),
        Word("left", 1.0, 1.4, 0.5, voice="right"),
    ]
    times, confidences = word_codec.pack_times(words), word_codec.pack_confidences(words)
    alternatives = word_codec.pack_alternatives(words)
    assert word_codec.unpack("the train left", times, confidences, alternatives=alternatives) == words
    assert word_codec.unpack("the train left", times, confidences, 1, 3) == words[1:]
    assert word_codec.unpack_times(times) == [(0, 400), (500, 900), (1000, 1400)]


def test_a_voice_is_stored_on_one_line() -> None:
    assert word_codec.stored([Word("the", 0.0, 0.4, 0.5, voice="Ann\n B.\x1b[1m")])[0].voice == "Ann B. [1m"
    assert word_codec.stored([Word("the", 0.0, 0.4, 0.5, voice=" \n")])[0].voice is None
