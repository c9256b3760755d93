"""Corrections of words: spans, times, reverting, and moving to the words of another recognition."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from audiosearch.errors import CorrectionError, WordsChangedError
from audiosearch.types import Alternative, Word
from indexer.correction_codec import pack_corrections, pack_recognized, unpack_corrections, unpack_recognized
from indexer.corrections import CorrectedWords, correction_words
from indexer.word_codec import stored

MakeWords = Callable[..., list[Word]]


def words_of(text: str, *, voice: str | None = None, start: float = 0.0, step: float = 1.0) -> tuple[Word, ...]:
    """Words of half a step each."""
    spans = ((word, start + step * place) for place, word in enumerate(text.split()))
    return tuple(Word(word, first, first + step / 2, 0.5, (), voice) for word, first in spans)


def texts(words: CorrectedWords) -> str:
    return " ".join(word.text for word in words.words)


def times(words: CorrectedWords) -> list[tuple[float, float]]:
    return [(word.start, word.end) for word in words.words]


def corrected(words: CorrectedWords, old: str, new: str) -> CorrectedWords:
    """The words with ``new`` in place of the first occurrence of ``old``."""
    current, sought = texts(words).split(), old.split()
    first = next(at for at in range(len(current)) if current[at : at + len(sought)] == sought)
    return words.corrected(first, sought, new)


FOX = CorrectedWords(words_of("the quick brow fox jumps"))


def test_a_word_is_replaced_by_one_that_is_certain() -> None:
    changed = corrected(FOX, "brow", "Brown")
    assert texts(changed) == "the quick brown fox jumps"
    assert changed.words[2] == Word("brown", 2.0, 2.5, 1.0)
    assert [changed.words[place] for place in (0, 1, 3, 4)] == [FOX.recognized[place] for place in (0, 1, 3, 4)]
    (correction,) = changed.corrections
    assert (correction.first, correction.count, correction.text, correction.recognized) == (2, 1, "brown", "brow")
    assert changed.revised == correction.edited
    assert [entry.correction is correction for entry in changed.entries] == [False, False, True, False, False]


def test_other_numbers_of_words_divide_the_time() -> None:
    several = corrected(FOX, "brow fox", "brown old red fox")
    assert texts(several) == "the quick brown old red fox jumps"
    assert times(several)[2:6] == [(2.0, 2.227), (2.227, 2.364), (2.364, 2.5), (3.0, 3.5)], "the fox keeps its time"
    one = corrected(FOX, "quick brow", "brown")
    assert times(one)[1] == (1.0, 2.5)
    added = corrected(FOX, "brow", "brow n")
    assert times(added)[2:4] == [(2.0, 2.4), (2.4, 2.5)]
    assert texts(corrected(FOX, "quick", "")) == "the brow fox jumps"
    assert texts(corrected(FOX, "the", "to the")) == "to the quick brow fox jumps"
    assert texts(corrected(corrected(FOX, "the", "a"), "jumps", "jumped")) == "a quick brow fox jumped"


def test_a_correction_of_a_correction_keeps_the_recognized_words() -> None:
    first = corrected(FOX, "brow fox", "brown socks")
    wider = corrected(first, "quick brown", "thick brown")
    (correction,) = wider.corrections
    assert texts(wider) == "the thick brown socks jumps"
    assert (correction.number, correction.recognized, correction.text) == (2, "quick brow fox", "thick brown socks")
    part = corrected(first, "socks", "fox")
    assert texts(part) == "the quick brown fox jumps"
    assert part.corrections[0].recognized == "brow fox"
    back = corrected(first, "brown socks", "brow fox")
    assert (back.corrections, back.words, back.revised) == ((), FOX.recognized, None), "as recognized"


def test_deleted_words_within_a_correction_belong_to_it() -> None:
    deleted = corrected(FOX, "brow", "")
    joined = corrected(deleted, "quick fox", "fast cat")
    assert [(each.text, each.recognized) for each in joined.corrections] == [("fast cat", "quick brow fox")]
    assert texts(joined.reverted()) == texts(FOX)


def test_reverting_one_or_all() -> None:
    both = corrected(corrected(FOX, "brow", "brown"), "jumps", "jumped")
    assert [correction.number for correction in both.corrections] == [1, 2]
    assert texts(both.reverted([1])) == "the quick brow fox jumped"
    assert both.reverted() == replace(FOX, given=2)
    assert FOX.reverted() is FOX
    again = corrected(both.reverted([2]), "jumps", "jumping")
    assert [correction.number for correction in again.corrections] == [1, 3], "no number is given twice"
    with pytest.raises(CorrectionError, match="this recording has no correction 2: list them first"):
        again.reverted([2])


def test_other_words_by_now() -> None:
    changed = corrected(FOX, "brow", "brown")
    with pytest.raises(WordsChangedError, match='"brow" are no longer there; the transcript now reads "brown"'):
        changed.corrected(2, ["brow"], "crow")
    for first in (-1, 5, 99):
        with pytest.raises(WordsChangedError):
            FOX.corrected(first, ["jumps"], "x")
    assert FOX.corrected(4, ["jumps"], "Jumps!") is FOX


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("лиса", "л cannot be in a word of the index: use the letters a to z"),
        ("fox 狐", "狐 cannot be in a word"),
        ("!?", "there is no word in \"!\\?\": use the letters a to z or numbers"),
        ("x " * 65, "a correction has at most 64 words, not 65"),
        ("x" * 201, "a word has at most 200 letters"),
    ],
)  # fmt: skip
def test_texts_that_the_index_cannot_hold(text: str, message: str) -> None:
    with pytest.raises(CorrectionError, match=message):
        FOX.corrected(2, ["brow"], text)


def test_texts_are_normalized_like_queries() -> None:
    assert correction_words("Dr. O’Neil’s 25%") == ["doctor", "o'neil's", "twenty", "five", "percent"]
    assert correction_words("  ") == []


def test_too_many_words() -> None:
    many = CorrectedWords(words_of("x " * 99))
    with pytest.raises(CorrectionError, match="replaces 1 to 64 words, not 65"):
        many.corrected(0, ["x"] * 65, "y")
    with pytest.raises(CorrectionError, match="not 0"):
        many.corrected(0, [], "y")


def test_words_of_one_voice_between_those_of_another() -> None:
    left = words_of("one three five", voice="left", step=2.0)
    right = words_of("two four", voice="right", start=1.0, step=2.0)
    both = CorrectedWords(tuple(sorted([*left, *right], key=lambda word: word.start)))
    assert texts(both) == "one two three four five"
    with pytest.raises(CorrectionError, match="of several voices: correct those of one voice at a time"):
        corrected(both, "one two", "x")
    changed = corrected(both, "three", "tree house")
    assert [word.voice for word in changed.words if word.text in ("tree", "house")] == ["left", "left"]
    assert changed.reverted().words == both.words


def test_corrections_move_to_the_words_of_another_recognition() -> None:
    changed = corrected(corrected(FOX, "brow", "brown"), "jumps", "")
    other = [
        *words_of("a quick row", step=1.01),
        Word("foxes", 3.1, 3.6, 0.9),
        Word("jump", 4.1, 4.3, 0.9),
        Word("s", 4.3, 4.45, 0.9),
    ]
    carried = changed.carried(other)
    assert texts(carried) == "a quick brown foxes"
    assert [correction.recognized for correction in carried.placed] == ["row", "jump s"]
    assert carried.words[2] == Word("brown", 2.02, 2.525, 1.0), "at the time of the new word"
    assert carried.revised == changed.revised
    assert changed.carried(FOX.recognized) == changed


def test_corrections_that_fit_no_words_are_set_aside_and_come_back() -> None:
    changed = corrected(corrected(FOX, "brow", "brown"), "quick", "thick")
    other = [Word("the", 0.0, 0.5, 0.9), Word("quickbrow", 1.0, 2.5, 0.9), Word("jumps", 4.0, 4.5, 0.9)]
    carried = changed.carried(other)
    assert texts(carried) == "the quickbrow jumps"
    assert [(correction.text, correction.recognized) for correction in carried.aside] == [
        ("thick", "quick"),
        ("brown", "brow"),
    ]
    assert texts(carried.carried(FOX.recognized)) == "the thick brown fox jumps"
    assert carried.reverted([1]).aside[0].text == "thick"
    assert changed.carried([]).aside


def test_two_corrections_of_one_word_of_another_recognition() -> None:
    """The newer one is in place, the other set aside."""
    changed = corrected(corrected(FOX, "brow", "brown"), "fox", "box")
    shorter = CorrectedWords((Word("brow", 2.0, 2.2, 0.5), Word("fox", 2.2, 2.4, 0.5)))
    both = corrected(corrected(shorter, "brow", "brown"), "fox", "box")
    one = both.carried([Word("browfox", 2.0, 2.4, 0.9)])
    assert texts(one) == "box"
    assert [correction.text for correction in one.aside] == ["brown"]
    assert texts(changed) == "the quick brown box jumps"


def test_merging_the_corrections_of_two_copies() -> None:
    mine, yours = corrected(FOX, "brow", "brown"), corrected(corrected(FOX, "jumps", "jumped"), "brow", "crow")
    merged = mine.merged(yours)
    assert texts(merged) == "the quick crow fox jumped", "the newest is in place"
    assert [correction.text for correction in merged.aside] == ["brown"]
    assert len({correction.number for correction in merged.corrections}) == 3
    assert merged.merged(yours) is merged
    assert merged.revised == yours.revised
    assert texts(yours.merged(mine)) == texts(merged)


@pytest.mark.parametrize("length", [0, 1, 300])
def test_packing(length: int, babble: Callable[..., list[Word]]) -> None:
    words = stored(babble(random.Random(3), length, ["a", "ab", "o'neil"], alternatives=True))
    assert unpack_recognized(pack_recognized(words)) == words
    voiced = tuple(replace(word, voice=("left", "right")[place % 2]) for place, word in enumerate(words))
    assert sorted(unpack_recognized(pack_recognized(voiced)), key=repr) == sorted(voiced, key=repr)
    changed = CorrectedWords(words)
    if length:
        changed = changed.corrected(0, [words[0].text], "zebra")
    assert unpack_corrections(pack_corrections(changed), words) == changed


def test_a_certain_word_has_no_alternatives() -> None:
    word = Word("brow", 0.0, 1.0, 0.5, (Alternative("brown", 0.4),))
    changed = CorrectedWords((word,)).corrected(0, ["brow"], "brown")
    assert changed.words == (Word("brown", 0.0, 1.0, 1.0),)
    assert changed.recognized == (word,)
