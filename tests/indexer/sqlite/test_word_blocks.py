"""Numbers of words, and blocks of words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import apsw
import pytest

import indexer.sqlite.lexicon
import indexer.sqlite.word_blocks
from audiosearch.types import Alternative, Word
from indexer.matching import match
from indexer.sqlite.lexicon import Lexicon, as_alternative, is_alternative, reading, readings
from indexer.sqlite.word_blocks import BLOCK_WORDS, END, WordBlocks
from indexer.types import Term
from indexer.word_codec import stored


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    connection.execute(indexer.sqlite.lexicon.SCHEMA + indexer.sqlite.word_blocks.SCHEMA)
    yield connection
    connection.close()


def test_numbers_take_few_bytes() -> None:
    numbers = [0, 1, 63, 64, 127, 128, 8191, 8192, 10**6, 2**40]
    packed = [reading(number, alternative=bool(number % 3)) for number in numbers]
    assert [len(code) for code in packed] == [1, 1, 1, 2, 2, 2, 2, 3, 3, 6]
    assert readings(b"".join(packed)) == packed
    assert [is_alternative(code) for code in packed] == [bool(number % 3) for number in numbers]
    for number in numbers:
        assert as_alternative(reading(number)) == reading(number, alternative=True)
    assert len({reading(number, alternative=flag) for number in range(20_000) for flag in (False, True)}) == 40_000


def test_blocks_return_the_words_added(connection: apsw.Connection, babble: Callable[..., list[Word]]) -> None:
    """Words, slices and confidences of all readings; the codes of some words end those of others."""
    chance = random.Random(4)
    lexicon = Lexicon(connection)
    lexicon.add(0, [Word(f"w{number}", 0.0, 1.0, 1.0) for number in range(9000)])
    blocks = WordBlocks(connection, lexicon)
    vocabulary = [*(f"w{number}" for number in (0, 1, 64, 65, 128, 129, 8256)), "new", "newer"]
    for number, length in enumerate((0, 1, 2, 3, 4, 5, BLOCK_WORDS, BLOCK_WORDS + 1, 500)):
        words = stored(babble(chance, length, vocabulary, alternatives=True))
        blocks.add(number, words, lexicon.add(number, words))
        assert tuple(blocks.words(number, 0, END)) == words
        for _ in range(20):
            first, end = sorted(chance.choices(range(length + 2), k=2))
            assert tuple(blocks.words(number, first, end)) == words[first:end]
        for position, word in enumerate(words):
            row = (number << 32) + position - position % BLOCK_WORDS
            block = blocks.at([row])[row]
            for text in vocabulary:
                term, prefix = Term(text), Term(text[:2], prefix=True)
                if text in {word.text, *(rival.text for rival in word.alternatives)}:
                    for wanted, alternative in ((term, lexicon.alternative(text)), (prefix, None)):
                        expected = round(1000 * match.best_reading(wanted, word).confidence)
                        assert block.confidence(wanted, position % BLOCK_WORDS, alternative) == expected
        blocks.remove(number - 1)
        assert blocks.words(number - 1, 0, END) == []


def test_counts_and_numbers_after_removal(connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer.sqlite.lexicon, "MIN_COMMON", 3)
    lexicon = Lexicon(connection)
    first = [Word("the", 0.0, 1.0, 1.0, (Alternative("a", 0.1),)), Word("a", 1.0, 2.0, 1.0)]
    numbers = lexicon.add(1, first)
    assert numbers == {"a": 1, "the": 2}  # the commonest first
    assert lexicon.common(9) == frozenset()
    assert lexicon.add(2, first) == numbers
    assert (lexicon.common(2), lexicon.common(3)) == (frozenset(), frozenset({"a"}))
    assert (lexicon.common_since(["a"]), lexicon.common_since(["a", "the"])) == (3, None)
    lexicon.add(3, first)
    assert lexicon.common_since(["a", "the"]) == 4
    for _ in range(3):
        lexicon.remove(first)
    assert lexicon.common_since(["a", "the"]) == 4  # recordings of that time may still be there
    lexicon.add(4, [Word("new", 0.0, 1.0, 1.0)])
    lexicon.remove([Word("new", 0.0, 1.0, 1.0)])
    assert lexicon.alternative("new") is None
    assert lexicon.add(5, [Word("newer", 0.0, 1.0, 1.0)]) == {"newer": 4}  # no number twice
