"""The words of an index as text, from which a language model of a library is estimated."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

from audiosearch.types import Seconds, Word
from indexer.index import Index
from indexer.types import IMPORTED, NO_MEDIA, Recording

PAUSE: Seconds = 0.5
"""Between words that are not of one sentence; the recognizer cuts recordings at pauses, too."""

OWN_EXPORT = "json"
"""Kind of imported transcripts that this program has exported."""

SHINGLE = 8
"""Consecutive words that are compared to find copies."""

SAMPLING = 8
"""Of so many sequences of words one is compared, chosen by its content."""

MIN_SHINGLES = 8
"""Sequences from which on transcripts are compared by them; shorter transcripts are copies only if they are equal."""

MIN_SHARED = 0.5
"""Share of the sequences of a transcript that another one holds from which on it is a copy."""


def is_recognized(recording: Recording) -> bool:
    """True if the words are those of our network, or of an export, which may hold them."""
    words_by, is_joined, _ = recording.model.partition("+")
    for prefix in (IMPORTED, NO_MEDIA):
        if words_by.startswith(prefix):
            return words_by.removeprefix(prefix) == OWN_EXPORT
    return not is_joined  # of an engine, with the sound of our network


def sentences(words: Sequence[Word]) -> Iterator[str]:
    """Words of each voice between pauses, joined by spaces."""
    spoken: dict[str | None, list[Word]] = {}
    for word in words:
        sentence = spoken.setdefault(word.voice, [])
        if sentence and word.start - sentence[-1].end > PAUSE:
            yield " ".join(each.text for each in sentence)
            sentence.clear()
        sentence.append(word)
    for sentence in spoken.values():
        yield " ".join(each.text for each in sentence)


class LibraryText:
    """Sentences of each recording with words, without copies.

    Args:
        recognized: with the recordings whose words are those of our network.
    """

    def __init__(self, index: Index, *, recognized: bool = False) -> None:
        self._index = index
        self._recognized = recognized
        self.recognized = 0
        """Number of recordings left out as their words are those of our network."""
        self.copies = 0
        """Number of recordings left out as another one has their words."""

    def __iter__(self) -> Iterator[list[str]]:
        copies = _Copies()
        self.recognized = self.copies = 0
        for recording in self._index.recordings():
            if not self._recognized and is_recognized(recording):
                self.recognized += 1
                continue
            words = self._index.words(recording.id)
            if words and copies.is_new([word.text for word in words]):
                yield list(sentences(words))
            elif words:
                self.copies += 1


class _Copies:
    """Transcripts so far, to recognize further ones with their words: of the same recording in another format."""

    def __init__(self) -> None:
        self._texts: set[int] = set()
        self._transcripts: dict[int, int] = {}  # numbers by hashes of sequences of words

    def is_new(self, words: Sequence[str]) -> bool:
        """False if a transcript before has most of the words; else it is remembered."""
        text = zlib.crc32(" ".join(words).encode())
        hashes = {zlib.crc32(" ".join(words[n : n + SHINGLE]).encode()) for n in range(len(words) - SHINGLE + 1)}
        chosen = [value for value in hashes if value % SAMPLING == 0]
        shared = Counter(self._transcripts[value] for value in chosen if value in self._transcripts)
        is_long = len(chosen) >= MIN_SHINGLES
        if text in self._texts or (is_long and max(shared.values(), default=0) >= MIN_SHARED * len(chosen)):
            return False
        number = len(self._texts)
        self._texts.add(text)
        for value in chosen:
            self._transcripts.setdefault(value, number)
        return True
