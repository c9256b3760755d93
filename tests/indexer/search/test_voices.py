"""Voices of words in every store: kept, and phrases found within them although another voice speaks between."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pytest

from audiosearch.types import Alternative, Word
from indexer import word_codec
from indexer.index import Index, open_index
from indexer.search.parse import parse
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


def test_hits_of_a_voice(url: str, recording: MakeRecording, monkeypatch: pytest.MonkeyPatch) -> None:
    """All words of a hit have the voice, in spans over the borders of blocks and passages too."""
    chance = random.Random(5)
    voices = ["Ann", "ANN ", "Bob B.", "Zoë", "Zoe\u0308", None]
    library = {}
    with open_index(url, create=True) as index:
        for number in range(6):
            voice, words = None, []
            for place in range(chance.choice([40, 700])):
                voice = chance.choice([voice, voice, voice, chance.choice(voices if number else [None])])
                words.append(Word(chance.choice(["a", "b"]), place, place + 0.5, chance.random(), voice=voice))
            index.add(recording(number), words)
            library[f"id{number:03}"] = words
    with open_index(url) as index:
        for most in (20_000, 10):
            monkeypatch.setattr("indexer.sqlite.search.MAX_SCORED", most)
            for voice, typed in (
                ("ann", "voice:ann"),
                ("zoë", "voice:ZOË"),
                ("bob b.", 'voice:"bob  B." voice:nobody'),
            ):
                for text in ("a", "a b a", '"a" "b" within:2', "a -c"):
                    query = parse([f"{text} {typed}"]).query
                    terms = [term.text for term in query.phrases[0].terms]
                    expected = {
                        (name, words[place].start)
                        for name, words in library.items()
                        for place in range(len(words) + 1 - len(terms))
                        if [word.text for word in words[place : place + len(terms)]] == terms
                        and all(
                            unicodedata.normalize("NFC", word.voice or "").strip().casefold() == voice
                            for word in words[place : place + len(terms)]
                        )
                    }
                    hits = index.search(query, 5000).hits
                    found = {(hit.recording.id, hit.start) for hit in hits}
                    if len(terms) == 1:
                        assert found <= expected if query.within else found == expected
                    else:
                        assert found <= expected  # of overlapping matches one is chosen before the voices are compared
                    assert len(found) == len(hits) > 3
                    assert sum(count.hits for count in index.count(query)) == len(hits)
                    first = index.search(query, 2)
                    rest = index.search(query, 5000, first.after)
                    assert [*first.hits, *rest.hits] == list(hits)
        assert not index.search(parse(["a voice:an"]).query, 1).hits


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
