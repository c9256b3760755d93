"""Words as bytes and back."""

from __future__ import annotations

import random

import pytest

from audiosearch.types import Alternative, Word
from indexer import word_codec
from indexer.types import MAX_LETTERS


def packed(words: list[Word]) -> tuple[str, bytes, bytes]:
    return word_codec.pack_text(words), word_codec.pack_times(words), word_codec.pack_confidences(words)


def test_words_are_returned_as_stored() -> None:
    words = [
        Word("at", 36_000.0004, 36_000.0006, 0.0),
        Word("once", 36_000.001, 36_000.001, 1.0),
        Word("over", 35_999.9, 36_001.0, 0.99951),  # begins before the one before
        Word("late", 1_000_000.0, 1_100_000.0, 0.12345),  # a pause of days, and a long breath
    ]
    back = word_codec.unpack(*packed(words))
    assert tuple(back) == word_codec.stored(words)
    assert back[0] == Word("at", 36_000.0, 36_000.001, 0.0)
    assert back[3] == Word("late", 1_000_000.0, 1_100_000.0, 0.123)
    assert word_codec.unpack(*packed([])) == []
    for first in range(5):
        for end in range(first, 6):
            assert word_codec.unpack(*packed(words), first, end) == back[first:end]


def test_words_take_few_bytes() -> None:
    """Times of one word take about two bytes where words last whole frames of 20 ms."""
    chance = random.Random(0)
    words, now = [], 0.0
    for _ in range(128):
        now += chance.choice([0, 0, 0, 1, 2, 25]) * 0.02
        end = now + chance.randint(3, 25) * 0.02
        words.append(Word("word", now, end, chance.random()))
        now = end
    _, times, confidences = packed(words)
    assert len(times) < 2.2 * len(words)
    assert len(confidences) == 2 * len(words)
    for position, word in enumerate(words):
        assert word_codec.confidence_at(confidences, position) == round(1000 * word.confidence)


def test_alternatives_are_returned_as_stored() -> None:
    long = "a" * (MAX_LETTERS + 1)
    alternatives_of_words = [
        (),
        (Alternative("then", 0.3333), Alternative("'", 0.0)),
        (Alternative("ünique", 1.0),),
        (),
    ]
    words = [
        Word("the", number / 4, number / 4 + 0.2, 0.9, alternatives_of_word)
        for number, alternatives_of_word in enumerate(alternatives_of_words)
    ]
    words.append(Word(long, 2.0, 3.0, 0.5, (Alternative(long + "b", 0.5), Alternative(long[1:] + "c", 0.25))))
    back = word_codec.unpack(*packed(words), alternatives=word_codec.pack_alternatives(words))
    assert tuple(back) == word_codec.stored(words)
    assert back[1].alternatives == (Alternative("then", 0.332), Alternative("'", 0.0))
    assert back[4].alternatives == ()  # cut, they are the word itself
    assert word_codec.unpack(*packed(words), 1, 3, word_codec.pack_alternatives(words)) == back[1:3]
    assert word_codec.pack_alternatives([Word("the", 0.0, 1.0, 0.9)] * 9) == b""
    for bad in ("", "two words", "nul\0"):
        with pytest.raises(ValueError, match="is not a word"):
            word_codec.pack_alternatives([Word("a", 0.0, 1.0, 1.0, (Alternative(bad, 0.5),))])
    for wrong in (1.1, -0.1, float("nan")):
        with pytest.raises(ValueError, match="probability"):
            word_codec.pack_alternatives([Word("a", 0.0, 1.0, 1.0, (Alternative("b", wrong),))])
    with pytest.raises(ValueError, match="more than"):
        word_codec.pack_alternatives([Word("a", 0.0, 1.0, 1.0, tuple(Alternative(text, 0.1) for text in "bcd"))])


def test_paths_that_are_not_utf8() -> None:
    for raw in (b"/a/b.wav", "/ä/🎧.wav".encode(), b"/\xff\xfe/b.wav", b"/hex:00"):
        path = word_codec.unpack_path(raw.decode("utf-8", "surrogateescape"))
        assert word_codec.unpack_path(word_codec.pack_path(path)) == path
        word_codec.pack_path(path).encode()


def test_selected_alternatives() -> None:
    words = [
        Word("a", 0, 1, 0.5, (Alternative("an", 0.2), Alternative("and", 0.1))),
        Word("b", 1, 2, 0.5),
        Word("c", 2, 3, 0.5, (Alternative("see", 0.3),)),
        Word("d", 3, 4, 0.5, (Alternative("and", 0.4),)),
    ]
    packed = word_codec.pack_alternatives(words)
    alternatives = word_codec.unpack_alternatives(packed)
    assert alternatives == {position: word.alternatives for position, word in enumerate(words) if word.alternatives}
    assert word_codec.unpack_alternatives(packed, 1, 3) == {2: alternatives[2]}
    assert word_codec.unpack_alternatives(packed, wanted=["and", "x"]) == {0: alternatives[0], 3: alternatives[3]}
    assert word_codec.unpack_alternatives(packed, 1, wanted=["an"]) == {3: alternatives[3]}
    assert word_codec.unpack_alternatives(packed, wanted=[]) == word_codec.unpack_alternatives(b"", wanted=["a"]) == {}
